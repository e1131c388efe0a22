"""A simulated M-Bus master that is hard to search, through the running server: searched whole and
narrowed, its meters added, told a new address, reset, and read; every step in the audit log."""
import json
import os
import pathlib
import subprocess
import tempfile

from hypserver import Server, Tap, wait_until

METERS = 13
ENDED = ("done", "done_with_errors", "error")


def equal(tap, actual, wanted, name):
    tap.ok(actual == wanted, name, f"is {actual!r}\nshould be {wanted!r}")


class Crowd:
    """The simulator with one echoing master; `meters` says who is on it."""

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="hyp-crowd-")
        file = pathlib.Path(self.folder.name) / "crowd.json"
        self.process = subprocess.Popen(
            [os.environ.get("HYPOCAUST_SIM", "build/hypocaust-sim"), "serve", "--crowd", str(METERS), "--echo",
             "--latency-ms", "1", "--ports-file", str(file)], stdout=subprocess.DEVNULL)
        wait_until(lambda: file.exists() or self.process.poll() is not None, 60, "the simulated master")
        manifest = json.loads(file.read_text())
        self.port = manifest["lines"][0]["port"]
        self.meters = [m for m in manifest["devices"] if not m["silent"]]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
        self.folder.cleanup()


def finish(server, job, seconds=600):
    """Waits for the end of a job; gives it with its results."""
    def ended():
        answer = server.get_patiently(f"/jobs/{job['id']}").json
        return answer if answer["state"] in ENDED else None
    return wait_until(ended, seconds, f"job {job['id']}")


def scan(server, line, **options):
    reply = server.post(f"/lines/{line}/scan", {"mode": "secondary", **options})
    assert reply.status == 202, reply.body
    return finish(server, reply.json)


def address(meter, number="serial"):
    return meter[number], meter["manufacturer"], meter["version"], meter["medium"]


def check_search(tap, server, line, crowd):
    wanted = sorted(address(m, "id") for m in crowd.meters)
    job = scan(server, line)
    found = [m for m in job["results"] if not m["trouble"]]
    equal(tap, job["state"], "done", "a search over the whole bus ends well")
    equal(tap, sorted(address(m) for m in found), wanted, "and finds every meter, once")
    equal(tap, (job["done"], job["total"]), (1000, 1000), "its progress reaches the end")
    tap.ok(any(set(m["serial"]) & set("ABCDE") for m in found), "digits A to E among them")
    tap.ok(len({m["serial"] for m in found}) < len(found), "and two with one number")
    return found


def check_narrow(tap, server, line, crowd):
    def sent():
        return server.get(f"/lines/{line}").json["state"]["bytes_out"]
    before = sent()
    job = scan(server, line, wildcard="00149A", thorough=True)
    wanted = sorted(address(m, "id") for m in crowd.meters if m["id"].startswith("00149A"))
    equal(tap, sorted(address(m) for m in job["results"]), wanted, "a pattern finds the meters under it, and no others")
    one = crowd.meters[0]
    before = sent()
    job = scan(server, line, wildcard=f"{one['id']}.{one['manufacturer']}")
    equal(tap, [address(m) for m in job["results"]], [address(one, "id")], "a whole number finds its meter")
    tap.ok(sent() - before < 60, f"with two or three requests ({sent() - before} bytes)")
    reply = server.post(f"/lines/{line}/scan", {"mode": "secondary", "wildcard": "12X"})
    equal(tap, reply.status, 422, "a pattern that is none is refused")
    reply = server.post(f"/lines/{line}/scan", {"mode": "secondary", "bauds": [300]})
    tap.ok(reply.status >= 400 and "serial" in reply.json["detail"], "rates on a TCP line are refused in words")


def check_cancel(tap, server, line):
    job = server.post(f"/lines/{line}/scan", {"mode": "secondary"}).json
    wait_until(lambda: server.get(f"/jobs/{job['id']}").json["found"] > 0, 120, "a first meter")
    equal(tap, server.request("DELETE", f"/jobs/{job['id']}").status, 204, "a search is cancelled while it runs")
    job = finish(server, job)
    tap.ok(job["state"] in ("error", "done_with_errors") and job["results"], "what it had found stays")


def adopt(server, line, found):
    added = []
    for meter in found:
        reply = server.post("/devices", {"name": f"{meter['manufacturer']} {meter['serial']} {meter['medium']}", "line": line,
                                         "serial": meter["serial"], "manufacturer": meter["manufacturer"],
                                         "version": meter["version"], "medium": meter["medium"], "profile": meter["profile"],
                                         "primary_address": meter["primary_address"], "secondary": True, "schedule": "none"})
        assert reply.status == 201, reply.body
        added.append(reply.json)
    return added


