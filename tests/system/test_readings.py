"""What becomes of readings in PostgreSQL: units, registers, bills, zones, coverage; documents of our own making."""
import csv
import datetime
import gzip
import io
import json
import zoneinfo

import pytest

import documents as d
import metering as m

UTC, NEW_YORK, LOS_ANGELES = (zoneinfo.ZoneInfo(z) for z in ("UTC", "America/New_York", "America/Los_Angeles"))
HOUR, DAY = 3600, 86400
AMERICAN = "360E2000", "B40E2000"


def at(year, month, day=1, hour=0, zone=NEW_YORK):
    return int(datetime.datetime(year, month, day, hour, tzinfo=zone).timestamp())


def hours(start, end, value=10, **more):
    return [d.reading(s, value, **more) for s in range(start, end, HOUR)]


class House:
    """Records whose feeds are documents; one building a record."""

    def __init__(self, meters, rows, url, bodies):
        self.meters, self.rows, self.url, self.bodies = meters, rows, url, bodies
        meters.meterbeat.configure(feed={"path": "/"})

    def add(self, building, *parts, **options):
        self.put(building, *parts)
        (record,), = self.rows(
            "INSERT INTO seed_ts_parser_record (url, sub_id, building_id, active, time_type, date_pattern, last_date,"
            " min_date_parameter, max_date_parameter, last_ts) VALUES (%s, %s, %s, 'Y', 'date', '', '', '', '', 0)"
            " RETURNING id", (self.url, str(building), str(building)))
        self.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (%s, true)", (building,))
        if options:
            self.meters.meterbeat.ctl("record", "set", record, *(f"{k}={v}" for k, v in options.items()))
        return record

    def put(self, building, *parts):
        self.bodies[str(building)] = parts[0] if isinstance(parts[0], bytes) else d.feed(*parts)

    def again(self, record):
        """The whole feed once more, as on another day."""
        self.rows("UPDATE seed_ts_parser_record SET last_date = '' WHERE id = %s", (record,))
        return self.meters.do("parse", record)[3]

    def sums(self, building):
        """{(custom_meter_id, type, unit): [(begin, end, reading, cost)]}"""
        found = {}
        for name, kind, unit, begin, end, reading, cost in self.rows(
                "SELECT m.custom_meter_id, m.energy_type, m.energy_units, extract(epoch FROM begin_time)::bigint,"
                " extract(epoch FROM end_time)::bigint, t.reading, t.cost FROM seed_timeseries t"
                " JOIN seed_meter m ON m.id = t.meter_id JOIN seed_meter_canonical_building l ON l.meter_id = m.id"
                " WHERE l.canonicalbuilding_id = %s ORDER BY begin_time", (building,)):
            found.setdefault((name, kind, unit), []).append((begin, end, reading, cost and float(cost)))
        return found

    def coverage(self, building):
        """{month: (covered, expected, gaps, readings, estimated)}"""
        return {row[0]: row[1:] for row in self.rows(
            "SELECT extract(epoch FROM c.month_start)::bigint, covered_s, expected_s, gaps, readings, estimated"
            " FROM meterbeat.coverage c JOIN meterbeat.series s ON s.id = c.series_id"
            " WHERE s.tags->>'canonical_id' = %s", (str(building),))}


@pytest.fixture
def house(meterbeat, rows):
    with m.metering(meterbeat, rows) as meters, d.served() as (url, bodies):
        yield House(meters, rows, url, bodies)


MAY, JUNE, JULY = at(2024, 5), at(2024, 6), at(2024, 7)


def gas(uom, value, multiplier=0):
    return (d.usage_point("UsagePoint/G", service=1),
            d.meter_reading("UsagePoint/G", 1, [[d.reading(MAY, value, DAY), d.reading(MAY + DAY, value, DAY)]],
                            uom=uom, kind=58 if uom in (42, 119) else 12, commodity=7, intervalLength=DAY,
                            powerOfTenMultiplier=multiplier))


