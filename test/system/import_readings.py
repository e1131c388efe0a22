#!/usr/bin/env python3
"""hypocaust import readings: real logs into a data folder, errors by line, killed and gone on, over HTTP."""
import gzip
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

from hypserver import Server, Tap, shared_folder

PROGRAM = os.environ.get("HYPOCAUST", "build/hypocaust")
COLUMNS = ("t_amb=outdoor_temperature, t_ref=temperature, t_sup_prim=flow_temperature, "
           "t_ret_prim=return_temperature, t_sup_sec=flow_temperature.u1, t_ret_sec=return_temperature.u1, "
           "e=energy [MWh], pe=power [kW]")


def run(*arguments, typed=None):
    result = subprocess.run([PROGRAM, "import", "readings", *map(str, arguments)], input=typed, capture_output=True,
                            text=True, timeout=600)
    return result.returncode, result.stdout, result.stderr


def add_meters(folder, *serials):
    """A data folder with these meters; gives their numbers."""
    with Server("--no-collect", folder=folder) as server:
        ids = []
        for serial in serials:
            reply = server.post("/devices", {"name": serial, "kind": "heat_meter", "serial": serial,
                                             "manufacturer": "KAM"})
            assert reply.status == 201, reply.body
            ids.append(reply.json["id"])
        return ids


def csv_of(server, device):
    reply = server.get(f"/devices/{device}/readings.csv")
    assert reply.status == 200
    return reply.body.decode().splitlines()


def table(server, device):
    """Readings of the CSV export without receive time and source."""
    return [line.split(";")[:1] + line.split(";")[3:] for line in csv_of(server, device)]


def usage(tap, folder):
    rows = [
        (("--help",), 0, "--columns LIST"),
        ((), 2, "which file?"),
        (("--data", folder / "none", "/no/such.csv"), 1, "/no/such.csv: Cannot open: No such file"),
        (("--data", folder / "none", folder), 1, "Is a directory"),
        (("--data", folder / "none", "--time-zone", "Mars/Olympus", "x.csv"), 1, "There is no time zone"),
    ]
    for arguments, code, text in rows:
        found, out, err = run(*arguments)
        tap.ok(found == code and text in out + err, "import readings " + " ".join(map(str, arguments[:1])),
               f"{found}: {out}{err}")


def titles(tap, folder):
    data = folder / "titles"
    add_meters(data, "00000001")
    rows = [
        ("", "The file is empty"),
        ("time;energy [kWh]\n", "No column says which meter"),
        ("serial;energy [kWh]\n", "No column holds the time"),
        ("time;serial\n", "No column holds values"),
        ("time;serial;value\n", "needs a column \"register\""),
        ("time;serial;warmth\n", "Column \"warmth\": \"warmth\" is no register"),
        ("time;serial;energy\n", "\"energy\" needs its unit, like \"energy [kWh]\""),
        ("time;serial;energy [m3]\n", "\"energy\" is not measured in m3"),
        ("time;serial;energy [kWh];energy [MWh]\n", "is there twice"),
        ("time;serial;\"energy [kWh]\n", "a quote that does not end"),
    ]
    for text, remedy in rows:
        code, out, err = run("--data", data, "-", typed=text)
        tap.ok(code == 1 and remedy in err, f"titles: {remedy[:40]}", f"{code}: {out}{err}")
    code, out, err = run("--data", data, "--columns", "a=energy [kWh]", "-", typed="time;serial;b\n")
    tap.ok(code == 1 and "Column \"b\"" in err, "a title without a meaning", err)
    code, out, err = run("--data", data, "--columns", "b=energy [kWh],c=-", "-", typed="time;serial;b\n")
    tap.ok(code == 1 and "name \"c\", but the file has no such title" in err, "a mapping of nothing", err)


