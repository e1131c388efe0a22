#!/usr/bin/env python3
"""Acknowledged means committed: the server is killed 100 times under load and nothing is missing.

Senders post readings; every 200 is written down. After the last kill each acknowledged reading
must be there once, with its value.
"""
import os
import random
import sys
import threading

from hypserver import Server, Tap
from load import stored_readings
from telegrams import METER, intake_line, time_of

KILLS = int(os.environ.get("HYP_KILLS", "100"))
BATCH = 5


class Load:
    def __init__(self, server):
        self.server = server
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = set()
        self.sent = 0
        self.running = threading.Event()

    def take(self):
        with self.lock:
            first = self.next
            self.next += BATCH
            return range(first, first + BATCH)

    def send_until_cut(self):
        while self.running.is_set():
            numbers = self.take()
            body = "".join(intake_line(number) for number in numbers)
            try:
                reply = self.server.post("/intake", body, raw=True, headers=self.headers)
            except OSError:
                return  # the kill: not acknowledged
            except Exception as fault:  # http.client has several names for a cut connection
                if "HTTP" in type(fault).__mro__[1].__name__ or "HTTP" in type(fault).__name__:
                    return
                raise
            if reply.status == 200 and reply.json["readings"] == BATCH:
                with self.lock:
                    self.acknowledged.update(numbers)


def one_round(server, load, rng):
    load.running.set()
    senders = [threading.Thread(target=load.send_until_cut) for _ in range(3)]
    for sender in senders:
        sender.start()
    # Any instant between the first request and some dozens later.
    target = len(load.acknowledged) + BATCH * rng.randrange(1, 12)
    while len(load.acknowledged) < target and any(sender.is_alive() for sender in senders):
        senders[0].join(0.002)
    server.kill()
    load.running.clear()
    for sender in senders:
        sender.join()


def main():
    tap = Tap()
    rng = random.Random(7)
    with Server() as server:
        device = server.post("/devices", METER).json["id"]
        token = server.post("/tokens", {"name": "load", "role": "admin", "expires": None}).json["token"]
        load = Load(server)
        load.headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/plain"}
        for round_number in range(KILLS):
            if round_number > 0:
                server.start()
            one_round(server, load, rng)
        server.start()
        server.sign_in()
        found, doubled = stored_readings(server, device)
        missing = [number for number in load.acknowledged if time_of(number) not in found]
        wrong = [number for number in load.acknowledged
                 if time_of(number) in found and f"{number // 1000}.{number % 1000:03d}" not in found[time_of(number)]]
        print(f"# {KILLS} kills, {len(load.acknowledged)} readings acknowledged, {len(found)} stored", flush=True)
        tap.ok(len(load.acknowledged) >= KILLS * BATCH, "readings were acknowledged before every kill")
        tap.ok(not missing, "every acknowledged reading is stored", f"missing: {missing[:20]}")
        tap.ok(not wrong, "with its value", f"wrong: {[(n, found[time_of(n)]) for n in wrong[:5]]}")
        tap.ok(doubled == 0, "none is there twice", str(doubled))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
