#!/usr/bin/env python3
"""Real telegrams pass through a running server by TCP and appear as readings.

Runs over the telegram corpora where they are present and says so when it skips. What
`hypocaust decode` opens (with the same rules: nothing is taken as plain against its header) must
be stored with values by the server.
"""
import json
import os
import pathlib
import subprocess
import sys

from hypserver import Tap, shared_folder

HERE = pathlib.Path(__file__).resolve().parent
# Telegrams of one meter share its one key, and two readings of one instant are one: a few of the
# corpus, which mixes sources, cannot all be stored.
LEAST_SHARE = 0.9


def decoded(command, lines):
    done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr[-3000:])
    return [json.loads(line) for line in done.stdout.splitlines() if line.strip()]


def compare(tap, name, lines):
    direct = decoded([os.environ.get("HYPOCAUST", "build/hypocaust"), "decode", "--format", "json"], lines)
    served = decoded([sys.executable, str(HERE / "server_decoder.py")], lines)
    opened = [n for n, one in enumerate(direct) if one["ok"] and any(r["value"] is not None for r in one["records"])]
    stored = [n for n in opened if served[n]["ok"] and served[n]["records"]]
    silent = [n for n, one in enumerate(served) if not one["ok"] and not one["error"]["text"]]
    share = len(stored) / max(1, len(opened))
    print(f"# {name}: {len(lines)} telegrams, {len(opened)} opened by decode, {len(stored)} of them stored", flush=True)
    tap.ok(share >= LEAST_SHARE, f"{name}: what can be opened becomes readings", f"{len(stored)} of {len(opened)}")
    tap.ok(not silent, f"{name}: every refusal has a reason", silent[:20])


def main():
    tap = Tap()
    shared = shared_folder()
    if shared is None:
        print("1..0 # SKIP the telegram corpora are not beside the repository")
        return 0
    wireless = [json.loads(line) for line in open(shared / "corpora" / "wmbus-telegrams.jsonl")]
    wired = [json.loads(line) for line in open(shared / "corpora" / "mbus-frames" / "mbus-frames.jsonl")]
    compare(tap, "wireless", [row["hex"] + (";" + row["key"] if row["key"] else "") for row in wireless
                              if row.get("transport") == "wmbus"])
    compare(tap, "wired", [row["hex"] for row in wired if not row.get("enc")])
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
