"""What feeds get wrong: told by a code, by `inspect` and by `import` alike, and corrected where a person says so."""
import datetime
import json
import urllib.request

import pytest

import documents as d
import metering as m
from conftest import ROOT
from test_aggregate import begin_of
from test_parse import kairosdb, meters  # noqa: F401  (fixtures)

CASES = ROOT.parent / "shared/cases/greenbutton"
HOUR = 3600
JULY = int(datetime.datetime(2025, 7, 1, 4, tzinfo=datetime.timezone.utc).timestamp())  # midnight of New York
POINT = "UsagePoint/7"


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def write(folder, document, name="feed.xml"):
    path = folder / name
    path.write_bytes(document)
    return path


def inspected(meterbeat, path):
    """(series, {code: first place} of the file's problems)"""
    *series, file = lines(meterbeat.ctl("inspect", "--json", path))
    return series, {p["code"]: p["place"] for p in reversed(file["problems"])}


def case(name):
    """One of the documents beside the repository that people reported; skips without them."""
    found = sorted(CASES.glob(f"{name}-*")) if CASES.is_dir() else []
    if not found:
        pytest.skip("the cases are not beside the repository (../shared/cases)")
    return found[0]


def hours(*values, start=JULY, **of_reading):
    return [d.reading(start + i * HOUR, value, **of_reading) for i, value in enumerate(values)]


# --- local time -------------------------------------------------------------------------------------

def odd_summer():
    return d.feed(d.usage_point(POINT, local_time=(-18000, -18000, "360E2000", "B40E2000")),
                  d.meter_reading(POINT, 1, [hours(500, 510)]))


def test_an_offset_that_no_summer_adds_is_told_and_the_zone_found_by_the_rules(meters, tmp_path, rows):  # noqa: F811
    path = write(tmp_path, odd_summer())
    series, problems = inspected(meters.meterbeat, path)
    assert [s["time_zone"] for s in series] == ["America/New_York"] and set(problems) == {"dst_offset_odd"}
    meters.meterbeat.ctl("import", "--building", "42", "--zone", "feed", path)
    assert rows("SELECT time_zone FROM meterbeat.series") == [("America/New_York",)]


def test_con_edisons_offsets_are_those_of_new_york(meterbeat):
    series, problems = inspected(meterbeat, case("22"))
    assert {s["time_zone"] for s in series} == {"America/New_York"} and set(problems) == {"dst_offset_odd"}


# --- what is metered --------------------------------------------------------------------------------

def gas_below_electricity(**kind):
    return d.feed(d.usage_point(POINT, service=0),
                  d.meter_reading(POINT, 1, [hours(5, 6)], uom=169, **{"commodity": 7, **kind}))


@pytest.mark.parametrize("commodity", [7, None], ids=["a gas type", "only its unit"])
def test_gas_below_electricity_is_told_and_named_by_its_type(meters, tmp_path, rows, commodity):  # noqa: F811
    path = write(tmp_path, gas_below_electricity(commodity=commodity))
    series, problems = inspected(meters.meterbeat, path)
    assert set(problems) == {"service_conflict"} and "MeterReading/1" in problems["service_conflict"]
    assert [s["service"] for s in series] == ["gas"]
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT name, energy_type, energy_units FROM seed_meter") == \
        [("GreenButton gas forward therm 3600 s", 1, 2)]
    assert rows("SELECT tags->>'energy_type', tags->>'energy_type_int' FROM meterbeat.series") == [("gas", "1")]
    report = json.loads(meters.meterbeat.ctl("report", "42", "--json"))
    assert [(one["service"], one["unit"]) for one in report["meters"]] == [("gas", "therms")]


def test_a_series_begun_under_the_categorys_name_keeps_it(meters, tmp_path, rows, kairosdb):  # noqa: F811
    path = write(tmp_path, gas_below_electricity())
    meters.meterbeat.ctl("import", "--building", "42", path)
    rows("UPDATE meterbeat.series SET tags = tags || '{\"energy_type\":\"electricity\",\"energy_type_int\":\"0\"}',"
         " tag_key = replace(replace(tag_key, 'energy_type=gas', 'energy_type=electricity'), '_int=1,flow', '_int=0,flow')")
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT count(*) FROM meterbeat.series") == [(1,)]


