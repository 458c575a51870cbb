"""Sums and bills are there once, whatever parses, aggregates, imports and deaths come at the same time."""
import pytest

import greenbutton
import metering as m
from pg_proxy import Proxy
from servers import wait_until
from test_aggregate import begin_of
from test_parse import meters  # noqa: F401  (fixture)


def months_twice(rows):
    return rows("SELECT meter_id, begin_time, count(*) FROM seed_timeseries GROUP BY 1, 2 HAVING count(*) > 1")


@pytest.fixture
def dirty(meters):  # noqa: F811
    """A feed of thirteen months in the books, none of it summed; no worker runs."""
    feed = m.house("beside", m.BEGIN)
    record = meters.add(feed, last_date=begin_of(feed))
    meters.start()
    meters.do("parse", record)
    meters.worker.stop()
    return feed


def test_an_aggregate_that_is_killed_is_done_once_somebody_has_summed(meters, dirty, rows):  # noqa: F811
    first = meters.start(METERBEAT_CRASH_AT="before_month:5")
    first.wait_for_event("consuming")
    task = meters.send("aggregate")
    first.wait()
    second = meters.start()
    assert meters.run(task)[0] == "done"
    months, = rows("SELECT count(*) FROM meterbeat.dirty_month WHERE month_end <= now()")
    assert months == (0,), "all that was dirty is summed"
    assert meters.assert_months_are_those_of(dirty, dirty.series[0]) >= 12
    assert not second.events("task_retry")


def test_several_aggregates_beside_each_other_write_each_month_once(meters, dirty, rows):  # noqa: F811
    workers = [meters.start() for _ in range(3)]
    for worker in workers:
        worker.wait_for_event("consuming")
    tasks = [meters.send("aggregate"), meters.send("aggregate", "42"), meters.send("aggregate")]
    assert [meters.run(task)[0] for task in tasks] == ["done"] * 3
    meters.idle()
    assert months_twice(rows) == []
    assert meters.assert_months_are_those_of(dirty, dirty.series[0]) >= 12


def test_an_aggregate_that_was_taken_over_writes_nothing_any_more(meters, dirty, rows):  # noqa: F811
    first = meters.start()
    first.wait_for_event("consuming")
    rows("""CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$;
            CREATE TRIGGER slow BEFORE INSERT ON seed_timeseries FOR EACH ROW EXECUTE FUNCTION slow()""")
    task = meters.send("aggregate")
    wait_until(lambda: rows("SELECT count(*) FROM seed_timeseries")[0][0] >= 2, 30, "it is at work")
    rows("UPDATE meterbeat.run SET token = token + 1, lease_until = now() WHERE task_id = %s", (task,))
    written = rows("SELECT count(*) FROM seed_timeseries")
    assert written[0][0] < 12
    first.wait_for_event("task_taken_over")
    assert rows("SELECT count(*) FROM seed_timeseries") == written, "nothing is written behind the other's back"
    rows("DELETE FROM meterbeat.run")  # its message is acknowledged: the other has one of its own
    meters.do("aggregate")
    assert months_twice(rows) == []
    assert meters.assert_months_are_those_of(dirty, dirty.series[0]) >= 12


def test_an_aggregate_whose_connection_is_cut_again_and_again_ends_with_each_month_once(
        meters, dirty, rows, servers, place):  # noqa: F811
    proxy = Proxy(servers.postgresql.port)
    try:
        meters.meterbeat.configure(database={"url": proxy.url(place.database_url)})
        for _ in range(2):
            meters.start().wait_for_event("consuming")
        tasks = [meters.send("aggregate"), meters.send("aggregate")]
        for _ in range(6):
            seen = proxy.answers
            wait_until(lambda: proxy.answers > seen + 15 or not meters.open(), 20, "some answers")
            proxy.cut()
        assert [meters.run(task)[0] for task in tasks] == ["done"] * 2
    finally:
        proxy.end()
    assert months_twice(rows) == []
    meters.do("aggregate")
    assert meters.assert_months_are_those_of(dirty, dirty.series[0]) >= 12


def test_bills_are_there_once_whatever_parses_of_them_run_at_once(meters, rows):  # noqa: F811
    series = greenbutton.Series("G-bills", "gas", "heating", service_kind=1, commodity=7,
                                uom=greenbutton.THERM, multiplier=-2, interval=0, price=120_000)
    feed = greenbutton.Feed("bills", "Gas", [series], m.BEGIN, m.END)
    record = meters.add(feed, last_date=begin_of(feed))
    for worker in [meters.start() for _ in range(3)]:
        worker.wait_for_event("consuming")
    meters.do("parse", record, **{"from": m.BEGIN, "to": m.END})
    bills = rows("SELECT meter_id, begin_time, end_time, reading FROM seed_timeseries ORDER BY begin_time")
    assert len(bills) >= 10
    for _ in range(8):
        rows("DELETE FROM seed_timeseries")
        tasks = [meters.send("parse", record, **{"from": m.BEGIN, "to": m.END}) for _ in range(3)]
        assert {meters.run(task)[0] for task in tasks} == {"done"}
        assert rows("SELECT meter_id, begin_time, end_time, reading FROM seed_timeseries"
                    " ORDER BY begin_time") == bills
