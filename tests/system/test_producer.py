"""The producer on real servers: every tick once, whoever is killed, stopped or away, and messages that Celery runs."""
import collections
import datetime as dt
import json
import signal
import time

import celery
import msgpack
import pytest
from celery.contrib.testing.worker import start_worker
from servers import wait_until

from producing import (  # noqa: F401: fixtures
    Collector, assert_on_grid, clock, collector, entry, outbox, schedule, stepped_postgresql, tables, ticks)

CRASH = "METERBEAT_CRASH_AT"


# --- what is sent -----------------------------------------------------------------------------------------


@pytest.mark.smoke
def test_the_seeds_schedule_goes_out_as_celery_would_send_it(meterbeat, schedule, collector, ticks):
    schedule({"name": "monthly", "task": "aggregatemonthlysum", "every": "5s"},
             {"name": "daily", "task": "doParser", "every": "2s", "args": '[7, "x"]',
              "kwargs": '{"building": {"id": null}}'})
    producer = meterbeat.producer()
    collector.until(lambda: len(collector.of("daily")) >= 3 and collector.of("monthly"), 30, "messages")
    assert producer.stop() == 0
    properties, body = collector.of("daily")[0]
    headers = properties.headers
    assert headers["lang"] and headers["task"] == "doParser" and headers["root_id"] == headers["id"]
    assert properties.correlation_id == headers["id"] and properties.delivery_mode == 2
    assert properties.content_type == "application/json" and properties.content_encoding == "utf-8"
    assert headers["argsrepr"] == "[7, 'x']"
    assert json.loads(body)[:2] == [[7, "x"], {"building": {"id": None}}]
    due = dict((task_id, due) for due, task_id in ticks("daily"))[headers["id"]]
    assert dt.datetime.fromisoformat(headers["expires"]).timestamp() == due + 2
    assert 0 < int(properties.expiration) <= 2000


def test_msgpack_by_setting(meterbeat, schedule, collector):
    schedule(entry("a", "1s", args='[1, "\\u00e9"]'), serializer="msgpack")
    meterbeat.producer()
    collector.until(lambda: collector.messages, 30, "a message")
    properties, body = collector.messages[0]
    assert properties.content_type == "application/x-msgpack"
    assert msgpack.unpackb(body)[:2] == [[1, "é"], {}]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_a_celery_worker_runs_what_the_producer_sends(meterbeat, schedule, place, ticks, serializer):
    app = celery.Celery(f"peer-{serializer}", broker=place.amqp_url.replace("guest@", "guest:guest@"),
                        set_as_current=False)
    app.conf.update(accept_content=["json", "msgpack"], task_default_queue="meterbeat",
                    worker_hijack_root_logger=False, task_ignore_result=True)
    seen = []

    @app.task(name="doParser", bind=True, shared=False)
    def parse(self, *args, **kwargs):
        seen.append((self.request.id, list(args), kwargs))

    schedule({"name": "daily", "task": "doParser", "every": "1s", "args": "[1]", "kwargs": '{"b": [true]}'},
             serializer=serializer)
    producer = meterbeat.producer()
    with start_worker(app, pool="solo", perform_ping_check=False, loglevel="CRITICAL"):
        wait_until(lambda: len(seen) >= 3, 60, "three tasks run by Celery")
    assert producer.stop() == 0
    ids = {task_id for _, task_id in ticks("daily")}
    assert all(task_id in ids and args == [1] and kwargs == {"b": [True]} for task_id, args, kwargs in seen)
    assert len({task_id for task_id, _, _ in seen}) == len(seen)


def test_nothing_piles_up_while_no_worker_runs(meterbeat, schedule, channel, ticks):
    schedule(entry("a", "1s"), entry("b", "2s"))
    producer = meterbeat.producer()
    wait_until(lambda: len(ticks("a")) >= 8, 30, "eight ticks")
    assert channel.queue_declare("meterbeat", passive=True).method.message_count <= 3
    assert producer.stop() == 0


def test_once_fires_an_entry_now_and_its_message_stays(meterbeat, schedule, collector, rows, outbox):
    schedule(entry("yearly", "1y", args="[5]"))
    producer = meterbeat.producer("--once", "yearly")
    assert producer.wait() == 0
    collector.until(lambda: collector.messages, 10, "the message")
    properties, body = collector.messages[0]
    assert json.loads(body)[0] == [5] and properties.headers["expires"] is None
    assert properties.expiration is None and outbox() == 0
    assert rows("SELECT count(*) FROM meterbeat.entry") == [(0,)]  # its schedule is as it was
    assert meterbeat.producer("--once", "weekly").wait() == 1


