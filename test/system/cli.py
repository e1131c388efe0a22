#!/usr/bin/env python3
"""hypocaust serve and hypocaust user on the command line: options, exit codes, messages."""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile

from hypserver import LOGIN, Server, Tap

PROGRAM = os.environ.get("HYPOCAUST", "build/hypocaust")


def run(*arguments, typed=""):
    result = subprocess.run([PROGRAM, *arguments], input=typed, capture_output=True, text=True, timeout=60)
    return result.returncode, result.stdout, result.stderr


def usage(tap):
    rows = [
        (("serve", "--help"), 0, "--data DIR"),
        (("user", "--help"), 0, "--role ROLE"),
        (("serve", "--no-such-option"), 2, "there is no option --no-such-option"),
        (("serve", "--port"), 2, "a value is missing behind --port"),
        (("serve", "--port", "65536"), 2, "--port must be a number from 0 to 65535"),
        (("serve", "--port", "x"), 2, "--port must be a number"),
        (("serve", "--no-collect=1"), 2, "no value is taken by --no-collect"),
        (("serve", "extra"), 2, "arguments without --"),
        (("serve", "--log-level", "loud"), 2, "--log-level is debug"),
        (("user",), 2, "Usage: hypocaust user"),
        (("user", "promote"), 2, "Usage: hypocaust user"),
        (("user", "add"), 2, "the login is missing"),
        (("user", "list", "somebody"), 2, "no login is taken"),
        (("doctor", "--help"), 0, "4 something is damaged"),
        (("doctor",), 2, "--data DIR is needed"),
        (("doctor", "--data", "/no/such"), 1, "is no data folder"),
    ]
    for arguments, code, text in rows:
        found, out, err = run(*arguments)
        tap.ok(found == code and text in out + err, " ".join(arguments), f"{found}: {out}{err}")


def failures(tap, folder):
    rows = [
        (("--tls-cert", "x.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-cert", "/no/such.pem", "--tls-key", "/no/such.key"), "cannot read /no/such.pem"),
        (("--listen", "nowhere"), "is not an address to listen on"),
        (("--listen", "192.0.2.1"), "Cannot assign requested address. Choose an address of this machine."),
        (("--import", "/no/such.json"), "/no/such.json"),
        (("--history", "/no/such.txt"), "/no/such.txt"),
        (("--time-zone", "Mars/Olympus"), "There is no time zone"),
        (("--time-zone", "../../etc/passwd"), "There is no time zone"),
    ]
    for number, (arguments, text) in enumerate(rows):
        code, out, err = run("serve", "--data", str(folder / f"f{number}"), "--port", "0", *arguments)
        tap.ok(code == 1 and text in err, "serve " + " ".join(arguments), f"{code}: {out}{err}")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = run("serve", "--data", str(folder / "taken"), "--port", str(port))
        tap.ok(code == 1 and f"port {port}: Address already in use. End the program that has it" in err,
               "serve on a port that is taken", f"{code}: {out}{err}")


def users(tap, folder):
    data = ("--data", str(folder / "users"))

    def add(login, password, *more):
        return run("user", "add", *data, *more, login, typed=password + "\n")

    tap.ok(add("ada", "a good password", "--role", "admin")[0] == 0, "adds an administrator")
    tap.ok(add("rita", "another password")[0] == 0, "adds a reader")
    code, _, err = add("rita", "another password")
    tap.ok(code == 1 and err, "not twice", err)
    code, _, err = add("eve", "short")
    tap.ok(code == 1 and "at least 10" in err, "not with a short password", err)
    code, _, err = add("eve", "a good password", "--role", "god")
    tap.ok(code == 1 and "--role" in err, "not with a role that is none", err)
    _, out, _ = run("user", "list", *data)
    tap.ok("ada\tadmin\tenabled" in out and "rita\treader\tenabled" in out and "password" not in out, "lists them", out)
    code, _, err = run("user", "disable", *data, "ada")
    tap.ok(code == 1 and "last administrator" in err, "keeps the last administrator", err)
    tap.ok(run("user", "disable", *data, "rita")[0] == 0, "disables a reader")
    code, _, err = run("user", "disable", *data, "nobody")
    tap.ok(code == 1 and "There is no user" in err, "knows who is nobody", err)
    tap.ok(run("user", "password", *data, "ada", typed=LOGIN["password"] + "\n")[0] == 0, "sets a password")
    with Server("--no-collect", folder=folder / "users", setup=False) as server:
        tap.ok(server.setup_token is None, "a plant with a user offers no set-up link")
        server.sign_in({"login": "ada", "password": LOGIN["password"]})
        tap.ok(server.get("/users").json["total"] == 2, "the new password signs in")
        code, _, err = run("user", "list", *data)
        tap.ok(code == 1 and err.strip(), "the data of a running server is left alone", err)


def doctor(tap, folder):
    data = folder / "users"
    code, out, err = run("doctor", "--data", str(data), "--free", "1")
    tap.ok(code == 0 and "every page, index and reference is right" in out, "the doctor finds nothing", out + err)
    (data / "secret.key").chmod(0o644)
    code, out, _ = run("doctor", "--data", str(data), "--free", "1")
    tap.ok(code == 3 and "can be read by others" in out and "-> chmod 600" in out, "warns of a key's mode", out)
    (data / "secret.key").unlink()
    code, out, _ = run("doctor", "--data", str(data), "--free", "1")
    tap.ok(code == 4 and "secret.key is missing" in out, "tells what is damaged", out)


def main():
    tap = Tap()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hyp-cli-"))
    try:
        usage(tap)
        failures(tap, folder)
        users(tap, folder)
        doctor(tap, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
