#!/usr/bin/env python3
"""The demo town: starts, lives, ends cleanly with Ctrl-C, and goes on with the same data."""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from hypserver import LOGIN, READY, SETUP, Tap, wait_until

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Demo:
    def __init__(self, folder):
        environment = {**os.environ, "PORT": "0", "DATA": str(folder), "HISTORY_DAYS": "2"}
        self.lines = []
        self.port = self.token = None
        self.process = subprocess.Popen([str(ROOT / "tools" / "demo")], env=environment, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self.read, daemon=True).start()
        wait_until(lambda: self.port or self.process.poll() is not None, 120, "the demo's ready line")
        assert self.port, "the demo ended at once:\n" + "".join(self.lines)

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line)
            if SETUP.search(line):
                self.token = SETUP.search(line).group(1)
            if READY.search(line):
                self.port = int(READY.search(line).group(2))

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, "/api/v1" + path, body and json.dumps(body),
                           {"Content-Type": "application/json", **(headers or {})})
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return reply, data

    def sign_in(self):
        if self.token:
            reply, data = self.request("POST", "/setup", {**LOGIN, "token": self.token, "name": "Test", "language": "en",
                                                          "time_zone": "Europe/Copenhagen"})
        else:
            reply, data = self.request("POST", "/session", LOGIN)
        assert reply.status in (200, 201), (reply.status, data)
        self.cookie = reply.getheader("Set-Cookie").split(";")[0]

    def get(self, path):
        reply, data = self.request("GET", path, headers={"Cookie": self.cookie})
        assert reply.status == 200, (path, reply.status, data)
        return json.loads(data)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


def children_of(folder):
    """Processes that still have the town's folder in their command line."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line and re.search("hypocaust|mosquitto", line)]


def main():
    tap = Tap()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="hyp-demo-"))
    try:
        demo = Demo(folder)

        def lives():
            demo.sign_in()
            assert wait_until(lambda: demo.get("/overview")["devices"]["ok"] > 200, 120, "most devices of the town being read")

        def history():
            devices = demo.get("/devices?kind=heat_meter&limit=5&sort=name")["items"]
            total = max(demo.get(f"/devices/{device['id']}/readings?limit=1")["total"] for device in devices)
            assert total >= 40, f"2 days of hourly history give {total} readings"

        def ends():
            code = demo.end()
            assert code == 0, f"status {code}\n" + "".join(demo.lines[-20:])
            assert not children_of(folder), children_of(folder)

        before = {}

        def goes_on():
            again = Demo(folder)
            try:
                assert again.token is None, "a second start must not offer a set-up link"
                again.sign_in()
                assert again.get("/overview")["values"] >= before["values"]
            finally:
                assert again.end() == 0

        if tap.case("the town lives", lives):
            tap.case("history was loaded", history)
            before["values"] = demo.get("/overview")["values"]
        if tap.case("Ctrl-C ends it cleanly", ends):
            tap.case("it starts again on the same data", goes_on)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
