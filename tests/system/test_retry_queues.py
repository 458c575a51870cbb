"""Retry queues: what they hold survives a killed broker, and classic ones of an older version are replaced unharmed."""
import datetime
import time
import urllib.parse

import pika

from queues import consuming, done, ready, send
from servers import wait_until

COUNT = 120
SAFE = {"x-queue-type": "quorum", "x-overflow": "reject-publish", "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "meterbeat"}


def in_seconds(seconds):
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).isoformat()


def queues(servers, place):
    """name -> arguments, of the test's virtual host."""
    found = servers.rabbitmq.api("GET", f"/queues/{urllib.parse.quote(place.vhost, safe='')}")
    return {queue["name"]: queue["arguments"] for queue in found}


def retry_queues(servers, place):
    return {name: arguments for name, arguments in queues(servers, place).items() if ".retry." in name}


def ready_in(servers, place, name):
    vhost = urllib.parse.quote(place.vhost, safe="")
    return servers.rabbitmq.api("GET", f"/queues/{vhost}/{name}").get("messages", 0)


def make_classic(channel, delay_s):
    """As versions before made it."""
    channel.queue_declare(f"meterbeat.retry.{delay_s}", durable=True, arguments={
        "x-message-ttl": delay_s * 1000, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "meterbeat"})


def replaced(servers, place, delays):
    """All of them are quorum queues; those that stood in for them are left, empty."""
    found = retry_queues(servers, place)
    if any(ready_in(servers, place, name) for name in found if name.endswith(".quorum")):
        return False
    found = {name: arguments for name, arguments in found.items() if not name.endswith(".quorum")}
    return sorted(found) == sorted(f"meterbeat.retry.{delay}" for delay in delays) and all(
        arguments == SAFE | {"x-message-ttl": int(name.rpartition(".")[2]) * 1000} for name, arguments in found.items())


def all_done(worker, ids, limit=60):
    wait_until(lambda: set(ids) <= {event["task_id"] for event in worker.events("task_done")}, limit, "all done")


def test_retry_queues_are_quorum_queues_behind_a_classic_work_queue(worker_of, servers, place):
    worker = worker_of()
    assert queues(servers, place)["meterbeat"] == {}
    assert replaced(servers, place, (1, 2))
    assert worker.stop() == 0


def test_nothing_is_lost_when_the_broker_is_killed_while_retry_queues_hold_and_release(worker_of, connect, servers):
    worker = worker_of(prefetch=20)
    for _ in range(2):
        channel = connect().channel()
        channel.confirm_delivery()
        before = len(worker.events("task_later"))
        ids = [send(channel, "meterbeat.sleep", 0, headers={"eta": in_seconds(4 + n % 5)}) for n in range(COUNT)]
        wait_until(lambda: len(worker.events("task_later")) >= before + COUNT, 60, "messages in retry queues")
        wait_until(lambda: worker.events("task_done", task_id=ids[0]), 60, "released messages")
        servers.rabbitmq.kill()
        servers.rabbitmq.start()
        all_done(worker, ids)
    assert worker.stop() == 0


def test_classic_retry_queues_of_an_older_version_are_replaced_once_they_have_run_empty(
        worker_of, queue, connect, servers, place):
    make_classic(queue, 1)
    make_classic(queue, 2)
    make_classic(queue, 6)
    held = []
    for delay in (1, 2, 6):
        held.append(send(queue, "meterbeat.sleep", 0))
        _, properties, body = queue.basic_get("meterbeat", auto_ack=True)
        queue.basic_publish("", f"meterbeat.retry.{delay}", body, properties, mandatory=True)
    worker = worker_of(retry_delays_s=(1, 2, 6))
    later = [send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(7)}) for _ in range(20)]
    wait_until(lambda: ready(connect, "meterbeat.retry.6.quorum") == 20, 20, "messages in the stand-in")
    assert ready(connect, "meterbeat.retry.6") == 1  # the old one takes no more
    all_done(worker, held + later)
    worker.wait_for_event("retry_queues_replaced")
    wait_until(lambda: replaced(servers, place, (1, 2, 6)), 30, "quorum queues under the usual names")
    worker.stop()


def test_an_older_worker_beside_a_new_one_loses_nothing(worker_of, connect, queue, servers, place):
    """It publishes to the usual names, and makes a queue that has gone again as a classic one."""
    make_classic(queue, 2)
    worker = worker_of()
    ids, end = [], time.monotonic() + 12
    while time.monotonic() < end:
        ids.append(send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(3)}))
        older = connect().channel()
        older.confirm_delivery()
        body, properties = b'[[0], {}, null]', pika.BasicProperties(
            content_type="application/json", delivery_mode=2,
            headers={"task": "meterbeat.sleep", "id": f"older-{len(ids)}"})
        try:
            older.basic_publish("", "meterbeat.retry.2", body, properties, mandatory=True)
        except pika.exceptions.UnroutableError:
            make_classic(older, 2)
            older.basic_publish("", "meterbeat.retry.2", body, properties, mandatory=True)
        ids.append(f"older-{len(ids)}")
        older.connection.close()
        time.sleep(0.2)
    all_done(worker, ids)
    wait_until(lambda: replaced(servers, place, (1, 2)), 30, "quorum queues under the usual names")
    assert worker.stop() == 0


def test_a_retry_queue_that_somebody_else_made_is_used_as_it_is(worker_of, queue, servers, place):
    queue.queue_declare("meterbeat.retry.2", durable=True, arguments={
        "x-message-ttl": 2000, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "meterbeat",
        "x-max-length": 1000})
    worker = worker_of()
    done(worker, send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(3)}))
    assert "meterbeat.retry.2.quorum" not in queues(servers, place)
    assert worker.stop() == 0
