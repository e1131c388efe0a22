#!/usr/bin/env python3
"""Acknowledged means committed: the server is killed 100 times under load and nothing is missing.

Senders post readings, again when the answer was cut off; every 200 is written down. After the last
kill each acknowledged reading must be there once, with its value.
"""
import os
import random
import sys

from hypserver import Server, Tap, wait_until
from load import BATCH, Load, check
from telegrams import METER

KILLS = int(os.environ.get("HYP_KILLS", "100"))


def kill_again_and_again(server, load, rng):
    for _ in range(KILLS):
        # Any instant between the first answer and some dozens later.
        target = len(load.acknowledged) + BATCH * rng.randrange(1, 12)
        wait_until(lambda goal=target: len(load.acknowledged) >= goal, 120, "acknowledged readings")
        server.kill()
        server.start()


def main():
    tap = Tap()
    with Server("--rate-limit", "0") as server:
        device = server.post("/devices", METER).json["id"]
        token = server.post("/tokens", {"name": "load", "role": "admin", "expires": None}).json["token"]
        load = Load({"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})
        load.start(lambda _: [server])
        try:
            kill_again_and_again(server, load, random.Random(7))
        finally:
            load.stop()
        server.sign_in()
        print(f"# {KILLS} kills, {len(load.acknowledged)} acknowledged, {load.refused} refusals", flush=True)
        check(tap, server, device, load, f"after {KILLS} kills")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
