"""The feeds that the demo and the system tests serve are themselves right: days, sums, windows, faults."""
import datetime
import gzip
import json
import subprocess
import xml.etree.ElementTree as xml
from fractions import Fraction
from zoneinfo import ZoneInfo

import feeds
import pytest
import requests
from greenbutton import REVERSE, Feed, Series, demo_feeds, local_midnight

ESPI = "{http://naesb.org/espi}"
ATOM = "{http://www.w3.org/2005/Atom}"
BEGIN, END = local_midnight(2024, 10, 1), local_midnight(2025, 11, 16)


@pytest.fixture
def server():
    with feeds.FeedServer(demo_feeds(BEGIN, END)) as made:
        yield made


def get(server, target, **options):
    return requests.get(server.url + target, timeout=30, **options)


def starts(body):
    return [int(item.findtext(f"{ESPI}timePeriod/{ESPI}start"))
            for item in xml.fromstring(body).iter(f"{ESPI}IntervalReading")]


def test_the_days_of_the_changes_have_92_and_100_quarter_hours(server):
    zone = ZoneInfo("America/New_York")
    days = {}
    for start in starts(get(server, "/electricity").content):
        day = datetime.datetime.fromtimestamp(start, zone).date()
        days[day] = days.get(day, 0) + 1
    odd = {day: count for day, count in days.items() if count != 96}
    assert odd == {datetime.date(2024, 11, 3): 100, datetime.date(2025, 3, 9): 92,
                   datetime.date(2025, 11, 2): 100}


def test_the_sums_of_the_months_are_those_of_the_documents_readings(server):
    """Summed here from the XML as a stranger would: by links, not by the generator's own lists."""
    zone = ZoneInfo("America/New_York")
    for feed in server.feeds.values():
        root = xml.fromstring(get(server, f"/{feed.sub_id}").content)
        totals = {}
        for entry in root.iter(f"{ATOM}entry"):
            up = [link.get("href") for link in entry.findall(f"{ATOM}link") if link.get("rel") == "up"]
            for reading in entry.iter(f"{ESPI}IntervalReading"):
                _, _, rest = up[0].partition("/UsagePoint/")
                point, _, flow, _ = rest.split("/")
                start = int(reading.findtext(f"{ESPI}timePeriod/{ESPI}start"))
                local = datetime.datetime.fromtimestamp(start, zone)
                key = (point, int(flow), local.year, local.month)
                count, value, cost = totals.get(key, (0, 0, 0))
                totals[key] = (count + 1, value + int(reading.findtext(f"{ESPI}value")),
                               cost + int(reading.findtext(f"{ESPI}cost") or 0))
        wanted = {(*series.key, *month): tuple(total) for series in feed.series
                  for month, total in feed.months(series).items()}
        assert totals == wanted


def test_bills_last_28_to_34_days_and_follow_each_other(server):
    gas = server.feeds["gas"]
    bills = list(gas.readings(gas.series[0]))
    assert len(bills) >= 11
    assert all(27.9 <= bill.duration / 86400 <= 34.1 for bill in bills)
    assert all(a.start + a.duration == b.start for a, b in zip(bills, bills[1:]))
    assert all(bill.cost == bill.value * 1200 for bill in bills)  # 1.20 a therm, values in 1/100


def test_the_roof_sends_back_by_day_only(server):
    solar = server.feeds["solar"]
    back = next(series for series in solar.series if series.flow == REVERSE)
    values = [reading.value for reading in solar.readings(back)]
    assert 0.3 < sum(value == 0 for value in values) / len(values) < 0.7
    assert max(values) > 0 and min(values) == 0


def test_the_same_seed_makes_the_same_document_and_another_does_not():
    one, same, other = (demo_feeds(BEGIN, END, seed=seed)[0].document() for seed in (1, 1, 2))
    assert one == same != other


@pytest.mark.parametrize("target", [
    "/electricity&min=03/08/2025&max=03/09/2025",
    "/any/path?id=electricity&min=03%2F08%2F2025&max=03%2F09%2F2025",
    "/Batch/Subscription/electricity?max=2025-03-09&min=2025-03-08",
    f"/electricity&min={local_midnight(2025, 3, 8)}&max={local_midnight(2025, 3, 10)}",
    "/electricity&min=2025-03-08T05:00:00Z&max=2025-03-10T04:00:00Z",
])
def test_a_window_holds_its_days_however_the_dates_are_written(server, target):
    found = starts(get(server, target).content)
    assert len(found) == 96 + 92
    assert found[0] == local_midnight(2025, 3, 8)


