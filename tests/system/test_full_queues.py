"""Queues that are bounded and full: nobody waits for ever for what only he can empty."""
import pika
import pytest
from servers import wait_until

from metering import days, house, metering

RECORDS = 12
FULL = {"x-max-length": 3, "x-overflow": "reject-publish"}


@pytest.fixture
def metered(meterbeat, rows):
    with metering(meterbeat, rows) as made:
        meterbeat.configure(broker={"heartbeat_s": 5, "reconnect_max_s": 1}, producer={"relay_after_s": 1},
                            log_level="debug")
        yield made


def outbox(rows):
    return rows("SELECT count(*) FROM meterbeat.outbox")[0][0]


@pytest.mark.parametrize("kind", ["classic", "quorum"])
def test_a_fan_out_into_a_full_queue_is_acknowledged_and_the_producer_sends_the_rest(
        metered, meterbeat, rows, channel, kind):
    channel.queue_declare("meterbeat", durable=True, arguments={**FULL, "x-queue-type": kind})
    records = [metered.add(house(f"h{n}", *days(1)), building=n + 1) for n in range(RECORDS)]
    task_id = metered.send("parse")
    worker = metered.start()
    worker.wait_for_event("left_in_outbox")
    worker.wait_for_event("task_done", task_id=task_id)
    wait_until(lambda: not channel.queue_declare("meterbeat", passive=True).method.message_count, 60, "an empty queue")
    assert outbox(rows)  # nothing is sent behind the producer's back, nothing is lost
    producer = meterbeat.producer()
    metered.idle()
    assert all(metered.last_date(record) for record in records)
    assert rows("SELECT count(*) FROM meterbeat.run WHERE state = 'dead'")[0][0] == 0
    assert producer.stop() == 0 and worker.stop() == 0


def test_a_retry_queue_that_is_full_for_good_sends_to_the_dead_letter_queue(worker_of, channel, queue):
    """Its messages may wait for room in the work queue, which only this worker makes."""
    channel.queue_declare("meterbeat.retry.2", durable=True, arguments={
        "x-max-length": 1, "x-overflow": "reject-publish"})
    channel.basic_publish("", "meterbeat.retry.2", b"x", pika.BasicProperties(delivery_mode=2))
    worker = worker_of(retry_delays_s=(2,))
    from test_retry_queues import in_seconds
    from queues import send
    task_id = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(600)})
    worker.wait_for_event("task_dead", task_id=task_id, code="publish_refused", limit=90)
    assert worker.stop() == 0
