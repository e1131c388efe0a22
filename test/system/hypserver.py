"""A running server for system tests: start, first-run set-up, JSON client, clean end.

Python standard library only. Paths of the programs come from the environment (meson sets them):
HYPOCAUST, HYPOCAUST_SIM.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

READY = re.compile(r"hypocaust: (https?)://127\.0\.0\.1:(\d+)/")
SETUP = re.compile(r"/#/setup\?token=([A-Za-z0-9_-]+)")
LOGIN = {"login": "admin", "password": "correct horse battery"}


# How many times longer than on a quiet machine anything may take.
PATIENCE = 5


def wait_until(question, seconds=30.0, what="the expected state"):
    """Asks until the answer is true; a deadline only ends a broken test."""
    seconds *= PATIENCE
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`with Server() as s:` gives a server that is set up and signed in as administrator."""

    def __init__(self, *options, folder=None, setup=True):
        self.own_folder = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="hyp-test-"))
        self.options, self.setup = options, setup
        self.process = None
        self.cookie = self.csrf = self.token = None
        self.lines = []

    def __enter__(self):
        self.start()
        if self.setup:
            if self.setup_token:
                self.first_run()
            else:
                self.sign_in()
        return self

    def __exit__(self, *_):
        self.stop()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        self.setup_token = None
        self.lines = []
        self.process = subprocess.Popen(
            [os.environ.get("HYPOCAUST", "build/hypocaust"), "serve", "--data", str(self.folder), "--port", "0",
             *self.options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.ready = threading.Event()
        threading.Thread(target=self.read_output, daemon=True).start()
        wait_until(lambda: self.ready.is_set() or self.process.poll() is not None, 60, "the server's ready line")
        if not self.ready.is_set():
            raise AssertionError("the server ended at once:\n" + "".join(self.lines))
        # The set-up link, where there is one, is printed before the ready line or right behind it.
        if not (self.folder / ".was-set-up").exists():
            wait_until(lambda: self.setup_token or self.get("/status").json["first_run"] is False, 10, "the set-up link")

    def read_output(self):
        for line in self.process.stdout:
            self.lines.append(line)
            found = SETUP.search(line)
            if found:
                self.setup_token = found.group(1)
            found = READY.search(line)
            if found and not self.ready.is_set():
                self.port = int(found.group(2))
                self.ready.set()

    def stop(self, how=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60 * PATIENCE)
        return self.process.returncode if self.process else None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def request(self, method, path, body=None, headers=None, raw=False):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60 * PATIENCE)
        sent = dict(headers or {})
        if self.cookie and "Cookie" not in sent and "Authorization" not in sent:
            sent["Cookie"] = self.cookie
            if method != "GET":
                sent.setdefault("X-CSRF-Token", self.csrf or "")
        if body is not None and not raw:
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, "/api/v1" + path, body, sent)
        reply = connection.getresponse()
        data = reply.read()
        connection.close()
        return Reply(reply.status, dict(reply.getheaders()), data)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def get_patiently(self, path):
        """GET that comes back when the server says it is asked too often."""
        while True:
            reply = self.get(path)
            if reply.status != 429:
                return reply
            time.sleep(float(reply.headers.get("Retry-After", "1")))

    def post(self, path, body=None, **options):
        return self.request("POST", path, body, **options)

    def take_session(self, reply):
        assert reply.status in (200, 201), (reply.status, reply.body)
        self.cookie = reply.headers["Set-Cookie"].split(";")[0]
        self.csrf = reply.json["csrf"]

    def first_run(self):
        self.take_session(self.post("/setup", {**LOGIN, "token": self.setup_token, "name": "Test Admin",
                                               "language": "en", "time_zone": "Europe/Copenhagen"}))
        (self.folder / ".was-set-up").touch()

    def sign_in(self, login=LOGIN):
        self.take_session(self.post("/session", login))


class Tap:
    """Named checks, printed as TAP."""

    def __init__(self):
        self.number = self.failed = 0

    def ok(self, good, name, detail=""):
        self.number += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.number} - {name}", flush=True)
        if not good and detail:
            for line in str(detail).splitlines()[:30]:
                print(f"# {line}", flush=True)
        return good

    def case(self, name, function, *args):
        try:
            function(*args)
            return self.ok(True, name)
        except Exception as fault:  # a test reports every fault and goes on
            import traceback
            return self.ok(False, name, f"{fault}\n{traceback.format_exc()}")

    def skip(self, name, why):
        self.number += 1
        print(f"ok {self.number} - {name} # SKIP {why}", flush=True)

    def end(self):
        print(f"1..{self.number}", flush=True)
        return 1 if self.failed else 0


def shared_folder():
    """The folder of test corpora beside the repository, or None."""
    named = os.environ.get("HYP_SHARED")
    if named:
        return pathlib.Path(named)
    root = pathlib.Path(__file__).resolve().parent.parent.parent
    beside = root.parent / "shared"
    return beside if beside.is_dir() else None
