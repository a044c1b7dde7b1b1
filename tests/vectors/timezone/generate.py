#!/usr/bin/env python3
"""Writes the vectors of tests/unit/core/test_timezone.c from this machine's tzdata: each zone's TZif file,
and what Python's zoneinfo says of it.

  offset <utc> <seconds east>     at that second of UTC
  local <local> <utc>             the first second of UTC at which clocks show that much or more

Run it in this folder. Newer tzdata may change the future of a zone; both files change together then.
"""
import pathlib
import random
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

ZONES = [
    "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns",
    "Africa/Casablanca", "Europe/Dublin", "Asia/Kolkata", "America/Santiago", "America/Nuuk", "Etc/UTC",
    "Pacific/Kwajalein", "America/Havana", "Africa/Cairo", "Africa/Monrovia", "Asia/Tehran",
]
EPOCH = datetime(1970, 1, 1)
LAST = int((datetime(2210, 1, 1) - EPOCH).total_seconds())


def offset(zone, utc):
    moment = (EPOCH + timedelta(seconds=utc)).replace(tzinfo=timezone.utc)
    return int(moment.astimezone(zone).utcoffset().total_seconds())


def changes(zone):
    """The seconds at which the offset changes, by bisection between steps of 9 days."""
    step = 9 * 86400
    found = []
    for low in range(-80 * 365 * 86400, LAST, step):
        a, b = low, low + step
        if offset(zone, a) == offset(zone, b):
            continue
        while b - a > 1:
            middle = (a + b) // 2
            if offset(zone, middle) == offset(zone, a):
                a = middle
            else:
                b = middle
        found.append(b)
    return found


def first_showing(zone, local, around):
    """Dumb: the earliest of the few candidates near a change, or simply local minus the offset."""
    candidates = [c for c in around if abs(c - local) < 3 * 86400]
    candidates += [local - offset(zone, local + days * 86400) for days in (-2, -1, 0, 1, 2)]
    return min(c for c in candidates if c + offset(zone, c) >= local)


def main():
    for name in ZONES:
        zone, draw = ZoneInfo(name), random.Random(name)
        found = changes(zone)
        some = found if len(found) < 24 else found[:6] + draw.sample(found[6:-6], 12) + found[-6:]
        utcs = [u for c in some for u in (c - 1, c, c + 1)]
        utcs += [draw.randrange(-LAST // 4, LAST) for _ in range(30)]
        locals_ = [draw.randrange(-LAST // 4, LAST) for _ in range(20)]
        for c in some:
            before, after = c + offset(zone, c - 1), c + offset(zone, c)
            low, high = min(before, after), max(before, after)
            locals_ += [low - 1, low, low + 1, (low + high) // 2, high - 1, high, high + 1]
        lines = [f"offset {u} {offset(zone, u)}" for u in sorted(set(utcs))]
        lines += [f"local {v} {first_showing(zone, v, found)}" for v in sorted(set(locals_))]
        stem = name.replace("/", "_")
        pathlib.Path(stem + ".txt").write_text("\n".join(lines) + "\n", encoding="ascii")
        pathlib.Path(stem + ".tzif").write_bytes(pathlib.Path("/usr/share/zoneinfo", name).read_bytes())


if __name__ == "__main__":
    main()
