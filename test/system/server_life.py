#!/usr/bin/env python3
"""A server's life from the outside: first run, sign-in, limits, caching, push, TLS, restart."""
import gzip
import http.client
import json
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

from hypserver import LOGIN, Reply, Server, Tap, wait_until
from telegrams import METER, intake_line, telegram


def first_run(tap):
    with Server(setup=False) as server:
        tap.ok(server.get("/status").json["first_run"] is True, "a new server says that it waits for its administrator")
        wrong = server.post("/setup", {**LOGIN, "token": "x" * 43, "name": "A", "language": "en", "time_zone": "UTC"})
        tap.ok(wrong.status in (401, 403), "a wrong set-up token is refused", wrong.body)
        weak = server.post("/setup", {"login": "admin", "password": "short", "token": server.setup_token, "name": "A",
                                      "language": "en", "time_zone": "UTC"})
        tap.ok(weak.status == 422 and "10 characters" in weak.json["detail"], "a short password is refused with the rule", weak.body)
        server.first_run()
        again = server.post("/setup", {**LOGIN, "token": server.setup_token, "name": "B", "language": "en",
                                       "time_zone": "UTC"}, headers={"Cookie": ""})
        tap.ok(again.status in (403, 409), "the set-up token works once", again.body)
        tap.ok(server.get("/status").json["first_run"] is False, "afterwards there is no first run")
        output = "".join(server.lines)
        tap.ok(LOGIN["password"] not in output, "the password is in no log line")


def sessions(tap, server):
    anonymous = {"Cookie": ""}
    tap.ok(server.get("/devices", headers=anonymous).status == 401, "without a session nothing is shown")
    reply = server.request("POST", "/devices", METER, headers={"Cookie": server.cookie, "X-CSRF-Token": "wrong"})
    tap.ok(reply.status == 403, "a change without the CSRF token is refused", reply.body)
    wrong = [server.post("/session", {"login": name, "password": "no such password"}, headers=anonymous)
             for name in ("nobody", "admin")]
    texts = [reply.json["detail"] for reply in wrong]
    tap.ok(all(reply.status == 401 for reply in wrong) and texts[0] == texts[1],
           "wrong name and wrong password read the same", texts)
    for _ in range(6):
        last = server.post("/session", {"login": "admin", "password": "no such password"}, headers=anonymous)
    tap.ok(last.status == 401 and last.json.get("retry_after", 0) > 0, "wrong passwords slow down", last.body)


def bad_input(tap, server):
    broken = server.post("/devices", '{"name": "x",, }', raw=True, headers={"Content-Type": "application/json"})
    tap.ok(broken.status == 400 and "line 1" in broken.json["detail"].lower(), "broken JSON is refused with its place",
           broken.body)
    wrong = server.post("/devices", {**METER, "primary_address": 300})
    tap.ok(wrong.status == 422 and wrong.json.get("field") == "primary_address", "a wrong member is named", wrong.body)
    unknown = server.get("/devices/999999")
    tap.ok(unknown.status == 404 and unknown.headers["Content-Type"].startswith("application/problem+json"),
           "an unknown device is a problem document", unknown.body)
    large = server.post("/devices", "x" * (3 * 1024 * 1024), raw=True, headers={"Content-Type": "application/json"})
    tap.ok(large.status == 413, "a body beyond the limit is refused", large.status)
    lines = server.post("/intake", "2026-01-01T00:00:00Z radio 0102\nnonsense\n", raw=True,
                        headers={"Content-Type": "text/plain"})
    tap.ok(lines.status == 200 and lines.json["refused"] == 2 and lines.json["first_error"], "bad intake lines are counted",
           lines.body)


