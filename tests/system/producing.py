"""What tests of the producer share: its messages and ticks as they come, and clocks that step."""
import os
import pathlib
import shutil
import tempfile
import time

import pika
import pytest
from servers import PostgreSQL, wait_until


def entry(name, every, **more):
    return {"name": name, "task": "parse", "every": every, **more}


def due_seconds(due_at):
    return int(due_at.timestamp())


class Collector:
    """Takes every message of a queue as it arrives: those of frequent entries expire quickly."""

    def __init__(self, servers, place, queue="meterbeat"):
        self.parameters = pika.ConnectionParameters(
            "127.0.0.1", servers.rabbitmq.port, place.vhost, pika.PlainCredentials("guest", "guest"))
        self.queue, self.messages, self.connection = queue, [], None

    def connect(self):
        self.connection = pika.BlockingConnection(self.parameters)
        channel = self.connection.channel()
        channel.queue_declare(self.queue, durable=True)
        channel.basic_consume(self.queue, self.take, auto_ack=True)

    def take(self, _channel, _method, properties, body):
        self.messages.append((properties, body))

    def pump(self, seconds=0.05):
        try:
            if self.connection is None:
                self.connect()
            self.connection.process_data_events(seconds)
        except (pika.exceptions.AMQPError, OSError):
            self.connection = None
            time.sleep(seconds)

    def until(self, condition, limit, what):
        """Collects until condition() is true."""
        def pumped():
            self.pump()
            return condition()
        return wait_until(pumped, limit, what, pause=0)

    def ids(self):
        return [properties.headers["id"] for properties, _ in self.messages]

    def of(self, name):
        return [m for m in self.messages if m[0].headers["periodic_task_name"] == name]


@pytest.fixture
def collector(servers, place):
    made = Collector(servers, place)
    yield made
    if made.connection is not None and made.connection.is_open:
        made.connection.close()


@pytest.fixture
def tables(meterbeat):
    """The tables, in the test's database."""
    meterbeat.ctl("init-db")


@pytest.fixture
def schedule(meterbeat, tables):
    """schedule(entry, …, **producer settings) writes the configuration."""
    def configure(*entries, **producer):
        meterbeat.configure(schedule=list(entries), producer={"relay_after_s": 1, **producer},
                            broker={"reconnect_max_s": 1})
    return configure


@pytest.fixture
def ticks(rows):
    """ticks("name") -> [(due, task id)] in order, due in seconds."""
    def query(name):
        return [(due_seconds(due), task_id) for due, task_id in rows(
            "SELECT due_at, task_id FROM meterbeat.tick WHERE entry = %s ORDER BY due_at", (name,))]
    return query


@pytest.fixture
def outbox(rows):
    return lambda: rows("SELECT count(*) FROM meterbeat.outbox")[0][0]


def assert_on_grid(ticks, period):
    """One tick for each due time between the first and the last."""
    dues = [due for due, _ in ticks]
    assert dues == list(range(dues[0], dues[-1] + 1, period))
    assert dues[0] % period == 0


class SteppedClock:
    """A wall clock ahead of the machine's by as many seconds as it is told."""

    def __init__(self, build, folder):
        self.file, self.library = folder / "ahead", folder / "stepped_clock.so"
        shutil.copy(build / "tests/libstepped_clock.so", self.library)
        self.library.chmod(0o755)
        self.environment = {"LD_PRELOAD": str(self.library), "METERBEAT_TEST_CLOCK": str(self.file),
                            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.ahead(0)

    def ahead(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(str(seconds))
        new.chmod(0o644)
        new.replace(self.file)


@pytest.fixture
def clock(build):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-"))
    folder.chmod(0o711)
    yield SteppedClock(build, folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stepped_postgresql(clock):
    """A PostgreSQL of the test's own that goes by the stepped clock."""
    class Stepped(PostgreSQL):
        def environment(self):
            return {**super().environment(), **clock.environment}

    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-"))
    server = Stepped(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