def test_an_entry_has_a_queue_of_its_own_that_may_come_later(meterbeat, schedule, servers, place, outbox):
    schedule(entry("elsewhere", "1d", queue="python"), entry("here", "1s"))
    assert meterbeat.producer("--once", "elsewhere").wait() == 1  # there is no such queue
    assert outbox() == 1
    collector = Collector(servers, place, "python")
    collector.connect()
    producer = meterbeat.producer()
    collector.until(lambda: collector.messages, 30, "the message that waited")
    wait_until(lambda: outbox() <= 1, 10, "an outbox with nothing old in it")
    assert producer.stop() == 0


# --- every tick once ----------------------------------------------------------------------------------------


def test_two_producers_at_once_fire_every_tick_once(meterbeat, schedule, collector, ticks, outbox):
    names = [f"e{n}" for n in range(20)]
    schedule(*(entry(name, "1s", catch_up="all") for name in names))
    producers = [meterbeat.producer(), meterbeat.producer()]
    collector.until(lambda: len(ticks("e0")) >= 10, 60, "ten ticks")
    assert [producer.stop() for producer in producers] == [0, 0]
    collector.until(lambda: outbox() == 0, 10, "an empty outbox")
    fired = [tick for name in names for tick in ticks(name)]
    collector.until(lambda: len(collector.messages) >= len(fired), 10, "all messages")
    assert sorted(collector.ids()) == sorted(task_id for _, task_id in fired)
    for name in names:
        assert_on_grid(ticks(name), 1)
    by_producer = [len(producer.events("tick")) for producer in producers]
    assert sum(by_producer) == len(fired)


@pytest.mark.parametrize("point", ["before_commit", "after_commit", "after_outbox"])
def test_killed_at_a_bad_moment_and_started_again_nothing_repeats_or_drops(
        meterbeat, schedule, collector, ticks, outbox, point):
    schedule(entry("a", "1s", catch_up="all"), entry("b", "2s", catch_up="all"))
    for kill in (1, 2, 3):
        killed = meterbeat.producer(environment={CRASH: f"{point}:{kill}"})
        collector.until(lambda: not killed.running(), 30, f"killed at {point}")
        assert killed.wait() == -signal.SIGKILL
    producer = meterbeat.producer()
    before = len(ticks("a"))
    collector.until(lambda: len(ticks("a")) >= before + 3, 30, "three more ticks")
    # what the dead had promised is sent by the living
    collector.until(lambda: {i for _, i in ticks("a") + ticks("b")[:-1]} <= set(collector.ids()), 30, "messages")
    assert producer.stop() == 0
    assert_on_grid(ticks("a"), 1)
    assert_on_grid(ticks("b"), 2)
    counts = collections.Counter(collector.ids())
    known = {task_id for _, task_id in ticks("a") + ticks("b")}
    assert set(counts) <= known
    # Confirmed by the broker but not yet forgotten: sent once more, under the same task id.
    assert max(counts.values()) == (2 if point == "after_outbox" else 1)


def test_kill_9_at_any_time_neither_repeats_nor_drops(meterbeat, schedule, collector, ticks, outbox):
    schedule(entry("a", "1s", catch_up="all"), entry("b", "1s", catch_up="all"))
    producers = [meterbeat.producer(), meterbeat.producer()]
    for turn in range(6):
        seen = len(ticks("a"))
        collector.until(lambda: len(ticks("a")) >= seen + 1, 30, "a tick")
        producers[turn % 2].kill()
        producers[turn % 2] = meterbeat.producer()
    seen = len(ticks("a"))
    collector.until(lambda: len(ticks("a")) >= seen + 2, 30, "ticks after the last kill")
    collector.until(lambda: {i for _, i in ticks("a") + ticks("b")} <= set(collector.ids()), 30, "all messages")
    assert [producer.stop() for producer in producers] == [0, 0]
    assert_on_grid(ticks("a"), 1)
    assert_on_grid(ticks("b"), 1)
    assert set(collector.ids()) <= {task_id for _, task_id in ticks("a") + ticks("b")}


# --- servers away ---------------------------------------------------------------------------------------------


