"""broker.url as Celery's users write it: the virtual host "/", names beyond ASCII, parameters, several brokers."""
import urllib.parse

import pika
import pytest

from queues import consuming, done, send
from servers.process import free_port

NAME = "zähler/ü"


def worker_at(meterbeat, url):
    meterbeat.configure(broker={"url": url, "reconnect_max_s": 1, "connect_timeout_s": 3}, log_level="debug",
                        worker={"retry_delays_s": (1, 2)})
    meterbeat.configuration.chmod(0o600)  # it may hold passwords
    worker = meterbeat.worker()
    consuming(worker)
    return worker


def run_one(worker, servers, vhost):
    connection = pika.BlockingConnection(pika.ConnectionParameters(
        "127.0.0.1", servers.rabbitmq.port, vhost, pika.PlainCredentials("guest", "guest")))
    channel = connection.channel()
    done(worker, send(channel, "meterbeat.sleep", 0))
    assert worker.stop() == 0
    for queue in "meterbeat", "meterbeat.dead", "meterbeat.retry.1", "meterbeat.retry.2":
        channel.queue_delete(queue)
    connection.close()


@pytest.mark.parametrize("path", ["//", "/%2F", "/", ""])
def test_celerys_default_virtual_host_is_reached_however_it_is_written(meterbeat, servers, path):
    run_one(worker_at(meterbeat, f"amqp://guest:guest@127.0.0.1:{servers.rabbitmq.port}{path}"), servers, "/")


@pytest.mark.parametrize("quote", [urllib.parse.quote, str])
def test_a_virtual_host_and_a_user_may_have_names_beyond_ascii(meterbeat, servers, quote):
    rabbitmq = servers.rabbitmq
    rabbitmq.create_vhost(NAME)
    try:
        user = urllib.parse.quote("jürgen")
        rabbitmq.api("PUT", f"/users/{user}", {"password": "ge@heim", "tags": ""})
        rabbitmq.api("PUT", f"/permissions/{urllib.parse.quote(NAME, safe='')}/{user}",
                     {"configure": ".*", "write": ".*", "read": ".*"})
        url = f"amqp://{quote('jürgen')}@127.0.0.1:{rabbitmq.port}/{quote(NAME)}?heartbeat=7&unknown=x"
        meterbeat.environment["METERBEAT_BROKER_PASSWORD"] = "ge@heim"
        run_one(worker_at(meterbeat, url), servers, NAME)
    finally:
        rabbitmq.delete_vhost(NAME)


def test_several_brokers_are_tried_in_turn_and_no_password_is_shown(meterbeat, servers, place):
    del meterbeat.environment["METERBEAT_BROKER_PASSWORD"]
    here = f"127.0.0.1:{servers.rabbitmq.port}/{place.vhost}"
    worker = worker_at(meterbeat, f"amqp://me:geheim1@127.0.0.1:{free_port()}/;amqp://me:geheim2@{here};"
                                  f"amqp://guest:guest@{here}")
    run_one(worker, servers, place.vhost)
    shown = meterbeat.ctl("--show-config") + meterbeat.ctl("check", status=None)
    assert f"me@{here};amqp://guest@{here}" in shown
    assert "geheim" not in shown + worker.text()
    assert "broker     ok" in shown
