"""A worker whose clock is wrong, or steps: nothing is dropped, nothing waits for the clock, and it is told."""
import datetime
import time

from producing import clock  # noqa: F401: fixtures
from queues import done, send

DAY = 86400


def in_seconds(seconds):
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).isoformat()


def test_a_worker_a_day_ahead_expires_nothing_and_says_that_its_clock_is_wrong(
        meterbeat, worker_of, queue, clock):  # noqa: F811
    meterbeat.ctl("init-db")
    clock.ahead(DAY)
    worker = worker_of(environment=clock.environment)
    done(worker, send(queue, "meterbeat.sleep", 0, headers={"expires": in_seconds(60)}))
    assert worker.wait_for_event("clock_differs")[0]["level"] == "warning"
    (row,) = meterbeat.ctl_json("status", "--json")["workers"]
    assert abs(row["clock_ahead_ms"] - DAY * 1000) < 60000
    assert f"the clock of {row['name']} is " in meterbeat.ctl("status")
    meterbeat.environment.update(clock.environment)
    assert "the clock of this machine is 8" in meterbeat.ctl("check", status=None)
    assert worker.stop() == 0


def test_what_is_held_for_its_eta_starts_though_the_clock_steps_back(worker_of, queue, clock):  # noqa: F811
    """Without a database that would know better."""
    worker = worker_of(environment=clock.environment)
    task_id = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(0.95)})
    clock.ahead(-3600)
    done(worker, task_id, limit=20)
    assert not worker.events("task_later")
    assert worker.stop() == 0


def test_a_worker_ends_in_order_though_its_clock_steps(worker_of, queue, clock):  # noqa: F811
    worker = worker_of(environment=clock.environment)
    send(queue, "meterbeat.sleep", 2)
    worker.terminate()
    worker.wait_for_event("stopping")
    clock.ahead(-DAY)
    assert worker.wait(40) == 0