def test_the_custodians_sample_of_gas_below_electricity_is_gas(meterbeat):
    series, problems = inspected(meterbeat, case("11"))
    assert set(problems) == {"service_conflict"} and [s["service"] for s in series] == ["gas"]


# --- amounts and prices -----------------------------------------------------------------------------

def kilo_beside_watts(watt_multiplier=3):
    watts, energy = hours(2400, 1300, 700), hours(2400, 1300, 700)
    return d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [watts], uom=38, kind=8, powerOfTenMultiplier=watt_multiplier),
                  d.meter_reading(POINT, 2, [energy], powerOfTenMultiplier=3))


def test_what_no_house_uses_is_told_with_its_figure(meters, tmp_path):  # noqa: F811
    path = write(tmp_path, kilo_beside_watts())
    _, problems = inspected(meters.meterbeat, path)
    assert set(problems) == {"implausible_amount"}, "watts agree: both are wrong by a thousand"
    assert problems["implausible_amount"].endswith("MeterReading/2, 1467 kW on average")
    assert problems["implausible_amount"].startswith("line ")


def test_watts_that_are_not_the_watt_hours_beside_them_are_told(meterbeat, tmp_path):
    _, problems = inspected(meterbeat, write(tmp_path, kilo_beside_watts(watt_multiplier=0)))
    assert set(problems) == {"implausible_amount", "power_disagrees"}
    assert problems["power_disagrees"].endswith("MeterReading/2")


def cheap():
    return d.feed(d.usage_point(POINT), d.meter_reading(
        POINT, 1, [hours(1500, 800, cost=130)], currency=124))


def test_a_price_that_cannot_be_is_told_with_its_figure(meterbeat, tmp_path):
    _, problems = inspected(meterbeat, write(tmp_path, cheap()))
    assert set(problems) == {"implausible_price"} and problems["implausible_price"].endswith("0.0011 a kWh")


@pytest.mark.parametrize("name, code", [("19", "implausible_amount"), ("34", "implausible_price")])
def test_the_amounts_and_prices_that_people_reported_are_told(meterbeat, name, code):
    assert set(inspected(meterbeat, case(name))[1]) == {code}


# --- corrected by a person --------------------------------------------------------------------------

