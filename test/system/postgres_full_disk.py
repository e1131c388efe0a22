#!/usr/bin/env python3
"""PostgreSQL on a disk that fills up: intake says so, senders keep their readings, all goes on alone.

First the disk of the tables is full, then that of the write-ahead log: PostgreSQL stops itself there
and is started again by whoever looks after it, as systemd would. (A member outlives that for certain;
one that is alone has to be started anew when the database was away for long during a commit that has
happened.) Both are small file systems in memory, so this needs the right to mount them.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from hypserver import Server, Tap, wait_until
from load import BATCH, Load, check
from telegrams import METER

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import with_postgres  # noqa: E402

TABLES_MB = 48
LOG_MB = 96


class SmallDisk:
    """A file system of its own size."""

    def __init__(self, folder, megabytes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "hypocaust-test", str(folder)],
                               capture_output=True, text=True, check=False)
        self.mounted = mount.returncode == 0
        self.why_not = mount.stderr.strip()

    def give_to(self, owner):
        if owner is not None:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)

    def fill(self):
        """Takes all the room there is, whatever is written meanwhile."""
        with open(self.folder / "filler", "ab", buffering=0) as filler:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        filler.write(b"\0" * size)
                except OSError:
                    pass  # full

    def free(self):
        (self.folder / "filler").unlink()

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False)


def committed(load, more):
    target = len(load.acknowledged) + more * BATCH
    wait_until(lambda: len(load.acknowledged) >= target, 120, "acknowledged readings")


def fill_up(tap, server, disk, load, name, statuses, write_more):
    committed(load, 10)
    before = len(server.lines)

    def is_told():
        disk.fill()  # what was freed meanwhile too
        write_more()
        return any("store.intake_failed" in line for line in server.lines[before:])

    wait_until(is_told, 120, "intake to be refused")
    said = next(line for line in server.lines[before:] if "store.intake_failed" in line)
    tap.ok("senders keep" in said and any(f"status={status} " in said for status in statuses),
           f"{name}: intake is refused, and the log says why", said)
    wait_until(lambda: server.get("/health").status == 503, 120, "health to say so")
    tap.ok(True, f"{name}: health says so")


def goes_on(tap, server, load, name):
    committed(load, 20)
    wait_until(lambda: server.get("/health").status == 200, 60, "health")
    # The first question behind a restart of PostgreSQL may still find the old connection.
    wait_until(lambda: server.get_patiently("/overview").status == 200, 60, "the overview")
    store = server.get_patiently("/overview").json["store"]
    tap.ok(store["last_commit"] == "OK", f"{name}: with room it goes on alone", str(store))


def full_tables(tap, server, tables, load, device):
    fill_up(tap, server, tables, load, "tables", ("FULL",), lambda: None)
    store = server.get_patiently("/overview").json["store"]
    tap.ok(store["last_commit"] == "FULL" and "space" in store["error"], "tables: so does the overview", str(store))
    reply = server.get_patiently(f"/devices/{device}/latest")
    tap.ok(reply.status == 200 and reply.json, "tables: what is stored can be read", reply.body)
    tables.free()
    goes_on(tap, server, load, "tables")


def full_log(tap, server, log, load, postgres):
    def next_segment():
        postgres.call("psql", postgres.url, "-qc", "SELECT pg_switch_wal()", check=False)

    fill_up(tap, server, log, load, "log", ("FULL", "IO", "BUSY"), next_segment)
    wait_until(lambda: not postgres.is_running(), 120, "PostgreSQL to stop itself")
    log.free()
    wait_until(lambda: postgres.is_running() or postgres.try_start(), 120, "PostgreSQL to start again")
    goes_on(tap, server, load, "log")


def under_load(tap, server, device, load, what):
    load.start(lambda _: [server])
    try:
        what()
    finally:
        load.stop()
    print(f"# {len(load.acknowledged)} acknowledged, {load.refused} refusals", flush=True)
    check(tap, server, device, load, "running")
    tap.ok(server.process.poll() is None, "the server was never stopped")


def run(tap, postgres, tables, log, data):
    options = ("--database", postgres.url.replace("/postgres?", "/plant?"), "--rate-limit", "0")
    with Server(*options, folder=data) as server:
        device = server.post("/devices", METER).json["id"]
        token = server.post("/tokens", {"name": "load", "role": "admin", "expires": None}).json["token"]
        load = Load({"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})
        under_load(tap, server, device, load, lambda: full_tables(tap, server, tables, load, device))
    with Server(*options, "--member", "north", folder=data) as server:
        under_load(tap, server, device, load, lambda: full_log(tap, server, log, load, postgres))


def main():
    tap = Tap()
    programs = with_postgres.find_programs()
    if programs is None:
        print(f"1..0 # SKIP {with_postgres.MISSING}")
        return 0
    with tempfile.TemporaryDirectory(prefix="hyp-full-", dir="/tmp") as base:
        os.chmod(base, 0o755)
        disks = [SmallDisk(f"{base}/tables", TABLES_MB), SmallDisk(f"{base}/log", LOG_MB)]
        postgres = with_postgres.Server(programs, base + "/pg")
        try:
            if not all(disk.mounted for disk in disks):
                print(f"1..0 # SKIP no small file system can be mounted here: {disks[0].why_not}")
                return 0
            for disk in disks:
                disk.give_to(postgres.owner)
            postgres.make()
            postgres.keep_log_at(f"{base}/log/wal")
            postgres.start()
            for sql in (f"CREATE TABLESPACE small LOCATION '{base}/tables'", "CREATE DATABASE plant TABLESPACE small"):
                postgres.call("psql", postgres.url, "-qc", sql)
            data = pathlib.Path(base) / "data"
            data.mkdir()
            run(tap, postgres, *disks, data)
        finally:
            postgres.remove()
            for disk in disks:
                disk.remove()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
