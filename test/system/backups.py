#!/usr/bin/env python3
"""The server's daily backups: made by themselves, shown to administrators, restored, refused."""
import os
import pathlib
import subprocess
import sys
import tempfile

from hypserver import Server, Tap, wait_until
from telegrams import METER, intake_line

PROGRAM = os.environ.get("HYPOCAUST", "build/hypocaust")


def ended(server):
    """The state after an attempt, made or failed."""
    def ask():
        state = server.get("/backups").json
        return state if state["last_attempt"] and not state["running"] else None
    return wait_until(ask, 120, "the first backup")


def made_and_restored(tap, folder):
    target = folder / "disk" / "backups"
    with Server(folder=folder / "data") as server:
        device = server.post("/devices", METER).json["id"]
        server.post("/intake", intake_line(1), raw=True, headers={"Content-Type": "text/plain"})
        none = server.get("/backups").json
        tap.ok(none["enabled"] is False and none["items"] == [], "without --backup-to there are none, and it says so", none)
    options = ("--backup-to", str(target), "--backup-at", "03:15", "--backup-keep", "3")
    with Server(*options, folder=folder / "data") as server:
        state = ended(server)
        tap.ok(state["enabled"] and state["at"] == "03:15" and state["keep"] == 3 and state["folder"] == str(target),
               "what was asked for is shown", state)
        tap.ok(state["last_status"] == "OK" and state["last_error"] == "" and state["last_success"], "the first is made at once",
               state)
        one = state["items"][0]
        tap.ok(len(state["items"]) == 1 and one["state"] == "good" and one["bytes"] > 4096, "it is listed", one)
        tap.ok(state["next"] > state["last_success"], "the next one comes at its time", state)
        tap.ok([path.name for path in target.iterdir() if path.name != "lock"] == [one["name"]], "it has a folder of its own",
               list(target.iterdir()))
        server.post("/users", {"login": "reader", "name": "R", "role": "reader", "password": "another long password"})
        server.sign_in({"login": "reader", "password": "another long password"})
        tap.ok(server.get("/backups").status == 403, "others than administrators do not see them")
    done = subprocess.run([PROGRAM, "restore", "--from", str(target / one["name"]), "--data", str(folder / "restored")],
                          capture_output=True, text=True, timeout=60)
    tap.ok(done.returncode == 0, "it is restored", done.stderr)
    (folder / "restored" / ".was-set-up").touch()
    with Server(folder=folder / "restored") as server:
        readings = server.get(f"/devices/{device}/readings").json
        tap.ok(readings["total"] == 1, "and the readings are there", readings)
    with Server(*options, folder=folder / "data") as server:
        listed = wait_until(lambda: server.get("/backups").json["items"], 60, "the list after the start")
        tap.ok([item["name"] for item in listed] == [one["name"]], "a new start makes no second one", listed)


def wiped(tap, folder):
    """Older backups of readings that were forgotten are named, and go when somebody says so."""
    with Server("--backup-to", str(folder / "wiped backups"), "--backup-keep", "3", folder=folder / "wiped") as server:
        device = server.post("/devices", METER).json["id"]
        server.post("/intake", intake_line(1), raw=True, headers={"Content-Type": "text/plain"})
        one = ended(server)["items"][0]["name"]
        asked = server.post(f"/devices/{device}/forget",
                            {"from": "2000-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z", "reason": "request 7"}).json
        tap.ok([item["name"] for item in asked["backups"]] == [one], "the answer names the backups that have it", asked)
        tap.ok("copies of backups" in asked["copies"], "and says what it cannot know", asked["copies"])
        path = f"/forgotten/{asked['id']}/replace-backups"

        def is_wiped():
            server.post("/intake", intake_line(2), raw=True, headers={"Content-Type": "text/plain"})
            return server.get("/forgotten").json["items"][0]["ended"]
        wait_until(is_wiped, 120, "the end of the request")
        held = server.get("/forgotten").json["items"][0]["backups"]
        tap.ok([item["name"] for item in held] == [one] and held[0]["state"] == "good" and held[0]["goes"] is not None,
               "they are listed with their state, and when they go", held)
        tap.ok(server.post(path, {}).status == 422, "removal has to be confirmed")
        tap.ok(server.post("/forgotten/99/replace-backups", {"confirm": True}).status == 404, "of a request that there is")
        # The names of backups go by the second: one of the same second as the first is refused.
        answer = wait_until(lambda: (lambda a: a if a.status != 409 else None)(server.post(path, {"confirm": True})), 60, "a new second")
        tap.ok(answer.status == 202, "then it begins", answer.json)
        wait_until(lambda: server.get("/forgotten").json["items"][0]["backups"] == [], 120, "their end")
        left = ended(server)
        tap.ok(len(left["items"]) == 1 and left["items"][0]["name"] != one and left["items"][0]["state"] == "good",
               "a new backup took their place", left)
        tap.ok(server.post(path, {"confirm": True}).status == 409, "now there is none to remove")
        actions = [item["action"] for item in server.get("/audit").json["items"]]
        tap.ok(actions.count("backup.remove") == 1, "and the audit log says who did it", actions)
        server.post("/users", {"login": "reader", "name": "R", "role": "reader", "password": "another long password"})
        server.sign_in({"login": "reader", "password": "another long password"})
        tap.ok(server.post(path, {"confirm": True}).status == 403, "it is a right of its own")


def failing(tap, folder):
    target = folder / "in the way"
    target.write_text("a file")
    with Server("--backup-to", str(target), folder=folder / "failing") as server:
        state = ended(server)
        tap.ok(state["last_status"] != "OK" and str(target) in state["last_error"] and state["last_success"] is None,
               "a failure says where and why, and the server runs", state)
        tap.ok(any("backup.failed" in line and str(target) in line for line in server.lines), "it is logged", server.lines[-5:])


def refused(tap, folder):
    rows = [
        (("--backup-at", "02:00"), "need --backup-to"),
        (("--backup-keep", "2"), "need --backup-to"),
        (("--backup-to", str(folder / "x"), "--backup-at", "25:00"), "must be a time of day like 02:30"),
        (("--backup-to", str(folder / "x"), "--backup-at", "2"), "must be a time of day like 02:30"),
    ]
    for number, (options, text) in enumerate(rows):
        done = subprocess.run([PROGRAM, "serve", "--data", str(folder / f"r{number}"), "--port", "0", *options],
                              capture_output=True, text=True, timeout=60)
        tap.ok(done.returncode == 1 and text in done.stderr, "refused: " + " ".join(options[-2:]), done.stderr)
    tap.ok(not (folder / "x").exists(), "and nothing is made")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="hyp-backups-") as name:
        folder = pathlib.Path(name)
        tap.case("backups are made, shown and restored", made_and_restored, tap, folder)
        tap.case("older backups of what was forgotten", wiped, tap, folder)
        tap.case("a failing backup", failing, tap, folder)
        tap.case("what cannot work is refused", refused, tap, folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
