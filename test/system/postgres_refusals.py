#!/usr/bin/env python3
"""PostgreSQL lets the server in no more: its password, its rights, its database, its connections.

What the database holds against the server is nobody's fault who asks it: every question is answered
503 with the time to come back, never 401, 403 or 404, and the log says why, once. When it is mended all
goes on alone. At the start the place and the remedy are named. No password is in any of it.
"""
import os
import pathlib
import subprocess
import sys
import time

from hypserver import Server, Tap, wait_until
from telegrams import METER

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import with_postgres  # noqa: E402

PASSWORD = "s3cret-of-the-plant"
SCHEMAS = "hypocaust, hypocaust_frames"

OWNER_LOCK = """SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
    AND classid = 1752789041 AND objid::bigint = hashtext('hypocaust')::bigint & 4294967295"""

# What is done to the database, what mends it, and what the log says of it.
FAULTS = [
    ("another password", "ALTER ROLE plant PASSWORD 'other'", f"ALTER ROLE plant PASSWORD '{PASSWORD}'",
     "password authentication failed"),
    ("a role that may not log in", "ALTER ROLE plant NOLOGIN", "ALTER ROLE plant LOGIN", "is not permitted to log in"),
    ("a database of another name", "ALTER DATABASE plant RENAME TO moved", "ALTER DATABASE moved RENAME TO plant",
     'database "plant" does not exist'),
    ("no right to connect", "REVOKE CONNECT ON DATABASE plant FROM plant, PUBLIC",
     "GRANT CONNECT ON DATABASE plant TO plant", "permission denied for database"),
    ("no right to the schema", f"REVOKE ALL ON SCHEMA {SCHEMAS} FROM plant", f"GRANT ALL ON SCHEMA {SCHEMAS} TO plant",
     "needs USAGE and CREATE on the schema"),
    ("no right to the tables", f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMAS} FROM plant",
     f"GRANT ALL ON ALL TABLES IN SCHEMA {SCHEMAS} TO plant", "permission denied for table"),
    ("too many connections", "ALTER ROLE plant CONNECTION LIMIT 0", "ALTER ROLE plant CONNECTION LIMIT -1",
     "too many connections"),
]

# At the start: how the URL is changed, what it is done to the database, what is said of both.
STARTS = [
    ("a wrong password", lambda url: url.replace(PASSWORD, "wrong"), None, ["password authentication failed", "PGPASSFILE"]),
    ("no password", lambda url: url.replace(f"password={PASSWORD}", "connect_timeout=5"), None,
     ["no password", "PGPASSFILE"]),
    ("no such database", lambda url: url.replace("/plant?", "/nowhere?"), None,
     ['database "nowhere" does not exist', "CREATE DATABASE"]),
    ("no such role", lambda url: url.replace("user=plant", "user=nobody"), None, ["authentication failed", "PGPASSFILE"]),
    ("nobody there", lambda url: url.replace("host=", "host=/nowhere"), None, ["/nowhere", "is it running"]),
    ("too many connections", lambda url: url, 6, ["too many connections", "max_connections"]),
    ("no right to connect", lambda url: url, 3, ["permission denied for database", "CONNECT"]),
]


def ask_for_passwords(postgres):
    """The administrator comes in by the socket, the role of the plant with a password."""
    hba = pathlib.Path(postgres.data) / "pg_hba.conf"
    hba.write_text(f"local all {with_postgres.USER} trust\nlocal all all scram-sha-256\n")
    postgres.call("pg_ctl", "-D", postgres.data, "reload")


def make_plant(postgres):
    postgres.tell(f"CREATE ROLE plant LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE plant OWNER plant;")
    postgres.tell("\\c plant\nREVOKE ALL ON DATABASE plant FROM PUBLIC")
    ask_for_passwords(postgres)
    return f"postgresql:///plant?host={postgres.folder}&user=plant&password={PASSWORD}"


def tell_in(postgres, database, sql):
    postgres.call("psql", postgres.url_of(database), "-qc", sql)


def change(postgres, sql):
    """Rights on schemas are changed inside the plant's database, all else from another one."""
    inside = " SCHEMA " in sql
    if not inside:
        end_sessions(postgres)  # a database in use cannot be renamed
    tell_in(postgres, "plant" if inside else "postgres", sql)
    end_sessions(postgres)