def stored(servers, place, suffix=""):
    """{start: value} of all that KairosDB holds of the test, whatever its tags."""
    question = {"start_absolute": 1, "metrics": [{"name": place.measurement + suffix, "group_by": [
        {"name": "tag", "tags": ["custom_meter_id", "energy_type"]}]}]}
    request = urllib.request.Request(servers.kairosdb.query_url, json.dumps(question).encode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        results = json.load(answer)["queries"][0]["results"]
    return {(result["tags"].get("custom_meter_id", [""])[0], at // 1000): value
            for result in results for at, value in result["values"]}


def test_costs_and_multiplier_of_a_file_are_corrected_for_its_record(
        meters, tmp_path, rows, servers, place):  # noqa: F811
    path = write(tmp_path, d.feed(d.usage_point(POINT), d.meter_reading(
        POINT, 1, [hours(1500, 800, cost=130)], powerOfTenMultiplier=3)))
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert list(stored(servers, place).values()) == [1.5e6, 8e5]
    record, = rows("SELECT id FROM seed_ts_parser_record")[0]
    said = meters.meterbeat.ctl("record", "set", record, "multiplier=0", "cost_scale=0.001")
    assert "1 days are stored as they were read before; import the file again" in said
    shown = json.loads(meters.meterbeat.ctl("record", "show", record, "--json"))
    assert shown["decided"] == {"multiplier": "0", "cost_scale": "0.001"} and shown["days_to_read_again"] == 1
    file, _ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", path))
    assert file["corrected"] == "multiplier=0 cost_scale=0.001"
    assert list(stored(servers, place).values()) == [1500, 800]
    assert list(stored(servers, place, ".cost").values()) == [0.13, 0.13]
    assert rows("SELECT reading, cost::text FROM seed_timeseries") == [(2300, "0.2600")]
    assert "to be read again" not in meters.meterbeat.ctl("record", "show", record)
    again, _ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", path))
    assert again["months"] == 0 and "days are stored" not in meters.meterbeat.ctl("record", "set", record)


def test_who_decided_what_and_when_is_shown(meters, tmp_path, rows):  # noqa: F811
    meters.meterbeat.ctl("import", "--building", "42", write(tmp_path, cheap()))
    record, = rows("SELECT id FROM seed_ts_parser_record")[0]
    meters.meterbeat.ctl("record", "set", record, "cost_scale=0.001")
    meters.meterbeat.ctl("record", "set", record, "cost_scale=0.001")
    meters.meterbeat.ctl("record", "set", record, "cost_scale=")
    found = rows("SELECT name, before, after, who LIKE '%%@%% (%%)', at > now() - interval '1 hour'"
                 " FROM meterbeat.record_change ORDER BY id")
    assert found == [("cost_scale", "", "0.001", True, True), ("cost_scale", "0.001", "", True, True)]
    shown = meters.meterbeat.ctl("record", "show", record)
    assert "decided" in shown and "0.001" in shown and "@" in shown
    for word in ("multiplier=0.5", "cost_scale=100", "shift=soon", "meter=a/b", "service=coal", "colour=red"):
        meters.meterbeat.ctl("record", "set", record, word, status=2)
    assert len(rows("SELECT id FROM meterbeat.record_change")) == 2


def test_a_corrected_subscription_is_read_again_by_itself(meters, rows, kairosdb):  # noqa: F811
    feed = m.house("kilo", *m.days(40))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meters.idle()
    value, count = kairosdb()
    said = meters.meterbeat.ctl("record", "set", record, "multiplier=3", "cost_scale=0.0001")
    assert "windows are put on the queue" in said
    meters.idle()
    assert kairosdb() == (pytest.approx(value * 1000), count)
    assert rows("SELECT DISTINCT generation FROM meterbeat.day") == [(1,)]
    assert "0 windows" not in said and "days are stored" not in meters.meterbeat.ctl("record", "set", record)
    progress = rows("SELECT progress FROM meterbeat.run WHERE state = 'done' ORDER BY created_at DESC LIMIT 1")
    assert progress[0][0].endswith("; corrected: multiplier=3 cost_scale=0.0001")


def test_shifted_readings_begin_another_meter_and_the_old_one_counts_no_more(
        meters, tmp_path, rows, servers, place):  # noqa: F811
    path = write(tmp_path, d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [hours(500, 600)])))
    meters.meterbeat.ctl("import", "--building", "42", path)
    record, = rows("SELECT id FROM seed_ts_parser_record")[0]
    assert "other meters from now on" in meters.meterbeat.ctl("record", "set", record, "shift=18000")
    assert rows("SELECT name FROM seed_meter") == [("GreenButton electricity forward Wh 3600 s (superseded)",)]
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert stored(servers, place) == {("7", JULY): 500, ("7", JULY + HOUR): 600, ("7.shift18000", JULY + 18000): 500,
                                      ("7.shift18000", JULY + 18000 + HOUR): 600}
    assert rows("SELECT tags->>'custom_meter_id', superseded FROM meterbeat.series ORDER BY id") == \
        [("7", True), ("7.shift18000", False)]
    assert "to be read again" not in meters.meterbeat.ctl("record", "show", record)
    meters.meterbeat.ctl("record", "set", record, "shift=")
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT superseded FROM meterbeat.series ORDER BY id") == [(False,), (True,)]
    assert rows("SELECT name FROM seed_meter ORDER BY id")[0][0] == "GreenButton electricity forward Wh 3600 s"


def test_starts_in_milliseconds_are_taken_where_a_person_says_so(meters, tmp_path, servers, place):  # noqa: F811
    path = write(tmp_path, d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [
        [d.reading((JULY + i * HOUR) * 1000, 500 + i, duration=duration)
         for i, duration in enumerate((HOUR, HOUR * 1000))]])))
    meters.meterbeat.ctl("import", "--building", "42", "--shift", "milliseconds", path)
    assert stored(servers, place) == {("7", JULY): 500, ("7", JULY + HOUR): 501}