def test_ticks_due_while_the_broker_is_away_go_out_when_it_is_back(
        meterbeat, schedule, servers, collector, ticks, outbox):
    schedule(entry("kept", "1s", catch_up="all"), entry("useless", "1s"))
    producer = meterbeat.producer()
    collector.until(lambda: len(collector.of("kept")) >= 2, 30, "messages before")
    servers.rabbitmq.stop()
    producer.wait_for_event("broker_away")
    wait_until(lambda: outbox() >= 6, 30, "ticks in the outbox")
    away = ticks("kept")[-3:]
    servers.rabbitmq.start()
    collector.until(lambda: {i for _, i in away} <= set(collector.ids()), 60, "the kept messages")
    producer.wait_for_event("messages_expired")
    collector.until(lambda: outbox() <= 2, 10, "an empty outbox")
    assert producer.stop() == 0
    assert_on_grid(ticks("kept"), 1)
    assert_on_grid(ticks("useless"), 1)
    sent = set(collector.ids())
    assert {i for _, i in ticks("kept")} <= sent | {i for _, i in ticks("kept")[-2:]}
    assert not {i for _, i in ticks("useless")} <= sent


def test_the_broker_killed_loses_no_message(meterbeat, schedule, servers, collector, ticks):
    schedule(entry("a", "1s", catch_up="all"))
    producer = meterbeat.producer()
    collector.until(lambda: len(collector.messages) >= 2, 30, "messages before")
    servers.rabbitmq.kill()
    servers.rabbitmq.start()
    seen = len(ticks("a"))
    collector.until(lambda: len(ticks("a")) >= seen + 3, 60, "ticks after")
    collector.until(lambda: {i for _, i in ticks("a")[:-1]} <= set(collector.ids()), 60, "every message")
    assert producer.stop() == 0
    assert_on_grid(ticks("a"), 1)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_ticks_due_while_the_database_is_away_are_caught_up(
        meterbeat, schedule, servers, collector, ticks, end):
    schedule(entry("all", "1s", catch_up="all"), entry("one", "1s"), entry("none", "1s", catch_up="none"))
    producer = meterbeat.producer()
    collector.until(lambda: len(collector.of("all")) >= 2, 30, "messages before")
    getattr(servers.postgresql, end)()
    back = time.time() + 4
    producer.wait_for_event("database_away", count=3, limit=60)
    wait_until(lambda: time.time() > back, 10, "some due times to pass")
    servers.postgresql.start()
    producer.wait_for_event("database_connected", count=2)
    seen = len(ticks("all"))
    collector.until(lambda: len(ticks("all")) >= seen + 3, 60, "ticks after")
    collector.until(lambda: {i for _, i in ticks("all")[:-1]} <= set(collector.ids()), 60, "every message")
    assert producer.stop() == 0
    assert_on_grid(ticks("all"), 1)
    assert len(ticks("one")) < len(ticks("all")) > len(ticks("none"))
    counts = collections.Counter(collector.ids())
    assert max(counts.values()) <= 2  # twice: confirmed, and PostgreSQL gone before it was forgotten


# --- memory -----------------------------------------------------------------------------------------------------