def test_sums_are_in_seeds_units_by_exact_factors_and_a_row_tells_its_unit(house):
    def electric(uom, value, kind=12):
        return (d.usage_point("UsagePoint/E"),
                d.meter_reading("UsagePoint/E", 1, [[d.reading(MAY, value)]], uom=uom, kind=kind))
    house.add(1, *electric(72, 1500))
    house.add(2, *electric(31, 7200))
    house.add(3, *gas(132, 250_000))
    house.add(4, *gas(169, 1234, -3))
    house.add(5, *gas(119, 100))
    house.add(6, *gas(119, 100), heat_content="1037 Btu/ft3")
    house.add(7, *electric(38, 5000, kind=37))  # a power
    house.add(8, d.usage_point("UsagePoint/W", service=2),
              d.meter_reading("UsagePoint/W", 1, [[d.reading(MAY, 3)]], uom=128, kind=58, commodity=9))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    month = MAY, JUNE
    assert house.sums(1) == {("E", 2, 3): [(*month, 1500, None)]}
    assert house.sums(2) == {("E", 2, 3): [(*month, 2, None)]}
    assert house.sums(3) == {("G", 1, 2): [(*month, 5, None)]}
    assert house.sums(4) == {("G", 1, 2): [(*month, pytest.approx(2.468), None)]}
    assert house.sums(5) == {("G", 1, 1119): [(*month, 200, None)]}
    assert house.sums(6) == {("G", 1, 2): [(*month, pytest.approx(2.074), None)]}
    assert house.sums(7) == {}
    assert house.rows("SELECT energy_units, is_summable FROM seed_meter m JOIN meterbeat.series s ON s.meter_id = m.id"
                      " WHERE s.tags->>'canonical_id' = '7'") == [(1038, False)], "stored as what it is"
    assert house.sums(8) == {("W", 21, 1128): [(*month, 3, None)]}
    report = house.meters.meterbeat.ctl_json("report", 6, "--json")
    assert report["meters"][0]["unit"] == "therms"


def test_a_meter_in_espis_codes_or_another_unit_is_found_again_and_its_sums_are_converted(house, rows):
    old = house.add(1, d.usage_point("UsagePoint/E"),
                    d.meter_reading("UsagePoint/E", 1, [[d.reading(MAY, 7200)]], uom=31))
    (meter,), = rows("INSERT INTO seed_meter (name, energy_type, energy_units, custom_meter_id)"
                     " VALUES ('GreenButton METER', 0, 31, 'E') RETURNING id")
    rows("INSERT INTO seed_meter_canonical_building (meter_id, canonicalbuilding_id) VALUES (%s, 1)", (meter,))
    rows("INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading)"
         " VALUES (%s, '2024-03-01 05:00Z', '2024-04-01 03:59:59Z', 36000)", (meter,))
    volume = house.add(2, *gas(42, 10))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    assert rows("SELECT id, energy_type, energy_units FROM seed_meter WHERE custom_meter_id = 'E'") == [(meter, 2, 3)]
    assert [row[2] for row in house.sums(1)["E", 2, 3]] == [10, 2]
    assert house.sums(2) == {("G", 1, 1042): [(MAY, JUNE, 20, None)]}
    house.meters.meterbeat.ctl("record", "set", volume, "heat_content=38.3 MJ/m3")
    house.again(volume)
    therms = pytest.approx(20 * 38.3 / 105.505585262)
    assert house.sums(2) == {("G", 1, 2): [(MAY, JUNE, therms, None)]}
    house.meters.do("aggregate", "2")
    # as version 2 of the schema left it: ESPI's codes, and sums in ESPI's unit
    rows("UPDATE meterbeat.series SET seed_type = NULL, seed_unit = NULL, denominator = 1 WHERE meter_id = %s", (meter,))
    rows("UPDATE seed_meter SET energy_type = 0, energy_units = 31 WHERE id = %s", (meter,))
    rows("UPDATE seed_timeseries SET reading = reading * 3600 WHERE meter_id = %s", (meter,))
    house.again(old)
    assert house.sums(2) == {("G", 1, 2): [(MAY, JUNE, therms, None)]}
    assert [row[2] for row in house.sums(1)["E", 2, 3]] == [10, 2]


