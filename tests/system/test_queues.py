"""Queues that a Celery application and meterbeat share: whoever comes first, neither is refused."""
import time

import celery
import pytest

from queues import consuming, done, ready

KINDS = {
    "classic": ({}, {}),
    "priorities": ({"task_queue_max_priority": 10}, {"queue_max_priority": 10}),
    "quorum": ({"task_default_queue_type": "quorum"}, {"queue_type": "quorum"}),
}


def application(place, **more):
    """A Celery application whose default queue is ours."""
    app = celery.Celery("shared", broker=place.amqp_url, set_as_current=False)
    app.conf.update(task_default_queue="meterbeat", broker_connection_retry=False, **more)
    return app


@pytest.fixture
def app_of(place):
    made = []

    def make(**more):
        made.append(application(place, **more))
        return made[-1]
    yield make
    for app in made:
        app.close()


@pytest.fixture
def worker_of(meterbeat):
    def start(**broker):
        meterbeat.configure(broker={"heartbeat_s": 5, "reconnect_max_s": 1, **broker}, log_level="debug",
                            worker={"retry_delays_s": (1, 2)})
        return meterbeat.worker()
    return start


@pytest.mark.parametrize("kind", KINDS)
def test_the_application_may_come_first(kind, app_of, worker_of, connect):
    theirs, ours = KINDS[kind]
    sent = app_of(**theirs).send_task("meterbeat.sleep", [0], ignore_result=True)  # declares the queue
    worker = worker_of(**ours)
    done(worker, sent.id)
    assert worker.stop() == 0
    assert ready(connect) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_meterbeat_may_come_first(kind, app_of, worker_of, connect):
    theirs, ours = KINDS[kind]
    worker = worker_of(**ours)
    consuming(worker)
    sent = app_of(**theirs).send_task("meterbeat.sleep", [0], ignore_result=True)
    done(worker, sent.id)
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_of_waiting_messages_the_one_with_the_highest_priority_is_done_first(app_of, worker_of):
    app = app_of(task_queue_max_priority=10)
    ids = [app.send_task("meterbeat.sleep", [0], priority=priority, ignore_result=True).id for priority in (1, 9, 5)]
    worker = worker_of(queue_max_priority=10)
    for task_id in ids:
        done(worker, task_id)
    assert [event["task_id"] for event in worker.events("task_done")] == [ids[1], ids[2], ids[0]]
    assert worker.stop() == 0


@pytest.mark.parametrize("levels", ("classic", "quorum"))
def test_native_delayed_delivery_reaches_a_queue_that_only_meterbeat_serves(levels, app_of, worker_of, connect):
    """The client sends to celery_delayed_27 and trusts that some worker has made it, and bound the queue behind it."""
    worker = worker_of(queue_type="quorum", delayed_delivery=levels)
    consuming(worker)
    app = app_of(task_default_queue_type="quorum", task_default_exchange_type="topic",
                 broker_native_delayed_delivery_queue_type=levels)
    due = time.time() + 3
    sent = app.send_task("meterbeat.sleep", [0], countdown=3, ignore_result=True)
    done(worker, sent.id)
    assert time.time() >= due
    assert not worker.events("task_later")  # it waited at the broker, not on our ladder
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_native_delayed_delivery_reaches_a_queue_that_remote_control_has_added(app_of, worker_of):
    """From then on, not from the next connection on: the broker drops what comes in between."""
    worker = worker_of(queue_type="quorum", delayed_delivery="quorum")
    consuming(worker)
    worker.wait_for_event("control_ready")
    app = app_of(task_default_queue_type="quorum", task_default_exchange_type="topic",
                 broker_native_delayed_delivery_queue_type="quorum")
    assert app.control.add_consumer("more", reply=True, limit=1, timeout=20)
    worker.wait_for_event("consuming", queue="more")
    app.conf.task_default_queue = "more"
    sent = app.send_task("meterbeat.sleep", [0], countdown=2, ignore_result=True, queue="more")
    done(worker, sent.id)
    assert worker.stop() == 0


def test_the_levels_of_delayed_delivery_are_those_that_celery_makes(app_of, worker_of):
    """kombu's own declaration over ours is refused if a single argument differs."""
    from kombu.transport.native_delayed_delivery import declare_native_delayed_delivery_exchanges_and_queues
    worker = worker_of(queue_type="quorum", delayed_delivery="quorum")
    consuming(worker)
    with app_of().connection_for_write() as connection:
        declare_native_delayed_delivery_exchanges_and_queues(connection, "quorum")
    assert worker.stop() == 0