def test_date_parameters_have_the_names_and_the_pattern_of_the_feed():
    feed = Feed("x y", "names", [Series("1", "one", "household")], BEGIN, END,
                date_pattern="%d.%m.%Y", min_parameter="from", max_parameter="until")
    with feeds.FeedServer([feed]) as server:
        assert len(starts(get(server, "/x%20y?from=05.01.2025&until=05.01.2025").content)) == 96
        assert get(server, "/x%20y?from=nonsense").status_code == 400
        assert get(server, "/unknown").status_code == 404


def test_a_correction_changes_the_document_and_the_sum():
    feed = demo_feeds(BEGIN, END)[0]
    series = feed.series[0]
    before = feed.months(series)[2024, 10]
    old = next(feed.readings(series))
    feed.correct(series, old.start, old.value + 1000)
    assert feed.months(series)[2024, 10].value == before.value + 1000
    assert f"<value>{old.value + 1000}</value>".encode() in feed.document(BEGIN, BEGIN + 900)


def test_values_are_integers_of_the_unit_at_the_multiplier():
    feed = demo_feeds(BEGIN, END)[3]
    fine, coarse = feed.series
    units = [sum(Fraction(reading.value) * Fraction(10) ** series.multiplier
                 for reading in feed.readings(series, BEGIN, BEGIN + 86400)) for series in (fine, coarse)]
    assert 2 < units[1] / units[0] < 8  # four times the size, read in steps of a thousand


def test_faults_come_once_each_and_then_the_feed_again(server):
    server.inject("gas", feeds.status(503), feeds.status(429, Retry_After=2), feeds.html,
                  feeds.cut_document(), feeds.gzipped, feeds.redirect("/elsewhere"))
    assert get(server, "/gas").status_code == 503
    second = get(server, "/gas")
    assert (second.status_code, second.headers["Retry-After"]) == (429, "2")
    assert b"log in" in get(server, "/gas").content
    with pytest.raises(xml.ParseError):
        xml.fromstring(get(server, "/gas").content)
    raw = get(server, "/gas", stream=True)
    assert gzip.decompress(raw.raw.read()) == server.feeds["gas"].document()
    assert get(server, "/gas", allow_redirects=False).headers["Location"] == "/elsewhere"
    assert get(server, "/gas").content == server.feeds["gas"].document()
    assert len(server.requests_of("gas")) == 7


def test_a_cut_connection_and_an_endless_feed_are_what_they_say(server):
    server.inject("gas", feeds.cut_connection())
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(server, "/gas")
    server.inject("gas", feeds.endless())
    with get(server, "/gas", stream=True) as body:
        received = sum(len(chunk) for _, chunk in zip(range(50), body.iter_content(1 << 20)))
    assert received > 40 << 20


def test_a_gate_holds_the_rest_of_an_answer_until_it_is_opened(server):
    gate = feeds.Gate()
    server.inject("gas", gate)
    with get(server, "/gas", stream=True) as body:
        chunks = body.iter_content(100)
        first = next(chunks)
        assert gate.reached.wait(10)
        gate.open()
        assert first + b"".join(chunks) == server.feeds["gas"].document()


def test_inspect_finds_in_each_feed_what_it_was_made_of(build, tmp_path):
    for feed in demo_feeds(BEGIN, END):
        document = tmp_path / f"{feed.sub_id}.xml"
        document.write_bytes(feed.document())
        done = subprocess.run([build / "ctl/meterbeatctl", "inspect", "--json", document],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        *found, summary = [json.loads(line) for line in done.stdout.splitlines()]
        assert summary["problems"] == []
        wanted = set()
        for series in feed.series:
            readings = list(feed.readings(series))
            wanted.add((series.usage_point, series.flow, series.uom, series.multiplier, len(readings),
                        sum(reading.value for reading in readings),
                        sum(reading.cost or 0 for reading in readings) if series.price else None,
                        readings[0].start, readings[-1].start))
        assert {(item["usage_point"].rsplit("/", 1)[-1], item["flow_direction"], item["uom"],
                 item["power_of_ten_multiplier"], item["readings"], item["sum_raw"],
                 item["sum_cost_raw"], item["first_start"], item["last_start"])
                for item in found} == wanted
