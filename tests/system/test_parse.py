"""parse on the real servers: each window once, each failure with its own outcome, nothing half-written."""
import datetime
import http.server
import json
import threading
import time
import urllib.request

import pytest

import feeds
import greenbutton
import metering as m
from servers import wait_until
from test_worker import send


@pytest.fixture
def meters(meterbeat, rows):
    with m.metering(meterbeat, rows) as made:
        yield made


@pytest.fixture
def kairosdb(servers, place):
    """kairosdb(tags, metric suffix): (sum, count) of everything with these tags."""
    def ask(tags=None, suffix=""):
        body = {"start_absolute": 1, "time_zone": "UTC", "metrics": [
            {"name": place.measurement + suffix, "tags": tags or {}, "aggregators": [
                {"name": name, "sampling": {"value": 100, "unit": "years"}}]}
            for name in ("sum", "count")]}
        request = urllib.request.Request(servers.kairosdb.query_url, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:
            queries = json.load(answer)["queries"]
        totals = [sum(value for result in query["results"] for _, value in result["values"])
                  for query in queries]
        return tuple(totals)
    return ask


def last_day(feed_end=m.END):
    return datetime.datetime.fromtimestamp(feed_end, greenbutton.ZoneInfo("America/New_York"))


def test_a_retry_that_comes_after_its_message_expired_ends_its_run(meters, channel):
    feed = m.house("expires", m.BEGIN)
    record = meters.add(feed, last_date=last_day(m.BEGIN).strftime("%m/%d/%Y"))
    meters.server.inject("expires", feeds.status(503), for_ever=True)
    meters.start().wait_for_event("consuming")
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=1.5)
    send(channel, "parse", record, headers={"expires": due.isoformat()})

    def ended():
        return meters.rows("SELECT state, failed, progress FROM meterbeat.run WHERE state = 'done'")

    (_, failed, progress), = wait_until(ended, 60, "the run ends")
    assert failed >= 1 and progress.startswith("expired"), "it had been tried before it expired"


# --- what is fetched --------------------------------------------------------------------------------

def test_a_record_comes_up_to_yesterday_window_by_window_and_then_asks_for_nothing(meters, kairosdb):
    feed = m.house("whole", m.BEGIN)
    record = meters.add(feed, last_date=last_day(m.BEGIN).strftime("%m/%d/%Y"))
    meters.start()
    meters.do("parse")
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")
    requests = meters.server.requests_of("whole")
    assert [r.begin for r in requests[1:]] == [r.end for r in requests[:-1]], "no gap, no overlap"
    assert (requests[0].begin, requests[-1].end) == (m.BEGIN, m.END)
    readings = list(feed.readings(feed.series[0]))
    assert kairosdb() == (sum(r.value for r in readings), len(readings))
    cost, costs = kairosdb(suffix=".cost")
    assert costs == len(readings)
    assert cost == pytest.approx(sum(r.cost for r in readings) / 1e5, rel=1e-9)
    done = meters.do("parse", record)
    assert done[3] == "up to date"
    assert len(meters.server.requests_of("whole")) == len(requests)


def test_a_record_paused_in_the_middle_of_a_backfill_ends_it_until_it_is_resumed(meters):
    feed = m.house("paused", m.BEGIN)
    record = meters.add(feed, last_date=last_day(m.BEGIN).strftime("%m/%d/%Y"))
    gate = feeds.Gate()
    meters.server.inject("paused", gate)
    meters.start()
    meters.send("parse")
    assert gate.reached.wait(30)
    meters.meterbeat.ctl("record", "pause", record)
    gate.open()
    wait_until(lambda: meters.last_date(record) != last_day(m.BEGIN).strftime("%m/%d/%Y"), 30, "booked")
    meters.idle()
    assert len(meters.server.requests_of("paused")) <= 2, "what was asked for already, and no more"
    meters.meterbeat.ctl("record", "resume", record)
    meters.do("parse")
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")