def check_reading(tap, server, devices):
    job = finish(server, server.post("/read", {"devices": [d["id"] for d in devices]}).json["jobs"][0])
    equal(tap, (job["state"], job["done"]), ("done", len(devices)), f"all {len(devices)} are read")


def command(server, device, what, **body):
    reply = server.post(f"/devices/{device['id']}/{what}", body)
    assert reply.status == 202, reply.body
    return finish(server, reply.json)


def audit_of(server, device):
    items = server.get("/audit?limit=200").json["items"]
    return [f"{e['action']} {e['detail']}" for e in items if e["object"] == f"device:{device['id']}"]


def check_commands(tap, server, devices):
    meter, other = devices[0], devices[1]
    job = command(server, meter, "address", address=201)
    equal(tap, (job["kind"], job["state"]), ("command", "done"), "a meter takes a primary address")
    wait_until(lambda: server.get(f"/devices/{meter['id']}").json["primary_address"] == 201, 30, "the device to follow")
    log = wait_until(lambda: [e for e in audit_of(server, meter) if "done" in e] and audit_of(server, meter), 30, "the audit entry")
    tap.ok(any(e.startswith("device.command ") and "201" in e for e in log), "the order is in the audit log", log)
    tap.ok(any(e.startswith("device.command_end ") and "done" in e for e in log), "and how it ended", log)
    device = server.get(f"/devices/{meter['id']}").json
    reply = server.request("PATCH", f"/devices/{meter['id']}", {"secondary": False, "revision": device["revision"]})
    equal(tap, reply.status, 200, "the device is set to primary addressing")
    check_reading(tap, server, [meter])
    reply = server.post(f"/devices/{other['id']}/address", {"address": 201})
    tap.ok(reply.status == 409 and meter["name"] in reply.json["detail"], "an address that is taken is refused with the name of its owner", reply.body)
    equal(tap, command(server, other, "reset", subcode=16)["state"], "done", "an application reset is acknowledged")
    equal(tap, command(server, other, "reset")["state"], "done", "one without subcode too")
    for body, what in (({"address": 251}, "above 250"), ({"address": -1}, "below 0"), ({"address": "7"}, "in words"), ({}, "left out")):
        equal(tap, server.post(f"/devices/{other['id']}/address", body).status, 422, f"an address {what} is refused")
    reply = server.post(f"/devices/{other['id']}/baud", {"baud": 300})
    tap.ok(reply.status >= 400 and "converter" in reply.json["detail"], "a rate behind a TCP converter is refused in words")
    equal(tap, server.post("/devices/999999/reset", {}).status, 404, "a device that is not there is not found")


def check_silent(tap, server, line):
    ghost = adopt(server, line, [{"serial": "99999999", "manufacturer": "KAM", "version": 1, "medium": 4, "profile": "", "primary_address": None}])[0]
    job = command(server, ghost, "address", address=202)
    equal(tap, job["state"], "error", "a command to a silent meter fails")
    tap.ok("no answer" in job["text"], "in words", job["text"])
    wait_until(lambda: any("failed" in e for e in audit_of(server, ghost)), 30, "the audit entry of the failure")
    equal(tap, server.get(f"/devices/{ghost['id']}").json["primary_address"], None, "and changes nothing")


def main():
    tap = Tap()
    with Crowd() as crowd, Server() as server:
        line = server.post("/lines", {"name": "crowd", "kind": "mbus-tcp", "host": "127.0.0.1", "port": crowd.port, "timeout_ms": 600,
                                      "retries": 1, "enabled": True}).json
        equal(tap, line["device_limit"], 250, "an M-Bus line says how many meters it carries")
        line = line["id"]
        found = check_search(tap, server, line, crowd)
        check_narrow(tap, server, line, crowd)
        check_cancel(tap, server, line)
        devices = adopt(server, line, found)
        equal(tap, server.get(f"/lines/{line}").json["devices"], len(found), "the line counts the meters that were added")
        job = scan(server, line, wildcard=found[0]["serial"])
        tap.ok(all(m["known"] for m in job["results"]), "a second search knows them")
        server.request("PATCH", f"/lines/{line}", {"timeout_ms": 1500, "revision": server.get(f"/lines/{line}").json["revision"]})
        check_reading(tap, server, devices)
        check_commands(tap, server, devices)
        check_silent(tap, server, line)
    return tap.end()


if __name__ == "__main__":
    raise SystemExit(main())
