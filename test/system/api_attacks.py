#!/usr/bin/env python3
"""What an attacker tries first: smuggled requests, old TLS, a revoked token that goes on listening, full tables."""
import http.client
import json
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile

from hypserver import Server, Tap, wait_until

JSON = {"Content-Type": "application/json"}


def raw(server, text, until_closed=True):
    """Sends bytes as they are; gives everything that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(text.encode())
        received = b""
        while True:
            try:
                data = sock.recv(65536)
            except ConnectionResetError:
                break
            received += data
            if not data or (not until_closed and b"\r\n\r\n" in received):
                break
        return received.decode(errors="replace")


def smuggling(server):
    """A request whose end is doubtful is refused, and what follows it is not taken for a request."""
    hidden = "GET /api/v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
    heads = ["Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
             "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
             "Content-Length: 4\r\nContent-Length: 5\r\n",
             "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
             "Transfer-Encoding: xchunked\r\n",
             "Transfer-Encoding: gzip, chunked\r\n",
             "Content-Length: -1\r\n",
             "Content-Length: 0x4\r\n"]
    for head in heads:
        answer = raw(server, f"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n"
                             f"0\r\n\r\n{hidden}")
        assert answer.startswith("HTTP/1.1 400") and "Hypocaust" not in answer, (head, answer[:600])
    answer = raw(server, "GET /api/v1/status HTTP/1.1\r\n\r\n")
    assert answer.startswith("HTTP/1.1 400"), ("without Host", answer[:200])


def heads(server):
    """A subscription to 1,000 points fits into a request; a head without end is refused."""
    points = ",".join(str(9_000_000 + number) for number in range(1000))
    reply = server.get(f"/stream?points={points}")
    assert reply.status == 404, (reply.status, "the points are not there, but the question was understood")
    answer = raw(server, "GET /api/v1/status HTTP/1.1\r\nHost: x\r\nX-Filler: " + "a" * 200_000 + "\r\n\r\n")
    assert answer == "" or answer.split()[1] in ("413", "414", "431"), answer[:200]
    assert server.get("/status").status == 200


def listen(server, token):
    sock = socket.create_connection(("127.0.0.1", server.port), timeout=120)
    sock.sendall(f"GET /api/v1/stream?topics=devices HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return sock


def hear(sock, wanted):
    received = b""
    while wanted not in received:
        data = sock.recv(65536)
        assert data, (wanted, received)
        received += data
    return received


def revoked_token_hears_nothing(server):
    """At the next ping, the stream of a removed token ends; that of another token goes on."""
    made = [server.post("/tokens", {"name": name, "role": "reader", "expires": None}).json for name in ("out", "in")]
    with listen(server, made[0]["token"]) as removed, listen(server, made[1]["token"]) as kept:
        for sock in (removed, kept):
            hear(sock, b"event: hello")
        assert server.request("DELETE", f"/tokens/{made[0]['id']}").status == 204
        assert b"event: ping" not in hear(removed, b"0\r\n\r\n")
        hear(kept, b"event: ping")


def streams_of_one_user(server):
    """One user cannot take all streams from the others."""
    token = server.post("/tokens", {"name": "greedy", "role": "reader", "expires": None}).json["token"]
    other = {"login": "other", "name": "Other", "password": "another long password", "role": "reader", "enabled": True}
    assert server.post("/users", other).status == 201
    socks = [listen(server, token) for _ in range(130)]
    try:
        answers = [sock.recv(12).decode() for sock in socks]
        counts = {status: answers.count(f"HTTP/1.1 {status}") for status in (200, 503)}
        # Those closed a moment ago may still count.
        assert 90 <= counts[200] <= 100 and sum(counts.values()) == 130, counts
        kept = server.cookie, server.csrf
        server.sign_in({"login": "other", "password": other["password"]})
        first = raw(server, f"GET /api/v1/stream?topics=lines HTTP/1.1\r\nHost: x\r\nCookie: {server.cookie}\r\n\r\n", False)
        server.cookie, server.csrf = kept
        assert first.startswith("HTTP/1.1 200"), first[:100]
    finally:
        for sock in socks:
            sock.close()


def reader_and_cookie(server):
    """A cookie without its second token changes nothing; nor does one sent along with a form."""
    for headers in ({"X-CSRF-Token": ""}, {"X-CSRF-Token": "A" * 43}):
        reply = server.request("POST", "/groups", {"name": "x"}, headers={"Cookie": server.cookie, **headers})
        assert reply.status == 403 and reply.json["code"] == "CSRF", (reply.status, reply.body)
    reply = server.request("DELETE", "/session", headers={"Cookie": server.cookie})
    assert reply.status == 403, reply.status
    reply = server.request("POST", "/groups", "name=x", raw=True, headers={
        "Cookie": server.cookie, "X-CSRF-Token": server.csrf, "Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status == 415, reply.status


def secrets_stay(server):
    """Keys, passwords and tokens are in no reply and in no line of the log."""
    key = "0F1E2D3C4B5A69788796A5B4C3D2E1F0"
    device = server.post("/devices", {"name": "m", "kind": "heat_meter", "manufacturer": "KAM", "serial": "11223344",
                                      "version": 27, "medium": 4, "key": key}).json
    line = server.post("/lines", {"name": "broker", "kind": "wmbus-mqtt", "host": "127.0.0.1", "port": 9, "topic": "x",
                                  "login": "u", "password": "broker secret", "enabled": False}).json
    assert device["has_key"] and line["has_password"], (device, line)
    token = server.post("/tokens", {"name": "t", "role": "reader", "expires": None}).json["token"]
    server.post("/session", {"login": "admin", "password": "a wrong secret password"})
    told = ""
    for path in ("/devices", f"/devices/{device['id']}", "/lines", f"/lines/{line['id']}", "/tokens", "/users", "/audit",
                 "/overview", "/session"):
        told += server.get(path).body.decode()
    told += "".join(server.lines)
    for secret in (key, key.lower(), "broker secret", token, "a wrong secret password", "correct horse battery", "argon2"):
        assert secret not in told, secret


def handshake(port, oldest, newest):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = oldest, newest
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        with context.wrap_socket(plain) as sock:
            return sock.version()


def old_tls_is_refused():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hyp-tls-"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-days", "2", "-subj",
                    "/CN=localhost"], check=True, capture_output=True)
    server = Server("--no-collect", "--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem"),
                    folder=folder / "data", setup=False)
    (folder / "data").mkdir()
    (folder / "data" / ".was-set-up").touch()  # nobody asks over plain HTTP
    server.get = lambda *_, **__: None
    versions = ssl.TLSVersion
    try:
        server.start()
        wait_until(lambda: server.ready.is_set(), 60, "the server")
        assert handshake(server.port, versions.TLSv1_2, versions.TLSv1_2) == "TLSv1.2"
        assert handshake(server.port, versions.TLSv1_3, versions.TLSv1_3) == "TLSv1.3"
        for old in (versions.TLSv1, versions.TLSv1_1):
            try:
                spoken = handshake(server.port, old, old)
            except (ssl.SSLError, OSError):
                continue
            raise AssertionError(f"the server speaks {spoken}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=60)
        for path in ("/", "/api/v1/status"):
            connection.request("GET", path)
            reply = connection.getresponse()
            reply.read()
            assert reply.getheader("Strict-Transport-Security", "").startswith("max-age="), (path, reply.getheaders())
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    tap = Tap()
    with Server("--no-collect", "--rate-limit", "0") as server:
        tap.case("a request has one end", smuggling, server)
        tap.case("long heads", heads, server)
        tap.case("a cookie alone changes nothing", reader_and_cookie, server)
        tap.case("secrets stay inside", secrets_stay, server)
        tap.case("a revoked token hears nothing more", revoked_token_hears_nothing, server)
        tap.case("streams of one user are limited", streams_of_one_user, server)
        code = server.stop()
        tap.ok(code == 0, "the server ends cleanly", "".join(server.lines[-20:]))
    tap.case("old versions of TLS are refused", old_tls_is_refused)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
