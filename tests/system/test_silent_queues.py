"""Queues that are there and answer nothing, as a quorum queue whose leader went with a killed broker: nobody waits for ever."""
import os
import subprocess
import time

import pika
import pytest
from servers import wait_until

from producing import collector, entry, outbox, schedule, tables  # noqa: F401: fixtures
from queues import done, ready, send
from test_control import Remote
from test_results import send as send_with, sig
from test_retry_queues import in_seconds

PATIENCE = {"connect_timeout_s": 2, "confirm_timeout_s": 2, "heartbeat_s": 5, "reconnect_max_s": 1}


@pytest.fixture
def leader(servers, place):
    """leader(queue, "sys:suspend(P)"): does something to the process that leads a quorum queue."""
    suspended = set()

    def call(queue, what):
        program = (f'{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{place.vhost}">>, queue, <<"{queue}">>)), '
                   f'P = amqqueue:get_pid(Q), {what}.\n')
        answer = subprocess.run(["erl_call", "-sname", "meterbeat@localhost", "-timeout", "20", "-e"], input=program,
                                timeout=60, text=True, capture_output=True,
                                env={**os.environ, **servers.rabbitmq.environment()})
        assert answer.returncode == 0 and answer.stdout.startswith("{ok,"), answer
        (suspended.add if "suspend" in what else suspended.discard)(queue)

    yield call
    for queue in list(suspended):
        call(queue, "sys:resume(P)")


def silent(leader, queue):
    leader(queue, "sys:suspend(P)")


@pytest.fixture
def quorum(channel):
    """quorum("name", ...) makes quorum queues."""
    def make(*names):
        for name in names:
            channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum"})
    return make


def test_a_retry_queue_that_does_not_answer_gives_way_to_another(meterbeat, worker_of, queue, leader):
    meterbeat.configure(broker=PATIENCE)
    worker = worker_of(retry_delays_s=(1, 2, 6))
    silent(leader, "meterbeat.retry.6")
    first = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(8)})
    worker.wait_for_event("retry_queue_unavailable", queue="meterbeat.retry.6", code="no_confirm", limit=20)
    second = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(9)})
    third = send(queue, "meterbeat.sleep", 0)
    done(worker, third, limit=5)  # the worker is free meanwhile
    done(worker, first, limit=30)
    done(worker, second, limit=30)
    assert len(worker.events("retry_queue_unavailable")) == 1  # the second one did not wait
    assert worker.stop() == 0


def test_a_retry_queue_whose_process_has_ended_gives_way_to_another(meterbeat, worker_of, queue, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    worker = worker_of(retry_delays_s=(1, 3))
    leader("meterbeat.retry.3", "ra:stop_server(quorum_queues, P)")
    task_id = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(5)})
    done(worker, task_id, limit=60)
    assert worker.events("retry_queue_unavailable", queue="meterbeat.retry.3")
    assert not worker.events("task_dead")
    assert worker.stop() == 0


def test_where_no_retry_queue_answers_the_delivery_is_given_back_and_others_are_done(
        meterbeat, worker_of, queue, leader):
    meterbeat.configure(broker=PATIENCE)
    worker = worker_of(retry_delays_s=(2,), prefetch=2)
    silent(leader, "meterbeat.retry.2")
    later = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(6)})
    worker.wait_for_event("retry_not_sent", code="no_confirm", limit=20)
    done(worker, send(queue, "meterbeat.sleep", 0), limit=20)
    leader("meterbeat.retry.2", "sys:resume(P)")
    done(worker, later, limit=60)
    assert worker.stop() == 0


