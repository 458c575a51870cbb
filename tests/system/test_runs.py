"""Runs when the database's answers are lost, its messages are lost, and workers die: none is stuck, none is doubled."""
import datetime

import pytest

import feeds
import metering as m
from pg_proxy import Proxy
from producing import clock  # noqa: F401  (fixture)
from queues import dead_letter, ready, send
from servers import wait_until
from test_parse import last_day, meters  # noqa: F401  (fixture)


@pytest.fixture
def proxy(servers):
    made = Proxy(servers.postgresql.port)
    yield made
    made.end()


@pytest.fixture
def through(meters, proxy, place):  # noqa: F811
    """The meters' programs reach their database through the proxy."""
    meters.meterbeat.configure(database={"url": proxy.url(place.database_url)})
    return meters


def two_days(meters, name, **fields):  # noqa: F811
    """A record with two days to fetch, and no window after them."""
    feed = m.house(name, *m.days(2))
    return meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"), **fields)


def ends(rows):
    return rows("SELECT state, token, ended, failed FROM meterbeat.run ORDER BY created_at")


def test_a_retry_whose_answer_is_lost_is_tried_again_and_not_forgotten(through, proxy, rows):
    record = two_days(through, "retry")
    through.server.inject("retry", feeds.status(503))
    worker = through.start()
    proxy.swallow_answer_to("SET state = 'retrying'")
    task = through.send("parse", record)
    assert through.run(task)[0] == "done"
    assert proxy.swallowed == ["SET state = 'retrying'"]
    assert not worker.events("run_not_ended") and not worker.events("task_taken_over")
    assert ends(rows) == [("done", 2, 2, 1)], "one failed start, one that did it, none vanished"


def test_a_death_whose_answer_is_lost_is_told_and_acknowledged(through, proxy, rows, connect):
    record = two_days(through, "dead")
    through.server.inject("dead", feeds.status(404), for_ever=True)
    worker = through.start()
    proxy.swallow_answer_to("SET state = 'dead'")
    task = through.send("parse", record)
    assert through.run(task)[0] == "dead"
    worker.wait_for_event("task_dead", task_id=task)
    assert not worker.events("run_not_ended")
    assert dead_letter(connect)[0].headers["id"] == task
    wait_until(lambda: ready(connect) == 0, 20, "it is acknowledged")


def test_the_commit_of_a_task_whose_answer_is_lost_is_found_done(through, proxy, rows):
    record = two_days(through, "commit")
    worker = through.start()
    proxy.swallow_answer_to("SET state = 'done'", then="COMMIT")
    task = through.send("parse", record)
    assert through.run(task)[0] == "done"
    worker.wait_for_event("task_ended_before", task_id=task, state="done")
    assert proxy.swallowed == ["COMMIT"]
    assert ends(rows) == [("done", 1, 1, 0)]


def test_taking_a_run_whose_commit_is_not_answered_counts_no_vanished_start(through, proxy, rows):
    record = two_days(through, "take")
    through.start()
    for _ in range(3):
        proxy.swallow_answer_to("SET state = 'running'", then="COMMIT")
        assert through.run(through.send("parse", record))[0] == "done"
        assert proxy.swallowed.pop() == "COMMIT"
    assert {token - ended for _, token, ended, _ in ends(rows)} == {0}


def test_a_worker_whose_clock_is_days_ahead_skips_no_day(meters, rows, clock):  # noqa: F811
    clock.ahead(5 * m.DAY)
    record = two_days(meters, "ahead")
    meters.start(**clock.environment)
    meters.do("parse", record)
    assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")
    (progress,), = rows("SELECT progress FROM meterbeat.run")
    assert f"to {last_day():%Y-%m-%d}:" in progress


# --- messages that are gone ---------------------------------------------------------------------------

@pytest.fixture
def watched(meters):  # noqa: F811
    """A producer without a schedule looks after the runs, in seconds instead of minutes."""
    meters.meterbeat.configure(producer={"lost_after_s": 2, "relay_after_s": 1}, worker={"lease_s": 5},
                               broker={"reconnect_max_s": 2})
    return meters


