#!/usr/bin/env python3
"""What the server refuses, and how: size, rate, method, kind of body; kept connections, gzip, HEAD."""
import gzip
import http.client
import json
import socket
import sys
import threading

from hypserver import LOGIN, Server, Tap

JSON = {"Content-Type": "application/json"}


def signed(server):
    return {"Cookie": server.cookie, "X-CSRF-Token": server.csrf}


def talk(server, method, path, body=None, headers=None, connection=None):
    """One request on a connection that stays open; gives (reply, data)."""
    connection = connection or http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request(method, path, body, headers or {})
    reply = connection.getresponse()
    return reply, reply.read()


def keeps_connections(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    used = set()
    for path in ("/api/v1/status", "/api/v1/devices", "/api/v1/nothing", "/", "/api/v1/lines"):
        talk(server, "GET", path, headers=signed(server), connection=connection)
        used.add(connection.sock)
    reply, _ = talk(server, "POST", "/api/v1/groups", "{bad", {**signed(server), **JSON}, connection)
    assert reply.status == 400, reply.status
    used.add(connection.sock)
    assert len(used) == 1 and None not in used, "the server closed a connection that could have been kept"


def body_limits(server):
    wanted = [("a body of 1 MiB and a byte", "/api/v1/groups", 1024 * 1024 + 1, 413),
              ("an intake of 2 MiB", "/api/v1/intake", 2 * 1024 * 1024, 200),
              ("an intake of 8 MiB and a byte", "/api/v1/intake", 8 * 1024 * 1024 + 1, 413)]
    for name, path, size, status in wanted:
        kind = {} if path.endswith("intake") else JSON
        reply, data = talk(server, "POST", path, b"#" * size, {**signed(server), **kind})
        assert reply.status == status, (name, reply.status, data[:200])


def endless_body_is_cut(server):
    """A chunked body that never ends is answered or cut off, and the server goes on."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall((f"POST /api/v1/intake HTTP/1.1\r\nHost: x\r\nCookie: {server.cookie}\r\n"
                      f"X-CSRF-Token: {server.csrf}\r\nTransfer-Encoding: chunked\r\n\r\n").encode())
        chunk = b"100000\r\n" + b"#" * 0x100000 + b"\r\n"
        sent = 0
        try:
            for _ in range(200):
                sock.sendall(chunk)
                sent += 1
        except OSError:
            pass
        assert sent < 200, "200 MiB were taken"
    assert server.get("/status").status == 200


def announced_giant(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/api/v1/intake")
    for name, value in {**signed(server), "Content-Length": str(10 ** 12)}.items():
        connection.putheader(name, value)
    connection.endheaders()
    reply = connection.getresponse()
    assert reply.status == 413, reply.status


def methods(server):
    reply, _ = talk(server, "PUT", "/api/v1/devices", headers=signed(server))
    assert reply.status == 405 and reply.getheader("Allow") == "GET, POST", (reply.status, reply.getheader("Allow"))
    reply, _ = talk(server, "POST", "/", headers=signed(server))
    assert reply.status == 405, reply.status
    reply, data = talk(server, "HEAD", "/api/v1/status")
    assert reply.status == 200 and not data and int(reply.getheader("Content-Length")) > 50


def kinds_of_body(server):
    """What a page of another site could send without asking is not taken for JSON."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        reply, data = talk(server, "POST", "/api/v1/session", json.dumps(LOGIN), {"Content-Type": kind})
        assert reply.status == 415, (kind, reply.status, data)


def compression(server):
    for path in ("/api/v1/vocabulary", "/api/v1/openapi.json"):
        plain, text = talk(server, "GET", path, headers=signed(server))
        packed, data = talk(server, "GET", path, headers={**signed(server), "Accept-Encoding": "gzip"})
        assert plain.getheader("Content-Encoding") is None
        assert packed.getheader("Content-Encoding") == "gzip" and packed.getheader("Vary") == "Accept-Encoding"
        assert gzip.decompress(data) == text and len(data) < len(text) / 2
    refused, _ = talk(server, "GET", "/api/v1/vocabulary", headers={**signed(server), "Accept-Encoding": "gzip;q=0"})
    assert refused.getheader("Content-Encoding") is None


def pages(server):
    reply, data = talk(server, "GET", "/devices/17?tab=chart")
    assert reply.status == 200 and reply.getheader("Content-Type").startswith("text/html"), reply.status
    policy = reply.getheader("Content-Security-Policy") or ""
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy, policy
    assert reply.getheader("X-Content-Type-Options") == "nosniff"
    for path in ("/no-such-file.js", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd.txt", "/api/v2/x", "/api"):
        reply, data = talk(server, "GET", path)
        assert reply.status == 404 or b"<html" in data.lower(), (path, reply.status, data[:100])
        assert b"root:" not in data


def ask_until_refused(server, headers=lambda number: None, most=3000):
    """The refusal and its body when the limit stops this client; a machine that answers ten a second is fast enough."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for number in range(most):
        reply, data = talk(server, "GET", "/api/v1/status", headers=headers(number), connection=connection)
        if reply.status == 429:
            return reply, data
    return None


def rate():
    with Server("--no-collect", "--rate-limit", "10") as server:
        refused = ask_until_refused(server)
        assert refused, "3000 requests passed a limit of 10 a second"
        assert int(refused[0].getheader("Retry-After")) >= 1
        assert json.loads(refused[1])["code"] == "TOO_MANY"


def behind_a_proxy():
    """Clients of a trusted proxy are limited one by one, and cannot give themselves another name."""
    with Server("--no-collect", "--rate-limit", "10", "--trusted-proxy", "10.0.0.1, 127.0.0.0/8") as server:
        def forged(number):
            return {"X-Forwarded-For": f"198.51.100.{number % 250}, 192.0.2.7", "Forwarded": f"for=203.0.113.{number % 250}"}

        assert ask_until_refused(server, lambda number: {"X-Forwarded-For": "192.0.2.7"})
        assert talk(server, "GET", "/api/v1/status", headers={"X-Forwarded-For": "192.0.2.8"})[0].status == 200
        assert ask_until_refused(server, forged), "a client behind the proxy chose its own address"


def signed_in_with(server, headers):
    """What a browser gets that signs in with these headers: the attributes of its cookie, and whether it stays with https."""
    reply, _ = talk(server, "POST", "/api/v1/session", json.dumps(LOGIN), {**JSON, **headers})
    assert reply.status == 200, (headers, reply.status)
    attributes = [part.strip() for part in reply.getheader("Set-Cookie").split(";")[1:]]
    strict = reply.getheader("Strict-Transport-Security") is not None
    page, _ = talk(server, "GET", "/", headers=headers)
    assert (page.getheader("Strict-Transport-Security") is not None) == strict, headers
    assert ("Secure" in attributes) == strict, (headers, attributes, strict)
    return strict


def https_at_a_proxy():
    """The cookie is Secure where a trusted proxy says that the browser came by https, and nowhere else."""
    for_us, told = {"X-Forwarded-For": "192.0.2.7"}, "X-Forwarded-Proto"
    with Server("--no-collect", "--rate-limit", "0", "--trusted-proxy", "127.0.0.0/8") as server:
        assert signed_in_with(server, {**for_us, told: "https"})
        assert not signed_in_with(server, {**for_us, told: "http"})
        assert not signed_in_with(server, for_us)
        assert not signed_in_with(server, {**for_us, told: "https, http"}), "a client lied before its proxy's word"
        assert not signed_in_with(server, {"Forwarded": "for=192.0.2.7;proto=https"}), "a header that the proxy does not write"
    with Server("--no-collect", "--rate-limit", "0", "--trusted-proxy", "127.0.0.0/8", "--proxy-header", "forwarded") as server:
        assert signed_in_with(server, {"Forwarded": "for=192.0.2.7;proto=https"})
        assert not signed_in_with(server, {**for_us, told: "https"}), "a header that the proxy does not write"
    for options in ((), ("--trusted-proxy", "10.0.0.1")):
        with Server("--no-collect", "--rate-limit", "0", *options) as server:
            assert not signed_in_with(server, {**for_us, told: "https", "Forwarded": "for=192.0.2.7;proto=https"}), options


def headers_of_strangers():
    """Without a trusted proxy nobody says who they are."""
    with Server("--no-collect", "--rate-limit", "10") as server:
        assert ask_until_refused(server, lambda number: {"X-Forwarded-For": f"192.0.2.{number % 250}"})


def many_logins():
    """Password hashing is limited; nobody waits for ever and nobody gets in without the password."""
    with Server("--no-collect", "--rate-limit", "0") as server:
        statuses = []

        def attempt(number):
            login = {"login": f"user{number}", "password": "wrong wrong"}
            statuses.append(talk(server, "POST", "/api/v1/session", json.dumps(login), JSON)[0].status)

        threads = [threading.Thread(target=attempt, args=(n,)) for n in range(24)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(statuses) <= {401, 503} and statuses.count(401) >= 2, statuses
        assert server.get("/overview").status == 200


def ends_under_load():
    """Asked to end while clients ask and listen, the server ends, and cleanly."""
    for _ in range(6):
        with Server("--no-collect", "--rate-limit", "0") as server:
            cookie, asked = server.cookie, threading.Barrier(5)

            def ask():
                connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                for number in range(100000):
                    try:
                        talk(server, "GET", "/api/v1/devices", headers={"Cookie": cookie}, connection=connection)
                    except (OSError, http.client.HTTPException):
                        if server.process.poll() is not None:
                            return
                        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
                    if number == 5:
                        asked.wait()

            listener = socket.create_connection(("127.0.0.1", server.port), timeout=60)
            listener.sendall(f"GET /api/v1/stream HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n".encode())
            assert b" 200 " in listener.recv(4096)
            threads = [threading.Thread(target=ask) for _ in range(4)]
            for thread in threads:
                thread.start()
            asked.wait()
            code = server.stop()
            for thread in threads:
                thread.join()
            listener.close()
            assert code == 0, (code, "".join(server.lines[-20:]))


def main():
    tap = Tap()
    with Server("--no-collect") as server:
        tap.case("connections are kept", keeps_connections, server)
        tap.case("bodies have a limit", body_limits, server)
        tap.case("an announced giant is refused at once", announced_giant, server)
        tap.case("an endless body is cut", endless_body_is_cut, server)
        tap.case("methods", methods, server)
        tap.case("only JSON is JSON", kinds_of_body, server)
        tap.case("gzip", compression, server)
        tap.case("pages, their policy, and no way out of them", pages, server)
        code = server.stop()
        tap.ok(code == 0, "the server ends cleanly", "".join(server.lines[-20:]))
    tap.case("the end under load", ends_under_load)
    tap.case("rate of requests", rate)
    tap.case("clients behind a proxy are told apart", behind_a_proxy)
    tap.case("nobody else names their address", headers_of_strangers)
    tap.case("https at a proxy", https_at_a_proxy)
    tap.case("many people sign in at once", many_logins)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