def test_a_dead_letter_queue_that_does_not_answer_lets_other_work_go_on(
        meterbeat, worker_of, queue, channel, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    channel.queue_declare("meterbeat.dead", durable=True, arguments={"x-queue-type": "quorum"})
    worker = worker_of(retry_delays_s=(2,))
    silent(leader, "meterbeat.dead")
    send(queue, "no.such.task")
    worker.wait_for_event("dead_letter_waits", limit=20)
    done(worker, send(queue, "meterbeat.sleep", 0), limit=20)
    leader("meterbeat.dead", "sys:resume(P)")
    worker.wait_for_event("task_dead", limit=30)
    wait_until(lambda: ready(connect, "meterbeat.dead"), 10, "a dead letter")
    assert worker.stop() == 0


# --- workers: several messages at once, results, consumers ------------------------------------------------

def test_of_several_follow_ups_only_that_of_the_silent_queue_is_a_dead_letter(
        meterbeat, worker_of, quorum, queue, channel, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    quorum("silent", "well", "fine")
    worker = worker_of(retry_delays_s=(2,))
    silent(leader, "silent")
    follow_ups = [sig("theirs.task", name, options={"queue": name}) for name in ("well", "silent", "fine", "silent")]
    task_id = send_with(channel, "meterbeat.sleep", 0, reply_to=None, callbacks=follow_ups)
    done(worker, task_id, limit=30)
    wait_until(lambda: ready(connect, "meterbeat.dead") == 2, 10, "the dead letters of the silent queue")
    wait_until(lambda: ready(connect, "well") and ready(connect, "fine"), 10, "the messages of the others")
    assert ready(connect, "meterbeat.dead") == 2
    done(worker, send(queue, "meterbeat.sleep", 0), limit=10)
    assert worker.stop() == 0


def test_a_silent_queue_for_the_results_of_brief_tasks_holds_up_nothing_else(
        meterbeat, worker_of, quorum, queue, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    quorum("silent")
    worker = worker_of(retry_delays_s=(2, 4), prefetch=4)
    silent(leader, "silent")
    for _ in range(2):
        send(queue, "meterbeat.ping", reply_to="silent")
    task_id = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(3)})  # by way of a retry queue
    done(worker, task_id, limit=30)
    worker.wait_for_event("result_refused", count=2, limit=10)
    wait_until(lambda: ready(connect) == 0, 10, "an empty queue")
    assert not worker.events("retry_queue_unavailable") and not worker.events("task_dead")
    assert worker.stop() == 0


def test_an_added_queue_that_is_silent_costs_the_worker_no_other_and_is_consumed_when_it_is_back(
        meterbeat, worker_of, quorum, queue, channel, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    quorum("silent", "well")
    worker = worker_of(retry_delays_s=(2,), name="worker@silent")
    worker.wait_for_event("control_ready")
    silent(leader, "silent")
    remote = Remote(connect())
    for name in ("silent", "well"):
        remote.cast("add_consumer", ["worker@silent"], queue=name)
    worker.wait_for_event("queue_unresponsive", queue="silent", limit=40)
    worker.wait_for_event("consuming", queue="well", limit=20)
    done(worker, send(queue, "meterbeat.sleep", 0), limit=10)
    leader("silent", "sys:resume(P)")
    channel.basic_publish("", "silent", *message_of("meterbeat.sleep"))
    worker.wait_for_event("task_done", count=2, limit=40)
    assert len(worker.events("queue_unresponsive")) == 1
    assert not worker.events("connection_lost") and not worker.events("connect_failed")
    assert worker.stop() == 0


def message_of(task):
    return b"[[0], {}, {}]", pika.BasicProperties(content_type="application/json", content_encoding="utf-8",
                                                  headers={"lang": "py", "task": task, "id": "added"})


# --- seen by hand ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("what, managed", [("sys:suspend(P)", False), ("ra:stop_server(quorum_queues, P)", True)])
def test_check_and_status_name_a_queue_without_a_leader_and_no_other(
        what, managed, meterbeat, worker_of, connect, leader):
    meterbeat.ctl("init-db")
    if not managed:
        meterbeat.configure(broker={"management_url": ""})
    worker = worker_of(retry_delays_s=(2, 3))
    assert worker.stop() == 0
    assert "leader" not in meterbeat.ctl("check") + meterbeat.ctl("status")
    leader("meterbeat.retry.3", what)
    for command in "check", "status":
        began = time.monotonic()
        said = meterbeat.ctl(command)
        assert "queue meterbeat.retry.3 has no leader" in said and said.count("has no leader") == 1, said
        assert time.monotonic() - began < 8


# --- the producer -------------------------------------------------------------------------------------

def test_the_producer_sends_what_other_queues_take_and_the_rest_when_the_queue_is_back(
        meterbeat, schedule, outbox, rows, quorum, connect, leader, collector):  # noqa: F811
    quorum("silent", "well")
    schedule(*({**entry(queue, "1s"), "queue": queue, "expires": "600s"} for queue in ("meterbeat", "silent", "well")))
    meterbeat.configure(broker=PATIENCE)
    silent(leader, "silent")
    producer = meterbeat.producer()
    producer.wait_for_event("queue_unresponsive", queue="silent", limit=30)
    taken = ready(connect, "well")
    wait_until(lambda: ready(connect, "well") >= taken + 5, 15, "messages of the other queue")
    collector.until(lambda: len(collector.of("meterbeat")) > 5, 15, "messages of the third queue")
    waiting = outbox()
    assert waiting >= 5 and rows("SELECT DISTINCT queue FROM meterbeat.outbox WHERE created_at < now() - interval '2 s'"
                                 ) == [("silent",)]
    leader("silent", "sys:resume(P)")
    producer.wait_for_event("queue_answers", queue="silent", limit=30)
    wait_until(lambda: outbox() < 3, 15, "an empty outbox")
    assert ready(connect, "silent") >= waiting
    assert len(producer.events("queue_unresponsive")) == 1 and not producer.events("broker_away")
    assert producer.stop() == 0