def bare():
    """A type and its readings, of no usage point."""
    kind = d.fields(flowDirection=0, powerOfTenMultiplier=0, uom=72)
    return d.feed(f'<entry><content><ReadingType xmlns="http://naesb.org/espi">{kind}</ReadingType></content></entry>',
                  '<entry><content><IntervalBlock xmlns="http://naesb.org/espi">'
                  f'{"".join(hours(300, 310))}</IntervalBlock></content></entry>')


@pytest.mark.parametrize("of", ["our own", "26"])
def test_readings_of_no_usage_point_are_those_of_the_meter_that_is_named(meters, tmp_path, rows, of):  # noqa: F811
    path = write(tmp_path, bare()) if of == "our own" else case(of)
    file, *_ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", "--meter", "main-7",
                                          "--service", "electricity", path))
    assert (file["ok"], file["points"], file["corrected"]) == (True, 2, "meter=main-7 service=electricity")
    assert rows("SELECT custom_meter_id, energy_type FROM seed_meter") == [("main-7", 2)]
    again, *_ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", "--meter", "main-7",
                                           "--service", "electricity", path))
    assert again["months"] == 0 and rows("SELECT count(*) FROM meterbeat.series") == [(1,)]
    meters.meterbeat.ctl("import", "--building", "42", "--meter", "a/b", path, status=2)
    meters.meterbeat.ctl("import", "--building", "42", "--service", "coal", path, status=2)


def test_a_file_of_a_corrected_subscription_wants_the_same_corrections(meters, tmp_path, rows, kairosdb):  # noqa: F811
    feed = m.house("kilo", *m.days(3))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.meterbeat.ctl("record", "set", record, "multiplier=3")
    meters.start()
    meters.do("parse", record)
    before = kairosdb()
    path = write(tmp_path, feed.document())
    refused = meters.meterbeat.ctl("import", "--building", "42", "--json", path, status=1)
    assert lines(refused)[0]["code"] == "corrections_differ" and kairosdb() == before
    meters.meterbeat.ctl("import", "--building", "42", "--multiplier", "3", path)
    assert kairosdb() == before and rows("SELECT DISTINCT record_id FROM meterbeat.day") == [(record,)]


def test_a_person_decides_what_is_metered(meters, tmp_path, rows):  # noqa: F811
    path = write(tmp_path, d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [hours(3, 4)], uom=42)))
    meters.meterbeat.ctl("import", "--building", "42", path)
    record, = rows("SELECT id FROM seed_ts_parser_record")[0]
    meters.meterbeat.ctl("record", "set", record, "service=water")
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT energy_type, name FROM seed_meter ORDER BY id") == [
        (2, "GreenButton electricity forward m3 3600 s (superseded)"),
        (21, "GreenButton water forward m3 3600 s")]


# --- told where its result is -----------------------------------------------------------------------

def test_what_was_odd_is_told_with_its_number_and_first_line(meters, tmp_path):  # noqa: F811
    file, *_ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", write(tmp_path, cheap())))
    assert file["told"].startswith("implausible_price: 1, first at line ") and "0.0011 a kWh" in file["told"]


# --- the same energy ----------------------------------------------------------------------------------

def three_times():
    quarters = [d.reading(JULY + i * 900, 250, duration=900) for i in range(8)]
    return d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [hours(1000, 1000)]),
                  d.meter_reading(POINT, 2, [quarters], intervalLength=900),
                  d.meter_reading(POINT, 3, [hours(900, 900)], flowDirection=4),
                  d.meter_reading(POINT, 4, [hours(100, 100)], flowDirection=19))