def test_bills_of_usage_summaries_have_a_meter_of_their_own(house):
    point = "UsagePoint/E"
    parts = [d.usage_point(point), d.meter_reading(point, 1, [hours(MAY, MAY + DAY)]),
             d.summary(point, 1, MAY, 31, cost=17_418_000, value=1152, multiplier=3),
             d.summary(point, 1, JUNE, 30, cost=9_900_000, value=600_000),
             d.summary(point, 2, JULY, 31)]  # a status without figures
    record = house.add(1, *parts)
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    interval = [(MAY, JUNE, 240, None)]
    assert house.sums(1) == {("E", 2, 3): interval, ("E.bill", 2, 3): [
        (MAY, MAY + 31 * DAY, 1_152_000, 174.18), (JUNE, JUNE + 30 * DAY, 600_000, 99)]}
    house.put(1, *parts, d.summary(point, 3, JUNE, 30, cost=9_800_000, value=590_000, updated="2024-07-09T00:00:00Z"),
              d.summary(point, 4, JUNE, 30, cost=1, value=1, updated="2024-01-01T00:00:00Z"))
    house.again(record)
    assert house.sums(1)["E", 2, 3] == interval
    assert house.sums(1)["E.bill", 2, 3][1] == (JUNE, JUNE + 30 * DAY, 590_000, 98), "the later one counts"
    text = house.meters.meterbeat.ctl("report", 1)
    assert "electricity, bill, in Wh" in text


def test_a_register_is_differenced_only_where_it_never_falls(house, rows):
    def register(values, start=MAY, step=HOUR, accumulation=1):
        return (d.usage_point("UsagePoint/R"), d.meter_reading("UsagePoint/R", 1, [
            [d.reading(start + i * step, value, 0) for i, value in enumerate(values)]],
            accumulationBehaviour=accumulation))
    meter = house.add(1, *register([50_000, 50_007, 50_007, 50_010, 50_020, 50_021]))
    house.add(2, *register([500, 510, 505, 520, 530, 540]))
    house.add(3, *register([5, 5, 5, 5, 5, 5]))
    house.add(4, *register([5, 5, 5, 5, 5, 5]), registers="deltas")
    house.add(5, *register([100, 107]), registers="differences")
    house.add(6, *register([50_000, 50_007, 50_007, 50_010, 50_020, 50_021], accumulation=9))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    assert house.sums(1) == {("R", 2, 3): [(MAY, JUNE, 21, None)]}
    assert house.sums(6) == {("R.acc9", 2, 3): [(MAY, JUNE, 21, None)]}, "a register of some hours of the day"
    assert house.sums(2) == {("R", 2, 3): [(MAY, JUNE, 3105, None)]}, "labelled a register, and yet amounts"
    assert house.sums(3) == {}, "either is possible: not summed"
    assert [progress for progress, in rows("SELECT progress FROM meterbeat.run WHERE record_id = 3")
            if "register_or_amounts: 1 series, 6 readings" in progress]
    assert house.sums(4) == {("R", 2, 3): [(MAY, JUNE, 30, None)]}
    assert house.sums(5) == {("R", 2, 3): [(MAY, JUNE, 7, None)]}
    # the next window goes on where the last one ended; a fallen register makes no amount
    house.put(1, *register([50_031, 50_040, 12, 20], start=MAY + 6 * HOUR))
    house.again(meter)
    house.meters.do("aggregate", "1")
    assert house.sums(1) == {("R", 2, 3): [(MAY, JUNE, 21 + 10 + 9 + 8, None)]}


def test_a_months_largest_demand_or_cumulative_register_is_no_bill(house):
    def monthly(**type_):
        return (d.usage_point("UsagePoint/D"), d.meter_reading(
            "UsagePoint/D", 1, [[d.reading(MAY, 70_000, 31 * DAY), d.reading(JUNE, 90_000, 30 * DAY)]],
            intervalLength=30 * DAY, **type_))
    house.add(1, *monthly())
    house.add(2, *monthly(uom=38, kind=8))
    house.add(3, *monthly(dataQualifier=8))
    house.add(4, *monthly(accumulationBehaviour=3))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    assert house.sums(1) == {("D", 2, 3): [(MAY, JUNE, 70_000, None), (JUNE, JULY, 90_000, None)]}, "amounts: bills"
    for building in 2, 3, 4:
        assert house.sums(building) == {}, "nobody is to take these for energy"
        assert house.rows("SELECT sum(d.readings), sum(d.total) FROM meterbeat.day d JOIN meterbeat.series s"
                          " ON s.id = d.series_id WHERE s.tags->>'canonical_id' = %s", (str(building),)) \
            == [(2, 160_000)], "in KairosDB, and booked"


