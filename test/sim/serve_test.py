#!/usr/bin/env python3
"""Runs hypocaust-sim on sockets and talks to it as others would; prints TAP.

Usage: serve_test.py PATH-TO-hypocaust-sim. mbpoll and mosquitto are used where installed.
"""
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

SIM = sys.argv[1]
PATIENCE = 60  # seconds until a test gives up; none waits that long when all is well
START = "2026-01-15T07:10:00Z"


class Sim:
    """A running simulator; `lines` maps names to (host, port)."""

    def __init__(self, *arguments):
        self.child = subprocess.Popen([SIM, "serve", "--start", START, "--latency-ms", "0", *arguments],
                                      stdout=subprocess.PIPE, text=True)
        self.lines = {}

    def __enter__(self):
        # The last line is told last; all ports are open by then.
        while "radio-mqtt" not in self.lines:
            words = dict(word.split("=", 1) for word in self.child.stdout.readline().split()[1:])
            self.lines[words["name"]] = (words["host"], int(words["port"]))
        return self

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGTERM)
        rest = self.child.stdout.read()
        self.code = self.child.wait(PATIENCE)
        self.child.stdout.close()
        assert self.code == 0, f"ended with {self.code}: {rest}"

    def connect(self, name):
        return connect(self.lines[name])


def connect(address):
    link = socket.create_connection(address, PATIENCE)
    link.settimeout(PATIENCE)
    return link


def take(link, count):
    data = b""
    while len(data) < count:
        part = link.recv(count - len(data))
        assert part, f"closed after {data.hex()}"
        data += part
    return data


def is_closed(link):
    try:
        return link.recv(1) == b""
    except ConnectionResetError:
        return True


def short(control, address):
    return bytes([0x10, control, address, (control + address) & 0xFF, 0x16])


def take_frame(link):
    head = take(link, 4)
    assert head[0] == head[3] == 0x68 and head[1] == head[2], head.hex()
    body = take(link, head[1] + 2)
    assert sum(body[:-2]) & 0xFF == body[-2] and body[-1] == 0x16
    return body[:-2]


def modbus(link, unit, pdu, transaction=7):
    link.sendall(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)
    return take_modbus(link, unit, transaction)


def take_modbus(link, unit, transaction=7):
    got, protocol, length, from_unit = struct.unpack(">HHHB", take(link, 7))
    assert (got, protocol, from_unit) == (transaction, 0, unit)
    return take(link, length - 1)


IDENTITY = bytes([3, 0x08, 0x0B, 0, 4])


def test_mbus_reads_all_primary_addresses():
    manifest = json.loads(subprocess.run([SIM, "manifest", "--faults", "none", "--start", START],
                                         check=True, capture_output=True).stdout)
    meters = {d["primary_address"]: d["id"] for d in manifest["devices"]
              if d["line"] == "mbus-north" and not d["secondary"]}
    assert len(meters) == 44
    with Sim("--faults", "none") as sim, sim.connect("mbus-north") as link:
        for address, serial in meters.items():
            link.sendall(short(0x40, address))
            assert take(link, 1) == b"\xE5"
            link.sendall(short(0x7B, address))
            body = take_frame(link)
            assert body[:3] == bytes([0x08, address, 0x72])
            assert body[6:2:-1].hex().upper() == serial


def test_mbus_pages_turn_with_the_bit():
    with Sim("--faults", "none") as sim, sim.connect("mbus-south") as link:
        link.sendall(short(0x40, 1))
        assert take(link, 1) == b"\xE5"
        control, pages = 0x7B, []
        while not pages or pages[-1][-1] == 0x1F:
            link.sendall(short(control, 1))
            pages.append(take_frame(link))
            control ^= 0x20
        assert len(pages) == 2 and len({bytes(p) for p in pages}) == 2


