"""What a person does by hand on the real servers: audit and its repair, import and its dry run."""
import concurrent.futures
import gzip
import json
import os
import re
import subprocess
import urllib.request
import zoneinfo

import psycopg
import pytest

import feeds
import documents as d
import greenbutton
import metering as m
from conftest import ROOT
from test_aggregate import begin_of, lose
from servers import wait_until
from test_parse import kairosdb, last_day, meters  # noqa: F401  (fixtures)
from test_readings import (  # noqa: F401  (house: a fixture)
    AMERICAN, DAY, HOUR, JUNE, LOS_ANGELES, MAY, at, gas, hours, house)


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def day_name(second):
    return last_day(second).strftime("%Y-%m-%d")


# --- audit ------------------------------------------------------------------------------------------

def test_an_audit_of_books_that_agree_says_so_and_ends_with_0(meters):  # noqa: F811
    meters.meterbeat.ctl("init-db")
    assert meters.meterbeat.ctl("audit") == "0 series, 0 days: all agree\n"
    feed = m.house("agrees", *m.days(20))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    assert meters.meterbeat.ctl("audit") == "1 series, 20 days: all agree\n"
    assert meters.meterbeat.ctl("audit", "--building", "7") == "0 series, 0 days: all agree\n"
    assert meters.meterbeat.ctl("audit", "--from", day_name(m.END - 3 * m.DAY), "--to",
                                day_name(m.END - m.DAY)).endswith(" 2 days: all agree\n")


def test_what_kairosdb_lost_is_found_by_an_audit_and_comes_back_through_a_worker(
        meters, servers, place, rows, kairosdb):  # noqa: F811
    feed = m.house("audited", *m.days(20))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meter, = rows("SELECT id FROM seed_meter")[0]
    whole, costs = kairosdb(), kairosdb(suffix=".cost")
    lost = feed.begin + 5 * m.DAY
    lose(servers, place, lost, lost + 2 * m.DAY)
    text = meters.meterbeat.ctl("audit", "--meter", meter, status=1)
    assert f"{day_name(lost)}  " in text and "2 differ (KairosDB has less on 2" in text
    found = lines(meters.meterbeat.ctl("audit", "--json", status=1))
    assert [line["day"] for line in found[:-1]] == [day_name(lost), day_name(lost + m.DAY)]
    assert found[0]["books"]["readings"] == 96 and found[0]["kairosdb"]["readings"] == 0
    assert found[0]["record"] == record and found[0]["repair"] is None
    assert found[-1] == {"series": 1, "days": 20, "differ": 2, "less": 2, "other": 0, "more": 0,
                         "promised": 0, "hopeless": 0}
    assert rows("SELECT count(*) FROM meterbeat.outbox") == [(0,)], "without --repair nothing is asked"
    repaired = lines(meters.meterbeat.ctl("audit", "--repair", "--json", status=1))
    assert [line["repair"] for line in repaired[:-1]] == ["promised", "promised"]
    assert repaired[-1]["promised"] == 1, "two days that follow one another are one parse"
    meters.idle()
    assert (kairosdb(), kairosdb(suffix=".cost")) == (whole, costs)
    assert meters.meterbeat.ctl("audit").endswith("all agree\n")


def test_a_point_too_many_is_more_and_one_changed_is_another_sum(meters, servers, place):  # noqa: F811
    feed = m.house("touched", *m.days(5))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    put(servers, place, {m.END - m.DAY + 1: 5.0, m.END - 3 * m.DAY: 1e6})
    found = lines(meters.meterbeat.ctl("audit", "--json", status=1))
    assert [(line["day"], line["differs"]) for line in found[:-1]] == \
        [(day_name(m.END - 3 * m.DAY), "other"), (day_name(m.END - m.DAY), "more")]


def test_a_repair_is_not_promised_twice_and_what_nobody_can_be_asked_for_is_said(
        meters, servers, place, rows):  # noqa: F811
    feed = m.house("waits", *m.days(20))
    record = meters.add(feed, last_date=begin_of(feed))
    worker = meters.start()
    meters.do("parse", record)
    worker.stop()
    lose(servers, place, feed.begin, feed.begin + m.DAY)
    assert "on the queue\n" in meters.meterbeat.ctl("audit", "--repair", status=1)
    assert "on the queue already" in meters.meterbeat.ctl("audit", "--repair", status=1)
    assert rows("SELECT count(*) FROM meterbeat.run WHERE state = 'waiting'") == [(1,)]
    meters.meterbeat.ctl("record", "pause", record)
    paused = meters.meterbeat.ctl("audit", "--repair", status=1)
    assert "record is paused" in paused and "1 days have a record that cannot be asked again" in paused
    rows("DELETE FROM seed_ts_parser_record")
    assert "record is gone" in meters.meterbeat.ctl("audit", "--repair", status=1)


