#!/usr/bin/env python3
"""Decodes telegrams by sending them through a running server, for the corpus scorer.

Reads `HEX[;KEY]` lines as `hypocaust decode` does, but: registers every meter with its key,
delivers wireless telegrams over a TCP connection as a concentrator would, answers as a bus of
wired meters (one primary address a frame), lets the server read them, and prints what the API
says about the stored readings in the same output form.
"""
import json
import os
import socket
import subprocess
import sys
import threading

from hypserver import Server, wait_until


# The last radio telegram: readings are committed in the order they came, so its reading in the
# store says that all the others are there as well. 0.001 m3 of a meter that is in no corpus.
MARKER = bytes.fromhex("14442D2C0990009001077A00000000041301000000")
MARKER_METER = {"manufacturer": "KAM", "id": "90009009", "version": 1, "medium_code": 7}


def identify(lines):
    """Whose telegram each line is, by `hypocaust decode`."""
    command = [os.environ.get("HYPOCAUST", "build/hypocaust"), "decode", "--format", "json", "--accept-plain"]
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def readdress(frame, address):
    """The same wired frame from another primary address, checksum made anew."""
    data = bytearray(frame)
    if len(data) < 9 or data[0] != 0x68 or data[3] != 0x68:
        return bytes(data)
    length = data[1]
    if len(data) < length + 6:
        return bytes(data)
    old_sum = sum(data[4:4 + length]) & 0xFF
    good = old_sum == data[4 + length]
    data[5] = address
    if good:
        data[4 + length] = sum(data[4:4 + length]) & 0xFF
    return bytes(data)


class Bus:
    """A bus of wired meters behind a TCP converter: one stored frame per primary address."""

    def __init__(self, frames):
        self.frames = frames
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        pending = b""
        while True:
            data = client.recv(4096)
            if not data:
                return
            pending += data
            while len(pending) >= 5:
                if pending[0] != 0x10:
                    pending = pending[1:]
                    continue
                control, address = pending[1], pending[2]
                pending = pending[5:]
                frame = self.frames.get(address)
                if frame is None:
                    continue
                if control == 0x40:
                    client.sendall(b"\xE5")
                elif control in (0x5B, 0x7B):
                    client.sendall(readdress(frame, address))