def test_mbus_requests_may_be_cut_anywhere():
    with Sim("--faults", "none") as sim, sim.connect("mbus-north") as link, sim.connect("ecl-1") as other:
        for cut in range(1, 5):
            link.sendall(short(0x40, 1)[:cut])
            # Once this is answered the loop has seen the first part too.
            assert modbus(other, 1, IDENTITY)[0] == 3
            link.sendall(short(0x40, 1)[cut:])
            assert take(link, 1) == b"\xE5"


def test_mbus_split_answers_are_the_same_bytes():
    answers = []
    for extra in ((), ("--split",)):
        # Standing on the same second is not needed: the id and layout are compared.
        with Sim("--faults", "none", *extra) as sim, sim.connect("mbus-north") as link:
            link.sendall(short(0x7B, 20))
            answers.append(take_frame(link))
    assert answers[0][:11] == answers[1][:11] and len(answers[0]) == len(answers[1])


def test_mbus_echo_comes_before_the_answer():
    with Sim("--faults", "none", "--echo") as sim, sim.connect("mbus-north") as link:
        link.sendall(short(0x40, 1))
        assert take(link, 6) == short(0x40, 1) + b"\xE5"


def test_mbus_dead_meter_does_not_answer():
    with Sim("--faults", "dead") as sim, sim.connect("mbus-north") as link:
        # Address 8 is dead, address 9 answers: what comes first is the answer of 9.
        link.sendall(short(0x7B, 8) + short(0x7B, 9))
        assert take_frame(link)[1] == 9


def test_modbus_identity_and_refusals():
    with Sim("--faults", "none") as sim, sim.connect("ecl-1") as link:
        assert modbus(link, 1, IDENTITY).hex() == "03080041010a00010102"
        assert modbus(link, 254, IDENTITY).hex() == "03080041010a00010102"
        assert modbus(link, 1, bytes([3, 0x08, 0x0B, 0, 5])) == b"\x83\x02"
        assert modbus(link, 1, bytes([1, 0, 0, 0, 1])) == b"\x81\x01"
        # Another unit keeps silent; the next request is answered.
        link.sendall(struct.pack(">HHHB", 1, 0, 6, 9) + IDENTITY)
        assert modbus(link, 1, IDENTITY, 8)[0] == 3


def test_modbus_frames_joined_and_cut():
    with Sim("--faults", "none") as sim, sim.connect("ecl-2") as link:
        frame = struct.pack(">HHHB", 7, 0, 6, 1) + IDENTITY
        link.sendall(frame + frame[:5])
        assert take_modbus(link, 1)[0] == 3
        link.sendall(frame[5:])
        assert take_modbus(link, 1)[0] == 3


def test_modbus_second_client_is_dropped_on_its_first_request():
    with Sim("--faults", "none") as sim, sim.connect("ecl-3") as first:
        assert modbus(first, 1, IDENTITY)[0] == 3
        with sim.connect("ecl-3") as second:
            second.sendall(struct.pack(">HHHB", 1, 0, 6, 1) + IDENTITY)
            assert is_closed(second)
        assert modbus(first, 1, IDENTITY)[0] == 3


def test_radio_once_sends_each_meter_once():
    with Sim("--faults", "none", "--once") as sim, sim.connect("radio-tcp") as link:
        lines = link.makefile().readline
        telegrams = [bytes.fromhex(lines()) for _ in range(75)]
        assert len({t[2:10] for t in telegrams}) == 75
        for telegram in telegrams:
            length = telegram[0]
            with_crcs = length + 1 + 2 * (1 + (length - 9 + 15) // 16)
            assert len(telegram) in (length + 1, with_crcs) and telegram[1] == 0x44


def test_radio_goes_on_by_itself():
    with Sim("--faults", "none", "--speed", "1000", "--radio-format", "raw") as sim, \
            sim.connect("radio-tcp") as link:
        take(link, 30000)


def test_radio_dials_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(PATIENCE)
        port = server.getsockname()[1]
        with Sim("--once", "--radio-dial", f"127.0.0.1:{port}"):
            for _ in range(2):  # it dials again when the connection is lost
                link, _ = server.accept()
                with link:
                    link.settimeout(PATIENCE)
                    assert link.makefile().readline().strip()


def test_ports_file_and_second_start_on_the_same_ports():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "town.json")
        with Sim("--ports-file", path, "--seed", "9") as sim:
            first = json.load(open(path))
            assert {line["name"]: line["port"] for line in first["lines"]} == \
                {name: port for name, (_, port) in sim.lines.items()}
        with Sim("--ports-from", path) as sim:
            again = {name: port for name, (_, port) in sim.lines.items()}
            assert again == {line["name"]: line["port"] for line in first["lines"]}
        manifest = json.loads(subprocess.run([SIM, "manifest", "--town", path], check=True,
                                             capture_output=True).stdout)
        assert manifest["devices"] == first["devices"]


