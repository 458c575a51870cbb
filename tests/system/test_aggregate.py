"""aggregate on the real servers: local months with both DST changes, and what KairosDB lost mended."""
import datetime

import pytest

import feeds
import greenbutton
import metering as m
from servers import wait_until
from test_parse import kairosdb, last_day, meters  # noqa: F401  (fixtures)


def begin_of(feed):
    return last_day(feed.begin).strftime("%m/%d/%Y")


@pytest.mark.smoke
def test_thirteen_months_of_four_feeds_are_summed_as_the_feeds_say(meters):  # noqa: F811
    demo = greenbutton.demo_feeds(m.BEGIN, m.END)
    for number, feed in enumerate(demo):
        meters.add(feed, building=42 + number, last_date=begin_of(feed))
    meters.start()
    meters.start()
    meters.do("parse")
    meters.do("aggregate")
    compared = [meters.assert_months_are_those_of(feed, series) for feed in demo for series in feed.series]
    assert compared[0] == 13 and min(compared) >= 11
    assert len(meters.sums()) == sum(compared)
    assert meters.rows("SELECT count(*) FROM meterbeat.dirty_month WHERE month_end < now()") == [(0,)]
    before = meters.rows("SELECT * FROM seed_timeseries ORDER BY id")
    assert meters.do("aggregate")[3].startswith("0 months")
    assert meters.rows("SELECT * FROM seed_timeseries ORDER BY id") == before


def test_a_month_that_changed_is_summed_again_and_others_are_left(meters):  # noqa: F811
    feed = m.house("changed", *m.days(70))
    series = feed.series[0]
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meters.do("aggregate")
    month = meters.rows("SELECT extract(epoch FROM min(begin_time))::bigint FROM seed_timeseries")[0][0]
    reading = next(r for r in feed.readings(series) if r.start >= feed.begin)
    feed.correct(series, reading.start, reading.value + 5000)
    day = last_day(reading.start)
    after = day + datetime.timedelta(days=1)
    meters.do("parse", record, **{"from": f"{day:%Y-%m-%d}", "to": f"{after:%Y-%m-%d}"})
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y"), "a named window moves nothing"
    dirty = meters.rows("SELECT extract(epoch FROM month_start)::bigint FROM meterbeat.dirty_month"
                        " WHERE month_end < now()")
    assert dirty == [(month,)]
    meters.do("aggregate")
    assert meters.assert_months_are_those_of(feed, series) >= 1


def test_a_building_is_summed_now_with_the_month_that_still_runs(meters):  # noqa: F811
    feed, other = m.house("mine", *m.days(2)), m.house("other", *m.days(2))
    meters.add(feed, building=42, last_date=begin_of(feed))
    meters.add(other, building=43, last_date=begin_of(other))
    meters.start()
    meters.do("parse")
    meters.do("aggregate", "42")
    sums = meters.sums()
    assert {key[0] for key in sums} == {"E-mine"}
    assert sum(reading for _, reading, _ in sums.values()) == \
        pytest.approx(sum(r.value for r in feed.readings(feed.series[0])))


def test_seeds_own_rows_of_a_month_become_one_and_are_corrected(meters, rows):  # noqa: F811
    feed = m.house("old", *m.days(70))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meter = rows("SELECT id FROM seed_meter")[0][0]
    (start, end), = rows("SELECT month_start, month_end FROM meterbeat.dirty_month"
                         " WHERE month_end < now() ORDER BY 1 DESC LIMIT 1")
    for _ in range(2):  # SEED ends a month at 23:59:59, and made it twice
        rows("INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading)"
             " VALUES (%s, %s, %s, 1)", (meter, start, end - datetime.timedelta(seconds=1)))
    meters.do("aggregate")
    assert meters.assert_months_are_those_of(feed, feed.series[0]) >= 1
    assert rows("SELECT count(*) FROM seed_timeseries WHERE begin_time = %s", (start,)) == [(1,)]


def test_a_meter_that_seed_made_is_used_again(meters, rows):  # noqa: F811
    feed = m.house("known", *m.days(2))
    record = meters.add(feed, last_date=begin_of(feed))
    (meter,), = rows("INSERT INTO seed_meter (name, energy_type, energy_units, custom_meter_id)"
                     " VALUES ('GreenButton METER', 0, 72, 'E-known') RETURNING id")
    rows("INSERT INTO seed_meter_canonical_building (meter_id, canonicalbuilding_id)"
         " VALUES (%s, 42)", (meter,))
    meters.start()
    meters.do("parse", record)
    assert rows("SELECT id, name FROM seed_meter") == [(meter, "GreenButton METER")]


