"""Results and follow-up messages where things go wrong: crashes, queues that are gone, a broker that is full."""
import json
import os
import uuid

import celery
import pika
import pytest

from servers import wait_until

QUEUE = "meterbeat"
DEAD = "meterbeat.dead"


@pytest.fixture
def client(servers, place):
    """A Celery application as its client is: results over rpc://, our queue its default one."""
    app = celery.Celery("client", broker=place.amqp_url.replace("guest@", "guest:guest@"), backend="rpc://",
                        set_as_current=False)
    app.conf.update(task_default_queue=QUEUE, broker_connection_timeout=10, result_expires=300)
    yield app
    app.close()


@pytest.fixture
def worker_of(meterbeat):
    def start(*arguments, environment=None, **changes):
        meterbeat.configure(broker={"heartbeat_s": 5, "reconnect_max_s": 2}, log_level="debug",
                            worker={"retry_delays_s": (1, 2), **changes})
        worker = meterbeat.worker(*arguments, environment=environment)
        worker.wait_for_event("consuming")
        return worker
    return start


@pytest.mark.parametrize("prefetch", [1, 100])
def test_a_client_gets_what_a_brief_task_returned(worker_of, client, prefetch):
    worker_of(prefetch=prefetch)
    results = [client.send_task("meterbeat.ping") for _ in range(300)]
    assert [result.get(timeout=30) for result in results] == 300 * ["pong"]
    assert client.send_task("meterbeat.echo", (1, "é"), {"k": None}).get(timeout=30) == \
        {"args": [1, "é"], "kwargs": {"k": None}}


def test_a_client_gets_what_a_longer_task_returned(worker_of, client):
    worker_of()
    assert client.send_task("meterbeat.sleep", (0,)).get(timeout=30) is None