def end_sessions(postgres):
    postgres.tell("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'plant'")


class Questions:
    """What is asked while the database lets nobody in; collects what does not belong there."""

    def __init__(self, server, device):
        stranger = {"Authorization": "Bearer hyp_" + "x" * 43}
        self.rows = [
            ("the audit log", lambda: server.get("/audit")),
            ("the people", lambda: server.get("/users")),
            ("a token that memory does not know", lambda: server.get("/devices", headers=stranger)),
            ("a sign-in", lambda: server.post("/session", {"login": "admin", "password": "wrong"})),
            ("a new group", lambda: server.post("/groups", {"name": f"group {time.monotonic_ns()}"})),
            ("a telegram", lambda: server.post("/intake", "x\n", raw=True, headers={"Content-Type": "text/plain"})),
        ]

    def ask(self):
        return [(name, question()) for name, question in self.rows]


def log_lines(server, before, reason):
    """What the log says of the database; another thread reads it, so the line that is looked for may be on its way."""
    def said():
        return [line for line in server.lines[before:] if "store.database_failed" in line]
    end = time.monotonic() + 20
    while not any(reason in line for line in said()) and time.monotonic() < end:
        time.sleep(0.05)
    return said()


def check_fault(tap, postgres, server, questions, row):
    name, broken, mended, reason = row
    before = len(server.lines)
    change(postgres, broken)
    wrong = []
    for question, reply in questions.ask()[:-1]:
        if reply.status != 503 or "Retry-After" not in reply.headers or PASSWORD.encode() in reply.body:
            wrong.append(f"{question}: {reply.status} {reply.headers} {reply.body}")
    tap.ok(not wrong, f"{name}: questions are answered 503", "\n".join(wrong))
    said = log_lines(server, before, reason)
    tap.ok(any(reason in line for line in said) and len(said) < 5, f"{name}: the log says why, and not often", "".join(
        server.lines[before:]))
    change(postgres, mended)
    wait_until(lambda: server.get("/audit").status == 200, 60, "the audit log")
    good = server.post("/groups", {"name": name})
    owners = int(postgres.answer("plant", OWNER_LOCK))
    tap.ok(good.status == 201 and owners == 1, f"{name}: when it is mended all goes on, under the lock of the owner",
           f"{good.body} {owners} locks " + "".join(server.lines[before:]))
    tap.ok(server.get("/devices", headers={"Authorization": "Bearer hyp_" + "x" * 43}).status == 401,
           f"{name}: then a token that nobody made is refused")


def commands(url, folder):
    program = os.environ.get("HYPOCAUST", "build/hypocaust")
    return [("serve", [program, "serve", "--port", "0", "--data", f"{folder}/new", "--database", url]),
            ("doctor", [program, "doctor", "--data", f"{folder}/data", "--database", url]),
            ("migrate-store", [program, "migrate-store", "--from", f"{folder}/files", "--to", url])]


def check_start(tap, postgres, url, folder, row):
    name, changed, fault, words = row
    if fault is not None:
        change(postgres, FAULTS[fault][1])
    for command, arguments in commands(changed(url), folder):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False,
                              env={**environment, "HOME": str(folder)})
        said = done.stdout + done.stderr
        place = "/nowhere" if name == "nobody there" else postgres.folder
        tap.ok(done.returncode in (1, 4) and all(word in said for word in [place, *words]) and PASSWORD not in said,
               f"{command}, {name}: place and remedy are named", said)
    if fault is not None:
        change(postgres, FAULTS[fault][2])


def run(tap, postgres, folder):
    url = make_plant(postgres)
    for name in ("data", "files"):
        (folder / name).mkdir(mode=0o750)
    with Server(folder=folder / "files"):
        pass
    with Server("--database", url, "--rate-limit", "0", folder=folder / "data") as server:
        device = server.post("/devices", METER).json["id"]
        questions = Questions(server, device)
        for row in FAULTS:
            check_fault(tap, postgres, server, questions, row)
        tap.ok(server.process.poll() is None, "the server was never stopped")
        tap.ok(PASSWORD not in "".join(server.lines), "no line of the log shows the password")
    for row in STARTS:
        check_start(tap, postgres, url, folder, row)


def main():
    return with_postgres.run_beside(Tap(), "a database that refuses", run)


if __name__ == "__main__":
    sys.exit(main())
