"""Fixtures of the system tests: the real servers, a place of its own for each test, and meterbeat itself."""
import itertools
import os
import pathlib
import sys
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "packaging/demo")]

from programs import Meterbeat  # noqa: E402
from servers import Servers  # noqa: E402

numbers = itertools.count(1)


@pytest.fixture(scope="session")
def build():
    """The build folder under test: METERBEAT_BUILD, by default build/dev."""
    return pathlib.Path(os.environ.get("METERBEAT_BUILD", ROOT / "build/dev")).resolve()


@pytest.fixture(scope="session")
def servers_of_session():
    with Servers() as servers:
        yield servers


@pytest.fixture
def servers(servers_of_session):
    """The three servers, all running: a test before this one may have left one stopped or paused."""
    for server in servers_of_session.all:
        if server.running():
            server.resume()
        else:
            server.start()
    return servers_of_session


@pytest.fixture
def place(servers, request):
    """Names of a test's own: virtual host, database, measurement; and the addresses that go with them."""
    name = f"t{os.getpid()}_{next(numbers)}"
    yield types.SimpleNamespace(
        name=name,
        vhost=name,
        amqp_url=servers.rabbitmq.create_vhost(name),
        database=name,
        database_url=servers.postgresql.create_database(name),
        measurement=name,
    )
    for server in (servers.rabbitmq, servers.postgresql):
        if server.running():
            server.resume()
        else:
            server.start()
    servers.rabbitmq.delete_vhost(name)
    servers.postgresql.drop_database(name)


@pytest.fixture
def settings(servers, place):
    """The settings of a test before it changes any: every wait short, every server its own place."""
    return {
        "broker": {"url": place.amqp_url, "management_url": servers.rabbitmq.management_url},
        "database": {"url": place.database_url},
        "kairosdb": {
            "insert_url": servers.kairosdb.insert_url,
            "query_url": servers.kairosdb.query_url,
            "measurement": place.measurement,
        },
        "local_timezone": "America/New_York",
        "timezone": "America/New_York",
    }


@pytest.fixture
def meterbeat(build, servers, settings, tmp_path):
    """meterbeat against the test's own place: meterbeat.configure(...), .worker(), .producer(), .ctl(...)."""
    made = Meterbeat(build, tmp_path, settings, {
        "METERBEAT_BROKER_PASSWORD": "guest",
        "METERBEAT_DATABASE_PASSWORD": servers.postgresql.password,
    })
    yield made
    made.end()


@pytest.fixture
def rows(servers, place):
    """rows("SELECT ...", parameters) in the test's database, as a list of tuples."""
    import psycopg

    def query(text, parameters=None):
        with psycopg.connect(place.database_url, password=servers.postgresql.password) as connection:
            cursor = connection.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []

    return query


@pytest.fixture
def connect(servers, place):
    """connect() opens a pika connection on the test's virtual host."""
    import pika

    opened = []

    def connection():
        opened.append(pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", servers.rabbitmq.port, place.vhost,
            pika.PlainCredentials("guest", "guest"))))
        return opened[-1]

    yield connection
    for connection in opened:
        try:
            connection.close()
        except pika.exceptions.AMQPError:
            pass  # the test ended it, or its broker


@pytest.fixture
def channel(connect):
    """A pika channel on the test's virtual host."""
    return connect().channel()