def test_two_audits_at_once_promise_a_repair_once(meters, servers, place, rows):  # noqa: F811
    feed = m.house("twice", *m.days(5))
    record = meters.add(feed, last_date=begin_of(feed))
    worker = meters.start()
    meters.do("parse", record)
    worker.stop()
    lose(servers, place, feed.begin, feed.begin + m.DAY)
    with concurrent.futures.ThreadPoolExecutor(2) as pool, \
            psycopg.connect(place.database_url, password=servers.postgresql.password) as held:
        held.execute("LOCK TABLE meterbeat.run IN SHARE MODE")  # both may look, neither may write
        audits = [pool.submit(meters.meterbeat.ctl, "audit", "--repair", status=1) for _ in range(2)]
        wait_until(lambda: rows("SELECT count(*) FROM pg_locks WHERE NOT granted")[0][0] == 2, 30, "both to wait")
        held.commit()
        texts = [audit.result() for audit in audits]
    assert sorted("on the queue already" in text for text in texts) == [False, True]
    assert rows("SELECT count(*) FROM meterbeat.run WHERE state = 'waiting'") == [(1,)]


def put(servers, place, points, suffix=""):
    """Points put past meterbeat under the tags of the only series there is."""
    question = {"start_absolute": 1, "metrics": [{"name": place.measurement + suffix, "limit": 1}]}
    with ask(servers.kairosdb.query_url, question) as answer:
        found = json.load(answer)["queries"][0]["results"][0]["tags"]
    tags = {name: names[0] for name, names in found.items()}
    ask(servers.kairosdb.insert_url, [{
        "name": place.measurement + suffix, "type": "double", "tags": tags,
        "datapoints": [[start * 1000, number] for start, number in points.items()]}]).close()


def ask(url, body):
    return urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=30)


# --- import -----------------------------------------------------------------------------------------

def write(folder, name, document):
    path = folder / name
    path.write_bytes(gzip.compress(document) if name.endswith(".gz") else document)
    return path


def total(readings):
    readings = list(readings)
    return sum(r.value for r in readings), len(readings)


@pytest.fixture
def dump(servers, place):
    """dump(): all that stands in the test's database, as pg_dump writes it."""
    def text(*arguments):
        done = subprocess.run(["pg_dump", "--inserts", *arguments, place.database_url], check=True, text=True,
                              capture_output=True, timeout=60,
                              env={**os.environ, "PGPASSWORD": servers.postgresql.password})
        return [line for line in done.stdout.splitlines() if not line.startswith(("--", "\\"))]
    return text


def test_imported_files_are_stored_booked_and_summed_when_the_command_ends(
        meters, tmp_path, rows):  # noqa: F811
    demo = greenbutton.demo_feeds(*m.days(40))
    files = [write(tmp_path, f"{feed.sub_id}.xml{'.gz' if number % 2 else ''}", feed.document())
             for number, feed in enumerate(demo)]
    rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (42, true)")
    found = lines(meters.meterbeat.ctl("import", "--building", 42, "--json", *files))
    assert [line["ok"] for line in found[:-1]] == [True] * 4
    assert found[0]["points"] == total(demo[0].readings(demo[0].series[0]))[1] and found[-1]["building"] == "42"
    compared = [meters.assert_months_are_those_of(feed, series) for feed in demo for series in feed.series]
    assert min(compared) >= 1
    assert meters.meterbeat.ctl("audit").endswith("all agree\n")
    assert rows("SELECT active, url FROM seed_ts_parser_record ORDER BY id") == \
        [("N", f"import:{path}") for path in files]
    assert rows("SELECT count(*) FROM meterbeat.run") == [(0,)]