def test_running_a_parse_twice_changes_nothing(meters, kairosdb, rows):
    feed = m.house("twice", *m.days(20))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.start()
    meters.do("parse", record)
    before = kairosdb(), rows("SELECT * FROM meterbeat.day ORDER BY 1, 2"), rows("SELECT * FROM seed_meter")
    dirty = rows("SELECT * FROM meterbeat.dirty_month ORDER BY 1, 2")
    meters.change(record, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.do("parse", record)
    assert before == (kairosdb(), rows("SELECT * FROM meterbeat.day ORDER BY 1, 2"),
                      rows("SELECT * FROM seed_meter"))
    assert dirty == rows("SELECT * FROM meterbeat.dirty_month ORDER BY 1, 2"), "nothing changed"


def test_a_correction_within_the_overlap_replaces_the_reading(meters, kairosdb):
    meters.meterbeat.configure(feed={"overlap_days": 3})
    feed = m.house("late", *m.days(20))
    yesterday = last_day() - datetime.timedelta(days=1)
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.start()
    meters.do("parse", record)
    total, count = kairosdb()
    reading = next(r for r in feed.readings(feed.series[0]) if r.start >= m.END - 2 * m.DAY)
    feed.correct(feed.series[0], reading.start, reading.value + 1000)
    meters.change(record, last_date=yesterday.strftime("%m/%d/%Y"))
    meters.do("parse", record)
    assert kairosdb() == (total + 1000, count)


def test_timestamps_patterns_in_words_and_whole_feeds_are_understood(meters, rows):
    begin, _ = m.days(5)
    stamped, worded, whole = (m.house(name, begin) for name in ("stamped", "worded", "whole"))
    first = meters.add(stamped, time_type="timestamp", last_ts=begin)
    second = meters.add(worded, date_pattern="month/day/year", last_date=f"{last_day(begin):%-m/%-d/%Y}")
    third = meters.add(whole, min_date_parameter="", max_date_parameter="")
    meters.start()
    meters.do("parse")
    assert rows("SELECT last_ts FROM seed_ts_parser_record WHERE id = %s", (first,)) == [(m.END,)]
    assert meters.last_date(second) == f"{last_day():%-m/%-d/%Y}"
    assert f"min={last_day(begin):%-m}%2F{last_day(begin):%-d}%2F" in \
        meters.server.requests_of("worded")[0].target
    assert meters.server.requests_of("whole")[0].begin is None
    assert meters.last_date(third) == last_day().strftime("%m/%d/%Y")
    readings = 5 * 96
    assert rows("SELECT record_id, sum(readings) FROM meterbeat.day GROUP BY 1 ORDER BY 1") == \
        [(record, readings) for record in (first, second, third)]


def test_two_meters_in_one_feed_and_both_directions_stay_apart(meters, rows, kairosdb):
    begin, end = m.days(3)
    series = [greenbutton.Series("S1", "in", "household", multiplier=-3),
              greenbutton.Series("S1", "out", "solar", multiplier=-3, flow=greenbutton.REVERSE),
              greenbutton.Series("S2", "upstairs", "office", multiplier=3, interval=3600)]
    feed = greenbutton.Feed("both", "Both", series, begin, end)
    record = meters.add(feed, last_date=last_day(begin).strftime("%m/%d/%Y"))
    meters.start()
    meters.do("parse", record)
    for one, flow in zip(series, ("forward", "reverse", "forward")):
        readings = list(feed.readings(one))
        total, count = kairosdb({"custom_meter_id": one.usage_point, "flow": flow})
        assert count == len(readings)
        assert total == pytest.approx(sum(r.value for r in readings) * 10.0 ** one.multiplier, rel=1e-9)
    assert rows("SELECT custom_meter_id, energy_type, energy_units FROM seed_meter ORDER BY id") == \
        [("S1", 2, 3), ("S1", 2, 3), ("S2", 2, 3)]
    assert rows("SELECT count(*) FROM seed_meter_canonical_building"
                " WHERE canonicalbuilding_id = 42") == [(3,)]


def test_meters_of_two_subscriptions_with_the_same_short_id_stay_apart(meters, rows, kairosdb):
    begin, end = m.days(2)
    series = greenbutton.Series("1", "house", "household")
    totals = []
    for number, name in enumerate(("east", "west")):
        feed = greenbutton.Feed(name, name, [series], begin, end, seed=number)
        meters.add(feed, last_date=last_day(begin).strftime("%m/%d/%Y"))
        totals.append(sum(r.value for r in feed.readings(series)))
    meters.start()
    meters.do("parse")
    ids = [row[0] for row in rows("SELECT custom_meter_id FROM seed_meter ORDER BY id")]
    assert len(ids) == 2 and ids[0] == "1" and ids[1].startswith("1~")
    assert sorted(kairosdb({"custom_meter_id": one})[0] for one in ids) == sorted(totals)


def test_a_second_meter_reading_that_contradicts_the_first_under_the_same_tags_is_refused(meters, kairosdb):
    begin, end = m.days(2)
    series = greenbutton.Series("1", "house", "household")
    feed, other = (greenbutton.Feed("mixed", "mixed", [series], begin, end, seed=n) for n in (1, 2))
    second = other.document().replace(b"/MeterReading/1", b"/MeterReading/2")
    entries = second[second.index(b"<entry>"):]
    both = feed.document().replace(b"</feed>", b"") + entries
    record = meters.add(feed, last_date=last_day(begin).strftime("%m/%d/%Y"))
    meters.server.inject("mixed", feeds.replaced(both))
    meters.start()
    assert "same_tags: 1 series" in meters.do("parse", record)[3]
    readings = list(feed.readings(series))
    assert kairosdb() == (sum(r.value for r in readings), len(readings))


def test_bills_go_to_seed_timeseries_and_not_to_kairosdb(meters, kairosdb):
    series = greenbutton.Series("G1", "gas", "heating", service_kind=1, commodity=7,
                                uom=greenbutton.THERM, multiplier=-2, interval=0, price=120_000)
    feed = greenbutton.Feed("gas", "Gas", [series], m.BEGIN, m.END)
    record = meters.add(feed)
    meters.start()
    meters.do("parse", record)
    assert meters.assert_months_are_those_of(feed, series) >= 11
    assert kairosdb() == (0, 0)


def test_a_custodian_that_is_late_is_asked_for_the_same_days_again(meters, rows):
    begin, end = m.days(3)
    feed = m.house("tardy", begin, begin)  # nothing yet
    first = last_day(begin).strftime("%m/%d/%Y")
    record = meters.add(feed, last_date=first)
    meters.start()
    meters.do("parse", record)
    assert meters.last_date(record) == first
    feed.end = end
    meters.do("parse", record)
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")


@pytest.mark.timeout(400)
def test_five_hundred_records_get_a_child_each_and_each_only_one(meters, rows):
    """450 of them are active: more than two pages of a fan-out's, which has 200 records each."""
    begin, end = m.days(1)
    meters.add_all((m.house(f"n{number}", begin, end), {"last_date": last_day(begin).strftime("%m/%d/%Y"),
                                                        "active": "Y" if number % 10 else "N"})
                   for number in range(500))
    task_ids = [meters.send("parse") for _ in range(3)]
    workers = [meters.start(), meters.start()]
    for task_id in task_ids:
        assert meters.run(task_id)[0] == "done"
    meters.idle(300)
    assert rows("SELECT count(*), count(DISTINCT record_id) FROM meterbeat.run"
                " WHERE record_id IS NOT NULL") == [(450, 450)]
    assert len(meters.server.requests) == 450
    assert all(worker.running() for worker in workers)
    shares = [len(worker.events("task_done")) for worker in workers]
    assert min(shares) > 50, f"both workers took part: {shares}"


# --- what goes wrong --------------------------------------------------------------------------------

TRANSIENT = [
    (feeds.status(202), "feed_not_ready"), (feeds.status(408), "feed_request_timeout"),
    (feeds.status(425), "feed_too_early"), (feeds.status(429, Retry_After=1), "feed_rate_limited"),
    (feeds.status(500), "feed_server_error"), (feeds.status(503), "feed_unavailable"),
    (feeds.cut_document(), "feed_cut_off"), (feeds.cut_connection(), "feed_cut_off"),
    (feeds.cut_connection(reset=True), "feed_cut_off"), (feeds.silent(60), "feed_timeout"),
    (feeds.slow(20, 60), "feed_timeout"),
]
PERMANENT = [
    (feeds.status(204), "feed_no_data"), (feeds.redirect("http://127.0.0.1:1/"), "feed_redirect"),
    (feeds.status(400), "feed_refused"), (feeds.status(401), "feed_unauthorized"),
    (feeds.status(403), "feed_forbidden"), (feeds.status(404), "feed_not_found"),
    (feeds.status(410), "feed_gone"), (feeds.html, "html"), (feeds.empty, "empty"),
    (feeds.replaced(b'{"no": "xml"}'), "json"),
    (feeds.replaced(b"date,kWh\n2025-07-01,0.62\n"), "csv"),
    (feeds.replaced(b'<BatchList xmlns="http://naesb.org/espi"><resources>https://h/1</resources></BatchList>'),
     "batch_list"),
    (feeds.replaced(b'<RetailCustomer xmlns="http://naesb.org/espi"/>'), "customer_data"),
    (feeds.replaced(b'<feed xmlns="http://www.w3.org/2005/Atom"><entry></feed>'), "not_well_formed"),
    (feeds.replaced(b'<!DOCTYPE feed [<!ENTITY a "b">]><feed xmlns="http://www.w3.org/2005/Atom"/>'),
     "doctype"),
    (feeds.replaced(b'<feed xmlns="http://www.w3.org/2005/Atom">' + b"<a>" * 100_000), "too_deep"),
    (feeds.endless(), "feed_too_large"),
]


def nothing_is_booked(meters, record):
    assert meters.rows("SELECT count(*) FROM seed_meter") == [(0,)]
    assert meters.rows("SELECT count(*) FROM meterbeat.day") == [(0,)]
    assert meters.rows("SELECT count(*) FROM seed_timeseries") == [(0,)]


def test_each_transient_answer_is_retried_under_its_own_name_and_books_nothing(meters, kairosdb):
    meters.start()
    tasks = []
    for number, (fault, code) in enumerate(TRANSIENT):
        begin, end = m.days(2)
        feed = m.house(f"t{number}", begin, end)
        record = meters.add(feed, last_date=last_day(begin).strftime("%m/%d/%Y"))
        meters.server.inject(feed.sub_id, fault)
        tasks.append((meters.send("parse", record), code, record, feed))
        seen, text = meters.retrying(tasks[-1][0])
        assert seen == code, text
        assert f"record {record}" in text and "127.0.0.1" in text
        assert feed.sub_id not in text
        wait_until(lambda: meters.last_date(record) == last_day().strftime("%m/%d/%Y"), 30, code)
    count = sum(len(list(feed.readings(feed.series[0]))) for _, _, _, feed in tasks)
    assert kairosdb()[1] == count


def test_each_permanent_answer_is_dead_at_once_with_its_reason_and_books_nothing(meters, kairosdb, channel):
    meters.meterbeat.configure(feed={"max_bytes": 3_000_000})
    meters.start()
    for number, (fault, code) in enumerate(PERMANENT):
        feed = m.house(f"p{number}", *m.days(2))
        record = meters.add(feed)
        meters.server.inject(feed.sub_id, fault, for_ever=True)
        state, seen, text, _ = meters.run(meters.send("parse", record))
        assert (state, seen) == ("dead", code), text
        assert f"record {record}" in text and "127.0.0.1" in text and feed.sub_id not in text
        assert meters.last_date(record) == ""
        nothing_is_booked(meters, record)
    assert kairosdb() == (0, 0)
    dead = channel.queue_declare("meterbeat.dead", passive=True).method.message_count
    assert dead == len(PERMANENT)


def test_a_feed_of_more_readings_or_groups_than_allowed_is_dead_and_books_nothing(meters, kairosdb):
    two = [greenbutton.Series(f"E-{flow}", "house", "household", flow=flow) for flow in (1, 19)]
    feed = greenbutton.Feed("two", "Two registers", two, *m.days(2))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    for limit, code in (("max_readings", "too_many_readings"), ("max_groups", "too_many_groups")):
        meters.meterbeat.configure(feed={"max_readings": 1000, "max_groups": 1000, limit: 1})
        worker = meters.start()
        state, seen, text, progress = meters.run(meters.send("parse", record))
        assert (state, seen) == ("dead", code), text or progress
        assert worker.stop() == 0
    nothing_is_booked(meters, record)
    assert kairosdb() == (0, 0)


def test_an_unchanged_feed_is_done_and_moves_nothing(meters):
    feed = m.house("same", *m.days(2))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.server.inject("same", feeds.status(304))
    meters.start()
    assert "304" in meters.do("parse", record)[3]
    assert meters.last_date(record) == last_day(feed.begin).strftime("%m/%d/%Y")


def test_a_record_that_is_impossible_fails_by_itself_and_says_which_field(meters):
    begin, _ = m.days(2)
    good = meters.add(m.house("good", begin), last_date=last_day(begin).strftime("%m/%d/%Y"))
    wrong = {
        "last_date": {"last_date": "13/45/2026"}, "date_pattern": {"date_pattern": "%m/%Q"},
        "time_type": {"time_type": "moment"}, "url": {"url": "ftp://127.0.0.1/"},
        "last_ts": {"time_type": "timestamp", "last_ts": 1773028800000},
    }
    records = {meters.add(m.house(f"bad {field}", begin), **fields): field
               for field, fields in wrong.items()}
    meters.start()
    meters.do("parse")
    assert meters.last_date(good) == last_day().strftime("%m/%d/%Y")
    for record, state, text in meters.rows("SELECT record_id, state, error FROM meterbeat.run"
                                           " WHERE record_id <> %s", (good,)):
        assert state == "dead" and f"record {record}" in text and records.pop(record) in text
    assert not records


@pytest.mark.parametrize("arguments, keywords", [
    (("seven",), {}), ((1, 2), {}), ((0,), {}), ((1,), {"from": "soon", "to": "later"}),
    ((), {"from": 1, "to": 2}), ((1,), {"from": 5, "to": 5}), ((), {"recrod": 1}),
    (([],), {}), ((1,), {"record": 1}),
])
def test_wrong_arguments_are_dead_with_a_reason(meters, arguments, keywords):
    meters.start()
    state, code, text, _ = meters.run(meters.send("parse", *arguments, **keywords))
    assert (state, code) == ("dead", "bad_arguments"), text


def test_a_record_that_is_gone_is_dead_with_a_reason(meters):
    meters.start()
    assert meters.run(meters.send("parse", 4711))[:2] == ("dead", "no_record")


# --- what KairosDB does -----------------------------------------------------------------------------

class Forgetful(http.server.BaseHTTPRequestHandler):
    """A KairosDB that acknowledges points and stores none, or answers no more after some, as long as it is told to."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        owner = self.server.owner
        if self.path.endswith("/datapoints") and owner.forgets:
            owner.forgotten += 1
            self.send_response(204)
            self.end_headers()
            return
        if self.path.endswith("/datapoints"):
            owner.writes += 1
            if owner.writes > owner.silent_after:
                owner.speaks.wait(60)
                return
            owner.taken += sum(len(metric["datapoints"]) for metric in json.loads(body))
        request = urllib.request.Request(owner.target + self.path, body)
        with urllib.request.urlopen(request, timeout=60) as answer:
            content = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, *_):
        pass


class ForgetfulKairosDB:
    def __init__(self, target):
        self.target, self.forgets, self.forgotten = target, True, 0
        self.silent_after, self.speaks = 1 << 40, threading.Event()
        self.writes, self.taken = 0, 0  # taken: points

        self.listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forgetful)
        self.listener.owner = self
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.listener.server_address[1]}/api/v1"


@pytest.fixture
def forgetful(servers):
    made = ForgetfulKairosDB(f"http://127.0.0.1:{servers.kairosdb.port}")
    yield made
    made.listener.shutdown()
    made.listener.server_close()


def test_a_kairosdb_that_acknowledges_and_stores_nothing_is_noticed_and_retried(meters, forgetful, kairosdb):
    meters.meterbeat.configure(kairosdb={"insert_url": forgetful.url + "/datapoints"})
    feed = m.house("lost", *m.days(2))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.start()
    task_id = meters.send("parse", record)
    assert meters.retrying(task_id)[0] == "kairosdb_lost"
    assert forgetful.forgotten > 0
    assert meters.rows("SELECT count(*) FROM meterbeat.day") == [(0,)]
    assert meters.last_date(record) != last_day().strftime("%m/%d/%Y")
    forgetful.forgets = False
    assert meters.run(task_id)[0] == "done"
    assert kairosdb()[1] == len(list(feed.readings(feed.series[0])))


def test_a_parse_waits_out_a_kairosdb_that_is_away(meters, servers, kairosdb):
    meters.meterbeat.configure(worker={"retry_delays_s": (1, 2, 5, 10, 30)})  # a busy machine starts it slowly
    feed = m.house("away", *m.days(2))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.start()
    servers.kairosdb.stop()
    task_id = meters.send("parse", record)
    assert meters.retrying(task_id)[0] == "kairosdb_unreachable"
    servers.kairosdb.start()
    assert meters.run(task_id)[0] == "done"
    assert kairosdb()[1] == len(list(feed.readings(feed.series[0])))


# --- longer than a task may take --------------------------------------------------------------------

@pytest.fixture
def long_parse(meters, forgetful):
    """Enough points for more than one stretch of writing, each of which takes longer than a checkpoint is due in."""
    forgetful.forgets = False
    meters.meterbeat.configure(kairosdb={"insert_url": forgetful.url + "/datapoints"},
                               feed={"window_days": 366}, worker={"task_time_limit_s": 20})
    feed = m.house("long", *m.days(260))
    return feed, meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))


def assert_stored(feed, kairosdb, rows):
    readings = list(feed.readings(feed.series[0]))
    assert kairosdb() == (sum(r.value for r in readings), len(readings))
    assert kairosdb(suffix=".cost") == (pytest.approx(sum(r.cost for r in readings) / 1e5), len(readings))
    assert rows("SELECT sum(readings), sum(costs) FROM meterbeat.day") == [(len(readings),) * 2]
    return readings


def test_a_parse_longer_than_its_time_limit_goes_on_where_it_was(meters, long_parse, forgetful, kairosdb, rows):
    feed, record = long_parse
    forgetful.silent_after = 44
    worker = meters.start()
    task_id = meters.send("parse", record)
    worker.wait_for_event("task_waits", 60)
    booked = rows("SELECT sum(readings) FROM meterbeat.day")[0][0]
    assert booked >= 20000, "what was written is in the books"
    assert rows("SELECT state, failed FROM meterbeat.run WHERE task_id = %s", (task_id,))[0][1] == 0, "no failure"
    forgetful.silent_after = 1 << 40
    forgetful.speaks.set()
    assert meters.run(task_id)[0] == "done"
    worker.wait_for_event("checkpoint_taken_up")
    meters.idle()
    readings = assert_stored(feed, kairosdb, rows)
    assert forgetful.taken < 2 * (len(readings) + 3000), "all was written once, but for the batch in between"
    assert rows("SELECT progress FROM meterbeat.run WHERE task_id = %s",
                (task_id,))[0][0].count(f"{len(readings)} to KairosDB, {len(readings)} costs") == 1
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")
    assert rows("SELECT count(*) FROM meterbeat.run WHERE checkpoint IS NOT NULL") == [(0,)]
    meters.do("aggregate")
    assert meters.assert_months_are_those_of(feed, feed.series[0]) >= 7


def test_what_was_written_of_a_feed_that_has_changed_since_is_written_again(
        meters, long_parse, kairosdb, rows):
    feed, record = long_parse
    meters.meterbeat.configure(worker={"task_time_limit_s": 40})
    task_id = meters.send("parse", record)
    assert meters.start(METERBEAT_CRASH_AT="after_kairosdb_write:2").wait() == -9, "in its second stretch"
    assert rows("SELECT sum(readings) FROM meterbeat.day")[0][0] >= 20000, "the first is in the books"
    series = greenbutton.Series("E-long", "house", "household", price=16, size=2.0)
    changed = greenbutton.Feed("long", "A house", [series], feed.begin, feed.end)
    meters.server.add(changed)
    worker = meters.start()
    assert meters.run(task_id)[0] == "done"
    worker.wait_for_event("checkpoint_void")
    assert_stored(changed, kairosdb, rows)


def test_killed_at_a_checkpoint_the_next_worker_writes_what_was_not_booked(
        meters, long_parse, kairosdb, rows):
    feed, record = long_parse
    task_id = meters.send("parse", record)
    assert meters.start(METERBEAT_CRASH_AT="before_checkpoint").wait() == -9
    assert rows("SELECT count(*) FROM meterbeat.day") == [(0,)]
    meters.meterbeat.configure(worker={"task_time_limit_s": 60})
    meters.start()
    assert meters.run(task_id)[0] == "done"
    assert_stored(feed, kairosdb, rows)


# --- killed -----------------------------------------------------------------------------------------

@pytest.mark.parametrize("point", ["after_take", "after_stage", "after_kairosdb_write", "before_commit",
                                   "after_commit", "after_outbox", "before_ack"])
def test_killed_anywhere_and_started_again_the_readings_are_the_feeds(meters, kairosdb, rows, point):
    feed = m.house("killed", *m.days(40))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    task_id = meters.send("parse", record)
    first = meters.start(METERBEAT_CRASH_AT=point)
    assert first.wait() == -9, "killed at the crash point"
    meters.start()
    assert meters.run(task_id)[0] == "done"
    meters.idle()
    readings = list(feed.readings(feed.series[0]))
    assert kairosdb() == (sum(r.value for r in readings), len(readings))
    assert rows("SELECT sum(readings), sum(costs) FROM meterbeat.day") == [(len(readings),) * 2]
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")


def test_told_twice_to_stop_a_worker_leaves_the_feed_and_the_next_one_fetches_it(meters, rows):
    feed = m.house("stopped", *m.days(3))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    gate = feeds.Gate(0.5)
    meters.server.inject("stopped", gate)
    meters.meterbeat.configure(feed={"low_speed_s": 60})
    first = meters.start()
    task_id = meters.send("parse", record)
    assert gate.reached.wait(30)
    first.terminate()
    first.wait_for_event("stopping")
    first.terminate()
    assert first.wait(20) == 0
    gate.open()
    assert rows("SELECT count(*) FROM meterbeat.day") == [(0,)]
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", (task_id,)) == [("waiting",)]
    meters.start()
    assert meters.run(task_id)[0] == "done"
    assert rows("SELECT sum(readings) FROM meterbeat.day") == [(3 * 96,)]


def test_a_worker_that_was_taken_over_changes_no_row(meters, rows, kairosdb):
    feed = m.house("stale", *m.days(3))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    gate = feeds.Gate(0.9)
    meters.server.inject("stale", gate)
    first = meters.start()
    task_id = meters.send("parse", record)
    assert gate.reached.wait(30)
    rows("UPDATE meterbeat.run SET token = token + 1 WHERE task_id = %s", (task_id,))
    gate.open()
    first.wait_for_event("task_taken_over")
    assert rows("SELECT count(*) FROM meterbeat.day") == [(0,)]
    assert meters.last_date(record) != last_day().strftime("%m/%d/%Y")
