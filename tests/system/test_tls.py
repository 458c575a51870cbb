"""KairosDB and RabbitMQ over TLS: a certificate that holds is enough, and one that does not is refused with its reason."""
import os
import pathlib
import tempfile

import pika
import pytest

import metering as m
from custodian import Authority
from queues import QUEUE, consuming, done, send
from servers import RabbitMQ, free_port, wait_until
from test_parse import last_day
from tls_proxy import TlsProxy


@pytest.fixture(scope="module")
def authority():
    with tempfile.TemporaryDirectory(prefix="meterbeat-") as folder:
        yield Authority(pathlib.Path(folder) / "ours")


@pytest.fixture(scope="module")
def stranger():
    """Another authority, which vouches for none of the servers here."""
    with tempfile.TemporaryDirectory(prefix="meterbeat-") as folder:
        yield Authority(pathlib.Path(folder) / "other", "another")


# --- KairosDB -------------------------------------------------------------------------------------

def kairosdb_at(meterbeat, host, port, authority, scheme="https"):
    base = f"{scheme}://{host}:{port}/api/v1/datapoints"
    meterbeat.configure(kairosdb={"insert_url": base, "query_url": base + "/query",
                                  "ca_file": str(authority.certificate) if authority else ""})


@pytest.fixture
def meters(meterbeat, rows):
    with m.metering(meterbeat, rows) as made:
        yield made


@pytest.fixture
def tls_of_kairosdb(servers, authority):
    """It speaks for "localhost" and no other name."""
    with TlsProxy(servers.kairosdb.port, *authority.issue("localhost")) as proxy:
        yield proxy


def test_readings_go_to_a_kairosdb_behind_tls_and_come_back(meters, tls_of_kairosdb, authority):
    kairosdb_at(meters.meterbeat, "localhost", tls_of_kairosdb.port, authority)
    meters.meterbeat.ctl("check")
    feed = m.house("tls", *m.days(60))
    record = meters.add(feed)
    meters.start()
    meters.do("parse", record)
    meters.do("aggregate")
    assert meters.assert_months_are_those_of(feed, feed.series[0]) >= 1
    assert tls_of_kairosdb.carried > 100_000


@pytest.mark.parametrize("host, ca, code, why", [
    ("localhost", "stranger", "kairosdb_tls", "its certificate comes from no authority that is known here"),
    ("localhost", None, "kairosdb_tls", "its certificate comes from no authority that is known here"),
    ("127.0.0.1", "authority", "kairosdb_tls", "its certificate is for another name than the URL's"),
    ("plain", "authority", "kairosdb_tls", "does that port speak TLS"),
], ids=["another-authority", "the-system-s", "another-name", "plain-port"])
def test_a_kairosdb_that_cannot_prove_its_name_gets_nothing_and_the_reason_is_told(
        host, ca, code, why, meters, servers, tls_of_kairosdb, request):
    port = servers.kairosdb.port if host == "plain" else tls_of_kairosdb.port
    kairosdb_at(meters.meterbeat, "localhost" if host == "plain" else host, port,
                ca and request.getfixturevalue(ca))
    meters.meterbeat.ctl("check", status=1)
    assert why in meters.meterbeat.texts[-1][1]
    feed = m.house("tls", *m.days(3))
    record = meters.add(feed, last_date=last_day(feed.begin).strftime("%m/%d/%Y"))
    meters.start()
    found, text = meters.retrying(meters.send("parse", record))
    assert (found, why in text) == (code, True), text
    assert tls_of_kairosdb.carried == 0


# --- RabbitMQ -------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def broker(tmp_path_factory, authority):
    """A broker that speaks TLS as "localhost" only, and plain beside it."""
    folder, port = tmp_path_factory.mktemp("tls"), free_port()
    certificate, key = authority.issue("localhost")
    os.chmod(key, 0o644)
    rabbitmq = RabbitMQ(folder, [f"listeners.ssl.1 = 127.0.0.1:{port}",
                                 f"ssl_options.certfile = {certificate}", f"ssl_options.keyfile = {key}",
                                 "ssl_options.verify = verify_none"])
    rabbitmq.start()
    yield rabbitmq, port
    rabbitmq.kill()


def test_a_verified_tls_connection_works_like_any_other(broker, authority, meterbeat):
    rabbitmq, port = broker
    meterbeat.configure(log_level="debug", broker={
        "url": f"amqps://guest@localhost:{port}/", "ca_file": str(authority.certificate), "management_url": ""})
    worker = meterbeat.worker()
    consuming(worker)
    connection = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", rabbitmq.port))
    channel = connection.channel()
    task_id = send(channel, "meterbeat.sleep", 0)
    for _ in range(300):
        send(channel, "meterbeat.ping")
    done(worker, task_id)
    wait_until(lambda: channel.queue_declare(QUEUE, passive=True).method.message_count == 0, 30, "done")
    connection.close()
    assert worker.stop() == 0


@pytest.mark.parametrize("url, ca, code, why", [
    ("amqps://guest@localhost:{tls}/", "stranger", "broker_tls", "comes from no authority in broker.ca_file"),
    ("amqps://guest@localhost:{tls}/", None, "broker_tls", "comes from no authority in broker.ca_file"),
    ("amqps://guest@127.0.0.1:{tls}/", "authority", "broker_tls", "its certificate is for another name than broker.url's"),
    ("amqps://guest@localhost:{plain}/", "authority", "broker_tls", "does that port speak TLS"),
    ("amqp://guest@localhost:{tls}/", "authority", "broker_unreachable", "amqps://"),
], ids=["another-authority", "the-system-s", "another-name", "plain-port", "tls-port"])
def test_a_broker_that_cannot_prove_its_name_gets_no_password(url, ca, code, why, broker, meterbeat, request):
    rabbitmq, port = broker
    meterbeat.configure(broker={"url": url.format(tls=port, plain=rabbitmq.port), "management_url": "",
                                "ca_file": str(request.getfixturevalue(ca).certificate) if ca else ""})
    worker = meterbeat.worker()
    failed, = worker.wait_for_event("connect_failed")[:1]
    assert failed["code"] == code and why in failed["error"], failed
    assert not worker.events("consuming")
    assert worker.stop() == 0
    meterbeat.ctl("check", status=None)
    assert why in meterbeat.texts[-1][1]