def test_the_same_file_twice_changes_nothing(meters, tmp_path, dump, kairosdb):  # noqa: F811
    feed = m.house("twice", *m.days(40))
    path = write(tmp_path, "twice.xml", feed.document())
    rest = ("--exclude-table-data=meterbeat.dirty_month",)  # when it was last written
    meters.meterbeat.ctl("import", "--building", 42, path)
    before, stored = dump(*rest), kairosdb()
    again = lines(meters.meterbeat.ctl("import", "--building", 42, "--json", path))
    assert again[0]["points"] == stored[1] and again[0]["months"] == 0
    assert (dump(*rest), kairosdb()) == (before, stored)


@pytest.mark.parametrize("imported_first", [True, False])
def test_what_a_subscription_delivers_too_is_the_same_meter(
        meters, tmp_path, rows, kairosdb, imported_first):  # noqa: F811
    series = greenbutton.Series("1", "house", "household", price=16)
    feed = greenbutton.Feed("sub-7", "A house", [series], *m.days(40))
    path = write(tmp_path, "download.xml", feed.document())
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    steps = [lambda: meters.meterbeat.ctl("import", "--building", 42, path),
             lambda: meters.do("parse", record)]
    for step in steps if imported_first else reversed(steps):
        step()
    meters.do("aggregate", "42")
    assert kairosdb() == total(feed.readings(series))
    assert rows("SELECT custom_meter_id FROM seed_meter") == [("1",)]
    assert meters.assert_months_are_those_of(feed, series) >= 1
    assert rows("SELECT DISTINCT record_id FROM meterbeat.day") == [(record,)], "it can be asked again"
    assert rows("SELECT source LIKE '%%@sub-7' FROM meterbeat.series") == [(True,)]


def test_a_dry_run_says_what_would_change_and_writes_nothing(
        meters, tmp_path, dump, kairosdb):  # noqa: F811
    begin, end = m.days(70)
    middle = m.days(30)[0]
    feed, old = m.house("dry", begin, end), m.house("dry", begin, middle)
    series = feed.series[0]
    meters.meterbeat.ctl("import", "--building", 42, write(tmp_path, "old.xml", old.document()))
    readings = list(feed.readings(series))
    feed.correct(series, readings[100].start, readings[100].value + 500)
    document = feed.document()
    gone = f"<start>{readings[200].start}</start></timePeriod>".encode()
    place = document.index(gone)
    begin_tag, end_tag = document.rindex(b"<IntervalReading>", 0, place), b"</IntervalReading>"
    document = document[:begin_tag] + document[document.index(end_tag, place) + len(end_tag):]
    path = write(tmp_path, "new.xml", document)
    before, stored, costs = dump(), kairosdb(), kairosdb(suffix=".cost")
    days_before = (middle - begin) // m.DAY
    plan, file = lines(meters.meterbeat.ctl("import", "--building", 42, "--dry-run", "--json", path))
    new = len(readings) - len(list(old.readings(series)))
    assert {name: plan[name] for name in ("new", "equal", "corrected", "missing")} == {
        "new": new, "equal": len(readings) - new - 2, "corrected": 1, "missing": 1}
    assert file["ok"] and "points" not in file and days_before > 2
    text = meters.meterbeat.ctl("import", "--building", 42, "--dry-run", path)
    assert f"{new} new, " in text and "1 corrected, 1 missing" in text
    assert (dump(), kairosdb(), kairosdb(suffix=".cost")) == (before, stored, costs)
    meters.meterbeat.ctl("import", "--building", 42, path)
    sums = {last_day(key[2]).strftime("%Y-%m"): row for key, row in meters.sums().items()}
    for month in plan["months"]:
        _, reading, cost = sums[month["month"]]
        assert reading == pytest.approx(month["sum_after"]) and float(cost) == pytest.approx(
            month["cost_after"], abs=1e-4)
    assert meters.assert_months_are_those_of(feed, series) >= 1, "what is missing stays"