def next_reading(tap, server):
    """A device says when it is read next, also before it was read for the first time."""
    line = server.post("/lines", {"name": "nobody there", "kind": "mbus-tcp", "host": "127.0.0.1", "port": 1}).json["id"]
    wired = {**METER, "line": line, "serial": "20000001", "primary_address": 7, "schedule": "every 60 min"}
    device = server.post("/devices", wired).json
    due = server.get(f"/devices/{device['id']}/communication").json["next_due"]
    tap.ok(due is not None, "the next reading is told before the first one", due)
    server.request("PATCH", f"/devices/{device['id']}", {"schedule": "none", "revision": device["revision"]})
    tap.ok(server.get(f"/devices/{device['id']}/communication").json["next_due"] is None, "without a schedule there is none")
    server.request("DELETE", f"/devices/{device['id']}")
    server.request("DELETE", f"/lines/{line}")


def readings(tap, server):
    device = server.post("/devices", METER).json["id"]
    body = "".join(intake_line(number) for number in range(20))
    first = server.post("/intake", body, raw=True, headers={"Content-Type": "text/plain"}).json
    tap.ok(first["readings"] == 20, "telegrams become readings", first)
    server.post("/intake", body, raw=True, headers={"Content-Type": "text/plain"})
    listed = server.get(f"/devices/{device}/readings").json
    tap.ok(listed["total"] == 20, "the same telegrams again change nothing", listed["total"])
    newest = listed["items"][0]
    tap.ok(any(v["value"] == 0.019 and v["text"] == "0.019" for v in newest["values"]), "values are exact", newest)
    frame = server.get(f"/frames/{newest['frame']}").json
    tap.ok(bytes.fromhex(frame["hex"]) == telegram(19) and frame["explain"]["ok"], "a reading leads to its bytes")
    covered = set()
    for note in frame["explain"]["notes"]:
        if note["stage"] == 0:
            covered.update(range(note["offset"], note["offset"] + note["length"]))
    stages = len(frame["explain"]["stages"])
    tap.ok(stages > 1 or covered >= set(range(len(telegram(19)))), "every byte is explained")
    csv = server.get(f"/devices/{device}/readings.csv").body.decode()
    tap.ok(csv.splitlines()[0].startswith("time") and len(csv.splitlines()) == 21, "readings leave as CSV", csv[:200])
    other = server.post("/explain", {"hex": telegram(5)[:-1].hex()}).json
    tap.ok(other["ok"] is False and other["error"]["text"], "a damaged telegram says where and why", other.get("error"))
    return device


def periods(tap, server, device):
    points = server.get(f"/devices/{device}/points").json["items"]
    energy = next(p["point"] for p in points if p["aggregation"] == "counter")
    path = f"/points/{energy}/periods?from=2026-03-28T23:00:00Z&to=2026-03-29T22:00:00Z"
    days = server.get(path).json["items"]
    tap.ok([(d["start"], d["end"]) for d in days] == [("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z")],
           "a day of the site has 23 hours in spring", days)
    hours = server.get(path + "&step=hour").json["items"]
    tap.ok(len(hours) == 23, "and 23 rows", len(hours))
    months = server.get(f"/points/{energy}/periods?step=month&settlement_day=16&settlement_hour=10&from=2026-01-20T00:00:00Z"
                        "&to=2026-01-21T00:00:00Z").json["items"]
    tap.ok([(m["start"], m["end"]) for m in months] == [("2026-01-16T09:00:00Z", "2026-02-16T09:00:00Z")],
           "a month runs from settlement day to settlement day", months)
    wrong = server.get(f"/points/{energy}/periods?step=week")
    tap.ok(wrong.status == 422 and wrong.json["field"] == "step", "an unknown step is named", wrong.body)


def caching(tap, server, device):
    first = server.get(f"/devices/{device}")
    again = server.get(f"/devices/{device}", headers={"If-None-Match": first.headers["ETag"], "Cookie": server.cookie})
    tap.ok(again.status == 304 and not again.body, "what has not changed is not sent again", again.status)
    packed = server.get("/vocabulary", headers={"Accept-Encoding": "gzip", "Cookie": server.cookie})
    tap.ok(packed.headers.get("Content-Encoding") == "gzip" and json.loads(gzip.decompress(packed.body)), "replies are packed")
    page = http.client.HTTPConnection("127.0.0.1", server.port)
    page.request("GET", "/")
    headers = dict(page.getresponse().getheaders())
    tap.ok("default-src 'none'" in headers.get("Content-Security-Policy", ""), "pages carry the content security policy")


