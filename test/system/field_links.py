#!/usr/bin/env python3
"""Links to the field, seen from the API: radio receivers on serial ports, and a broker whose
messages survive a server that is killed.

Needs /usr/sbin/mosquitto for the second part and says so when it is not there.
"""
import os
import pathlib
import pty
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import tty

from hypserver import Server, Tap, wait_until
from telegrams import METER, telegram

BROKER = "/usr/sbin/mosquitto"
ROUNDS = 8
PER_ROUND = 20


# --- receivers on serial ports ---


def x25(data):
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0x8408 if crc & 1 else crc >> 1
    return ~crc & 0xFFFF


def en13757_crc(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = ((crc << 1) ^ 0x3D65 if crc & 0x8000 else crc << 1) & 0xFFFF
    return struct.pack(">H", ~crc & 0xFFFF)


def im871a(message):
    body = bytes([0xC2, 0x03, message[0]]) + message[1:] + bytes([105])
    return b"\xA5" + body + struct.pack("<H", x25(body))


def amb8465(message):
    frame = bytes([0xFF, 0x03, message[0] + 1]) + message[1:] + bytes([0xE0])
    check = 0
    for byte in frame:
        check ^= byte
    return frame + bytes([check])


def cul(message):
    return b"b" + format_a(message).hex().upper().encode() + b"40E0\r\n"


def rtl_wmbus(message):
    return b"T1;1;1;2026-01-01 00:00:00.000;117;102;12345678;0x" + message.hex().encode() + b"\n"


def iu891a(message):
    body = b"\x09\x20\xC0\xDB\x00\x00\x03\x00\x00" + struct.pack("b", -77) + message
    body += struct.pack("<H", x25(body))
    return b"\xC0" + body.replace(b"\xDB", b"\xDB\xDD").replace(b"\xC0", b"\xDB\xDC") + b"\xC0"


def embit(message):
    body = b"\x80\x07" + struct.pack("b", -81) + message
    body = struct.pack(">HB", 4 + len(body), 0xE0) + body
    return body + bytes([sum(body) & 0xFF])


def format_a(message):
    blocks = [message[:10]] + [message[at:at + 16] for at in range(10, len(message), 16)]
    return b"".join(block + en13757_crc(block) for block in blocks)


THREE_OF_SIX = (0x16, 0x0D, 0x0E, 0x0B, 0x1C, 0x19, 0x1A, 0x13, 0x2C, 0x25, 0x26, 0x23, 0x34, 0x31, 0x32, 0x29)


def chips(message):
    bits = "01" * 19 + "0000111101" + "".join(
        f"{THREE_OF_SIX[byte >> 4]:06b}{THREE_OF_SIX[byte & 15]:06b}" for byte in format_a(message)) + "1100"
    bits += "0" * (-len(bits) % 8)
    return f"codes : {{{len(bits)}}}{int(bits, 2):0{len(bits) // 4}x}\n".encode()


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
    master, slave = pty.openpty()
    tty.setraw(slave)
    made = server.post("/lines", {"name": f"port {litres}", "kind": "wmbus-serial", "receiver": receiver,
                                  "path": os.ttyname(slave)})
    assert made.status == 201, made.body
    line = made.json
    assert line["receiver"] == receiver and line["baud"] > 0 and line["parity"] == "N", line
    wait_until(lambda: server.get_patiently(f"/lines/{line['id']}").json["state"]["link"] == "connected")
    os.write(master, b"\x00\xFF" if receiver not in ("auto", "chips") else b"\n")
    os.write(master, say(telegram(litres)))
    wait_until(lambda: f"{litres / 1000:.3f}" in volumes(server, device), 60, "the reading")
    frames = server.get_patiently(f"/devices/{device}/frames").json["items"]
    assert frames[0]["signal_dbm"] == signal_dbm, frames[0]
    os.close(master)
    os.close(slave)


def receivers(tap):
    with Server() as server:
        device = server.post("/devices", METER).json["id"]
        for number, row in enumerate(RECEIVERS, start=1):
            tap.case(f"{row[0]} on a serial port becomes readings ({number})", hear, server, device, row,
                     1000 + number)
        wrong = server.post("/lines", {"name": "x", "kind": "wmbus-serial", "receiver": "im872a", "path": "/dev/x"})
        tap.ok(wrong.status == 422 and "receiver" in wrong.body.decode(), "an unknown receiver is refused", wrong.body)


# --- a broker and a server that is killed ---


class Broker:
    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="hyp-broker-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        (self.folder / "mosquitto.conf").write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        self.process = subprocess.Popen([BROKER, "-c", str(self.folder / "mosquitto.conf")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, 30, "the broker")
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
            return True
        except OSError:
            return False

    def publish(self, payloads):
        """MQTT 3.1.1 by hand: CONNECT, PUBLISH with quality of service 1, wait for every PUBACK."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as link:
            link.sendall(bytes([0x10, 16]) + b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x04test")
            self.read(link, 4)
            for number, payload in enumerate(payloads, start=1):
                content = b"\x00\x06town/1" + struct.pack(">H", number) + payload
                assert len(content) < 128
                link.sendall(bytes([0x32, len(content)]) + content)
            self.read(link, 4 * len(payloads))

    @staticmethod
    def read(link, count):
        while count > 0:
            got = link.recv(count)
            assert got, "the broker hung up"
            count -= len(got)


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