def test_one_energy_delivered_three_times_counts_once(meters, tmp_path, rows):  # noqa: F811
    path = write(tmp_path, three_times())
    meters.meterbeat.ctl("import", "--building", "42", path)
    names = dict(rows("SELECT name, id FROM seed_meter"))
    quarter = names["GreenButton electricity forward Wh 900 s"]
    assert set(names) == {
        "GreenButton electricity forward Wh 900 s", "GreenButton electricity reverse Wh 3600 s",
        f"GreenButton electricity forward Wh 3600 s (same energy as meter {quarter})",
        f"GreenButton electricity net Wh 3600 s (same energy as meter {quarter})"}
    counted = rows("SELECT sum(t.reading) FROM seed_timeseries t JOIN meterbeat.counted c ON c.meter_id = t.meter_id"
                   " AND c.month_start = t.begin_time WHERE c.counted_by IS NULL")
    assert counted == [(2000 + 200,)], "and what was delivered to the grid, by itself"
    report = json.loads(meters.meterbeat.ctl("report", "42", "--json"))
    assert sorted(str(one["months"][0]["counted_by"]) for one in report["meters"]) == \
        sorted([str(quarter)] * 2 + ["None"] * 2)
    assert f"2025-07 ={quarter}" in meters.meterbeat.ctl("report", "42")
    before = rows("SELECT id, name FROM seed_meter ORDER BY id")
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT id, name FROM seed_meter ORDER BY id") == before


def test_months_that_only_the_coarser_series_has_count(meters, tmp_path, rows):  # noqa: F811
    june = JULY - 30 * 24 * HOUR
    meters.meterbeat.ctl("import", "--building", "42", write(tmp_path, d.feed(
        d.usage_point(POINT), d.meter_reading(POINT, 1, [hours(1000, 1000, start=june), hours(1000, 1000)]),
        d.meter_reading(POINT, 2, [[d.reading(JULY + i * 900, 250, duration=900) for i in range(8)]],
                        intervalLength=900))))
    assert rows("SELECT sum(t.reading) FROM seed_timeseries t JOIN meterbeat.counted c ON c.meter_id = t.meter_id"
                " AND c.month_start = t.begin_time WHERE c.counted_by IS NULL GROUP BY t.begin_time"
                " ORDER BY t.begin_time") == [(2000,), (2000,)]


# --- hostile ------------------------------------------------------------------------------------------

def test_meter_readings_without_readings_leave_nothing(meters, tmp_path, rows):  # noqa: F811
    empty = [d.meter_reading(POINT, 2 + i, [], intervalLength=60 + i) for i in range(3000)]
    path = write(tmp_path, d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [hours(500)]), *empty))
    file, *_ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", path))
    assert file["series"] == 1 and rows("SELECT count(*) FROM seed_meter") == [(1,)]


def test_more_series_than_a_feed_may_have_are_refused_and_none_is_made(meters, tmp_path, rows):  # noqa: F811
    meters.meterbeat.configure(feed={**meters.meterbeat.settings["feed"], "max_series": 5})
    path = write(tmp_path, d.feed(d.usage_point(POINT), *(
        d.meter_reading(POINT, i, [hours(500)], intervalLength=60 + i) for i in range(6))))
    file, *_ = lines(meters.meterbeat.ctl("import", "--building", "42", "--json", path, status=1))
    assert file["code"] == "too_many_series"
    assert rows("SELECT (SELECT count(*) FROM seed_meter) + (SELECT count(*) FROM meterbeat.series)") == [(0,)]


# --- whose meter it is --------------------------------------------------------------------------------

def test_a_second_record_that_names_a_meter_is_told_and_kept_apart(meters, rows, kairosdb):  # noqa: F811
    first, second = m.house("named-first-by-me", *m.days(3)), m.house("named-first-by-me", *m.days(3))
    meters.server.add(first)
    mine = meters.add(first, last_date=begin_of(first))
    meters.start()
    meters.do("parse", mine)
    before, books = kairosdb(), rows("SELECT * FROM meterbeat.day WHERE record_id = %s ORDER BY day_start", (mine,))
    second.sub_id = "another-subscription"
    second.correct(second.series[0], next(iter(second.readings(second.series[0]))).start, 77)
    theirs = meters.add(second, last_date=begin_of(second))
    for _ in range(2):
        meters.change(theirs, last_date=begin_of(second))
        _, _, _, progress = meters.do("parse", theirs)
        assert "meter_of_another_record: 1, kept apart" in progress
    assert rows("SELECT record_id, source LIKE '%%#%%' FROM meterbeat.series ORDER BY id") == [
        (mine, False), (theirs, True)]
    assert rows("SELECT * FROM meterbeat.day WHERE record_id = %s ORDER BY day_start", (mine,)) == books
    assert rows("SELECT count(*) FROM seed_meter") == [(2,)] and before[1] > 0