def revisions(tap, server, device):
    one = server.get(f"/devices/{device}").json
    good = server.request("PATCH", f"/devices/{device}", {"name": "renamed", "revision": one["revision"]})
    tap.ok(good.status == 200 and good.json["name"] == "renamed", "a change is taken", good.body)
    late = server.request("PATCH", f"/devices/{device}", {"name": "late", "revision": one["revision"]})
    tap.ok(late.status == 409, "a change of an old state is refused", late.body)


def push(tap, server, device):
    stream = socket.create_connection(("127.0.0.1", server.port))
    stream.sendall(f"GET /api/v1/stream?topics=devices&device={device} HTTP/1.1\r\nHost: localhost\r\n"
                   f"Cookie: {server.cookie}\r\n\r\n".encode())
    received = []

    def listen():
        while True:
            try:
                data = stream.recv(65536)
            except OSError:
                return  # closed below
            if not data:
                return
            received.append(data.decode(errors="replace"))

    threading.Thread(target=listen, daemon=True).start()
    wait_until(lambda: "event: hello" in "".join(received), 20, "the stream's greeting")
    server.post("/intake", intake_line(500), raw=True, headers={"Content-Type": "text/plain"})
    wait_until(lambda: "event: values" in "".join(received), 20, "the pushed value")
    tap.ok("0.500" in "".join(received), "a committed value is pushed at once", "".join(received)[-500:])
    stream.close()


def tokens(tap, server):
    made = server.post("/tokens", {"name": "reporting", "role": "reader", "expires": None}).json
    headers = {"Authorization": "Bearer " + made["token"]}
    tap.ok(server.get("/devices", headers=headers).status == 200, "a token reads")
    tap.ok(server.post("/devices", METER, headers=headers).status == 403, "a reader's token changes nothing")
    tap.ok(made["token"] not in server.get("/tokens").body.decode(), "a token is shown once")
    server.request("DELETE", f"/tokens/{made['id']}")
    tap.ok(server.get("/devices", headers=headers).status == 401, "a removed token opens nothing")


def restart(tap, server, device):
    before = server.get(f"/devices/{device}/readings").json["total"]
    tap.ok(server.stop() == 0, "the server ends cleanly")
    server.start()
    tap.ok(server.get(f"/devices/{device}/readings").json["total"] == before, "readings and session outlive a restart")


def encryption(tap):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hyp-tls-"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    server = Server("--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"), setup=False)
    context = ssl.create_default_context(cafile=str(folder / "cert.pem"))

    def request(method, path, body=None, headers=None, **_):
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=30)
        connection.request(method, "/api/v1" + path, body and json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        return Reply(reply.status, dict(reply.getheaders()), reply.read())

    server.request = request
    with server:
        tap.ok(server.get("/status").status == 200, "the server speaks TLS with a certificate of one's own")
        made = server.post("/setup", {**LOGIN, "token": server.setup_token, "name": "A", "language": "en",
                                      "time_zone": "UTC"})
        cookie = made.headers.get("Set-Cookie", "")
        tap.ok("Secure" in cookie and "HttpOnly" in cookie and "SameSite=Strict" in cookie, "its cookie is marked", made.body)


def main():
    tap = Tap()
    tap.case("first run", first_run, tap)
    with Server() as server:
        tap.case("bad input", bad_input, tap, server)
        device = readings(tap, server)
        tap.case("next reading", next_reading, tap, server)
        tap.case("periods", periods, tap, server, device)
        tap.case("caching", caching, tap, server, device)
        tap.case("revisions", revisions, tap, server, device)
        tap.case("push", push, tap, server, device)
        tap.case("tokens", tokens, tap, server)
        tap.case("restart", restart, tap, server, device)
        tap.case("sessions", sessions, tap, server)
    tap.case("TLS", encryption, tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
