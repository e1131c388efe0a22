#!/usr/bin/env python3
"""One register of many meters: a year of hours of a hundred meters as CSV in little memory, and the same in JSON."""
import decimal
import http.client
import os
import pathlib
import subprocess
import sys
import tempfile

# Freed memory must leave the process again, or the sanitizer's own hoard is measured.
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:malloc_context_size=1"

from hypserver import Server, Tap, wait_until  # noqa: E402

PROGRAM = os.environ.get("HYPOCAUST", "build/hypocaust")
METERS = 100
HOURS = 365 * 24
SPAN = "from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z"
TITLES = "device;name;serial;unit;start;end;count;first;last;min;mean;max;sum;delta;quality;flags"
# Of the answer's size; what is kept per meter and piece does not grow with it.
MEMORY_SHARE = 0.4


def stamps():
    days = [(month, day + 1) for month, length in enumerate((31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), 1)
            for day in range(length)]
    return [f"2025-{month:02}-{day:02}T{hour:02}:00:00Z" for month, day in days for hour in range(24)]


def serial(meter):
    return f"{meter:08}"


def write_year(path):
    times = stamps()
    assert len(times) == HOURS
    with open(path, "w") as file:
        file.write("time;serial;energy [kWh];power [W]\n")
        for meter in range(METERS):
            for hour, time in enumerate(times):
                file.write(f"{time};{serial(meter)};{meter * 1000 + hour};{500 + hour % 24}\n")


def add_town(folder):
    with Server("--no-collect", folder=folder) as server:
        ids = [server.post("/devices", {"name": f"Meter {meter:03}", "kind": "heat_meter", "serial": serial(meter),
                                        "manufacturer": "KAM"}).json["id"] for meter in range(METERS)]
        group = server.post("/groups", {"name": "east"}).json["id"]
        reply = server.post(f"/groups/{group}/members", {"add": ids[:3]})
        assert reply.status in (200, 204), reply.body
        return ids, group


def resident(server, field):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(field + ":"))


