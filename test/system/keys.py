#!/usr/bin/env python3
"""Keys from the outside: a file with its preview, default keys, and the telegrams that came before.

Telegrams arrive encrypted, or compact of an unknown format, and are kept. Once the key or the
format is there they become readings with their own times, and nothing is there twice.
"""
import sys
import tempfile

from hypserver import Server, Tap, wait_until

KEY = "0102030405060708090A0B0C0D0E0F11"
WRONG = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
# Gas meter ELS 12345678 of OMS annex N, security mode 5.
SEALED = ("2E4493157856341233037A2A0020255923C95AAA26D1B2E7493B013EC4A6F6D3529B520EDFF0EA6DEFC99D6D69"
          "EBF3")
METER = {"name": "gas", "manufacturer": "ELS", "serial": "12345678", "version": 51, "medium": 3, "line": None,
         "schedule": "none"}


def crc(data):
    """CRC-16 of EN 13757."""
    value = 0
    for byte in data:
        for bit in range(8):
            value = (value << 1 ^ (0x3D65 if (value >> 15 ^ byte >> (7 - bit)) & 1 else 0)) & 0xFFFF
    return value ^ 0xFFFF


def telegram(ci, payload):
    body = bytes.fromhex("44931522222222" "0107") + bytes([ci]) + payload
    return (bytes([len(body)]) + body).hex().upper()


