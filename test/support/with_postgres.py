#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a test program with a real PostgreSQL server beside it.

usage: with_postgres.py PROGRAM [ARGUMENT]...

The first of several runs at the same time makes a server in a folder of its own and starts it; the
last one stops it and removes the folder. It listens on a socket in that folder only, keeps fsync
on, and runs as another user where this one is root, which PostgreSQL refuses. Each program has a
database of its own there, so that nobody else's snapshots and locks are in its way, and finds its
URL in HYP_TEST_DATABASE; others whose names begin with that one's and a "_" are its own too, and
go with it. Without a server on the machine all is skipped.
"""
import fcntl
import glob
import hashlib
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

USER = "hypocaust"
MISSING = "PostgreSQL is not installed (tools/bootstrap test)"
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "log_min_messages": "warning",
    "autovacuum_naptime": "10min",
}

# A pattern's "_" would be any character: the names are compared as they are.
DROP = """SELECT format('DROP DATABASE %I WITH (FORCE)', datname) FROM pg_database
    WHERE datname = '{0}' OR starts_with(datname, '{0}_') \\gexec
"""


def find_programs():
    """The folder of the newest server on this machine, or None."""
    folders = [path for path in glob.glob("/usr/lib/postgresql/*/bin") if os.path.exists(path + "/initdb")]
    newest = max(folders, key=lambda path: int(path.split("/")[4].split(".")[0]), default=None)
    if newest is None and shutil.which("initdb"):
        newest = os.path.dirname(os.path.realpath(shutil.which("initdb")))
    return newest


def other_user():
    """Whom the server runs as when this is root."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    sys.exit("with_postgres: neither user postgres nor nobody exists")


class Server:
    def __init__(self, programs, folder):
        self.programs = programs
        self.folder = folder
        self.data = folder + "/data"
        self.owner = other_user() if os.geteuid() == 0 else None

    @property
    def url(self):
        return self.url_of("postgres")

    def url_of(self, database):
        return f"postgresql:///{database}?host={self.folder}&user={USER}"

    def tell(self, sql, check=True):
        return self.call("psql", self.url, "-q", "-v", "ON_ERROR_STOP=1", check=check, text=sql)

    def answer(self, database, sql):
        """What a question is answered, a line for each row."""
        done = subprocess.run([f"{self.programs}/psql", self.url_of(database), "-qAtc", sql], capture_output=True,
                              text=True, check=True)
        return done.stdout

    def call(self, program, *arguments, check=True, text=None):
        def become():
            if self.owner is not None:
                os.setgid(self.owner.pw_gid)
                os.setuid(self.owner.pw_uid)

        said = {"stdin": subprocess.DEVNULL} if text is None else {"input": text.encode()}
        done = subprocess.run([f"{self.programs}/{program}", *arguments], preexec_fn=become, cwd="/", **said,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if check and done.returncode != 0:
            sys.exit(f"with_postgres: {program} failed:\n{done.stdout.decode(errors='replace')}")
        return done.returncode

    def make(self):
        os.makedirs(self.folder, mode=0o700)
        if self.owner is not None:
            os.chown(self.folder, self.owner.pw_uid, self.owner.pw_gid)
        self.call("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        with open(self.data + "/postgresql.conf", "a", encoding="ascii") as file:
            file.write(f"unix_socket_directories = '{self.folder}'\n")
            file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())

    def keep_log_at(self, folder):
        """Before the start: the write-ahead log moves to another place, on a disk of its own perhaps."""
        shutil.move(self.data + "/pg_wal", folder)
        os.symlink(folder, self.data + "/pg_wal")
        for root, _, names in os.walk(folder):
            for name in [root] + [f"{root}/{one}" for one in names]:
                if self.owner is not None:
                    os.chown(name, self.owner.pw_uid, self.owner.pw_gid)
        with open(self.data + "/postgresql.conf", "a", encoding="ascii") as file:
            file.write("min_wal_size = 32MB\nmax_wal_size = 48MB\n")

    def is_running(self):
        return os.path.exists(self.data) and self.call("pg_ctl", "-D", self.data, "status", check=False) == 0

    def try_start(self, check=False):
        return self.call("pg_ctl", "-D", self.data, "-w", "-t", "120", "-l", self.folder + "/log", "start",
                         check=check) == 0

    def start(self):
        self.try_start(check=True)

    def stop(self, mode="immediate"):
        self.call("pg_ctl", "-D", self.data, "-w", "-t", "120", "-m", mode, "stop", check=False)

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def run_beside(tap, name, run):
    """What a test ends with that needs a server of its own: run(tap, server, folder), in a folder that goes with it.

    Where none is installed that is skipped as `name`. Returns what the program is to end with.
    """
    programs = find_programs()
    if programs is None:
        tap.skip(name, MISSING)
        return tap.end()
    with tempfile.TemporaryDirectory(prefix="hyp-pg-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)  # the server's user goes through it
        server = Server(programs, folder + "/pg")
        server.make()
        server.start()
        try:
            run(tap, server, pathlib.Path(folder))
        finally:
            server.remove()
    return tap.end()


def shared_folder():
    """One per user and working copy, short enough for the path of a socket; in memory where there
    is such a folder, because thousands of syncs are what takes time."""
    base = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()
    mark = hashlib.sha256(f"{os.geteuid()} {os.path.realpath(__file__)}".encode()).hexdigest()[:12]
    return f"{base}/hypocaust-pg-{mark}"


def take_gate(path):
    """Opens and locks the file; the one who had it before may have removed it meanwhile."""
    while True:
        gate = open(path, "w", encoding="ascii")
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            if os.stat(path).st_ino == os.fstat(gate.fileno()).st_ino:
                return gate
        except FileNotFoundError:
            pass
        gate.close()


def leave(server, users):
    """Inside the gate: the last one takes everything away, the two files too."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return  # somebody else is still at it
    server.remove()
    os.unlink(users.name)
    os.unlink(server.folder + ".gate")


def main():
    programs = find_programs()
    if programs is None:
        print(f"1..0 # SKIP {MISSING}")
        return 0
    server = Server(programs, shared_folder())
    # Two locks: one over starting and stopping, one that every user of the server shares.
    with take_gate(server.folder + ".gate"):
        users = open(server.folder + ".users", "w", encoding="ascii")
        if not server.is_running():
            shutil.rmtree(server.folder, ignore_errors=True)
            server.make()
            server.start()
        fcntl.flock(users, fcntl.LOCK_SH)
    database = f"test_{os.getpid()}"
    try:
        server.tell(f"CREATE DATABASE {database}")
        url = server.url_of(database)
        return subprocess.run(sys.argv[1:], env={**os.environ, "HYP_TEST_DATABASE": url}, check=False).returncode
    finally:
        server.tell(DROP.format(database), check=False)
        with take_gate(server.folder + ".gate"):
            leave(server, users)


if __name__ == "__main__":
    code = main()
    sys.exit(code if code >= 0 else 128 - code)