@pytest.mark.parametrize("lost_days", [1, 20])
def test_what_kairosdb_lost_after_the_count_is_noticed_fetched_again_and_summed(
        meters, servers, place, rows, kairosdb, lost_days):  # noqa: F811
    feed = m.house("loss", *m.days(70))
    series = feed.series[0]
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    begin = rows("SELECT extract(epoch FROM min(month_start))::bigint FROM meterbeat.dirty_month")[0][0]
    whole = kairosdb()
    first = max(feed.begin, begin)
    lose(servers, place, first, first + lost_days * m.DAY)
    assert kairosdb() != whole
    run = meters.do("aggregate")
    assert " 0 short" not in run[3] and "enqueued" in run[3], run[3]
    assert kairosdb() == whole
    assert "0 short" in meters.do("aggregate")[3]
    assert meters.assert_months_are_those_of(feed, series) >= 1


def test_a_kairosdb_killed_just_after_the_count_is_mended_by_itself(meters, servers, rows, kairosdb):  # noqa: F811
    feed = m.house("power-cut", *m.days(70))
    series = feed.series[0]
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    servers.kairosdb.kill()
    servers.kairosdb.start()
    wait_until(lambda: "0 short" in meters.do("aggregate")[3], 90, "no month is short")
    readings = list(feed.readings(series))
    assert meters.assert_months_are_those_of(feed, series) >= 1
    summed = rows("SELECT sum(readings) FROM meterbeat.day")[0][0]
    assert summed == len(readings)


def test_readings_lost_after_their_month_was_summed_are_noticed_while_they_are_fresh(
        meters, servers, place, kairosdb):  # noqa: F811
    meters.meterbeat.configure(kairosdb={"settle_s": 600})
    feed = m.house("fresh", *m.days(70))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    assert "0 short" in meters.do("aggregate")[3]
    whole = kairosdb()
    lose(servers, place, feed.begin, feed.begin + m.DAY)
    assert " 0 short" not in meters.do("aggregate")[3], "summed before, and yet still looked at"
    wait_until(lambda: kairosdb() == whole, 60, "what was lost is fetched again")


def test_what_no_feed_has_any_more_is_asked_for_less_and_less_often(
        meters, servers, place, rows):  # noqa: F811
    feed = m.house("moved", *m.days(70))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    begin = rows("SELECT extract(epoch FROM min(month_start))::bigint FROM meterbeat.dirty_month")[0][0]
    first = max(feed.begin, begin)
    lose(servers, place, first, first + m.DAY)
    meters.server.inject("moved", feeds.status(404), for_ever=True)

    def repairs_after(seconds):
        rows("UPDATE meterbeat.run SET created_at = created_at - make_interval(secs => %s)", (seconds,))
        meters.do("aggregate")
        return rows("SELECT count(*) FROM meterbeat.run WHERE NOT only_one AND error_code = 'feed_not_found'")[0][0]

    assert [repairs_after(seconds) for seconds in (0, 10, 61, 61, 61)] == [1, 1, 2, 2, 3]


@pytest.mark.parametrize("change", ["DELETE FROM seed_ts_parser_record WHERE id = %s",
                                    "UPDATE seed_ts_parser_record SET active = 'N' WHERE id = %s",
                                    "UPDATE seed_ts_parser_record SET url = 'import:/a/file' WHERE id = %s"])
def test_a_record_that_is_gone_paused_or_a_file_is_not_asked_for_what_was_lost(
        meters, servers, place, rows, change):  # noqa: F811
    feed = m.house("hopeless", *m.days(40))
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    lose(servers, place, feed.begin, feed.begin + m.DAY)
    rows(change, (record,))
    run = meters.do("aggregate", "42")
    assert "1 short of the ledger, 0 parses enqueued to fetch them again, 1 days" in run[3]
    assert rows("SELECT count(*) FROM meterbeat.run WHERE NOT only_one AND record_id IS NOT NULL") == [(0,)]


def lose(servers, place, from_s, to_s):
    """What a KairosDB that was killed has lost: the points of [from, to)."""
    import json
    import urllib.request
    for suffix in ("", ".cost"):
        body = {"start_absolute": from_s * 1000, "end_absolute": to_s * 1000 - 1,
                "metrics": [{"name": place.measurement + suffix}]}
        request = urllib.request.Request(f"{servers.kairosdb.url}/datapoints/delete",
                                         json.dumps(body).encode())
        urllib.request.urlopen(request, timeout=30).close()