GOOD = """time;serial;energy [MWh];flow_temperature;kind
2026-01-31T00:00:00Z;1;1,5;80.5;day
2026-02-01T00:00:00Z;00000001;1,75;-;day
31.01.2026 12:00;2;2.5;;current
# a remark

"""
BAD = [
    ("2026-13-01T00:00:00Z;1;1;1;day", "is no time"),
    ("2999-01-01T00:00:00Z;1;1;1;day", "in the future"),
    ("2026-01-01T00:00:00Z;3;1;1;day", "no device with the serial number 3; add it"),
    ("2026-01-01T00:00:00Z;1;1,2,3;1;day", "column \"energy [MWh]\": \"1,2,3\" is no number"),
    ("2026-01-01T00:00:00Z;1;1;1;week", "kind is current, hour"),
    ("2026-01-01T00:00:00Z;1;1;1;day;9", "More cells than"),
    ("2026-01-01T00:00:00Z;1;\"1;1;day", "A quote does not end"),
]


def lines(tap, folder):
    data = folder / "lines"
    one, two = add_meters(data, "00000001", "00000002")
    file = folder / "lines.csv"
    file.write_text(GOOD + "".join(line + "\n" for line, _ in BAD))
    first = GOOD.count("\n") + 1
    code, out, err = run("--data", data, "--dry-run", file)
    tap.ok(code == 1 and "4 values of 3 readings could be imported, 7 of 10 lines refused" in out, "a dry run counts",
           out + err)
    for number, (line, reason) in enumerate(BAD):
        found = [text for text in err.splitlines() if text.startswith(f"{file}:{first + number}: ")]
        tap.ok(len(found) == 1 and reason in found[0], f"refused: {line}", err)
    with Server("--no-collect", folder=data) as server:
        tap.ok(server.get(f"/devices/{one}/readings").json["total"] == 0, "a dry run keeps nothing")
    code, out, err = run("--data", data, file)
    tap.ok(code == 1 and "4 values of 3 readings imported, 7 of 10" in out, "good lines are kept", out + err)
    with Server("--no-collect", folder=data) as server:
        readings = server.get(f"/devices/{one}/readings").json["items"]
        tap.ok([r["kind"] for r in readings] == ["day", "day"] and readings[0]["source"] == "file", "kind and source",
               readings)
        values = {v["key"]: v["text"] for v in readings[1]["values"]}
        tap.ok(values == {"energy": "1500", "flow_temperature": "80.5"}, "a comma, MWh as kWh", values)
        when = server.get(f"/devices/{two}/readings").json["items"][0]["time"]
        tap.ok(when == "2026-01-31T11:00:00Z", "a time without zone is the plant's", when)
        busy = run("--data", data, file)
        tap.ok(busy[0] == 1 and "POST /api/v1/readings/import" in busy[2], "a running server has the folder", busy[2])
    code, out, err = run("--data", data, file)
    tap.ok(code == 0 and "imported before; --again" in out, "once is enough", out + err)
    code, out, err = run("--data", data, "--again", "--time-zone", "UTC", file)
    tap.ok(code == 1 and "imported, 7 of" in out, "again if one insists", out + err)
    long = "time;serial;register;value;unit\n" + "".join(
        f"2026-03-01T0{hour}:00:00Z;1;{name};{hour};{unit}\n" for hour in range(3)
        for name, unit in (("energy", "kWh"), ("volume", "l"), ("flow_temperature", "")))
    code, out, err = run("--data", data, "-", typed=long)
    tap.ok(code == 0 and "9 values of 3 readings" in out, "a line per value", out + err)
    with Server("--no-collect", folder=data) as server:
        copy = csv_of(server, one)
        again = server.request("POST", f"/readings/import?device={two}", "\n".join(copy) + "\n", raw=True,
                               headers={"Content-Type": "text/csv"})
        tap.ok(again.status == 200 and again.json["refused"] == 0, "an export goes back in over HTTP", again.body)
        tap.ok(set(map(tuple, table(server, one))) <= set(map(tuple, table(server, two))), "and is the same")
        bad = server.request("POST", "/readings/import", GOOD + BAD[0][0] + "\n", raw=True,
                             headers={"Content-Type": "text/csv"}).json
        tap.ok(bad["refused"] == 1 and bad["errors"][0]["line"] == first and "is no time" in bad["errors"][0]["text"],
               "errors over HTTP", bad)
        dry = server.request("POST", "/readings/import?dry_run=true", GOOD, raw=True,
                             headers={"Content-Type": "text/csv"}).json
        tap.ok(dry["values"] == 4, "a dry run over HTTP", dry)


