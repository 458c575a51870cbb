"""Queues that are there and answer nothing, as a quorum queue whose leader went with a killed broker: nobody waits for ever."""
import os
import subprocess

import pytest
from servers import wait_until

from queues import done, ready, send
from test_retry_queues import in_seconds

RABBITMQCTL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
PATIENCE = {"connect_timeout_s": 2, "confirm_timeout_s": 3, "heartbeat_s": 5, "reconnect_max_s": 1}


@pytest.fixture
def leader(servers, place):
    """leader(queue, "sys:suspend(P)"): does something to the process that leads a quorum queue."""
    suspended = set()

    def call(queue, what):
        program = (f'{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<"{place.vhost}">>, queue, <<"{queue}">>)), '
                   f'P = amqqueue:get_pid(Q), {what}.')
        answer = subprocess.run([RABBITMQCTL, "-n", "meterbeat@localhost", "eval", program], timeout=60, text=True,
                                env={**os.environ, **servers.rabbitmq.environment()}, capture_output=True)
        assert answer.returncode == 0 and "error" not in answer.stdout.lower(), answer
        (suspended.add if "suspend" in what else suspended.discard)(queue)

    yield call
    for queue in list(suspended):
        call(queue, "sys:resume(P)")


def silent(leader, queue):
    leader(queue, "sys:suspend(P)")


def test_a_retry_queue_that_does_not_answer_gives_way_to_another(meterbeat, worker_of, queue, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    worker = worker_of(retry_delays_s=(2, 4, 30))
    silent(leader, "meterbeat.retry.30")
    first = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(32)})
    worker.wait_for_event("retry_queue_shunned", queue="meterbeat.retry.30", code="no_confirm", limit=20)
    wait_until(lambda: ready(connect, "meterbeat.retry.4"), 5, "the message in the next shorter retry queue")
    second = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(40)})
    wait_until(lambda: ready(connect, "meterbeat.retry.4") == 2, 4, "the second one there without a wait")
    third = send(queue, "meterbeat.sleep", 0)
    done(worker, third, limit=5)  # the worker is free meanwhile
    assert len(worker.events("retry_queue_shunned")) == 1
    done(worker, first, limit=60)
    done(worker, second, limit=60)
    assert worker.stop() == 0


def test_a_retry_queue_whose_process_has_ended_gives_way_to_another(meterbeat, worker_of, queue, connect, leader):
    meterbeat.configure(broker=PATIENCE)
    worker = worker_of(retry_delays_s=(2, 4))
    leader("meterbeat.retry.4", "ra:stop_server(quorum_queues, P)")
    task_id = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(8)})
    done(worker, task_id, limit=60)
    assert worker.events("retry_queue_shunned", queue="meterbeat.retry.4")
    assert not worker.events("task_dead")
    assert worker.stop() == 0


def test_where_no_retry_queue_answers_the_delivery_is_given_back_and_others_are_done(
        meterbeat, worker_of, queue, leader):
    meterbeat.configure(broker=PATIENCE)
    worker = worker_of(retry_delays_s=(2,), prefetch=2)
    silent(leader, "meterbeat.retry.2")
    later = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(10)})
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
