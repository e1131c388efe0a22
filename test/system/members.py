#!/usr/bin/env python3
"""Several servers on one PostgreSQL: any of them may be killed, nothing is doubled or lost.

Three servers get readings, every third batch two of them. Each is killed under load (kill -9) in
turn and started again. At the end every acknowledged reading is there once, and all servers say
the same, also after one was stopped for longer than its leases last. A line is open in one server at a
time, and opened by another one when that one is killed; changes of plant and people made at one are known to the others. A search and
a command on a line of another server are refused with that one's name (reading now is not: passed_orders.py).
"""
import os
import random
import re
import shutil
import signal
import socket
import sys
import threading
import pathlib

from hypserver import LOGIN, Server, Tap, wait_until
from load import BATCH, Load, check, stored_readings
from telegrams import METER, intake_line, time_of

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import with_postgres  # noqa: E402

ROUNDS = int(os.environ.get("HYP_KILLS", "9"))
NAMES = ("north", "south", "west")


class Concentrator:
    """Takes connections and counts how many are open at a time."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.open = self.most = self.all = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def count(self, change):
        with self.lock:
            self.open += change
            self.most = max(self.most, self.open)
            self.all += change > 0

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.count(1)
            threading.Thread(target=self.hold, args=(peer,), daemon=True).start()

    def hold(self, peer):
        try:
            while peer.recv(1000):
                pass
        except OSError:
            pass
        self.count(-1)
        peer.close()


def start_again(server):
    server.start()
    server.sign_in()


def kill_in_turn(servers, load, rng):
    for number in range(ROUNDS):
        target = len(load.acknowledged) + BATCH * rng.randrange(1, 12)
        wait_until(lambda goal=target: len(load.acknowledged) >= goal, 180, "acknowledged readings")
        victim = servers[number % len(servers)]
        victim.kill()
        start_again(victim)
    target = len(load.acknowledged) + 10 * BATCH
    wait_until(lambda: len(load.acknowledged) >= target, 180, "intake after the last kill")


def latest(server, device):
    return server.get_patiently(f"/devices/{device}/latest").json


def intake(tap, servers, device, load):
    rng = random.Random(5)

    def targets(batch):
        return [servers[batch % 3], servers[(batch + 1) % 3]] if batch % 3 == 0 else [servers[batch % 3]]

    load.start(targets)
    try:
        kill_in_turn(servers, load, rng)
    finally:
        load.stop()
    print(f"# {ROUNDS} kills, {len(load.acknowledged)} acknowledged, {load.refused} refusals", flush=True)
    # All that was committed is shown by all within a moment.
    try:
        wait_until(lambda: len({len(stored_readings(server, device)[0]) for server in servers}) == 1, 60, "equal answers")
    except AssertionError as fault:
        said = "\n".join(f"{name}: {len(stored_readings(server, device)[0])}\n" + "".join(server.lines[-12:])
                         for server, name in zip(servers, NAMES))
        raise AssertionError(f"{fault}; they said last:\n{said}") from fault
    found = [check(tap, server, device, load, name) for server, name in zip(servers, NAMES)]
    tap.ok(found[0] == found[1] == found[2], "all servers have the same readings")
    shown = [latest(server, device) for server in servers]
    tap.ok(shown[0] and shown[0] == shown[1] == shown[2], "all servers show the same latest values", str(shown))


def cares(server):
    """Is the last that it said of the care that it has it?"""
    said = [line for line in server.lines if "member.care_" in line]
    return bool(said) and "care_taken" in said[-1]


def wait_for_one(servers):
    """One whose session was lost may believe for a moment that it has still what another has taken."""
    wait_until(lambda: sum(cares(server) for server in servers) == 1, 60, "one member that takes care")
    return next(server for server in servers if cares(server))


def jobs(tap, servers):
    holder = wait_for_one(servers)
    tap.ok(True, "one server has the care")

    def told():
        said = [server.get_patiently("/overview").json["store"]["member"] for server in servers]
        return [one["name"] for one in said] == list(NAMES) and sum(one["care"] for one in said) == 1

    wait_until(told, 60, "all to say who they are, and one that it has the care")
    tap.ok(True, "and says so")
    holder.kill()
    others = [server for server in servers if server is not holder]
    wait_until(lambda: any(cares(server) for server in others), 60, "another member that takes care")
    tap.ok(True, "when it is killed another one takes it")
    start_again(holder)
    tap.ok(not cares(holder), "and keeps it")


def stopped(tap, servers, device, load):
    """The member with the care is stopped, as a machine that is suspended, for longer than its leases last."""
    holder = wait_for_one(servers)
    others = [server for server in servers if server is not holder]
    first = load.next
    holder.process.send_signal(signal.SIGSTOP)
    try:
        wait_until(lambda: any(cares(server) for server in others), 120, "another member that takes care")
        for number in range(first, first + 20):
            wait_until(lambda n=number: load.post(others[n % 2], intake_line(n), 1), 120, "intake at the others")
    finally:
        holder.process.send_signal(signal.SIGCONT)
    tap.ok(wait_for_one(servers) is not holder, "when it is stopped for long another one takes it and keeps it")
    wait_until(lambda: all(time_of(first + 19) in stored_readings(server, device)[0] for server in servers), 60, "the readings")
    found = [stored_readings(server, device) for server in servers]
    tap.ok(found[0] == found[1] == found[2] and found[0][1] == 0, "and it knows afterwards what came meanwhile, once")


def lines(tap, servers):
    concentrator = Concentrator()
    reply = servers[0].post("/lines", {"name": "radio", "kind": "wmbus-tcp", "host": "127.0.0.1",
                                       "port": concentrator.port})
    tap.ok(reply.status == 201, "a line is added at one server", reply.body)
    wait_until(lambda: concentrator.open == 1, 60, "the line to be opened")
    names = [server.get("/lines").json for server in servers]
    wait_until(lambda: all("radio" in str(server.get("/lines").json) for server in servers), 60, "the line everywhere")
    tap.ok(True, "the others know it", str(names))

    def has_line(server):
        said = [line for line in server.lines if re.search(r"member\.line_(taken|lost)", line)]
        return bool(said) and "line_taken" in said[-1]

    for _ in range(3):
        holder = wait_until(lambda: next((server for server in servers if has_line(server)), None), 60, "a holder")
        before = concentrator.all
        holder.kill()
        wait_until(lambda goal=before: concentrator.all > goal and concentrator.open == 1, 60, "another one to open it")
        start_again(holder)
    tap.ok(concentrator.most == 1, "it was open in one server at a time", str(concentrator.most))


def has_opened(server, line):
    said = re.findall(rf"member\.line_(taken|lost) .*\bline={line}\b", "".join(server.lines))
    return bool(said) and said[-1] == "taken"


def ask(server, device, line):
    """What is asked only where the line is open; a command last, because it waits behind the others."""
    return [server.post(f"/lines/{line}/scan", {"mode": "primary", "first": 1, "last": 1}),
            server.post(f"/devices/{device}/reset", {"subcode": None})]


def asked_there(servers, device, line):
    """Does the server that has the line do what is asked, and do the others name it? The holder, when so."""
    name, holder = next(((name, server) for name, server in zip(NAMES, servers) if has_opened(server, line)), (None, None))
    if holder is None:
        return None
    refused = [reply for server in servers if server is not holder for reply in ask(server, device, line)]
    if any(reply.status != 409 or f'"{name}"' not in reply.json["detail"] for reply in refused):
        return None
    return holder if all(reply.status == 202 for reply in ask(holder, device, line)) else None


def asking(tap, servers):
    """A line is asked on at the server that has it; the others say which one that is."""
    concentrator = Concentrator()
    line = servers[0].post("/lines", {"name": "bus", "kind": "mbus-tcp", "host": "127.0.0.1", "port": concentrator.port}).json["id"]
    device = servers[0].post("/devices", {**METER, "serial": "11223344", "name": "wired", "line": line, "primary_address": 1}).json["id"]
    wait_until(lambda: all(server.get(f"/devices/{device}").status == 200 for server in servers), 60, "the device")
    holder = wait_until(lambda: asked_there(servers, device, line), 120, "the others to name the server with the line")
    named = {entry["member"] for server in servers
             for entry in (server.get(f"/lines/{line}").json, *server.get("/lines").json["items"]) if entry["id"] == line}
    tap.ok(named == {NAMES[servers.index(holder)]}, "and in the list of lines all name it", str(named))
    tap.ok(True, "what is asked on a line of another server is refused with its name")
    holder.kill()
    start_again(holder)
    wait_until(lambda: asked_there(servers, device, line), 120, "the server that has the line now")
    tap.ok(True, "and with the name of the next one when that was killed")


def plant_and_people(tap, servers):
    changed = {**METER, "serial": "87654321", "name": "garden"}
    device = servers[1].post("/devices", changed).json["id"]
    wait_until(lambda: all(server.get(f"/devices/{device}").status == 200 for server in servers), 60, "the device")
    tap.ok(True, "a device that is added at one is known to all")
    servers[2].request("DELETE", f"/devices/{device}")
    wait_until(lambda: all(server.get(f"/devices/{device}").status == 404 for server in servers), 60, "its end")
    tap.ok(True, "and one that is removed to none")
    cookie = {"Cookie": servers[0].cookie}
    tap.ok(servers[1].get("/devices", headers=cookie).status == 200, "a session of one is good at another")
    servers[0].request("DELETE", "/session")
    wait_until(lambda: servers[1].get("/devices", headers=cookie).status == 401, 60, "the end of the session")
    tap.ok(True, "and over where it is over at one")
    servers[0].sign_in(LOGIN)


def set_up_once(tap, server, other):
    """Both have printed a link for the first administrator; one of them is used."""
    server.first_run()
    late = other.post("/setup", {**LOGIN, "login": "late", "token": other.setup_token, "name": "Too Late", "language": "en",
                                 "time_zone": "Europe/Copenhagen"})
    tap.ok(late.status == 409, "the set-up link of one ends with that of the other", late.body)
    tap.ok(other.get("/status").json["first_run"] is False, "and the other knows that it is set up")
    (other.folder / ".was-set-up").touch()
    other.sign_in()


def run(tap, postgres, folder):
    folders = [folder / name for name in NAMES]
    for one in folders:
        one.mkdir()
    servers = [Server("--database", postgres.url, "--rate-limit", "0", "--member", name, folder=one)
               for name, one in zip(NAMES, folders)]
    try:
        servers[0].start()
        for server in servers[1:]:
            shutil.copy(folders[0] / "secret.key", server.folder)
        servers[1].start()
        set_up_once(tap, servers[0], servers[1])
        (servers[2].folder / ".was-set-up").touch()
        start_again(servers[2])
        device = servers[0].post("/devices", METER).json["id"]
        wait_until(lambda: all(server.get(f"/devices/{device}").status == 200 for server in servers), 60, "the device")
        token = servers[0].post("/tokens", {"name": "load", "role": "admin", "expires": None}).json["token"]
        load = Load({"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})
        intake(tap, servers, device, load)
        tap.case("jobs", jobs, tap, servers)
        tap.case("stopped", stopped, tap, servers, device, load)
        tap.case("lines", lines, tap, servers)
        tap.case("asking", asking, tap, servers)
        tap.case("plant and people", plant_and_people, tap, servers)
        for server in servers:
            tap.ok(server.stop() == 0, "a clean end", "".join(server.lines[-5:]))
        start_again(servers[2])
        check(tap, servers[2], device, load, "started anew")
    finally:
        for server in servers:
            server.stop()


def main():
    return with_postgres.run_beside(Tap(), "several servers on one database", run)


if __name__ == "__main__":
    sys.exit(main())
