#!/usr/bin/env python3
"""A serial M-Bus line through the running server: which rate its meter talks at is found out, the
meter added, read, reset, given another address and another rate; and the adapter, pulled out
while nobody looks, is there again when it is put back."""
import os
import pathlib
import pty
import select
import tempfile
import termios
import threading
import tty

from hypserver import Server, Tap, wait_until

RATES = {termios.B300: 300, termios.B2400: 2400, termios.B9600: 9600}
SERIAL = bytes.fromhex("78563412")
KAM = b"\x2D\x2C"
BAUD_CI = {0xB8: 300, 0xBB: 2400, 0xBD: 9600}
ENDED = ("done", "done_with_errors", "error")


class Meter(threading.Thread):
    """A heat meter with a level converter, on the far end of a terminal pair. It hears only what is
    sent at its own rate. The thread alone uses the terminals; `wake` tells it to plug or pull."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.address, self.baud, self.kwh = path, 3, 2400, 1234
        self.selected, self.resets, self.heard = False, [], bytearray()
        self.ends, self.changed = (), threading.Event()
        self.woken, self.wake = os.pipe()
        self.start()
        self.plug()

    def tell(self, what):
        self.changed.clear()
        os.write(self.wake, what)
        assert self.changed.wait(60)

    def plug(self):
        self.tell(b"+")

    def pull(self):
        """The adapter goes: its device node, and the line itself."""
        self.tell(b"-")

    def change(self):
        if os.read(self.woken, 1) == b"+":
            self.ends = pty.openpty()
            tty.setraw(self.ends[1])
            os.symlink(os.ttyname(self.ends[1]), self.path)
        else:
            os.unlink(self.path)
            for end in self.ends:
                os.close(end)
            self.ends = ()
        self.changed.set()

    def run(self):
        while True:
            ready, _, _ = select.select([self.woken, *self.ends[:1]], [], [])
            if self.woken in ready:
                self.change()
                continue
            master, slave = self.ends
            data = os.read(master, 512)
            if RATES.get(termios.tcgetattr(slave)[5]) == self.baud:
                self.heard += data
                self.take(master)

    def take(self, master):
        while self.heard:
            start = self.heard[0]
            length = {0x10: 5, 0x68: self.heard[1] + 6 if len(self.heard) > 1 else 999}.get(start, 1)
            if len(self.heard) < length:
                return
            frame, self.heard = bytes(self.heard[:length]), self.heard[length:]
            answer = self.answer(frame)
            if answer:
                os.write(master, answer)

    def is_meant(self, address):
        return address in (self.address, 254) or (address == 253 and self.selected)

    def answer(self, frame):
        if frame[0] == 0x10:
            control, address = frame[1], frame[2]
            if control == 0x40:
                return b"\xE5" if self.is_meant(address) else None
            return self.telegram() if control & 0x4F == 0x4B and self.is_meant(address) else None
        if frame[0] == 0x68 and frame[5] == 253 and frame[6] == 0x52:
            self.selected = self.is_wanted(frame[7:15])
            return b"\xE5" if self.selected else None
        if frame[0] != 0x68 or not self.is_meant(frame[5]):
            return None
        return self.command(frame[6], frame[7:-2])

    @staticmethod
    def is_wanted(selection):
        """Digits F and bytes FF stand for any."""
        digits = zip(selection[:4].hex().upper(), SERIAL.hex().upper())
        rest = zip(selection[4:], KAM + b"\x35\x04")
        return all(a in ("F", b) for a, b in digits) and all(a in (0xFF, b) for a, b in rest)

    def command(self, ci, data):
        if ci == 0x50:
            self.resets.append(data)
        elif ci == 0x51 and data[:2] == b"\x01\x7A":
            self.address = data[2]
        elif ci in BAUD_CI:
            self.baud = BAUD_CI[ci]
        return b"\xE5"

    def telegram(self):
        records = b"\x04\x06" + self.kwh.to_bytes(4, "little")
        body = bytes([0x08, self.address, 0x72]) + SERIAL + KAM + bytes([0x35, 0x04, 1, 0, 0, 0]) + records
        return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])


def finish(server, reply, seconds=300):
    assert reply.status == 202, reply.body
    job = reply.json["jobs"][0] if "jobs" in reply.json else reply.json

    def ended():
        answer = server.get_patiently(f"/jobs/{job['id']}").json
        return answer if answer["state"] in ENDED else None
    return wait_until(ended, seconds, f"job {job['id']}")


def search(tap, server, line):
    reply = server.post(f"/lines/{line['id']}/scan", {"mode": "primary", "first": 2, "last": 4, "bauds": [300, 2400, 9600]})
    job = finish(server, reply)
    found = [(m["serial"], m["primary_address"], m["baud"], m["known"]) for m in job["results"]]
    tap.ok(job["state"] == "done" and found == [("12345678", 3, 2400, False)], "the meter is found at its rate only", job)
    tap.ok(job["done"] == job["total"] == 9, "three addresses at three rates", job)
    return job["results"][0]


def adopt(tap, server, line, found):
    reply = server.post("/devices", {
        "name": "cellar", "line": line["id"], "serial": found["serial"], "manufacturer": found["manufacturer"],
        "version": found["version"], "medium": found["medium"], "profile": found["profile"],
        "primary_address": found["primary_address"], "baud": found["baud"], "secondary": False, "schedule": "none"})
    tap.ok(reply.status == 201, "it is added as it was found", reply.body)
    return reply.json


def read(tap, server, meter, device, kwh, name):
    meter.kwh = kwh
    job = finish(server, server.post("/read", {"devices": [device["id"]]}))
    latest = server.get_patiently(f"/devices/{device['id']}/readings?limit=1").json["items"]
    texts = [value["text"] for value in latest[0]["values"]] if latest else []
    tap.ok(job["state"] == "done" and str(kwh) in texts, name, (job, texts))


def order(tap, server, device, what, name, **body):
    job = finish(server, server.post(f"/devices/{device['id']}/{what}", body))
    tap.ok(job["state"] == "done", name, job)


def follows(server, device, name, value):
    """The device is changed after its command has ended."""
    wait_until(lambda: server.get(f"/devices/{device['id']}").json[name] == value, 60, "the device to follow")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="hyp-serial-") as folder, Server("--rate-limit", "0") as server:
        meter = Meter(str(pathlib.Path(folder) / "adapter"))
        line = server.post("/lines", {"name": "bus", "kind": "mbus-serial", "path": meter.path, "baud": 9600, "parity": "N",
                                      "timeout_ms": 1500, "retries": 1}).json
        device = adopt(tap, server, line, search(tap, server, line))
        read(tap, server, meter, device, 1234, "it is read at a rate that is not the line's")
        order(tap, server, device, "reset", "an application reset is acknowledged", subcode=16)
        tap.ok(meter.resets == [b"\x10"], "and has its subcode", meter.resets)
        order(tap, server, device, "address", "it takes another address", address=77)
        follows(server, device, "primary_address", 77)
        read(tap, server, meter, device, 1235, "and is read there")
        order(tap, server, device, "baud", "it takes another rate", baud=9600)
        tap.ok(meter.baud == 9600, "which it has", meter.baud)
        follows(server, device, "baud", 9600)
        read(tap, server, meter, device, 1236, "and is read at it")
        meter.pull()
        job = finish(server, server.post("/read", {"devices": [device["id"]]}))
        tap.ok(job["state"] == "error" and meter.path in job["text"], "without the adapter a read fails and names it", job)
        meter.plug()

        def reads_again():
            again = finish(server, server.post("/read", {"devices": [device["id"]]}))
            return again["state"] == "done"
        wait_until(reads_again, 120, "the adapter to be used again")
        read(tap, server, meter, device, 1237, "put back, it is read as before")
    return tap.end()


if __name__ == "__main__":
    raise SystemExit(main())
