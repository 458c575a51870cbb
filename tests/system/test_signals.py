"""Signals that end a program do it in order, and the log says which it was."""
import signal
import subprocess

import pytest

from producing import entry, schedule, tables  # noqa: F401: fixtures
from queues import consuming, done, send
from servers import wait_until


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_worker_finishes_its_task_and_says_what_ended_it(worker_of, queue, number):
    worker = worker_of()
    task_id = send(queue, "meterbeat.sleep", 1)
    wait_until(lambda: not queue.queue_declare("meterbeat", passive=True).method.message_count, 10, "a taken task")
    worker.signal(number)
    assert worker.wait() == 0
    done(worker, task_id)
    assert worker.events("stopping", signal=number.name) and worker.events("stopped")


def test_a_supervisor_hands_a_hangup_on_and_ends_with_its_workers(meterbeat, queue):
    meterbeat.configure(worker={"processes": 2})
    supervisor = meterbeat.worker()
    consuming(supervisor, 2)
    supervisor.signal(signal.SIGHUP)
    assert supervisor.wait() == 0
    assert supervisor.events("supervisor_stopping") and len(supervisor.events("stopped")) == 2


def test_a_producer_ends_in_order_on_a_hangup(meterbeat, schedule):  # noqa: F811
    schedule(entry("a", "1s"))
    producer = meterbeat.producer()
    producer.wait_for_event("broker_connected")
    producer.signal(signal.SIGHUP)
    assert producer.wait() == 0
    assert producer.events("stopped", signal="SIGHUP")


def test_a_hangup_that_whoever_started_us_ignores_ends_nothing(meterbeat, queue):
    """nohup meterbeat-worker"""
    log = meterbeat.folder / "nohup.log"
    with open(log, "wb") as output:
        worker = subprocess.Popen(["nohup", meterbeat.path("meterbeat-worker"), "--config", meterbeat.configuration],
                                  env=meterbeat.environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: b"event=consuming" in log.read_bytes(), 30, "a worker")
            worker.send_signal(signal.SIGHUP)
            wait_until(lambda: not queue.queue_declare("meterbeat", passive=True).method.message_count
                       if send(queue, "meterbeat.ping") else False, 10, "work done after it")
            assert worker.poll() is None
            worker.terminate()
            assert worker.wait(30) == 0
        finally:
            worker.kill()