def compact_pair(litres, older):
    """A full frame, and a compact one that needs its format."""
    def records(value):
        return bytes.fromhex("0413") + value.to_bytes(4, "little") + bytes.fromhex("042B") + (value // 7).to_bytes(4, "little")
    full = records(litres)
    before = records(older)
    signature = crc(bytes.fromhex("0413042B"))
    data = before[2:6] + before[8:12]
    compact = signature.to_bytes(2, "little") + crc(before).to_bytes(2, "little") + data
    return telegram(0x78, full), telegram(0x79, compact)


def take(server, *lines):
    reply = server.post("/intake", "".join(f"{time} radio {text}\n" for time, text in lines), raw=True,
                        headers={"Content-Type": "text/plain"})
    assert reply.status == 200, reply.body
    return reply.json


def wait_for_backlog(server):
    def ended():
        state = server.get("/keys/backlog").json
        return state if state["state"] in ("idle", "done") else None
    return wait_until(ended, 60, "the end of the backlog")


def times(server, device):
    return [x["time"] for x in server.get(f"/devices/{device}/readings").json["items"]]


def frames(server, device):
    return [(x["time"], x["outcome"]) for x in server.get(f"/devices/{device}/frames").json["items"]]


def preview(tap, server, device):
    text = "Serial No;AES-Key\n12345678;" + KEY + "\n99999999;" + KEY + "\n12345678;123\n"
    shown = server.post("/keys/file", {"text": text, "apply": False}).json
    tap.ok([x["result"] for x in shown["rows"]] == ["new", "unknown", "bad"], "a preview tells what each row does", shown)
    tap.ok(shown["rows"][0]["device"] == device and shown["rows"][0]["device_name"] == "gas", "and to whom", shown)
    tap.ok(shown["rows"][2]["line"] == 4 and "32" in shown["rows"][2]["text"], "and where the file is wrong", shown)
    tap.ok(server.get(f"/devices/{device}").json["has_key"] is False, "it changes nothing")
    xml = server.post("/keys/file", {"text": "<Meters/>", "apply": False})
    tap.ok(xml.status >= 400 and "CSV" in xml.json["detail"], "another kind of XML is refused in words", xml.body)
    strict = server.post("/keys/file", {"text": text, "apply": True})
    tap.ok(strict.status == 422 and "Row 4" in strict.json["detail"] and "Nothing was set" in strict.json["detail"],
           "a file with a bad row is refused whole, and the row named", strict.body)
    tap.ok(server.get(f"/devices/{device}").json["has_key"] is False, "and nothing of it is set")
    return text


def key_file(tap, server):
    device = server.post("/devices", METER).json["id"]
    days = [f"2026-01-{day:02d}T06:00:00Z" for day in range(1, 6)]
    taken = take(server, *[(day, SEALED) for day in days])
    tap.ok(taken["refused"] == 5, "encrypted telegrams without a key are no readings", taken)
    wait_until(lambda: [x for _, x in frames(server, device)] == ["NO_KEY"] * 5, 30, "the telegrams to be kept")
    tap.ok(True, "they are kept, with the reason")
    text = preview(tap, server, device)
    server.post("/keys/file", {"text": text.replace(KEY, WRONG), "apply": True, "skip_bad": True})
    wait_for_backlog(server)
    tap.ok(times(server, device) == [], "a wrong key gives no values")
    take(server, ("2026-01-06T06:00:00Z", SEALED))
    wait_until(lambda: frames(server, device)[0][1] == "WRONG_KEY", 30, "the wrong key to be told")
    tap.ok(True, "and is called that")
    done = server.post("/keys/file", {"text": text, "apply": True, "skip_bad": True}).json
    tap.ok(done["applied"] and done["counts"]["changed"] == 1, "the right key is taken", done)
    state = wait_for_backlog(server)
    tap.ok(state["state"] == "done" and state["percent"] == 100 and state["readings"] == 6, "the backlog is decoded", state)
    wanted = sorted(days + ["2026-01-06T06:00:00Z"], reverse=True)
    tap.ok(times(server, device) == wanted, "the readings have their original times", times(server, device))
    shown = frames(server, device)
    tap.ok(len(shown) == 6 and {x for _, x in shown} == {"OK"}, "no telegram is there twice", shown)
    again = server.post("/keys/file", {"text": text, "apply": True, "skip_bad": True}).json
    tap.ok(again["counts"]["same"] == 1 and again["counts"]["changed"] == 0, "the same file again changes nothing", again)
    server.post("/keys/backlog")
    wait_for_backlog(server)
    tap.ok(times(server, device) == wanted and len(frames(server, device)) == 6, "and doubles nothing")
    return device


def default_keys(tap, server):
    device = server.post("/devices", {**METER, "name": "second", "serial": "12345678", "version": 51, "medium": 3}).status
    tap.ok(device == 409, "the same meter is not added twice")
    first = server.get("/devices").json["items"][0]["id"]
    tap.ok(server.request("DELETE", f"/devices/{first}").status == 204, "the meter is removed")
    device = server.post("/devices", METER).json["id"]
    take(server, ("2026-02-01T06:00:00Z", SEALED))
    wait_until(lambda: len(frames(server, device)) == 1, 30, "the telegram to be kept")
    bad = server.post("/keys/defaults", {"name": "factory", "key": "12"})
    tap.ok(bad.status == 422 and bad.json.get("field") == "key", "a default key has 32 digits", bad.body)
    server.post("/keys/defaults", {"name": "other", "key": WRONG})
    added = server.post("/keys/defaults", {"name": "factory", "key": KEY}).json
    tap.ok(added["name"] == "factory" and "key" not in added, "a default key is added", added)
    wait_for_backlog(server)
    tap.ok(times(server, device) == ["2026-02-01T06:00:00Z"], "it opens what had come before", times(server, device))
    wait_until(lambda: server.get(f"/devices/{device}").json["has_key"], 30, "the key to be the meter's own")
    tap.ok(True, "the key that works is remembered")
    listed = server.get("/keys/defaults").json
    tap.ok([x["name"] for x in listed["items"]] == ["other", "factory"], "default keys are listed by name", listed)
    for item in listed["items"]:
        tap.ok(server.request("DELETE", f"/keys/defaults/{item['id']}").status == 204, "a default key is removed")
    take(server, ("2026-02-02T06:00:00Z", SEALED))
    tap.ok(len(times(server, device)) == 2, "the meter keeps its own")


def formats(tap, server):
    device = server.post("/devices", {**METER, "name": "compact", "serial": "22222222", "version": 1, "medium": 7}).json["id"]
    full, compact = compact_pair(5000, 4711)
    take(server, ("2026-03-01T06:00:00Z", compact))
    wait_until(lambda: frames(server, device) == [("2026-03-01T06:00:00Z", "NOT_FOUND")], 30, "the compact frame to be kept")
    tap.ok(True, "a compact frame waits for its format")
    take(server, ("2026-03-01T07:00:00Z", full))
    wait_until(lambda: len(times(server, device)) == 2, 60, "the compact frame to be decoded")
    tap.ok(times(server, device) == ["2026-03-01T07:00:00Z", "2026-03-01T06:00:00Z"], "it is decoded when the format comes")
    older = server.get(f"/devices/{device}/readings").json["items"][1]
    tap.ok(any(v["text"] == "4.711" for v in older["values"]), "with its own values", older)
    shown = frames(server, device)
    tap.ok(len(shown) == 2 and {x for _, x in shown} == {"OK"}, "and once", shown)


def silence(tap, server):
    """No reply, no log line and no backup holds a key."""
    paths = ["/devices", "/keys/defaults", "/keys/backlog", "/audit", "/overview", "/frames", "/users", "/jobs"]
    text = "".join(server.get_patiently(path).body.decode() for path in paths) + "".join(server.lines)
    tap.ok(KEY not in text.upper() and WRONG not in text.upper(), "no reply and no log line holds a key")
    raw = b"".join(path.read_bytes() for path in server.folder.rglob("*") if path.is_file())
    tap.ok(bytes.fromhex(KEY) not in raw and KEY.encode() not in raw, "nor does the data folder, as it is")


def main():
    tap = Tap()
    with Server("--no-collect") as server:
        key_file(tap, server)
        default_keys(tap, server)
        formats(tap, server)
        silence(tap, server)
        count = len(server.get("/frames").json["items"])
        tap.ok(server.stop() == 0, "the server ends cleanly", "".join(server.lines[-20:]))
        server.start()
        server.sign_in()
        tap.ok(len(server.get("/frames").json["items"]) == count, "a restart shows the same telegrams")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