def test_months_and_days_are_those_of_the_feeds_zone_where_the_record_says_so(house):
    start = at(2024, 2, 29, zone=LOS_ANGELES)

    def pacific(*local_time):
        return (d.usage_point("UsagePoint/E", local_time=local_time),
                d.meter_reading("UsagePoint/E", 1, [hours(start, start + 2 * DAY, 1)]))
    house.add(1, *pacific(-28800, 3600, *AMERICAN), time_zone="feed")
    house.add(2, *pacific(-28800, 3600, *AMERICAN))
    house.add(3, *pacific(-28800, 3600, *AMERICAN), time_zone="Europe/Berlin")
    house.add(4, *pacific(28800, 3600, *AMERICAN), time_zone="feed")  # a wrong sign: cannot be trusted
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")

    def months(zone, first):
        return {("E", 2, 3): [(at(2024, 2, zone=zone), at(2024, 3, zone=zone), first, None),
                              (at(2024, 3, zone=zone), at(2024, 4, zone=zone), 48 - first, None)]}
    assert house.sums(1) == months(LOS_ANGELES, 24)
    assert house.sums(2) == months(NEW_YORK, 21)
    assert house.sums(3) == months(zoneinfo.ZoneInfo("Europe/Berlin"), 15)
    assert house.sums(4) == months(NEW_YORK, 21)
    report = house.meters.meterbeat.ctl_json("report", 1, "--json")
    assert [month["month"] for month in report["meters"][0]["months"]] == ["2024-02", "2024-03"]
    refused = house.meters.meterbeat.ctl("record", "set", 1, "time_zone=UTC", status=1)
    assert refused == ""


def test_a_partial_month_never_looks_like_a_low_one(house, rows):
    march, april, november, december = at(2024, 3), at(2024, 4), at(2024, 11), at(2024, 12)
    holes = [r for i, r in enumerate(hours(MAY, JUNE)) if i not in (0, 30, 31, 400)]
    house.add(1, d.usage_point("UsagePoint/E"), d.meter_reading("UsagePoint/E", 1, [
        hours(march, april), holes, hours(JUNE, JUNE + 10 * DAY, quality=8), hours(november, december)]))
    house.add(2, d.usage_point("UsagePoint/O"), d.meter_reading("UsagePoint/O", 1, [  # overlaps count once
        [d.reading(MAY, 1, 2 * HOUR), d.reading(MAY + HOUR, 1), d.reading(MAY + 2 * HOUR, 1)]]))
    house.add(3, d.usage_point("UsagePoint/Z"), d.meter_reading("UsagePoint/Z", 1, [  # no duration: the type's
        [d.reading(MAY, 1, 0), d.reading(MAY + HOUR, 1, 0)]]))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    assert house.coverage(1) == {
        march: (743 * HOUR, 743 * HOUR, 0, 743, 0), november: (721 * HOUR, 721 * HOUR, 0, 721, 0),
        MAY: (740 * HOUR, 744 * HOUR, 3, 740, 0), JUNE: (240 * HOUR, 720 * HOUR, 1, 240, 240)}
    assert house.coverage(2) == {MAY: (3 * HOUR, 744 * HOUR, 1, 3, 0)}
    assert house.coverage(3) == {MAY: (2 * HOUR, 744 * HOUR, 1, 2, 0)}
    text = house.meters.meterbeat.ctl("report", 1)
    assert "99.4 %, 3 gaps" in text and "33.3 %, 1 gap, 100 % est." in text and "100 %" in text
    line = list(csv.DictReader(io.StringIO(house.meters.meterbeat.ctl("report", 1, "--csv"))))[1]
    assert (line["month"], line["covered_s"], line["gaps"]) == ("2024-05", str(740 * HOUR), "3")
    rows("UPDATE meterbeat.coverage SET month_end = date_trunc('month', now()) WHERE month_start = to_timestamp(%s)",
         (MAY,))
    status = json.loads(house.meters.meterbeat.ctl("status", "--json", status=None))
    assert status["months"] == {"partial": 3, "covered": 3}
    assert "3 of 3 of the last year have readings for a part" in house.meters.meterbeat.ctl("status", status=None)


def test_a_day_that_comes_in_two_parts_is_covered_as_a_whole(house):
    def part(start, end):
        return d.usage_point("UsagePoint/E"), d.meter_reading("UsagePoint/E", 1, [hours(start, end)])
    record = house.add(1, *part(MAY, MAY + 10 * HOUR))
    house.meters.start()
    house.meters.do("parse")
    house.put(1, *part(MAY + 10 * HOUR, MAY + 2 * DAY))
    house.again(record)
    assert house.coverage(1) == {MAY: (48 * HOUR, 744 * HOUR, 1, 48, 0)}


