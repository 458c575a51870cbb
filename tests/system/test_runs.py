"""Runs when the database's answers are lost, its messages are lost, and workers die: none is stuck, none is doubled."""
import pytest

import feeds
import metering as m
from pg_proxy import Proxy
from producing import clock  # noqa: F401  (fixture)
from queues import dead_letter, ready
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
