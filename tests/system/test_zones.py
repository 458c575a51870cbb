"""Days and months by the zone rules of this machine, whatever rules KairosDB's release knew: on the real KairosDB."""
import datetime
import json
import random
import zoneinfo

import pytest

import documents as d
from test_by_hand import write
from test_readings import HOUR, house  # noqa: F401  (fixtures)
from test_parse import meters  # noqa: F401  (fixtures)

# zone, first and last month, what its clocks do there
CLOCKS = [
    ("America/Mexico_City", "2023-03", "2023-05", HOUR),  # summer time given up by a law of 2022
    ("America/Vancouver", "2026-10", "2026-12", HOUR),    # the same from November 2026 on
    ("America/Edmonton", "2026-10", "2026-12", HOUR),
    ("Asia/Tehran", "2023-03", "2023-04", HOUR // 2),     # the same; half an hour off
    ("Asia/Amman", "2022-10", "2022-11", HOUR),           # summer time for good
    ("Africa/Cairo", "2023-04", "2023-05", HOUR),         # summer time again, at midnight
    ("America/Nuuk", "2023-10", "2023-11", HOUR),         # another zone of an evening
    ("Asia/Almaty", "2024-02", "2024-03", HOUR),          # ... at the midnight that begins a month
    ("Australia/Lord_Howe", "2024-03", "2024-04", HOUR // 2),  # half an hour of summer time
    ("Pacific/Apia", "2011-12", "2012-01", HOUR),         # without 2011-12-30
    ("America/Sao_Paulo", "2018-11", "2019-02", HOUR),    # a day that begins at one, and one that ends twice
    ("America/St_Johns", "2009-10", "2009-11", HOUR // 2),  # back over midnight on the first of November
    ("America/Havana", "2024-10", "2024-11", HOUR),       # midnight twice
    ("Africa/Casablanca", "2024-03", "2024-04", HOUR),    # an hour less in Ramadan
]


def month_starts(zone, first, last):
    """The first instants of the months from `first` to `last` and of the one after."""
    at, starts = datetime.date.fromisoformat(first + "-01"), []
    last = datetime.date.fromisoformat(last + "-01")
    while not starts or at <= last + datetime.timedelta(days=31):
        starts.append(int(datetime.datetime(at.year, at.month, 1, tzinfo=zone).timestamp()))
        at = (at + datetime.timedelta(days=32)).replace(day=1)
    return starts


def days_between(zone, start, end):
    """How many local days have an instant in [start, end)."""
    return len({datetime.datetime.fromtimestamp(s, zone).date() for s in range(start, end, HOUR // 2)})


@pytest.mark.parametrize("clocks", [CLOCKS[:8], CLOCKS[8:]], ids=["laws", "shapes"])
def test_each_local_day_and_month_has_its_readings_whatever_kairosdbs_release_knew_of_the_zone(
        house, tmp_path, clocks):  # noqa: F811
    for building, clock in enumerate(clocks, 1):
        are_kept(house, tmp_path, building, *clock)
    assert house.meters.meterbeat.ctl("audit").endswith("all agree\n")


def are_kept(house, tmp_path, building, name, first, last, step):  # noqa: F811
    def by_hand(path, *options):
        lines = house.meters.meterbeat.ctl("import", "--json", *options, "--building", building, "--zone", name, path)
        return json.loads(lines.splitlines()[0])

    zone = zoneinfo.ZoneInfo(name)
    starts = month_starts(zone, first, last)
    end = min(starts[-1], int(datetime.datetime.now().timestamp()) // HOUR * HOUR - 36 * HOUR)
    values = random.Random(name)
    readings = {s: values.randint(1, 999_999_999) for s in range(starts[0], end, step)}
    document = d.feed(d.usage_point("UsagePoint/Z"), d.meter_reading(
        "UsagePoint/Z", 1, [[d.reading(s, value, step, cost=value % 1000) for s, value in readings.items()]],
        powerOfTenMultiplier=-3, intervalLength=step))
    path = write(tmp_path, f"{building}.xml", document)
    house.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (%s, true)", (building,))
    by_hand(path)
    assert house.rows("SELECT sum(readings), count(*) FROM meterbeat.day JOIN meterbeat.series s ON s.id = series_id"
                      " WHERE time_zone = %s", (name,)) == [(len(readings), days_between(zone, starts[0], end))], name
    expected = []
    for begin, after in zip(starts, starts[1:]):
        inside = [value for s, value in readings.items() if begin <= s < after]
        if inside and after <= end:
            expected.append((begin, after, pytest.approx(sum(inside) / 1000, rel=1e-12),
                             pytest.approx(sum(value % 1000 for value in inside) / 1e5, abs=1e-4)))
    assert expected and [row for row in house.sums(building)["Z", 2, 3] if row[1] <= end] == expected, name
    plan = by_hand(path, "--dry-run")
    assert (plan["zone"], plan["equal"], plan["new"], plan["months"]) == (name, len(readings), 0, [])
    plan = by_hand(write(tmp_path, f"{building}.more.xml", document.replace(b"<value>", b"<value>1")), "--dry-run")
    assert [month["sum"] for month in plan["months"]][:len(expected)] == [row[2] for row in expected], name