def test_odd_readings_are_placed_dropped_or_replaced_and_never_added_twice(house):
    point = "UsagePoint/E"
    meter = f"{point}/MeterReading/1"
    house.add(1, d.usage_point(point), d.meter_reading(point, 1, [
        d.block(meter, 1, [d.reading(None, 1), d.reading(None, 2), d.reading(None, 3)], start=MAY),  # no timePeriod
        d.block(meter, 2, [d.reading(MAY + DAY, -5), d.reading(MAY + DAY + HOUR, None)]),  # negative, missing
        d.block(meter, 3, [d.reading(MAY + 2 * DAY, 7, cost=100_000)] * 2),  # twice the same
        d.block(meter, 4, [d.reading(MAY + 3 * DAY, 90)], updated="2024-06-03T00:00:00Z"),
        d.block(meter, 5, [d.reading(MAY + 3 * DAY, 1000)], updated="2024-06-02T00:00:00Z")]))  # older
    document = d.feed(d.usage_point(point), d.meter_reading(point, 1, [hours(MAY, MAY + DAY)]))
    text = document.decode()
    house.add(2, b"\xef\xbb\xbf" + document)
    house.add(3, text.replace("UTF-8", "UTF-16").encode("utf-16"))
    house.add(4, gzip.compress(document))
    house.add(5, d.usage_point(point), d.meter_reading(point, 1, [hours(MAY, MAY + DAY)], flowDirection=1),
              d.meter_reading(point, 2, [hours(MAY, MAY + DAY, 3)], flowDirection=19),
              d.meter_reading(point, 3, [hours(MAY, MAY + DAY, -7)], flowDirection=4),
              d.meter_reading(point, 4, [hours(MAY, MAY + DAY, 13)], flowDirection=20))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    assert house.sums(1) == {("E", 2, 3): [(MAY, JUNE, 1 + 2 + 3 - 5 + 7 + 90, 1)]}
    (progress,), = house.rows("SELECT progress FROM meterbeat.run WHERE record_id = 1")
    assert "repeated 1, contradicted 1" in progress
    for building in (2, 3, 4):
        assert house.sums(building) == {("E", 2, 3): [(MAY, JUNE, 240, None)]}
    assert sorted(row[2] for row in house.sums(5)["E", 2, 3]) == [-168, 72, 240, 312], "directions are never mixed"


def test_quality_and_time_of_use_are_kept_beside_the_readings_that_have_them(house, servers, place):
    point = "UsagePoint/Q"
    house.add(1, d.usage_point(point), d.meter_reading(point, 1, [
        [d.reading(MAY, 10, quality=8, tou=1), d.reading(MAY + HOUR, 20, tou=2), d.reading(MAY + 2 * HOUR, 30)]]))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")

    def stored(suffix):
        results, = servers.kairosdb.query(place.measurement + suffix)["results"]
        return {stamp // 1000: value for stamp, value in results["values"]}

    assert stored("") == {MAY: 10, MAY + HOUR: 20, MAY + 2 * HOUR: 30}
    assert stored(".quality") == {MAY: 8}
    assert stored(".tou") == {MAY: 1, MAY + HOUR: 2}
    assert house.sums(1) == {("Q", 2, 3): [(MAY, JUNE, 60, None)]}
    house.meters.meterbeat.configure(kairosdb={"measurement": place.measurement + "_bare", "keep_codes": False})
    house.meters.worker.stop()
    house.meters.start()
    house.again(1)
    assert servers.kairosdb.count(place.measurement + "_bare") == 3
    assert servers.kairosdb.count(place.measurement + "_bare.tou") == 0


def test_a_year_of_five_minutes_comes_whole(house):
    start, end = at(2023, 1), at(2024, 1)
    readings = [d.reading(s, 4, 300) for s in range(start, end, 300)]
    house.add(1, d.usage_point("UsagePoint/F"),
              d.meter_reading("UsagePoint/F", 1, [readings], intervalLength=300))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    months = house.sums(1)["F", 2, 3]
    assert [reading for _, _, reading, _ in months] == [(e - b) // 300 * 4 for b, e, _, _ in months]
    assert len(months) == 12 and sum(reading for _, _, reading, _ in months) == len(readings) * 4
    assert all(c[0] == c[1] and c[2] == 0 for c in house.coverage(1).values())
