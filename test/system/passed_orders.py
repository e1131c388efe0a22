#!/usr/bin/env python3
"""Two servers on one PostgreSQL: a device is read now at either of them, whoever has its line open.

The order is passed on to the server with the line and done there once; the one that was asked shows
the same progress and the same outcome as if it had been asked there. The server with the line is
killed while it asks, and before it has taken the order."""
import os
import pathlib
import shutil
import signal
import socket
import sys
import tempfile
import threading

from hypserver import Server, Tap, wait_until
from members import has_opened, start_again

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import with_postgres  # noqa: E402

ENDED = ("done", "done_with_errors", "error")
NAMES = ("north", "south")
KAM = b"\x2D\x2C"
SILENT = 99


class Bus:
    """Heat meters behind a TCP port, one connection after the other. Counts how often each is asked for
    data, and keeps its answers back while it is told to."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = {}
        self.answers = threading.Event()
        self.answers.set()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        heard = b""
        try:
            while data := peer.recv(4096):
                heard += data
                while len(heard) >= 5:
                    if heard[0] == 0x10:
                        self.answer(peer, heard[1], heard[2])
                    heard = heard[5:] if heard[0] == 0x10 else heard[1:]
        except OSError:
            pass
        peer.close()

    def answer(self, peer, control, address):
        if address == SILENT:
            return
        if control == 0x40:
            peer.sendall(b"\xE5")
        elif control & 0x4F == 0x4B:
            self.asked[address] = self.asked.get(address, 0) + 1
            self.answers.wait(600)
            peer.sendall(telegram(address))


def serial_of(address):
    return f"{12345600 + address:08d}"


def telegram(address):
    body = bytes([0x08, address, 0x72]) + bytes.fromhex(serial_of(address))[::-1] + KAM + bytes([0x35, 0x04, 1, 0, 0, 0])
    body += b"\x04\x06" + (1000 + address).to_bytes(4, "little")
    return bytes([0x68, len(body), len(body), 0x68]) + body + bytes([sum(body) & 0xFF, 0x16])


def add_line(server, name, bus):
    reply = server.post("/lines", {"name": name, "kind": "mbus-tcp", "host": "127.0.0.1", "port": bus.port, "retries": 0,
                                   "timeout_ms": 60000})
    assert reply.status == 201, reply.body
    return reply.json["id"]


def add_device(server, line, address):
    reply = server.post("/devices", {"name": f"meter {address}", "kind": "heat_meter", "line": line, "serial": serial_of(address),
                                     "manufacturer": "KAM", "version": 0x35, "medium": 4, "primary_address": address,
                                     "secondary": False, "schedule": "none"})
    assert reply.status == 201, reply.body
    return reply.json["id"]


def job_of(server, reply):
    assert reply.status == 202, (reply.status, reply.body)
    return (reply.json["jobs"][0] if "jobs" in reply.json else reply.json)["id"]


def state(server, job):
    return server.get_patiently(f"/jobs/{job}").json


def finish(server, reply, seconds=120):
    job = job_of(server, reply)
    return wait_until(lambda: (now := state(server, job))["state"] in ENDED and now, seconds, f"the end of job {job}")


def holder_of(servers, line):
    """The server that has the line, and the other one."""
    def found():
        having = [server for server in servers if has_opened(server, line)]
        shown = [server.get_patiently(f"/lines/{line}").json.get("member") for server in servers]
        if len(having) == 1 and shown == [NAMES[servers.index(having[0])]] * 2:
            return having[0]
        return None
    holder = wait_until(found, 120, "one server with the line")
    return holder, next(server for server in servers if server is not holder)


class Town:
    def __init__(self, servers):
        self.servers = servers
        self.bus, self.other_bus = Bus(), Bus()
        self.line = add_line(servers[0], "first", self.bus)
        self.device = add_device(servers[0], self.line, 1)
        self.second = add_device(servers[0], self.line, 2)
        self.silent = add_device(servers[0], self.line, SILENT)
        holder, asker = holder_of(servers, self.line)
        self.other_line = add_line(asker, "second", self.other_bus)
        self.other_device = add_device(asker, self.other_line, 3)
        holder_of(servers, self.other_line)
        self.wait_known()

    def wait_known(self):
        devices = (self.device, self.second, self.silent, self.other_device)
        wait_until(lambda: all(server.get_patiently(f"/devices/{device}").status == 200
                               for server in self.servers for device in devices), 60, "the devices everywhere")

    def asked(self, address):
        return self.bus.asked.get(address, 0)

    def read(self, server, *devices):
        if len(devices) == 1:
            return server.post(f"/devices/{devices[0]}/read")
        return server.post("/read", {"devices": list(devices)})


def reads_of(server):
    return [entry for entry in server.get_patiently("/audit?limit=500").json["items"] if entry["action"] == "device.read"]


def passed_on(tap, town):
    holder, asker = holder_of(town.servers, town.line)
    before, noted = town.asked(1), len(reads_of(asker))
    job = finish(asker, town.read(asker, town.device))
    tap.ok(job["state"] == "done" and (job["done"], job["failed"], job["total"]) == (1, 0, 1), "it is done", job)
    tap.ok(town.asked(1) == before + 1, "the meter is asked once")
    here = finish(holder, town.read(holder, town.device))
    tap.ok({**here, "id": 0, "created": 0, "changed": 0} == {**job, "id": 0, "created": 0, "changed": 0},
           "and the job is as it is where the line is open", f"{here}\n{job}")
    wait_until(lambda: "1001" in str(asker.get_patiently(f"/devices/{town.device}/readings").json), 60, "the reading")
    entries = reads_of(asker)[:len(reads_of(asker)) - noted]
    tap.ok(len(entries) == 2 and len({(entry["user_name"] if "user_name" in entry else entry["user"], entry["object"], entry["detail"])
                                      for entry in entries}) == 1,
           "and so is what the audit trail says", entries)


def progress(tap, town):
    _, asker = holder_of(town.servers, town.line)
    before = town.asked(1)
    town.bus.answers.clear()
    try:
        first = job_of(asker, town.read(asker, town.device))
        wait_until(lambda: state(asker, first)["state"] == "sent", 60, "the job to be sent")
        tap.ok(town.asked(1) == before + 1, "while the meter thinks the job is as far as that")
        waits = job_of(asker, town.read(asker, town.second))
        wait_until(lambda: state(asker, waits)["state"] == "queued", 60, "the second job to be queued")
        tap.ok(asker.request("DELETE", f"/jobs/{waits}").status == 204, "one that waits is cancelled")
        ended = wait_until(lambda: (now := state(asker, waits))["state"] == "error" and now, 60, "its end")
        tap.ok(ended["text"] == "cancelled" and town.asked(2) == 0, "and does not happen", ended)
    finally:
        town.bus.answers.set()
    wait_until(lambda: state(asker, first)["state"] == "done", 60, "the end of the first")


def selection(tap, town):
    _, asker = holder_of(town.servers, town.line)
    before = dict(town.bus.asked), dict(town.other_bus.asked)
    job = finish(asker, town.read(asker, town.device, town.other_device, town.second))
    tap.ok(job["state"] == "done" and (job["done"], job["total"]) == (3, 3), "devices of both servers are one job", job)
    tap.ok(town.asked(1) == before[0].get(1, 0) + 1 and town.asked(2) == before[0].get(2, 0) + 1 and
           town.other_bus.asked[3] == before[1].get(3, 0) + 1, "and each is asked once", (town.bus.asked, town.other_bus.asked))


def failing(tap, town):
    holder, asker = holder_of(town.servers, town.line)
    line = holder.get_patiently(f"/lines/{town.line}").json
    changed = holder.request("PATCH", f"/lines/{town.line}", {"timeout_ms": 300, "revision": line["revision"]})
    assert changed.status == 200, changed.body
    holder, asker = holder_of(town.servers, town.line)
    there, here = (finish(server, town.read(server, town.silent)) for server in (holder, asker))
    tap.ok(here["state"] == "error" and here["text"] and here["text"] == there["text"], "a meter that is silent fails in the same words",
           (here, there))
    both = finish(asker, town.read(asker, town.silent, town.device))
    tap.ok(both["state"] == "done_with_errors" and (both["done"], both["failed"]) == (1, 1), "and with others it is one of them", both)
    line = holder.get_patiently(f"/lines/{town.line}").json
    holder.request("PATCH", f"/lines/{town.line}", {"timeout_ms": 60000, "revision": line["revision"]})


def killed_while_asking(tap, town):
    holder, asker = holder_of(town.servers, town.line)
    before = town.asked(1)
    town.bus.answers.clear()
    try:
        reply = town.read(asker, town.device)
        wait_until(lambda: town.asked(1) == before + 1, 60, "the meter to be asked")
        holder.kill()
        job = finish(asker, reply)
    finally:
        town.bus.answers.set()
    name = NAMES[town.servers.index(holder)]
    tap.ok(job["state"] == "error" and f'"{name}"' in job["text"] and "ask again" in job["text"], "the job fails, and names the server", job)
    wait_until(lambda: has_opened(asker, town.line), 120, "the line at the other server")
    again = finish(asker, town.read(asker, town.device))
    tap.ok(again["state"] == "done" and town.asked(1) == before + 2, "it is not done again, but can be asked for again", again)
    start_again(holder)
    town.wait_known()


def pass_to_stopped(town, holder, asker):
    """An order that the server with the line does not take, because it is stopped as one that hangs; None when it was
    stopped in the middle of a commit, for which all others wait until the database ends it."""
    holder.process.send_signal(signal.SIGSTOP)
    reply = town.read(asker, town.device)
    if reply.status == 202 and state(asker, job_of(asker, reply))["state"] == "waiting" and not has_opened(asker, town.line):
        return reply
    holder.process.send_signal(signal.SIGCONT)
    if reply.status == 202:
        finish(asker, reply)
    return None


def killed_before(tap, town):
    reply = None
    while reply is None:
        holder, asker = holder_of(town.servers, town.line)
        before = town.asked(1)
        reply = pass_to_stopped(town, holder, asker)
    tap.ok(town.asked(1) == before, "an order that nobody takes waits")
    holder.kill()
    job = finish(asker, reply)
    tap.ok(job["state"] == "done" and town.asked(1) == before + 1, "and is done, once, by the next server with the line", job)
    start_again(holder)
    town.wait_known()
    job = finish(holder, town.read(holder, town.device))
    tap.ok(job["state"] == "done" and town.asked(1) == before + 2, "which then does it for the one that was killed", job)


def asker_killed(tap, town):
    holder, asker = holder_of(town.servers, town.line)
    before = town.asked(1)
    town.bus.answers.clear()
    try:
        town.read(asker, town.device)
        wait_until(lambda: town.asked(1) == before + 1, 60, "the meter to be asked")
        asker.kill()
    finally:
        town.bus.answers.set()
    wait_until(lambda: holder.get_patiently("/jobs").json["items"][0]["state"] == "done", 60, "the end")
    start_again(asker)
    town.wait_known()
    job = finish(asker, town.read(asker, town.device))
    tap.ok(job["state"] == "done" and town.asked(1) == before + 2, "when the one that was asked is killed, it is done once", job)


def run(tap, postgres, folders):
    servers = [Server("--database", postgres.url, "--rate-limit", "0", "--member", name, folder=folder)
               for name, folder in zip(NAMES, folders)]
    try:
        servers[0].start()
        servers[0].first_run()
        shutil.copy(folders[0] / "secret.key", folders[1])
        (folders[1] / ".was-set-up").touch()
        start_again(servers[1])
        town = Town(servers)
        tap.case("passed on", passed_on, tap, town)
        tap.case("progress", progress, tap, town)
        tap.case("selection", selection, tap, town)
        tap.case("failing", failing, tap, town)
        tap.case("killed while asking", killed_while_asking, tap, town)
        tap.case("killed before", killed_before, tap, town)
        tap.case("asker killed", asker_killed, tap, town)
        for server in servers:
            tap.ok(server.stop() == 0, "a clean end", "".join(server.lines[-5:]))
    finally:
        for server in servers:
            server.stop()


def main():
    tap = Tap()
    programs = with_postgres.find_programs()
    if programs is None:
        tap.skip("orders passed on", "PostgreSQL is not installed (tools/bootstrap test)")
        return tap.end()
    folder = tempfile.mkdtemp(prefix="hyp-pg-", dir="/tmp")
    os.rmdir(folder)
    postgres = with_postgres.Server(programs, folder)
    postgres.make()
    postgres.start()
    try:
        with tempfile.TemporaryDirectory(prefix="hyp-passed-") as base:
            folders = [pathlib.Path(base) / name for name in NAMES]
            for one in folders:
                one.mkdir()
            run(tap, postgres, folders)
    finally:
        postgres.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
