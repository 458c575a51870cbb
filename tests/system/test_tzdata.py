"""Machines of different tzdata: said by those that differ, and by check, never silent."""
import pathlib
import shutil

import pytest

from test_ctl import ready  # noqa: F401  (fixture)

ZONEINFO = pathlib.Path("/usr/share/zoneinfo")
ZONE = "America/New_York"


@pytest.fixture
def machine(ready, tmp_path):  # noqa: F811
    """machine(version, rules) is the environment of one whose tzdata says so; None: it says nothing."""
    ready.configure(local_timezone=ZONE, timezone="UTC")

    def made(version, rules=ZONE):
        folder = tmp_path / f"tzdata-{version}-{rules.replace('/', '-')}"
        for name, source in ((ZONE, rules), ("UTC", "UTC")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ZONEINFO / source, folder / name)
        if version:
            (folder / "tzdata.zi").write_text(f"# version {version}\n# anything\n")
        return {"TZDIR": str(folder)}
    return made


def started(ready, environment):  # noqa: F811
    """What a worker of that machine warns of at its start."""
    worker = ready.worker(environment=environment)
    worker.wait_for_event("zones_compared")
    assert worker.stop() == 0
    return [(event["event"], event["zone"], event["since"], event["here"], event["kept"])
            for event in worker.events("zone_rules_differ") + worker.events("zone_rules_changed")]


def checked(ready, environment, status):  # noqa: F811
    ready.environment.update(environment)
    try:
        return ready.ctl("check", status=status)
    finally:
        for name in environment:
            del ready.environment[name]


def test_the_later_tzdata_holds_and_an_earlier_or_unknown_one_is_told_at_its_start_and_by_check(
        ready, rows, machine):  # noqa: F811
    kept = "SELECT tzdata FROM meterbeat.zone_rules WHERE zone = %s"
    same, older, newer = machine("2024a"), machine("2023c", "America/Bogota"), machine("2099b", "America/Mexico_City")
    unknown = machine(None, "America/Bogota")
    assert started(ready, same) == []
    assert rows(kept, (ZONE,)) == [("2024a",)]
    assert "with the rules that the workers have" in checked(ready, same, 0)
    # earlier, unknown: told, not kept
    assert started(ready, older) == [("zone_rules_differ", ZONE, "2000-04-02T07:00:00Z", "2023c", "2024a")]
    assert started(ready, unknown) == [("zone_rules_differ", ZONE, "2000-04-02T07:00:00Z", "unknown", "2024a")]
    said = checked(ready, older, 1)
    assert "database   NOT" in said and f"{ZONE} from 2000-04-02T07:00:00Z on: 2023c here, 2024a on " in said
    assert rows(kept, (ZONE,)) == [("2024a",)]
    # another version with the same rules is no difference
    assert started(ready, machine("2098a")) == []
    # later: kept from now on
    assert started(ready, newer)[0][0::3] == ("zone_rules_changed", "2099b")
    assert rows(kept, (ZONE,)) == [("2099b",)]
    assert started(ready, newer) == []
    assert started(ready, same)[0][0::3] == ("zone_rules_differ", "2024a")
    assert "database   NOT" in checked(ready, same, 1)


def test_a_producer_tells_of_zones_of_its_schedule_too(ready, rows, machine):  # noqa: F811
    ready.configure(local_timezone="UTC", schedule=[{"name": "one", "task": "ping", "every": "1d", "timezone": ZONE}])
    assert started(ready, machine("2024a")) == []
    producer = ready.producer(environment=machine("2023c", "America/Bogota"))
    told = producer.wait_for_event("zone_rules_differ")[0]
    assert (told["zone"], told["here"], told["kept"]) == (ZONE, "2023c", "2024a")
    assert producer.stop() == 0


def test_days_booked_by_rules_that_are_replaced_are_counted(ready, rows, machine):  # noqa: F811
    assert started(ready, machine("2024a")) == []
    rows("INSERT INTO meterbeat.series (id, tag_key, tags, source, meter_id, record_id) VALUES (7, 'x', '{}', 'x', 1, 1)")
    rows("INSERT INTO meterbeat.day (series_id, day_start, readings, record_id) SELECT 7, t, 96, 1 FROM"
         " unnest(ARRAY['1999-07-01 04:00Z', '2026-07-01 04:00Z', '2026-07-02 04:00Z']::timestamptz[]) t")
    worker = ready.worker(environment=machine("2099b", "America/Bogota"))
    assert worker.wait_for_event("zone_rules_changed")[0]["days"] == "2"
    assert worker.stop() == 0