def big_file(path, meters, hours):
    with open(path, "w", encoding="utf-8") as out:
        out.write("time,serial,energy [kWh],volume [m3]\n")
        start = 1735689600  # 2025-01-01
        for hour in range(hours):
            when = (start + hour * 3600) * 1000
            for meter in range(meters):
                out.write(f"{when},{meter + 1:08d},{hour * 3 + meter},{hour * 0.25:.2f}\n")


def stopped(tap, folder):
    """A file that cannot be read in the middle, and is mended: the next run goes on there."""
    meters, hours = 20, 2400
    data = folder / "stopped"
    add_meters(data, *[f"{n + 1:08d}" for n in range(meters)])
    file = folder / "stopped.csv"
    big_file(file, meters, hours)
    good = file.read_bytes()
    middle = good.index(b"\n", len(good) // 2) + 1
    hole = 100_000
    file.write_bytes(good[:middle] + b"x" * (hole - 1) + b"\n" + good[middle:])
    changed = file.stat().st_mtime_ns
    code, out, err = run("--data", data, file)
    tap.ok(code == 1 and "A line has more than" in err, "no CSV file in the middle", out + err)
    file.write_bytes(good[:middle] + b"\n" * hole + good[middle:])
    os.utime(file, ns=(changed, changed))
    code, out, err = run("--data", data, file)
    lines_before = good[:middle].count(b"\n")
    tap.ok(code == 0 and f"goes on at line {lines_before + 1}\n" in out, "goes on behind the last good line", out + err)
    tap.ok(f"{2 * meters * hours} values of {meters * hours} readings imported" in out, "and counts the whole file", out)


def killed(tap, folder):
    """Killed at any moments and started again: the store is that of an import in one go."""
    meters, hours = 20, 4800
    serials = [f"{n + 1:08d}" for n in range(meters)]
    whole, torn = folder / "whole", folder / "torn"
    add_meters(whole, *serials)
    ids = add_meters(torn, *serials)
    file = folder / "big.csv"
    big_file(file, meters, hours)
    begin = time.monotonic()
    code, out, err = run("--data", whole, file)
    taken = time.monotonic() - begin
    tap.ok(code == 0 and f"{2 * meters * hours} values of {meters * hours} readings" in out, "in one go", out + err)
    rng = random.Random(7)
    kills = 0
    for attempt in range(9):
        process = subprocess.Popen([PROGRAM, "import", "readings", "--data", str(torn), str(file)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            out, _ = process.communicate(timeout=taken * rng.random() if attempt < 8 else 600)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        tap.ok(process.returncode == 0, f"killed {kills} times, then done", out)
        break
    with Server("--no-collect", folder=whole) as a, Server("--no-collect", folder=torn) as b:
        same = all(table(a, device) == table(b, device) for device in ids[:3] + ids[-3:])
        tap.ok(same, "and nothing is lost or doubled")
        tap.ok(len(table(b, ids[0])) == hours + 1, "as many readings as lines")


def real(tap, folder):
    source = shared_folder()
    if source is None:
        tap.skip("real logs", "no data sets beside the repository")
        return
    data = folder / "real"
    device = add_meters(data, "00000012")[0]
    packed = source / "datasets" / "xai4heat-scada" / "scada_L12.csv.gz"
    code, out, err = run("--data", data, "--device", "12", "--columns", COLUMNS, packed)
    with gzip.open(packed, "rt") as text:
        rows = [line.rstrip("\r\n").split(",") for line in text][1:]
    values = sum(1 for row in rows for cell in row[1:] if cell)
    tap.ok(code == 0 and f"{values} values of {len(rows)} readings imported" in out, "five years of a substation",
           out + err)
    with Server("--no-collect", folder=data) as server:
        last = {v["key"]: v["text"] for v in server.get(f"/devices/{device}/readings?limit=1").json["items"][0]["values"]}
        tap.ok(float(last["energy"]) == float(rows[0][7]) * 1000 and last["power"] == rows[0][8], "the newest row", last)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="hyp-import-") as name:
        folder = pathlib.Path(name)
        usage(tap, folder)
        titles(tap, folder)
        lines(tap, folder)
        stopped(tap, folder)
        killed(tap, folder)
        real(tap, folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
