"""Fixtures of the system tests: the real servers, a place of its own for each test, and meterbeat itself."""
import collections
import contextlib
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
SECONDS = pathlib.Path(__file__).with_name("seconds.tsv")  # docs/testing.md says how to write it anew
USUAL_SECONDS = 2


def known_seconds():
    lines = SECONDS.read_text(encoding="utf-8").splitlines()
    return {name: float(seconds) for seconds, name in (line.split("\t") for line in lines)}


def shares_a_fixture(item):
    """A fixture of the test's module: whoever runs one of its tests should run them all."""
    definitions = item._fixtureinfo.name2fixturedefs
    return any(definitions[name][-1].scope == "module" for name in item.fixturenames if definitions.get(name))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """For `--dist loadgroup`: the longest first, so that all processes end together. A test goes by itself, one that
    shares a fixture of its module with that module; whose time is not known takes as long as most."""
    if not config.getoption("loadgroup", False):
        return
    known, seconds, group_of = known_seconds(), collections.Counter(), {}
    for item in items:
        test = item.nodeid.rsplit("/", 1)[-1]
        group_of[item] = item.path.name if shares_a_fixture(item) else test
        seconds[group_of[item]] += known.get(test, USUAL_SECONDS)
        if shares_a_fixture(item):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
    items.sort(key=lambda item: (-seconds[group_of[item]], group_of[item]))


@pytest.fixture(scope="session")
def build():
    """The build folder under test: METERBEAT_BUILD, by default build/dev."""
    return pathlib.Path(os.environ.get("METERBEAT_BUILD", ROOT / "build/dev")).resolve()


@pytest.fixture(scope="session")
def servers_of_session():
    with Servers() as servers:
        yield servers


def set_going(*servers):
    """Each runs: a test may have left one stopped or paused."""
    for server in servers:
        if server.running():
            server.resume()
        else:
            server.start()


@contextlib.contextmanager
def new_place(servers):
    name = f"t{os.getpid()}_{next(numbers)}"
    yield types.SimpleNamespace(
        name=name,
        vhost=name,
        amqp_url=servers.rabbitmq.create_vhost(name),
        database=name,
        database_url=servers.postgresql.create_database(name),
        measurement=name,
    )
    set_going(servers.rabbitmq, servers.postgresql)
    servers.rabbitmq.delete_vhost(name)
    servers.postgresql.drop_database(name)


@pytest.fixture
def servers(servers_of_session):
    """The three servers, all running."""
    set_going(*servers_of_session.all)
    return servers_of_session


@pytest.fixture
def place(servers):
    """Names of a test's own: virtual host, database, measurement; and the addresses that go with them."""
    with new_place(servers) as made:
        yield made


def settings_for(servers, place):
    return {
        "broker": {"url": place.amqp_url, "management_url": servers.rabbitmq.management_url},
        "database": {"url": place.database_url},
        "kairosdb": {
            "insert_url": servers.kairosdb.insert_url,
            "query_url": servers.kairosdb.query_url,
            "measurement": place.measurement,
        },
        "feed": {"allow_addresses": "127.0.0.0/8"},  # where the tests' own feed servers are
        "local_timezone": "America/New_York",
        "timezone": "America/New_York",
    }


def meterbeat_for(build, servers, settings, folder):
    return Meterbeat(build, folder, settings, {
        "METERBEAT_BROKER_PASSWORD": "guest",
        "METERBEAT_DATABASE_PASSWORD": servers.postgresql.password,
    })


@pytest.fixture
def settings(servers, place):
    """The settings of a test before it changes any: every wait short, every server its own place."""
    return settings_for(servers, place)


@pytest.fixture
def meterbeat(build, servers, settings, tmp_path):
    """meterbeat against the test's own place: meterbeat.configure(...), .worker(), .producer(), .ctl(...)."""
    made = meterbeat_for(build, servers, settings, tmp_path)
    yield made
    made.end()


@pytest.fixture(scope="module")
def new_cluster(build, servers_of_session, tmp_path_factory):
    """new_cluster(**celery settings): a virtual host of a module's own for workers of Celery's and of ours, and for
    the client of both. Start them with .start(), or .start_ours() alone."""
    from celery_peer import Application, Cluster

    with contextlib.ExitStack() as stack:
        def cluster(**celery):
            servers = servers_of_session
            set_going(*servers.all)
            place, folder = stack.enter_context(new_place(servers)), tmp_path_factory.mktemp("cluster")
            meterbeat = meterbeat_for(build, servers, settings_for(servers, place), folder)
            meterbeat.configure(log_level="debug", worker={"prefetch": 4, "retry_delays_s": (60, 120)})
            meterbeat.ctl("init-db")
            made = Cluster(Application(folder, place.amqp_url.replace("guest@", "guest:guest@"),
                                       servers.rabbitmq.management_url.replace("//", "//guest:guest@"), **celery),
                           meterbeat)
            stack.callback(made.end)
            return made

        yield cluster


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


@pytest.fixture
def queue(channel):
    """The work queue, declared as a Celery application would before any worker is there."""
    channel.queue_declare("meterbeat", durable=True)
    channel.confirm_delivery()  # or a broker that is killed may never have had the message
    return channel


@pytest.fixture
def worker_of(meterbeat):
    """worker_of(prefetch=3, heartbeat_s=2, ...) starts a worker that consumes."""
    def start(*arguments, heartbeat_s=5, environment=None, **changes):
        meterbeat.configure(
            broker={"heartbeat_s": heartbeat_s, "reconnect_max_s": 2}, log_level="debug",
            worker={"retry_delays_s": (1, 2), **changes})
        worker = meterbeat.worker(*arguments, environment=environment)
        worker.wait_for_event("consuming")
        return worker
    return start
