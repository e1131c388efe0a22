#!/usr/bin/env python3
"""Logging in to PostgreSQL: by a password in the URL, in the environment and in a password file.

A real server that asks for SCRAM. What is right opens the store; what is wrong or missing says so in a
sentence that holds no password.
"""
import os
import pathlib
import subprocess
import sys

from hypserver import Tap

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import with_postgres  # noqa: E402

PASSWORD = "s3cret/of the:plant"
ESCAPED = "s3cret%2Fof%20the%3Aplant"


def ask_for_passwords(server):
    """The server is made with trust; from now on it wants SCRAM of everybody."""
    sql = f"ALTER ROLE {with_postgres.USER} PASSWORD '{PASSWORD}'"
    server.call("psql", "-h", server.folder, "-U", with_postgres.USER, "-d", "postgres", "-qc", sql)
    hba = pathlib.Path(server.data) / "pg_hba.conf"
    hba.write_text("local all all scram-sha-256\n")
    server.stop("fast")
    server.start()


def doctor(data, url, **environment):
    env = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    env.update(environment)
    return subprocess.run([os.environ["HYPOCAUST"], "doctor", "--data", data, "--database", url], env=env,
                          capture_output=True, text=True, check=False, timeout=120)


def check(tap, server, folder):
    plain = f"postgresql:///postgres?host={server.folder}&user={with_postgres.USER}"
    data = folder / "data"
    data.mkdir(mode=0o750)
    pgpass = folder / "pgpass"
    escaped = PASSWORD.replace(":", "\\:")
    pgpass.write_text(f"*:*:*:{with_postgres.USER}:{escaped}\n")
    pgpass.chmod(0o600)
    wrong = folder / "wrong"
    wrong.write_text(f"*:*:*:{with_postgres.USER}:nothing\n")
    wrong.chmod(0o600)
    # There is no store yet: whoever gets in is told that, whoever does not is told why not.
    rows = [
        ("a password in the URL", f"{plain}&password={ESCAPED}", {}, True),
        ("a password in the environment", plain, {"PGPASSWORD": PASSWORD}, True),
        ("a password file", plain, {"PGPASSFILE": str(pgpass)}, True),
        ("a password file in the home folder", plain, {"HOME": str(folder / "home")}, True),
        ("no password", plain, {"HOME": str(folder)}, False),
        ("a wrong password in the URL", f"{plain}&password=nothing", {}, False),
        ("a wrong password file", plain, {"PGPASSFILE": str(wrong)}, False),
    ]
    (folder / "home").mkdir()
    (folder / "home" / ".pgpass").write_text(pgpass.read_text())
    (folder / "home" / ".pgpass").chmod(0o600)
    for name, url, environment, good in rows:
        done = doctor(str(data), url, **environment)
        said = done.stdout + done.stderr
        inside = "schema_version" in said
        refused = "password" in said and not inside
        tap.ok(inside if good else refused, f"{name}: {'opens' if good else 'is refused'}", said)
        tap.ok(PASSWORD not in said and ESCAPED not in said, f"{name}: no output shows it", said)


def run(tap, postgres, folder):
    ask_for_passwords(postgres)
    check(tap, postgres, folder)


def main():
    return with_postgres.run_beside(Tap(), "a database that asks for passwords", run)


if __name__ == "__main__":
    sys.exit(main())