class Concentrator:
    """Hands telegrams to the first server that connects, one hex line each."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def send(self, telegrams):
        self.listener.settimeout(60)
        client, _ = self.listener.accept()
        client.sendall(b"".join(t.hex().encode() + b"\n" for t in telegrams))
        return client


def device(name, line, identity, key=None, **more):
    return {"name": name, "line": line, "kind": "generic", "manufacturer": identity.get("manufacturer", ""),
            "id": identity.get("id", ""), "version": identity.get("version"),
            "medium": identity.get("medium_code"), **({"key": key} if key else {}), "schedule": "none", **more}


def manifest_of(identities, wired, keys, bus_port, radio_port):
    """Every wired frame is a meter of its own; radio meters are known by their identity."""
    devices, seen = [], set()
    for number, identity in enumerate(identities):
        if number in wired:
            devices.append(device(f"frame {number}", "bus", {}, keys[number], primary_address=wired[number]))
            continue
        who = tuple(identity.get(part) for part in ("manufacturer", "id", "version", "medium_code"))
        key = keys[number] if keys[number] and len(keys[number]) == 32 else None
        if identity.get("id") and who not in seen:
            seen.add(who)
            devices.append(device(f"radio {number}", "radio", identity, key))
    devices.append(device("marker", "radio", MARKER_METER))
    return {"lines": [{"name": "bus", "kind": "mbus-tcp", "host": "127.0.0.1", "port": bus_port,
                       "timeout_ms": 300, "retries": 0},
                      {"name": "radio", "kind": "wmbus-tcp", "host": "127.0.0.1", "port": radio_port}],
            "devices": devices, "groups": []}


def everything(server, path):
    items = []
    while True:
        page = server.get_patiently(f"{path}{'&' if '?' in path else '?'}offset={len(items)}&limit=500").json
        items += page["items"]
        if not page["items"] or len(items) >= page.get("total", len(items) + 1):
            return items


def record_of(value, points):
    point = points[value["point"]]
    civil = point["kind"] == "civil"
    name, *parts = point["key"].split(".")
    marks = {part[0]: int(part[1:]) for part in parts if part[1:].isdigit()}
    functions = {"max": "maximum", "min": "minimum", "err": "error"}
    function = next((functions[part] for part in parts if part in functions), "instantaneous")
    return {"name": name, "quantity": point["quantity"], "unit": point["unit"],
            "value": value["text"] if civil else value["value"], "quality": value["quality"], "function": function,
            "storage": marks.get("s", 0), "tariff": marks.get("t", 0), "subunit": marks.get("u", 0),
            **({"time": value["text"]} if civil else {})}


def readings_by_frame(server):
    """Stored values of every raw frame, as the records of a decoder."""
    found = {}
    for one in everything(server, "/devices"):
        points = {point["point"]: point for point in server.get_patiently(f"/devices/{one['id']}/points").json["items"]}
        for reading in everything(server, f"/devices/{one['id']}/readings"):
            if reading["frame"]:
                found.setdefault(reading["frame"], []).extend(record_of(v, points) for v in reading["values"])
    return found


def read_bus(server):
    """Reads every wired meter and waits for the end of all jobs."""
    line = next(line for line in server.get_patiently("/lines").json["items"] if line["name"] == "bus")
    ids = [one["id"] for one in everything(server, f"/devices?line={line['id']}")]
    reply = server.post("/read", {"devices": ids})
    assert reply.status == 202, reply.body
    running = {"waiting", "queued", "sent", "loading", "processing"}
    wait_until(lambda: not any(job["state"] in running for job in everything(server, "/jobs")), 600,
               "the wired meters being read")


def main():
    lines = [line.strip() for line in sys.stdin if line.strip()]
    telegrams = [bytes.fromhex(line.split(";")[0]) for line in lines]
    keys = [line.split(";")[1] if ";" in line else None for line in lines]
    identities = identify(lines)
    starts = [number for number, data in enumerate(telegrams) if data[:1] in (b"\x68", b"\x10", b"\xE5")]
    wired = {number: place + 1 for place, number in enumerate(starts)}
    bus = Bus({address: telegrams[number] for number, address in wired.items()})
    concentrator = Concentrator()
    with Server() as server:
        manifest = manifest_of(identities, wired, keys, bus.port, concentrator.port)
        reply = server.post("/devices/import", manifest)
        assert reply.status == 200 and not reply.json["errors"], reply.body
        radio = [data for number, data in enumerate(telegrams) if number not in wired]
        connection = concentrator.send([*radio, MARKER])
        marker = next(one["id"] for one in everything(server, "/devices") if one["name"] == "marker")
        wait_until(lambda: server.get_patiently(f"/devices/{marker}/readings").json["items"], 120, "all radio telegrams")
        if wired:
            read_bus(server)
        wait_until(lambda: server.get_patiently("/frames?limit=1").json["items"], 30, "the frames")
        print_results(server, telegrams, wired)
        connection.close()


def print_results(server, telegrams, wired):
    records = readings_by_frame(server)
    by_hex, by_address = {}, {}
    for frame in everything(server, "/frames"):
        stored = bytes.fromhex(server.get_patiently(f"/frames/{frame['id']}").json["hex"])
        entry = {"ok": frame["outcome"] == "OK", "records": records.get(frame["id"], []),
                 "error": {"code": frame["outcome"], "text": frame["outcome"], "offset": -1}}
        if stored[:1] == b"\x68" and len(stored) > 5:
            by_address[stored[5]] = entry
        else:
            by_hex[stored] = entry
    for number, data in enumerate(telegrams):
        entry = by_address.get(wired[number]) if number in wired else by_hex.get(data)
        if entry is None:
            entry = {"ok": False, "error": {"code": "NOT_STORED", "text": "no frame in the store", "offset": -1}}
        print(json.dumps({"line": number + 1, **entry}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
