"""Permission, queue or messages taken away while a worker runs: it comes back to work by itself."""
import datetime
import time
import urllib.parse

import pytest

from queues import QUEUE, consuming, done, pings_are_done, send
from servers import wait_until

USER = "other"


@pytest.fixture
def allow(servers, place, meterbeat):
    """allow(configure, write, read): what the worker's user may do; the worker is that user."""
    rabbitmq = servers.rabbitmq
    rabbitmq.api("PUT", f"/users/{USER}", {"password": "secret", "tags": ""})
    meterbeat.environment["METERBEAT_BROKER_PASSWORD"] = "secret"
    meterbeat.configure(broker={"url": place.amqp_url.replace("guest@", f"{USER}@")})

    def permissions(configure=".*", write=".*", read=".*"):
        rabbitmq.api("PUT", f"/permissions/{urllib.parse.quote(place.vhost, safe='')}/{USER}",
                     {"configure": configure, "write": write, "read": read})
    permissions()
    yield permissions
    rabbitmq.api("DELETE", f"/users/{USER}")


def cut_connections(rabbitmq):
    """A broker looks at permissions anew for each channel."""
    found = [c["name"] for c in rabbitmq.api("GET", "/connections") if c.get("user") == USER]
    for name in found:
        try:
            rabbitmq.api("DELETE", f"/connections/{urllib.parse.quote(name, safe='')}")
        except OSError:
            pass  # it has gone by itself
    return found


def in_seconds(seconds):
    return datetime.datetime.fromtimestamp(time.time() + seconds, datetime.timezone.utc).isoformat()


def test_a_worker_whose_permissions_are_withdrawn_waits_and_goes_on(allow, worker_of, queue, servers):
    worker = worker_of()
    allow("^$", "^$", "^$")
    wait_until(lambda: cut_connections(servers.rabbitmq), 30, "connections")
    worker.wait_for_event("connect_failed")
    held = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(2.5)})
    assert worker.running()
    allow()
    done(worker, held)
    assert worker.stop() == 0


def test_a_worker_that_may_declare_nothing_uses_the_queues_that_are_there(allow, worker_of, queue, connect):
    first = worker_of()  # makes them
    assert first.stop() == 0
    allow(configure="^$")
    worker = worker_of()
    done(worker, send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(2.5)}))
    assert worker.stop() == 0


def test_queues_that_are_deleted_or_purged_are_made_and_consumed_again(worker_of, queue, channel, connect):
    worker = worker_of()
    for turn in range(3):
        for name in QUEUE, "meterbeat.retry.1", "meterbeat.retry.2", "meterbeat.dead":
            channel.queue_delete(name)
        consuming(worker, 2 + turn)
        channel.queue_purge(QUEUE)
        later = send(queue, "meterbeat.sleep", 0, headers={"eta": in_seconds(2.5)})
        done(worker, later)
        pings_are_done(connect)
    assert worker.stop() == 0
