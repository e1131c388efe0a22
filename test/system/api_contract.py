#!/usr/bin/env python3
"""The API against its own document: routes, rights of every role on every route, shapes of replies.

Needs Debian's python3-yaml and python3-jsonschema.
"""
import pathlib
import re
import sys
import time

import jsonschema
import yaml

from hypserver import Server, Tap
from telegrams import METER, intake_line

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
ROW = re.compile(r'ROUTE\(([A-Z]+), "([^"]+)", ([A-Z_]+), (\w+)')
# What an administrator is answered when a route is called with an id or body that means nothing.
ALLOWED = {200, 201, 202, 204, 304, 400, 404, 409, 413, 415, 422}


def table():
    """(method, path) -> right, as the server's own table says."""
    text = (ROOT / "src" / "api" / "routes.c").read_text()
    return {(method, path): right.lower().replace("_", ".") for method, path, right, _ in ROW.findall(text)}


def described(document):
    found = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "patch", "delete", "put"):
                found[(method.upper(), path)] = operation
    return found


def check_document(tap, routes, operations):
    tap.ok(set(routes) == set(operations), "document and route table name the same routes",
           f"only in the table: {set(routes) - set(operations)}, only in the document: {set(operations) - set(routes)}")
    wrong = [key for key, operation in operations.items()
             if routes.get(key) != (operation.get("x-permission") or "public")]
    tap.ok(not wrong, "and the same rights", f"{[(k, routes.get(k), operations[k].get('x-permission')) for k in wrong]}")


def call(server, key, headers):
    method, path = key
    path = re.sub(r"\{[a-z_]+\}", "999999", path)
    body = {} if method in ("POST", "PATCH", "PUT") else None
    while True:
        reply = server.request(method, path, body, headers={"Cookie": "", **headers})
        if reply.status != 429:
            return reply
        time.sleep(1)


def expected(right, rights, anonymous):
    if right == "public":
        return "open"
    if anonymous:
        return "unknown"
    return "allowed" if right in rights else "refused"


def check_roles(tap, server, routes):
    tokens = {role: server.post("/tokens", {"name": role, "role": role, "expires": None}).json["token"]
              for role in ("admin", "reader")}
    roles = {"nobody": {}, **{role: {"Authorization": f"Bearer {token}"} for role, token in tokens.items()}}
    server.post("/users", {"login": "reader", "name": "Reader", "password": "a long reader password", "role": "reader",
                           "enabled": True})
    rights = {"nobody": set(), "admin": set(server.get("/session").json["permissions"])}
    kept = server.cookie, server.csrf
    server.sign_in({"login": "reader", "password": "a long reader password"})
    rights["reader"] = set(server.get("/session").json["permissions"])
    server.cookie, server.csrf = kept
    for role, headers in roles.items():
        for key, right in sorted(routes.items()):
            if key == ("GET", "/stream") and role != "nobody":
                continue  # a stream does not end; server_life tries it
            if right == "session" and role != "nobody":
                continue  # a token has no session to change
            want = expected(right, rights[role], role == "nobody")
            status = call(server, key, headers).status
            good = {"open": status not in (403, 500, 503) or key[1] == "/setup", "unknown": status == 401,
                    "refused": status == 403, "allowed": status in ALLOWED}[want]
            tap.ok(good, f"{role} {key[0]} {key[1]}: {want}", f"status {status}")


def resolve(schema, document):
    """The document's components made reachable for the validator."""
    return {**schema, "components": document["components"]}


def check_shapes(tap, server, document, operations):
    device = server.post("/devices", METER).json["id"]
    server.post("/intake", "".join(intake_line(n) for n in range(5)), raw=True, headers={"Content-Type": "text/plain"})
    line = server.post("/lines", {"name": "bus", "kind": "mbus-tcp", "host": "127.0.0.1", "port": 9, "enabled": False}).json["id"]
    latest = next(v for v in server.get(f"/devices/{device}/latest").json["values"] if v["kind"] == "decimal" and v["aggregation"] == "counter")
    server.post("/groups", {"name": "some"})
    ids = {"/devices/{id}": device, "/lines/{id}": line, "/points/{id}": latest["point"], "/frames/{id}": latest["frame"]}
    queries = {"/periods": "?key=energy&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z",
               "/periods/sums": "?key=energy&from=2026-01-01T00:00:00Z&to=2026-01-03T00:00:00Z",
               "/series": f"?points={latest['point']}&from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&px=100"}
    for (method, path), operation in sorted(operations.items()):
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json")
        if method != "GET" or content is None or path in ("/openapi.json", "/stream") or "/jobs/{id}" in path:
            continue
        real = path
        for prefix, number in ids.items():
            if path.startswith(prefix):
                real = path.replace("{id}", str(number))
        real = real.replace("{name}", "generic_en13757")
        reply = server.get_patiently(real + queries.get(path, ""))
        try:
            assert reply.status == 200, reply.body
            jsonschema.validate(reply.json, resolve(content["schema"], document))
            tap.ok(True, f"GET {path} has the described shape")
        except (AssertionError, jsonschema.ValidationError) as fault:
            tap.ok(False, f"GET {path} has the described shape", str(fault)[:1500])


def main():
    tap = Tap()
    document = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())
    routes, operations = table(), described(document)
    check_document(tap, routes, operations)
    with Server() as server:
        served = server.get("/openapi.json").json
        tap.ok(served["paths"].keys() == document["paths"].keys(), "the served document is this one")
        check_roles(tap, server, routes)
        check_shapes(tap, server, document, operations)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
