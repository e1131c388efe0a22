"""What radio receivers say of a telegram, written anew after their descriptions, a serial port to
say it on, and a broker to publish it to."""
import os
import pathlib
import pty
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import tty

from hypserver import wait_until

BROKER = "/usr/sbin/mosquitto"


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


class Port:
    """A line of kind wmbus-serial with a terminal pair in place of the cable."""

    def __init__(self, server, name, receiver):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        made = server.post("/lines", {"name": name, "kind": "wmbus-serial", "receiver": receiver,
                                      "path": os.ttyname(self.slave)})
        assert made.status == 201, made.body
        self.line = made.json
        self.wait(server)

    def wait(self, server):
        wait_until(lambda: server.get_patiently(f"/lines/{self.line['id']}").json["state"]["link"] == "connected")

    def write(self, data):
        os.write(self.master, data)

    def close(self):
        os.close(self.master)
        os.close(self.slave)


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
