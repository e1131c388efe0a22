"""Plain wireless telegrams of an invented water meter, for tests that need readings."""
import datetime

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
METER = {"name": "cold water", "kind": "water_meter", "manufacturer": "ELS", "serial": "12345678", "version": 1,
         "medium": 7, "line": None, "schedule": "none"}


def telegram(litres):
    """SND_NR of ELS 12345678, short header, no encryption, one record: volume in litres."""
    digits = f"{litres:08d}"
    body = bytes([0x44]) + (0x1593).to_bytes(2, "little") + bytes.fromhex("78563412") + bytes([1, 7])
    body += bytes([0x7A, litres & 0xFF, 0, 0, 0])
    body += bytes.fromhex("0C13") + bytes.fromhex(digits)[::-1]
    return bytes([len(body)]) + body


def time_of(number):
    return (START + datetime.timedelta(seconds=60 * number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def intake_line(number):
    """Reading `number`: its own minute, and the number as litres."""
    return f"{time_of(number)} radio {telegram(number).hex().upper()}\n"