def test_after_a_pause_the_policy_of_each_entry_holds(meterbeat, schedule, rows, collector, ticks):
    entries = [entry("all", "1h", catch_up="all"), entry("one", "1h"), entry("none", "1h", catch_up="none")]
    schedule(*entries, catch_up_limit=3)
    assert meterbeat.producer().wait_for_event("database_connected")
    meterbeat.programs[-1].stop()
    assert not any(ticks(e["name"]) for e in entries)  # the first due time is after the first start
    rows("UPDATE meterbeat.entry SET last_due_at = last_due_at - interval '10 hours' RETURNING 1")
    producer = meterbeat.producer()
    collector.until(lambda: len(ticks("all")) == 3 and len(ticks("one")) == 1, 30, "ticks caught up")
    collector.until(lambda: len(collector.messages) >= 4, 10, "their messages")
    assert producer.stop() == 0
    now = time.time()
    assert [due for due, _ in ticks("one")] == [int(now // 3600 * 3600)]
    assert_on_grid(ticks("all"), 3600)
    assert ticks("none") == [] or now % 3600 < 15
    assert producer.events("ticks_skipped")


def test_a_changed_entry_starts_afresh_and_an_unchanged_one_goes_on(meterbeat, schedule, rows, collector, ticks):
    schedule(entry("same", "1h"), entry("changed", "1h"), entry("paused", "1h"))
    meterbeat.producer().wait_for_event("database_connected")
    meterbeat.programs[-1].stop()
    rows("UPDATE meterbeat.entry SET last_due_at = last_due_at - interval '10 hours' RETURNING 1")
    schedule(entry("same", "1h", args="[1]"), entry("changed", "30m"), entry("paused", "1h", enabled=False))
    producer = meterbeat.producer()
    collector.until(lambda: ticks("same"), 30, "the tick of the unchanged entry")
    assert producer.stop() == 0
    assert ticks("changed") == [] and ticks("paused") == []
    assert rows("SELECT definition FROM meterbeat.entry WHERE name = 'changed'")[0][0].startswith("every=30m ")
    assert rows("SELECT count(*) FROM meterbeat.entry WHERE name = 'paused'") == [(0,)]


# --- stepping clocks ------------------------------------------------------------------------------------------


def test_a_wrong_clock_of_its_machine_changes_nothing(meterbeat, schedule, collector, ticks, clock):
    schedule(entry("a", "1s", catch_up="all"))
    clock.ahead(86400)
    producer = meterbeat.producer(environment=clock.environment)
    collector.until(lambda: len(collector.messages) >= 2, 30, "messages")
    assert abs(ticks("a")[-1][0] - time.time()) < 10
    logged = dt.datetime.fromisoformat(producer.events("tick")[-1]["time"]).timestamp()
    assert logged - time.time() > 80000  # its own clock is wrong indeed
    for ahead in (-3600, 3600, 0):
        clock.ahead(ahead)
        seen = len(ticks("a"))
        collector.until(lambda: len(ticks("a")) >= seen + 3, 30, "ticks after a step")
    collector.until(lambda: {i for _, i in ticks("a")[:-1]} <= set(collector.ids()), 10, "messages")
    assert producer.stop() == 0
    assert_on_grid(ticks("a"), 1)
    assert len(set(collector.ids())) == len(collector.ids())


def test_the_shared_clock_stepping_an_hour_either_way_neither_repeats_nor_stalls(
        meterbeat, servers, collector, clock, stepped_postgresql):
    meterbeat.configure(
        database={"url": stepped_postgresql.url()}, producer={"relay_after_s": 1},
        schedule=[entry("fast", "1s"), entry("hourly", "1h", anchor="2026-01-01T00:00:01")])
    meterbeat.environment["METERBEAT_DATABASE_PASSWORD"] = stepped_postgresql.password
    meterbeat.ctl("init-db")

    def fired(name):
        return [int(due) for due, in stepped_postgresql.sql(
            f"SELECT extract(epoch FROM due_at)::bigint FROM meterbeat.tick WHERE entry = '{name}' ORDER BY created_at, due_at")]

    producers = [meterbeat.producer(), meterbeat.producer()]
    for ahead in (0, 3600, 0, -3600, 0):
        clock.ahead(ahead)
        base = time.time() + ahead
        near = lambda: [due for due in fired("fast") if base <= due < base + 60]  # noqa: B023, E731
        collector.until(lambda: len(near()) >= 3, 60, f"ticks {ahead} s ahead")  # noqa: B023
    assert [producer.stop() for producer in producers] == [0, 0]
    for name in ("fast", "hourly"):
        assert len(set(fired(name))) == len(fired(name))
    # Each jump ahead is caught up with one tick, not with an hour of them.
    assert len(fired("fast")) < 200
    assert len(fired("hourly")) <= 4
    assert len(set(collector.ids())) == len(collector.ids())


# --- starting and stopping ----------------------------------------------------------------------------------------


def test_sigterm_ends_it_in_order_and_at_once(meterbeat, schedule, collector, outbox):
    schedule(entry("a", "1s"))
    producer = meterbeat.producer()
    collector.until(lambda: collector.messages, 30, "a message")
    began = time.monotonic()
    assert producer.stop() == 0
    assert time.monotonic() - began < 5
    assert producer.events("stopped")


def test_without_tables_it_says_what_to_do(meterbeat):
    meterbeat.configure(schedule=[entry("a", "1s")])
    producer = meterbeat.producer()
    assert producer.wait() == 1
    assert "init-db" in producer.text()


@pytest.mark.parametrize("wrong, text", [
    ({"every": "5min"}, "column 2"),
    ({"every": "1d", "anchor": "2026-02-30"}, "column 9"),
    ({"every": "0s"}, "at least 1"),
])
def test_a_wrong_entry_is_refused_at_start_by_name_and_line(meterbeat, wrong, text):
    meterbeat.configure(schedule=[{"name": "bad entry", "task": "parse", **wrong}])
    producer = meterbeat.producer()
    assert producer.wait() == 2
    assert text in producer.text() and "bad entry" in producer.text()


def test_servers_that_are_not_there_yet_are_waited_for(meterbeat, schedule, servers, collector, ticks):
    schedule(entry("a", "1s"))
    servers.rabbitmq.stop()
    servers.postgresql.stop()
    producer = meterbeat.producer()
    producer.wait_for_event("database_away", count=2)
    producer.wait_for_event("broker_away", count=2)
    servers.postgresql.start()
    servers.rabbitmq.start()
    collector.until(lambda: collector.messages, 60, "a message")
    assert producer.stop() == 0