def test_history_goes_to_a_folder():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([SIM, "history", "--days", "1", "--start", START, "--out", folder], check=True)
        assert sorted(os.listdir(folder)) == ["thermopolis-2026-01-14.txt", "thermopolis-2026-01-15.txt"]
    refused = subprocess.run([SIM, "history", "--days", "1", "--start", START, "--out", folder],
                             capture_output=True, text=True)
    assert refused.returncode == 1 and "folder" in refused.stderr


def test_wrong_use_says_what_is_wrong():
    for arguments in (["serve", "--speed", "fast"], ["serve", "--mqtt", "nowhere"], ["fly"],
                      ["manifest", "--town", "/nonexistent"]):
        result = subprocess.run([SIM, *arguments], capture_output=True, text=True)
        assert result.returncode in (1, 2) and result.stderr.startswith("hypocaust-sim: "), arguments


def test_help_is_given_where_it_is_asked_for():
    for arguments in (["help"], ["--help"], ["serve", "--help"], ["history", "--help"]):
        result = subprocess.run([SIM, *arguments], capture_output=True, text=True, check=True)
        assert "--ports-file" in result.stdout, arguments


def test_scale_mode_serves_many_connections():
    command = [SIM, "serve", "--modbus-devices", "300", "--mbus-devices", "400", "--latency-ms", "5"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    ports = {}
    while len(ports) < 2:
        words = dict(word.split("=") for word in child.stdout.readline().split()[1:])
        ports[words["protocol"]] = ("127.0.0.1", int(words["port"]))
    links = [connect(ports["modbus"]) for _ in range(300)]
    for link in links:
        link.sendall(struct.pack(">HHHBBHH", 7, 0, 6, 1, 3, 0, 40))
    answers = {take_modbus(link, 1) for link in links}
    assert len(answers) == 300 and {len(a) for a in answers} == {82}
    assert modbus(links[0], 1, bytes([3, 0, 1, 0, 40])) == b"\x83\x02"
    for link in links:
        link.close()
    ids = set()
    for bus, meters in ((0, 250), (1, 150)):
        with connect(ports["mbus"]) as link:
            for address in (1, meters):
                link.sendall(short(0x7B, address))
                ids.add(bytes(take_frame(link)[3:7]))
    assert len(ids) == 4
    child.send_signal(signal.SIGINT)
    child.stdout.read()
    child.stdout.close()
    assert child.wait(PATIENCE) == 0


def test_mbpoll_reads_and_writes():
    mbpoll = shutil.which("mbpoll")
    if mbpoll is None:
        return "mbpoll is not installed"
    with Sim("--faults", "none") as sim:
        def poll(*extra):
            host, port = sim.lines["ecl-1"]
            return subprocess.run([mbpoll, "-m", "tcp", "-p", str(port), "-a", "1", "-0", "-1", "-q",
                                   *extra[:-1], host, *extra[-1]],
                                  capture_output=True, text=True, timeout=PATIENCE)

        for table in ("3", "4"):
            result = poll("-t", table, "-r", "2059", "-c", "4", [])
            values = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("[")]
            assert values == ["65", "266", "1", "258"], result.stdout + result.stderr
        assert "Illegal data address" in poll("-t", "4", "-r", "2059", "-c", "5", []).stderr
        assert "Illegal data address" in poll("-t", "4", "-r", "10200", "-c", "14", []).stderr
        assert poll("-t", "4", "-r", "4200", ["2"]).returncode == 0
        result = poll("-t", "4", "-r", "4200", "-c", "1", [])
        assert "2" in result.stdout.split("[4200]:")[1], result.stdout


