#!/usr/bin/env python3
"""Links to the field, seen from the API: radio receivers on serial ports, and a broker whose
messages survive a server that is killed.

Needs /usr/sbin/mosquitto for the second part and says so when it is not there.
"""
import os
import sys

from hypserver import Server, Tap, wait_until
from radio import BROKER, Broker, Port, amb8465, chips, cul, embit, im871a, iu891a, rtl_wmbus
from telegrams import METER, telegram

ROUNDS = 8
PER_ROUND = 20


# --- receivers on serial ports ---


# receiver, what it says of a telegram, signal strength as shown
RECEIVERS = [
    ("im871a", im871a, -70),
    ("amb8465-rssi", amb8465, -90),
    ("cul-t", cul, -90),
    ("rc1180-rssi", lambda message: message + bytes([140]), -70),
    ("iu891a", iu891a, -77),
    ("embit", embit, -81),
    ("chips", chips, None),
    ("auto", bytes, None),
    ("auto", rtl_wmbus, None),
]


def volumes(server, device):
    page = server.get_patiently(f"/devices/{device}/readings?limit=1000").json
    return [value["text"] for reading in page["items"] for value in reading["values"]]


def hear(server, device, row, litres):
    receiver, say, signal_dbm = row
    port = Port(server, f"port {litres}", receiver)
    line = port.line
    assert line["receiver"] == receiver and line["baud"] > 0 and line["parity"] == "N", line
    port.write(b"\x00\xFF" if receiver not in ("auto", "chips") else b"\n")
    port.write(say(telegram(litres)))
    wait_until(lambda: f"{litres / 1000:.3f}" in volumes(server, device), 60, "the reading")
    frames = server.get_patiently(f"/devices/{device}/frames").json["items"]
    assert frames[0]["signal_dbm"] == signal_dbm, frames[0]
    port.close()


def receivers(tap):
    with Server() as server:
        device = server.post("/devices", METER).json["id"]
        for number, row in enumerate(RECEIVERS, start=1):
            tap.case(f"{row[0]} on a serial port becomes readings ({number})", hear, server, device, row,
                     1000 + number)
        wrong = server.post("/lines", {"name": "x", "kind": "wmbus-serial", "receiver": "im872a", "path": "/dev/x"})
        tap.ok(wrong.status == 422 and "receiver" in wrong.body.decode(), "an unknown receiver is refused", wrong.body)


# --- a broker and a server that is killed ---


def meter(number):
    """A telegram of meter `number` of its own."""
    message = bytearray(telegram(number))
    message[4:8] = bytes.fromhex(f"{number:08d}")[::-1]
    return bytes(message)


def kills(tap):
    if not os.access(BROKER, os.X_OK):
        tap.skip("a killed server loses and doubles no message", f"{BROKER} is not installed")
        return
    count = ROUNDS * PER_ROUND
    with Broker() as broker, Server("--rate-limit", "0") as server:
        devices = []
        for number in range(1, count + 1):
            made = server.post("/devices", {**METER, "name": f"meter {number}", "serial": f"{number:08d}"})
            devices.append(made.json["id"])
        line = server.post("/lines", {"name": "broker", "kind": "wmbus-mqtt", "host": "localhost",
                                      "port": broker.port, "topic": "town/#"}).json

        def state():
            return server.get(f"/lines/{line['id']}").json["state"]

        wait_until(lambda: state()["link"] == "connected", 30, "the subscription")
        for first in range(1, count + 1, PER_ROUND):
            broker.publish([meter(number) for number in range(first, first + PER_ROUND)])
            wait_until(lambda: state()["bytes_in"] > 0, 60, "the first message")
            server.kill()  # somewhere between receiving, committing and acknowledging
            server.start()
        totals = {}

        def complete():
            for device in devices:
                if totals.get(device, 0) == 0:
                    totals[device] = server.get(f"/devices/{device}/readings?limit=1").json["total"]
            return all(totals.values())

        try:
            wait_until(complete, 120, "a reading of every meter")
        except AssertionError:
            pass  # told below
        totals = {device: server.get(f"/devices/{device}/readings?limit=1").json["total"] for device in devices}
        lost = [device for device, total in totals.items() if total == 0]
        doubled = [device for device, total in totals.items() if total > 1]
        print(f"# {ROUNDS} kills, {count} messages", flush=True)
        tap.ok(not lost, "no message is lost", lost)
        tap.ok(not doubled, "no message is stored twice", doubled)


def main():
    tap = Tap()
    receivers(tap)
    tap.case("a broker and a server that is killed", kills, tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