@pytest.fixture
def fanned_out(watched, connect):
    """Three records whose parses are on the queue; their worker was killed."""
    records = [two_days(watched, f"lost{i}") for i in range(3)]
    worker = watched.start(METERBEAT_CRASH_AT="after_outbox")
    watched.send("parse")
    worker.wait()
    wait_until(lambda: ready(connect) == 4, 30, "the parses and their parent are on the queue")
    return records


def all_done_once(meters, rows, records):  # noqa: F811
    """Each record's run was begun once, and fetched its days; nothing is left on the way."""
    meters.idle(60)
    assert rows("SELECT state, token, record_id FROM meterbeat.run WHERE record_id IS NOT NULL"
                " ORDER BY record_id") == [("done", 1, record) for record in records]
    for record in records:
        assert meters.last_date(record) == last_day().strftime("%m/%d/%Y")


@pytest.mark.parametrize("loss", ["queue_purge", "queue_delete"])
def test_runs_whose_messages_were_purged_or_deleted_are_promised_anew_and_done_once(
        watched, fanned_out, rows, channel, loss):
    getattr(channel, loss)("meterbeat")
    producer = watched.meterbeat.producer()
    producer.wait_for_event("lost_runs_promised_again")
    watched.start()
    all_done_once(watched, rows, fanned_out)


def channel_errors(servers, place):
    """Of the test's virtual host, in RabbitMQ's log so far."""
    return [line for line in servers.rabbitmq.log.read_text(errors="replace").splitlines()
            if "Channel error" in line and f"vhost: '{place.vhost}'" in line]


def test_a_queue_that_is_only_long_is_not_sent_again_and_looking_at_it_is_no_error(
        watched, fanned_out, rows, connect, servers, place):
    producer = watched.meterbeat.producer()
    producer.wait_for_event("broker_connected")
    errors = channel_errors(servers, place)
    assert errors, "of the queues that were missing, so that this can tell"
    wait_until(lambda: rows("SELECT max(lease_until) < now() - interval '8 s' FROM meterbeat.run"
                            " WHERE state = 'waiting'")[0][0], 30, "four times lost_after_s is over")
    assert not producer.events("lost_runs_promised_again")
    assert channel_errors(servers, place) == errors
    assert ready(connect) == 4
    watched.start()
    all_done_once(watched, rows, fanned_out)


def test_a_retry_message_that_is_lost_is_promised_anew(watched, rows, channel, connect):
    record = two_days(watched, "rung")
    watched.meterbeat.configure(worker={"retry_delays_s": (4, 5)})
    watched.server.inject("rung", feeds.status(503))
    watched.start()
    task = watched.send("parse", record)
    watched.retrying(task)
    wait_until(lambda: ready(connect, "meterbeat.retry.4") + ready(connect, "meterbeat.retry.5"), 20, "its rung")
    for delay in (4, 5):
        channel.queue_purge(f"meterbeat.retry.{delay}")
    watched.meterbeat.producer().wait_for_event("lost_runs_promised_again")
    assert watched.run(task)[0] == "done"


def test_a_run_whose_worker_was_killed_and_whose_message_expired_is_ended_with_the_reason(
        watched, rows, connect):
    record = two_days(watched, "gone")
    watched.start(METERBEAT_CRASH_AT="after_take").wait_for_event("consuming")
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    task = send(connect().channel(), "parse", record, headers={"expires": due.isoformat()}, expiration="4000")
    watched.worker.wait()
    wait_until(lambda: ready(connect) == 0, 30, "the broker has dropped it")
    watched.meterbeat.producer()
    state, _, _, progress = watched.run(task, limit=20)
    assert state == "done" and progress.startswith("expired before it was done: the lease of meterbeat-worker@")
    watched.start()
    watched.do("parse")
    assert watched.last_date(record) == last_day().strftime("%m/%d/%Y"), "the record is not kept from its next tick"


def test_a_lease_that_is_over_keeps_no_record_from_a_fan_out(watched, rows, channel):
    """Without a producer, too."""
    record = two_days(watched, "lapsed")
    watched.start(METERBEAT_CRASH_AT="after_take").wait_for_event("consuming")
    watched.send("parse", record)
    watched.worker.wait()
    wait_until(lambda: rows("SELECT lease_until < now() FROM meterbeat.run")[0][0], 20, "its lease is over")
    channel.queue_purge("meterbeat")
    watched.start()
    watched.do("parse")
    assert watched.last_date(record) == last_day().strftime("%m/%d/%Y")
