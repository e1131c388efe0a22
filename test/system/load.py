"""Senders of readings that go on when their server is killed, and what they were promised."""
import http.client
import threading

from telegrams import intake_line, time_of

BATCH = 5


class Load:
    """Threads that post batches. What is not acknowledged is sent again, as a gateway does."""

    def __init__(self, headers):
        self.headers = headers
        self.lock = threading.Lock()
        self.next = 0
        self.acknowledged = set()
        self.refused = 0
        self.running = threading.Event()
        self.threads = []

    def take(self):
        with self.lock:
            first = self.next
            self.next += BATCH
            return range(first, first + BATCH)

    def post(self, server, body, readings=BATCH):
        try:
            reply = server.post("/intake", body, raw=True, headers=self.headers)
            return reply.status == 200 and reply.json["readings"] == readings
        except (OSError, http.client.HTTPException, ValueError):
            return False  # the answer is lost: sent again like any other

    def send(self, targets):
        while self.running.is_set():
            numbers = self.take()
            body = "".join(intake_line(number) for number in numbers)
            for server in targets(numbers[0] // BATCH):
                while not self.post(server, body):
                    with self.lock:
                        self.refused += 1
                    if not self.running.wait(0.01):
                        return
            with self.lock:
                self.acknowledged.update(numbers)

    def start(self, targets, count=3):
        """targets(n) says which servers get the n-th batch."""
        self.running.set()
        self.threads = [threading.Thread(target=self.send, args=(targets,)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.running.clear()
        for thread in self.threads:
            thread.join()


def stored_readings(server, device):
    """Texts by time, and how many times came twice."""
    found, doubled, offset = {}, 0, 0
    while True:
        page = server.get_patiently(f"/devices/{device}/readings?offset={offset}&limit=1000").json
        for reading in page["items"]:
            doubled += reading["time"] in found
            found[reading["time"]] = [value["text"] for value in reading["values"]]
        offset += len(page["items"])
        if not page["items"] or offset >= page["total"]:
            return found, doubled


def check(tap, server, device, load, when):
    found, doubled = stored_readings(server, device)
    missing = [number for number in load.acknowledged if time_of(number) not in found]
    wrong = [number for number in load.acknowledged if time_of(number) in found
             and f"{number // 1000}.{number % 1000:03d}" not in found[time_of(number)]]
    tap.ok(not missing, f"{when}: every acknowledged reading is stored", f"missing: {missing[:20]}")
    tap.ok(not wrong, f"{when}: with its value", str(wrong[:5]))
    tap.ok(doubled == 0, f"{when}: none is there twice", str(doubled))
    return found
