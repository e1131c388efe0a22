#!/usr/bin/env python3
"""One meter heard by two sticks on serial ports and over a broker: one reading per telegram, and
what every receiver has heard, also after a restart.

Needs /usr/sbin/mosquitto for the broker and says so when it is not there.
"""
import os
import sys

from hypserver import Server, Tap, wait_until
from radio import BROKER, Broker, Port, cul, im871a
from telegrams import METER, telegram


def receivers_of(server, device):
    reception = server.get_patiently(f"/devices/{device}/communication").json["reception"]
    return {} if reception is None else {row["line_name"]: row for row in reception["receivers"]}


def total(server, device):
    return server.get_patiently(f"/devices/{device}/readings?limit=1").json["total"]


def say(server, device, speakers, litres):
    """Lets every speaker tell of a telegram, and waits until all of them have been heard."""
    def heard():
        seen = receivers_of(server, device)
        return [seen.get(name, {"telegrams": 0})["telegrams"] for name, _ in speakers]

    before = heard()
    for _, speak in speakers:
        speak(telegram(litres))
    wait_until(lambda: all(new > old for new, old in zip(heard(), before)), 60, f"all hear telegram {litres}")


def merged(tap, server, broker):
    device = server.post("/devices", METER).json["id"]
    tap.ok(server.get(f"/devices/{device}/communication").json["reception"] is None,
           "a meter that nobody has heard has no reception")
    cellar = Port(server, "cellar", "im871a")
    roof = Port(server, "roof", "cul-t")
    speakers = {"cellar": lambda m: cellar.write(im871a(m)), "roof": lambda m: roof.write(cul(m))}
    everybody = ["cellar", "roof"]
    if broker is not None:
        line = server.post("/lines", {"name": "broker", "kind": "wmbus-mqtt", "host": "localhost",
                                      "port": broker.port, "topic": "town/#"}).json
        wait_until(lambda: server.get_patiently(f"/lines/{line['id']}").json["state"]["link"] == "connected")
        speakers["broker"] = lambda m: broker.publish(
            [b'{"rssi":-55,"telegram":"' + m.hex().encode() + b'"}'])
        everybody.append("broker")
    say(server, device, [(name, speakers[name]) for name in everybody], 1001)
    say(server, device, [("roof", speakers["roof"]), ("cellar", speakers["cellar"])], 1002)
    say(server, device, [("roof", speakers["roof"])], 1003)
    wait_until(lambda: total(server, device) == 3, 60, "three readings")
    frames = server.get(f"/devices/{device}/frames").json["items"]
    tap.ok(len(frames) == 3, "one telegram per reading, however many have heard it", frames)
    heard_by = [server.get_patiently(f"/frames/{frame['id']}").json["receivers"] for frame in frames]
    named = [sorted((row["line_name"], row["signal_dbm"]) for row in rows) for rows in heard_by]
    both = [("cellar", -70), ("roof", -90)]
    tap.ok(named == [[("roof", -90)], both, sorted(both + ([("broker", -55)] if broker else []))],
           "every telegram says which lines have heard it, and how well", named)
    seen = receivers_of(server, device)
    counts = {name: (row["telegrams"], row["of"]) for name, row in seen.items()}
    wanted = {"roof": (3, 3), "cellar": (2, 3)} | ({"broker": (1, 3)} if broker else {})
    tap.ok(counts == wanted, "how many telegrams every receiver has heard, and of how many", counts)
    signals = {name: row["last_dbm"] for name, row in seen.items()}
    tap.ok(signals == {"roof": -90, "cellar": -70} | ({"broker": -55} if broker else {}),
           "with which signal", signals)
    tap.ok([name for name, row in seen.items() if row["newest"]] == ["roof"], "who has heard the newest", seen)
    tap.ok(list(seen)[0] == "roof", "who hears most is first", list(seen))
    server.stop()
    server.start()
    after = receivers_of(server, device)
    tap.ok({name: (row["telegrams"], row["of"], row["best_dbm"]) for name, row in after.items()} ==
           {name: (row["telegrams"], row["of"], row["best_dbm"]) for name, row in seen.items()},
           "all of it outlives a restart", after)
    cellar.wait(server)
    say(server, device, [("cellar", speakers["cellar"])], 1004)
    cellar_row = receivers_of(server, device)["cellar"]
    tap.ok((cellar_row["telegrams"], cellar_row["of"]) == (3, 4), "and goes on", cellar_row)
    server.request("DELETE", f"/lines/{cellar.line['id']}")
    tap.ok("cellar" not in receivers_of(server, device), "a line that is removed is no receiver")
    cellar.close()
    roof.close()


def main():
    tap = Tap()
    if os.access(BROKER, os.X_OK):
        with Broker() as broker, Server("--rate-limit", "0") as server:
            merged(tap, server, broker)
    else:
        tap.skip("the broker is one of the receivers", f"{BROKER} is not installed")
        with Server("--rate-limit", "0") as server:
            merged(tap, server, None)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