def mqtt_string(text):
    return struct.pack(">H", len(text)) + text.encode()


def mqtt_packet(kind, body):
    assert len(body) < 128
    return bytes([kind, len(body)]) + body


def take_mqtt(link):
    kind, length, shift = take(link, 1)[0], 0, 0
    while True:
        byte = take(link, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return kind, take(link, length)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def broker_start(folder, wanted=0):
    """Mosquitto on that port or a free one, or None. A port is asked for until one is really free."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        return None, 0
    for _ in range(10):
        port = wanted or free_port()
        config = os.path.join(folder, "broker.conf")
        with open(config, "w") as file:
            file.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_dest stderr\n"
                       f"connection_messages false\nlog_type information\n")
        broker = subprocess.Popen([program, "-c", config], stderr=subprocess.PIPE, text=True)
        for line in broker.stderr:
            if "running" in line:
                return broker, port
        broker.stderr.close()
        broker.wait(PATIENCE)
    raise AssertionError("mosquitto does not start")


def subscribe(port):
    """A connection that hears the topics of `town/radio`."""
    link = connect(("127.0.0.1", port))
    link.sendall(mqtt_packet(0x10, mqtt_string("MQTT") + b"\x04\x02\x00\x00" + mqtt_string("t")))
    assert take_mqtt(link)[0] == 0x20
    link.sendall(mqtt_packet(0x82, b"\x00\x01" + mqtt_string("town/radio/#") + b"\x00"))
    assert take_mqtt(link)[0] == 0x90
    return link


def test_broker_that_comes_later():
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with Sim("--radio-period", "1", "--mqtt", f"127.0.0.1:{port}", "--mqtt-topic", "town/radio"):
            broker, _ = broker_start(folder, port)
            if broker is None:
                return "mosquitto is not installed"
            try:
                with subscribe(port) as link:
                    kind, body = take_mqtt(link)
                    assert kind >> 4 == 3 and b"town/radio/" in body, (kind, body)
            finally:
                broker.terminate()
                broker.stderr.close()
                broker.wait(PATIENCE)
    return None


def test_radio_by_mqtt():
    with tempfile.TemporaryDirectory() as folder:
        broker, port = broker_start(folder)
        if broker is None:
            return "mosquitto is not installed"
        try:
            with subscribe(port) as link:
                with Sim("--once", "--mqtt", f"127.0.0.1:{port}", "--mqtt-topic", "town/radio") as sim:
                    assert sim.lines["radio-mqtt"] == ("127.0.0.1", port)
                    topics = set()
                    for _ in range(75):
                        kind, body = take_mqtt(link)
                        size = struct.unpack(">H", body[:2])[0]
                        assert kind >> 4 == 3
                        telegram = bytes.fromhex(body[2 + size:].decode())
                        assert telegram[1] == 0x44
                        topics.add(body[2:2 + size].decode())
                    assert len(topics) == 75 and all(t.startswith("town/radio/") for t in topics)
        finally:
            broker.terminate()
            broker.stderr.close()
            broker.wait(PATIENCE)


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        title = name[5:].replace("_", " ")
        try:
            skipped = test()
            print(f"ok {number} - {title}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except (AssertionError, OSError, ValueError, subprocess.SubprocessError) as reason:
            failed += 1
            print(f"not ok {number} - {title}\n# {type(reason).__name__} {reason}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
