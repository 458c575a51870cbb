"""What the tests of workers do with queues: sending, counting, taking dead letters, seeing tasks done."""
import json
import uuid

import pika

from servers import wait_until

QUEUE = "meterbeat"
DEAD = "meterbeat.dead"


def send(channel, task, *args, headers=None, **properties):
    """A protocol 2 message; returns its id."""
    task_id = str(uuid.uuid4())
    channel.basic_publish("", QUEUE, json.dumps([args, {}, None]), pika.BasicProperties(**{
        "content_type": "application/json", "content_encoding": "utf-8", "delivery_mode": 2,
        "correlation_id": task_id,
        "headers": {"lang": "py", "task": task, "id": task_id, **(headers or {})}, **properties}))
    return task_id


def ready(connect, name=QUEUE):
    """Messages of a queue that nobody holds, 0 when there is no such queue; on a connection of its own."""
    connection = connect()
    try:
        return connection.channel().queue_declare(name, passive=True).method.message_count
    except pika.exceptions.ChannelClosedByBroker:
        return 0
    finally:
        connection.close()


def wait_ready(connect, count, name=QUEUE, limit=30):
    wait_until(lambda: ready(connect, name) == count, limit, f"{count} messages in {name}")


def dead_letter(connect, limit=30):
    """The next dead letter: its properties and its body. Its queue may not be there yet."""
    connection = connect()

    def get():
        channel = connection.channel()
        try:
            found, properties, body = channel.basic_get(DEAD, auto_ack=True)
            channel.close()
        except pika.exceptions.ChannelClosedByBroker:
            return None
        return (properties, body) if found else None

    letter = wait_until(get, limit, "a dead letter")
    connection.close()
    return letter


def pings_are_done(connect, count=50, limit=30):
    """Throughput, not "connected": messages go in and are gone."""
    connection = connect()
    channel = connection.channel()
    for _ in range(count):
        send(channel, "meterbeat.ping")
    connection.close()
    wait_ready(connect, 0, limit=limit)


def consuming(worker, count=1, limit=30):
    worker.wait_for_event("consuming", count=count, limit=limit)


def done(worker, task_id, limit=30):
    worker.wait_for_event("task_done", task_id=task_id, limit=limit)