def download(server, path):
    """Reads an answer of any length; gives its size and the sum, minimum and count that are checked, by meter."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.request("GET", "/api/v1" + path, headers={"Cookie": server.cookie})
    reply = connection.getresponse()
    size, rows, titles = 0, {}, None
    for line in reply:
        size += len(line)
        cells = line.decode().rstrip("\r\n").split(";")
        if titles is None:
            titles = ";".join(cells)
            continue
        kept = rows.setdefault(cells[2], [0, 0])
        kept[0] += 1
        kept[1] += int(cells[13] or 0)
    connection.close()
    return reply, size, titles, rows


def check_memory(tap, server):
    download(server, f"/periods.csv?key=energy&step=month&{SPAN}")  # whatever is made once is made
    pathlib.Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the peak begins anew
    before = resident(server, "VmRSS")
    reply, size, titles, rows = download(server, f"/periods.csv?key=energy&step=hour&{SPAN}")
    grown = resident(server, "VmHWM") - before
    print(f"# {grown / 1e6:.1f} MB more for an answer of {size / 1e6:.1f} MB")
    tap.ok(reply.status == 200 and titles == TITLES, "a year of hours of all meters is a CSV", f"{reply.status} {titles}")
    tap.ok(len(rows) == METERS and all(count == HOURS for count, _ in rows.values()), "every meter has every hour",
           str(list(rows.items())[:3]))
    # The first and the last hour may lack a reading near to their outer bound.
    tap.ok(all(HOURS - 2 <= total <= HOURS for _, total in rows.values()), "every hour counted one",
           str(list(rows.items())[:3]))
    tap.ok(size > 50e6, "the answer is large", f"{size} bytes")
    tap.ok(grown < size * MEMORY_SHARE, "memory does not grow with the answer", f"{grown} of {size} bytes")


def check_readings(tap, server, device):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    connection.request("GET", f"/api/v1/devices/{device}/readings.csv", headers={"Cookie": server.cookie})
    reply = connection.getresponse()
    lines = reply.read().decode().splitlines()
    connection.close()
    times = [line.split(";")[0] for line in lines[1:]]
    tap.ok(reply.status == 200 and len(times) == HOURS and times == sorted(times), "a device's readings in order",
           f"{reply.status}: {len(times)}")


def check_json(tap, server, ids, group):
    query = f"key=energy&step=month&{SPAN}&settlement_day=1&settlement_hour=0"
    page = server.get(f"/periods?{query}&limit=10&offset=95").json
    tap.ok(page["total"] == METERS and page["offset"] == 95 and len(page["items"]) == 5 and page["without"] == 0,
           "pages of meters", str({k: v for k, v in page.items() if k != "items"}))
    item = page["items"][0]
    tap.ok(item["device"] == ids[95] and item["serial"] == serial(95) and item["unit"] == "kWh", "a meter is named",
           str({k: v for k, v in item.items() if k != "rows"}))
    alone = server.get(f"/points/{item['point']}/periods?{query}").json["items"]
    tap.ok(item["rows"] == alone and len(alone) >= 12, "each has the rows that it has alone", f"{item['rows']}\n{alone}")
    brief = server.get(f"/periods?{query}&rows=brief&limit=10&offset=95").json["items"][0]["rows"]
    tap.ok(brief == [{"value" if k == "delta" else k: row[k] for k in ("start", "end", "delta", "quality", "flags")} for row in alone],
           "brief rows say what was counted", str(brief)[:300])
    refused = server.get(f"/periods?{query}&rows=short")
    tap.ok(refused.status == 422 and refused.json["field"] == "rows", "other rows are refused", refused.body)
    of_group = server.get(f"/periods?{query}&group={group}").json
    tap.ok([i["device"] for i in of_group["items"]] == ids[:3], "of a group", str(of_group)[:300])
    listed = server.get(f"/periods?{query}&devices={ids[7]},{ids[5]}").json
    tap.ok([i["device"] for i in listed["items"]] == [ids[5], ids[7]], "of a list", str(listed)[:300])
    power = server.get(f"/periods?key=power&step=day&devices={ids[0]}&from=2025-02-03T00:00:00Z&to=2025-02-04T00:00:00Z")
    row = power.json["items"][0]["rows"][1 if len(power.json["items"][0]["rows"]) > 1 else 0]
    tap.ok(row["count"] == 24 and row["sum"] is not None and row["delta"] is None and
           abs(row["sum"] / row["count"] - row["mean"]) < 1e-6, "readings of power have a sum", str(row))
    none = server.get(f"/periods?key=volume&{SPAN}").json
    tap.ok(none["total"] == 0 and none["without"] == METERS and none["items"] == [], "meters without it are counted",
           str(none))


def added(rows):
    """As one adds on paper."""
    known = [decimal.Decimal(str(value)) for value in rows if value is not None]
    return sum(known) if known else None


def check_sums(tap, server, group):
    query = f"key=energy&step=month&{SPAN}&settlement_day=1&settlement_hour=0"
    page = server.get(f"/periods?{query}&limit={METERS}").json
    for item in page["items"]:
        assert decimal.Decimal(str(item["sum"])) == added(row["delta"] for row in item["rows"]), item
    sums = server.get(f"/periods/sums?{query}").json
    tap.ok([i["unit"] for i in sums["items"]] == ["kWh"] and sums["items"][0]["meters"] == METERS and sums["total"] == METERS,
           "all meters in one unit", str(sums)[:300])
    whole = sums["items"][0]
    tap.ok(whole["sum"] == added(i["sum"] for i in page["items"]) and whole["absent"] == sum(i["absent"] for i in page["items"]),
           "the sum of all is the sum of each", f"{whole['sum']} {whole['absent']}")
    by_period = list(zip(*(i["rows"] for i in page["items"])))
    tap.ok(all(row["value"] == added(r["delta"] for r in column) and row["start"] == column[0]["start"] and
               row["meters"] == sum(r["delta"] is not None for r in column)
               for row, column in zip(whole["rows"], by_period, strict=True)), "of each month too", str(whole["rows"][:2]))
    of_group = server.get(f"/periods/sums?{query}&group={group}").json["items"][0]
    tap.ok(of_group["meters"] == 3 and of_group["sum"] == added(i["sum"] for i in page["items"][:3]), "of a group", str(of_group)[:200])
    none = server.get(f"/periods/sums?key=volume&{SPAN}").json
    tap.ok(none["items"] == [] and none["without"] == METERS, "no meter has it, no unit", str(none))


def check_refusals(tap, server, ids):
    rows = [
        ("/periods", 422, "key: must name a register"),
        ("/periods?key=warmth", 422, "key: must name a register"),
        (f"/periods?key=energy&step=hour&{SPAN}", 422, "limit: 100 meters of 8760 or more periods"),
        ("/periods?key=energy&step=week", 422, "step: must be"),
        ("/periods?key=energy&from=2026-01-01T00:00:00Z&to=2025-01-01T00:00:00Z", 422, "from: must be before"),
        ("/periods?key=energy&group=99", 404, "There is no group 99"),
        (f"/periods?key=energy&devices={ids[0]},9999", 404, "There is no device 9999"),
        ("/periods.csv?key=energy&step=hour&from=1970-01-01T00:00:00Z&to=2100-01-01T00:00:00Z", 422,
         "more than 100000 periods"),
        (f"/periods/sums?key=power&{SPAN}", 422, "key: only what a counter counts"),
        (f"/periods/sums?key=energy&step=hour&{SPAN}", 422, "from: more than 4000 periods"),
        ("/periods.csv?key=energy&devices=x", 422, "devices: must be numbers"),
    ]
    for path, status, text in rows:
        reply = server.get(path)
        tap.ok(reply.status == status and text in reply.json["detail"], f"{path[:60]}: {text}",
               f"{reply.status} {reply.body[:300]}")
    empty = server.get(f"/periods.csv?key=volume&{SPAN}").body.decode()
    tap.ok(empty == TITLES + "\r\n", "nothing to tell is a table without rows", empty[:200])


def check_leaving(tap, server):
    """A client that goes away in the middle, and one that is served when the server ends, hold nothing up."""
    for _ in range(3):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
        connection.request("GET", f"/api/v1/periods.csv?key=energy&step=hour&{SPAN}", headers={"Cookie": server.cookie})
        connection.getresponse().read(100000)
        connection.close()
    left = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    left.request("GET", f"/api/v1/periods.csv?key=energy&step=hour&{SPAN}", headers={"Cookie": server.cookie})
    left.getresponse().read(1000)
    tap.ok(server.get("/status").status == 200, "others are served meanwhile")
    code = server.stop()
    tap.ok(code == 0, "the server ends in the middle of a download", f"{code}: {''.join(server.lines)[-2000:]}")
    left.close()


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="hyp-tables-") as name:
        folder = pathlib.Path(name) / "data"
        ids, group = add_town(folder)
        write_year(pathlib.Path(name) / "year.csv")
        done = subprocess.run([PROGRAM, "import", "readings", "--data", folder, pathlib.Path(name) / "year.csv"],
                              capture_output=True, text=True)
        tap.ok(done.returncode == 0, "a year is imported", done.stdout + done.stderr)
        with Server("--no-collect", folder=folder) as server:
            wait_until(lambda: server.get("/health").status == 200, 120, "a healthy server")
            check_memory(tap, server)
            check_readings(tap, server, ids[0])
            check_json(tap, server, ids, group)
            check_sums(tap, server, group)
            check_refusals(tap, server, ids)
            check_leaving(tap, server)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