def test_a_dry_run_before_anything_is_stored_and_with_bills_writes_nothing(
        meters, tmp_path, dump, kairosdb):  # noqa: F811
    feeds_of = greenbutton.demo_feeds(*m.days(40))
    files = [write(tmp_path, f"{feed.sub_id}.xml", feed.document()) for feed in feeds_of]
    before = dump()
    found = lines(meters.meterbeat.ctl("import", "--building", 42, "--dry-run", "--json", *files))
    assert dump() == before and kairosdb() == (0, 0)
    series = [line for line in found if "ok" not in line]
    assert [line["meter"] for line in series] == [None] * 5
    assert sum(line["new"] for line in series) == sum(
        total(feed.readings(one))[1] for feed in feeds_of for one in feed.series if one.interval)
    gas = next(line for line in found if line["file"].endswith("gas.xml"))
    assert gas["bills_new"] >= 1 and gas["bills_equal"] == 0
    meters.meterbeat.ctl("import", "--building", 42, *files)
    again = lines(meters.meterbeat.ctl("import", "--building", 42, "--dry-run", "--json", *files))
    assert {line["new"] + line["corrected"] + line["missing"] for line in again if "ok" not in line} == {0}
    gas_again = next(line for line in again if line["file"].endswith("gas.xml"))
    assert (gas_again["bills_new"], gas_again["bills_equal"]) == (0, gas["bills_new"])


