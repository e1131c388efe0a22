#!/usr/bin/env python3
"""A server on PostgreSQL loses nothing: its database is cut off under load, again and again.

Senders post readings while PostgreSQL is stopped at once (pg_ctl -m immediate), killed (kill -9 of
all its processes) and its connections are ended by an administrator; the server of Hypocaust goes on
all the time. Every acknowledged reading must be there once, with its value, before and after a
restart of the server. Then a second server is refused, and passwords are in no output.
"""
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading

from hypserver import Server, Tap, wait_until
from load import BATCH, Load, check
from telegrams import METER

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import with_postgres  # noqa: E402

ROUNDS = int(os.environ.get("HYP_KILLS", "12"))


def processes_below(pid):
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in listing.splitlines()]
    return [pid] + [child for child, parent in pairs if parent == pid]


def stop_at_once(postgres):
    postgres.stop("immediate")


def kill_all(postgres):
    main = int((pathlib.Path(postgres.data) / "postmaster.pid").read_text().split()[0])
    for pid in processes_below(main):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not os.path.exists(f"/proc/{main}") or "Z" in open(f"/proc/{main}/stat").read().split()[2],
               60, "the end of PostgreSQL")
    # Where nobody buries the dead, a zombie would look like a running server.
    os.unlink(postgres.data + "/postmaster.pid")


def end_sessions(postgres):
    postgres.call("psql", postgres.url, "-qAtc",
                  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hypocaust'")


WAYS = [stop_at_once, kill_all, end_sessions]


class Asker(threading.Thread):
    """Somebody who looks at pages all the time; notes what is neither an answer nor "come back later"."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.asking = server, True
        self.answers, self.put_off, self.wrong = 0, 0, []

    def run(self):
        while self.asking:
            for path in ("/audit", "/users", "/overview"):
                reply = self.server.get(path)
                self.answers += reply.status == 200
                self.put_off += reply.status == 503
                if reply.status != 200 and (reply.status != 503 or "Retry-After" not in reply.headers):
                    self.wrong.append(f"{path}: {reply.status} {reply.body}")

    def stop(self):
        self.asking = False
        self.join()


def disturb(postgres, load, rng):
    target = len(load.acknowledged) + BATCH * rng.randrange(1, 12)
    wait_until(lambda: len(load.acknowledged) >= target, 120, "acknowledged readings")
    way = rng.choice(WAYS)
    way(postgres)
    if way is not end_sessions:
        # What is left of a killed server holds its memory for a moment.
        wait_until(lambda: postgres.is_running() or postgres.try_start(), 120, "PostgreSQL to start again")


def stay_away(tap, postgres, asker):
    """For longer than a question waits."""
    postgres.stop("immediate")
    before = asker.put_off
    wait_until(lambda: asker.put_off >= before + 3, 120, "questions to be put off")
    wait_until(postgres.try_start, 120, "PostgreSQL to start again")
    before = asker.answers
    wait_until(lambda: asker.answers >= before + 3, 120, "questions to be answered again")
    tap.ok(True, "a database that stays away puts questions off until it is back")


def run(tap, postgres, _):
    rng = random.Random(11)
    with Server("--database", postgres.url, "--rate-limit", "0") as server:
        device = server.post("/devices", METER).json["id"]
        token = server.post("/tokens", {"name": "load", "role": "admin", "expires": None}).json["token"]
        load = Load({"Authorization": f"Bearer {token}", "Content-Type": "text/plain"})
        load.start(lambda _: [server])
        asker = Asker(server)
        asker.start()
        try:
            for _ in range(ROUNDS):
                disturb(postgres, load, rng)
            stay_away(tap, postgres, asker)
        except AssertionError as fault:
            load.running.clear()
            raise AssertionError(f"{fault}; the server said last:\n" + "".join(server.lines[-20:])) from fault
        target = len(load.acknowledged) + 10 * BATCH
        wait_until(lambda: len(load.acknowledged) >= target, 120, "intake after the last cut")
        load.stop()
        asker.stop()
        tap.ok(asker.answers > 0 and not asker.wrong, "questions are answered, or told to come back", "\n".join(asker.wrong))
        print(f"# {ROUNDS} cuts, {len(load.acknowledged)} acknowledged, {load.refused} refusals", flush=True)
        check(tap, server, device, load, "running")
        tap.ok(server.process.poll() is None, "the server was never stopped")
        second = subprocess.run([os.environ.get("HYPOCAUST", "build/hypocaust"), "serve", "--port", "0", "--data",
                                 str(server.folder / "second"), "--database", postgres.url],
                                capture_output=True, text=True, timeout=120, check=False)
        tap.ok(second.returncode == 1 and "in use by another process" in second.stderr,
               "a second server on the database is refused", second.stderr)
        server.stop()
        server.start()
        server.sign_in()
        check(tap, server, device, load, "started anew")
        files = sorted(path.name for path in server.folder.iterdir())
        tap.ok("hypocaust.db" not in files and "secret.key" in files, "the folder holds no readings", str(files))


def refuse_with_a_password(tap):
    program = os.environ.get("HYPOCAUST", "build/hypocaust")
    for name, url in (("an unreadable URL", "postgresql://u:topsecret@h:x/%zz"),
                      ("a server that is not there", "postgresql://u:topsecret@127.0.0.1:1/x")):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([program, "serve", "--port", "0", "--data", folder, "--database", url],
                                  capture_output=True, text=True, timeout=120, check=False)
        tap.ok(done.returncode == 1 and "PostgreSQL" in done.stderr and "topsecret" not in done.stdout + done.stderr,
               f"{name} is said without the password", done.stderr)


def main():
    tap = Tap()
    refuse_with_a_password(tap)
    return with_postgres.run_beside(tap, "readings outlive their database", run)


if __name__ == "__main__":
    sys.exit(main())
