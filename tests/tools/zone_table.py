"""Prints the table that test_timezone reads: what Python's zoneinfo makes of this machine's tzdata.

    python3 tests/tools/zone_table.py        # some zones whose clocks do what few do: what the test runs
    python3 tests/tools/zone_table.py all    # every zone, for METERBEAT_TIMEZONE_TABLE: minutes

Lines: `zone NAME`, `offset UTC_S SECONDS`, `instant Y M D h m s UTC_S` (a wall clock and its instant: the
first of two when repeated, the end of the gap when it does not exist).
"""

import datetime as dt
import os
import random
import sys
import zoneinfo

ZONES = """America/New_York Europe/Berlin Australia/Lord_Howe UTC Africa/Casablanca Asia/Gaza Europe/Dublin
America/Havana America/St_Johns Pacific/Apia Asia/Kathmandu America/Sao_Paulo Africa/Monrovia
Pacific/Kiritimati Antarctica/Troll America/Los_Angeles""".split()
EPOCH = dt.datetime(1970, 1, 1)
UTC = dt.timezone.utc


def seconds(naive):
    return int((naive - EPOCH).total_seconds())


def offset(zone, utc_s):
    at = (EPOCH + dt.timedelta(seconds=utc_s)).replace(tzinfo=UTC)
    return int(at.astimezone(zone).utcoffset().total_seconds())


def transitions(zone, first_year, last_year):
    """Every change of the offset, found by halving days that end differently than they began."""
    day, end = seconds(dt.datetime(first_year, 1, 1)), seconds(dt.datetime(last_year, 1, 1))
    before = offset(zone, day)
    while day < end:
        after = offset(zone, day + 86400)
        if after != before:
            low, high = day, day + 86400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(zone, middle) == before else (low, middle)
            yield high
        day, before = day + 86400, after


def instant(zone, naive):
    """By trial: each second offset that the zone has nearby, the earliest that fits, else the end of the gap."""
    local = seconds(naive)
    near = range(local - 93600, local + 93601, 900)
    fits = [local - o for o in {offset(zone, t) for t in near} if offset(zone, local - o) == o]
    if fits:
        return min(fits)
    low, high = local - 93600, local + 93600  # wall clock before / after the missing one
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if middle + offset(zone, middle) <= local else (low, middle)
    return high


def table(name, rng, out, years, tries):
    zone = zoneinfo.ZoneInfo(name)
    print("zone", name, file=out)
    changes = [t for first, last in years for t in transitions(zone, first, last)]
    moments = [t + d for t in changes for d in (-1, 0)]
    moments += [rng.randrange(seconds(dt.datetime(1900, 1, 1)), seconds(dt.datetime(9999, 1, 1)))
                for _ in range(tries)]
    for t in moments:
        print("offset", t, offset(zone, t), file=out)
    walls = [EPOCH + dt.timedelta(seconds=t + offset(zone, t - 1) + d)
             for t in rng.sample(changes, min(len(changes), tries)) for d in (-3601, -1800, -1, 0, 1, 1800, 3600)]
    walls += [EPOCH + dt.timedelta(seconds=rng.choice(moments)) for _ in range(tries // 4)]
    for w in walls:
        print("instant", w.year, w.month, w.day, w.hour, w.minute, w.second, instant(zone, w), file=out)


def main():
    zoneinfo.reset_tzpath([os.environ.get("TZDIR", "/usr/share/zoneinfo")])  # of no Python package
    rng = random.Random(20260308)
    if sys.argv[1:] == ["all"]:
        for name in sorted(zoneinfo.available_timezones() - {"localtime", "posixrules", "Factory"}):
            table(name, rng, sys.stdout, [(1900, 2110), (2998, 3003), (9990, 9998)], 40)
        return
    for name in ZONES:
        table(name, rng, sys.stdout, [(1995, 2045), (2090, 2092), (3000, 3002), (9996, 9998)], 40)


main()