def test_a_broken_file_among_good_ones_fails_alone(meters, tmp_path, rows, kairosdb):  # noqa: F811
    feed, other = m.house("good", *m.days(5)), m.house("other", *m.days(5))
    meters.server.add(other)
    document = feed.document()
    files = [write(tmp_path, "cut.xml", document[:len(document) // 2]),
             write(tmp_path, "good.xml", document),
             tmp_path / "not there",
             write(tmp_path, "page.html", b"<!DOCTYPE html><html/>"),
             meters.server.url + "/espi/1_1/resource/Batch/Subscription/other"]
    (tmp_path / "cut.xml.gz").write_bytes(gzip.compress(document)[:-20])
    found = lines(meters.meterbeat.ctl("import", "--building", 42, "--json", *files,
                                       tmp_path / "cut.xml.gz", status=1))
    assert [line.get("code") for line in found[:-1]] == \
        ["feed_cut_off", None, "cannot_open", "html", None, "feed_cut_off"]
    value, count = total(feed.readings(feed.series[0]))
    more, others = total(other.readings(other.series[0]))
    assert kairosdb() == (value + more, count + others)
    assert len(meters.sums()) >= 2 and rows("SELECT count(*) FROM seed_ts_parser_record") == [(2,)]


def test_a_url_that_fails_is_named_however_it_does(meters, rows):  # noqa: F811
    feed = m.house("fails", *m.days(3))
    meters.server.add(feed)
    url = meters.server.url + "/espi/1_1/resource/Batch/Subscription/fails"
    for fault, said in ((feeds.cut_connection(), "partial file"), (feeds.cut_document(), "mid-element"),
                        (feeds.status(304), "HTTP 304"), (feeds.status(503), "HTTP 503"), (feeds.empty, "empty")):
        meters.server.inject("fails", fault)
        done = subprocess.run([meters.meterbeat.path("meterbeatctl"), "--config", str(meters.meterbeat.configuration),
                               "import", "--building", "42", url], env=meters.meterbeat.environment,
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and done.stderr.count(url) == 1 and said in done.stderr, done.stderr
    assert rows("SELECT (SELECT count(*) FROM seed_meter) + (SELECT count(*) FROM meterbeat.day)") == [(0,)]


@pytest.mark.parametrize("name", ["collection.xml", "types_last.xml", "item.xml", "no_time_period.xml"])
def test_documents_of_every_style_are_imported_as_inspect_sees_them(
        meters, kairosdb, tmp_path, name):  # noqa: F811
    document = (ROOT / "tests/data/feeds" / name).read_bytes()
    path = write(tmp_path, name, re.sub(rb"(<(?:\w+:)?start>)(\d{1,8})(?=<)", lambda found: b"%s%d" % (
        found[1], int(found[2]) + 1_700_006_400), document))  # times that a meter's readings can have
    seen = lines(meters.meterbeat.ctl("inspect", "--json", path))
    wanted = [s for s in seen[:-1] if s["interval_length"] != 0 and s["uom"] is not None]
    done, _ = lines(meters.meterbeat.ctl("import", "--building", 42, "--json", path))
    assert wanted and done["readings"] == seen[-1]["readings"]
    assert kairosdb()[1] == done["points"]
    assert done["points"] == done["readings"] - done["outside"] - done["repeated"] - done["contradicted"]
    assert meters.meterbeat.ctl("audit").endswith("all agree\n")


def test_inspect_reads_gzip_as_what_is_in_it(meterbeat, tmp_path):
    document = m.house("packed", *m.days(3)).document()
    plain, packed = write(tmp_path, "a.xml", document), write(tmp_path, "a.xml.gz", document)
    of_plain, of_packed = (lines(meterbeat.ctl("inspect", "--json", path)) for path in (plain, packed))
    assert [{**line, "file": ""} for line in of_plain] == [{**line, "file": ""} for line in of_packed]


def test_what_takes_longer_than_a_second_draws_a_bar_on_a_terminal_and_only_there(
        meters):  # noqa: F811
    feed = m.house("long", *m.days(2))
    meters.server.add(feed)
    meters.server.inject("long", feeds.slow(len(feed.document()) // 2), for_ever=True)  # two seconds
    command = (f"{meters.meterbeat.path('meterbeatctl')} --config {meters.meterbeat.configuration} import"
               f" --building 42 {meters.server.url}/espi/1_1/resource/Batch/Subscription/long")
    for end, wanted in ((" 2>/dev/null", False), ("", True)):
        done = subprocess.run(["script", "-qec", command + end, "/dev/null"], stdin=subprocess.DEVNULL,
                              env=meters.meterbeat.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
        assert ("\x1b[K" in done.stdout and " KiB" in done.stdout) == wanted, done.stdout
        assert "months summed" in done.stdout


def test_what_came_of_a_file_is_not_asked_for_but_comes_back_with_the_file(
        meters, tmp_path, servers, place, kairosdb):  # noqa: F811
    feed = m.house("filed", *m.days(20))
    path = write(tmp_path, "filed.xml", feed.document())
    meters.meterbeat.ctl("import", "--building", 42, path)
    whole = kairosdb()
    lose(servers, place, feed.begin + m.DAY, feed.begin + 3 * m.DAY)
    said = meters.meterbeat.ctl("audit", "--repair", status=1)
    assert "was a file: import it again" in said and "2 days have a record that cannot be asked" in said
    record, = [line["id"] for line in lines(meters.meterbeat.ctl("record", "list", "--json"))]
    assert str(path) in meters.meterbeat.ctl("record", "show", record)
    assert "read by hand" in meters.meterbeat.ctl("record", "list")
    meters.meterbeat.ctl("record", "resume", record, status=2)
    with open(path, "rb") as document:
        done = subprocess.run([meters.meterbeat.path("meterbeatctl"), "--config",
                               str(meters.meterbeat.configuration), "import", "--building", "42", "-"],
                              env=meters.meterbeat.environment, stdin=document, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert kairosdb() == whole
    assert meters.meterbeat.ctl("audit").endswith("all agree\n")


# --- import: units, registers, bills, zones -----------------------------------------------------------

def by_hand(house, *arguments):
    return lines(house.meters.meterbeat.ctl("import", "--json", *arguments))


def test_files_are_summed_in_seeds_units_differenced_and_billed_as_feeds_are(house, tmp_path):  # noqa: F811
    register = [50_000, 50_007, 50_007, 50_010, 50_020, 50_021]
    values = [d.reading(MAY + i * HOUR, value, 0) for i, value in enumerate(register)]
    joules, meter = "UsagePoint/J", "UsagePoint/R"
    path = write(tmp_path, "all.xml", d.feed(
        d.usage_point(joules), d.meter_reading(joules, 1, [[d.reading(MAY, 7200, cost=500_000)]], uom=31),
        d.summary(joules, 1, MAY, 31, cost=1_000_000, value=72_000, uom=31),
        d.usage_point(meter), d.meter_reading(meter, 1, [values], accumulationBehaviour=1)))
    house.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (1, true)")
    *plan, file = by_hand(house, "--building", 1, "--dry-run", path)
    by_meter = {line["custom_meter_id"]: line for line in plan}
    assert {name: (line["new"], line["sum_unit"], line["months"][0]["sum_after"])
            for name, line in by_meter.items()} == {"J": (1, "Wh", 2), "R": (5, "Wh", 21)}
    assert by_meter["J"]["months"][0]["cost_after"] == 5
    assert (file["bills_new"], file["bills_equal"]) == (1, 0)
    by_hand(house, "--building", 1, path)
    assert house.sums(1) == {("J", 2, 3): [(MAY, JUNE, 2, 5)], ("R", 2, 3): [(MAY, JUNE, 21, None)],
                             ("J.bill", 2, 3): [(MAY, MAY + 31 * DAY, 20, 10)]}
    *plan, file = by_hand(house, "--building", 1, "--dry-run", path)
    assert [line["equal"] for line in plan] == [1, 5] and not any(line["months"] for line in plan)
    assert (file["bills_new"], file["bills_equal"]) == (0, 1)
    # a later file goes on where the register was left; its fall makes no amount, and is said
    more = write(tmp_path, "more.xml", d.feed(d.usage_point(meter), d.meter_reading(meter, 1, [[
        d.reading(MAY + (6 + i) * HOUR, value, 0) for i, value in enumerate([50_031, 50_040, 12, 20])]],
        accumulationBehaviour=1)))
    plan, _ = by_hand(house, "--building", 1, "--dry-run", more)
    assert (plan["new"], plan["months"][0]["sum"], plan["months"][0]["sum_after"]) == (3, 21, 48)
    done, _ = by_hand(house, "--building", 1, more)
    assert done["fallen"] == 1 and house.sums(1)["R", 2, 3] == [(MAY, JUNE, 48, None)]
    assert house.meters.meterbeat.ctl("audit").endswith("all agree\n")


def test_a_zone_is_that_of_the_days_and_months_of_what_a_file_begins(house, tmp_path):  # noqa: F811
    start = at(2024, 2, 29, zone=LOS_ANGELES)
    path = write(tmp_path, "pacific.xml", d.feed(
        d.usage_point("UsagePoint/E", local_time=(-28800, 3600, *AMERICAN)),
        d.meter_reading("UsagePoint/E", 1, [hours(start, start + 2 * DAY, 1)])))
    for building, zone, name, first in ((1, ("--zone", "America/Los_Angeles"), "America/Los_Angeles", 24),
                                        (2, ("--zone", "feed"), "America/Los_Angeles", 24),
                                        (3, (), "America/New_York", 21)):
        house.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (%s, true)", (building,))
        plan, _ = by_hand(house, "--building", building, *zone, "--dry-run", path)
        assert plan["zone"] == name
        assert [(month["month"], month["sum_after"]) for month in plan["months"]] == \
            [("2024-02", first), ("2024-03", 48 - first)]
        by_hand(house, "--building", building, *zone, path)
        at_zone = zoneinfo.ZoneInfo(name)
        months = [at(2024, month, zone=at_zone) for month in (2, 3, 4)]
        booked = {("E", 2, 3): [(*months[:2], first, None), (*months[1:], 48 - first, None)]}
        assert house.sums(building) == booked
        # what has days keeps their zone, whatever a later file says
        plan, _ = by_hand(house, "--building", building, "--zone", "Europe/Berlin", "--dry-run", path)
        assert (plan["zone"], plan["equal"], plan["months"]) == (name, 48, [])
        by_hand(house, "--building", building, "--zone", "Europe/Berlin", path)
        assert house.sums(building) == booked
    assert house.meters.meterbeat.ctl("audit").endswith("all agree\n")


def test_what_was_decided_about_a_record_holds_for_files_of_its_meters(house, tmp_path, rows):  # noqa: F811
    record = house.add(1, *gas(119, 100), heat_content="1037 Btu/ft3", time_zone="America/Los_Angeles")
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    before = house.sums(1)
    (name, kind, unit), = before
    assert (name, kind, unit) == ("G", 1, 2), "therms"
    path = write(tmp_path, "gas.xml", d.feed(*gas(119, 150)))
    plan, _ = by_hand(house, "--building", 1, "--dry-run", path)
    assert (plan["sum_unit"], plan["zone"], plan["corrected"]) == ("therms", "America/Los_Angeles", 2)
    by_hand(house, "--building", 1, path)
    after = house.sums(1)
    assert [row[:2] for row in after[name, kind, unit]] == [row[:2] for row in before[name, kind, unit]]
    assert sum(row[2] for row in after[name, kind, unit]) == pytest.approx(
        sum(month["sum_after"] for month in plan["months"])) == pytest.approx(3.111)
    assert rows("SELECT record_id, time_zone FROM meterbeat.series") == [(record, "America/Los_Angeles")]
