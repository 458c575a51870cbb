"""Headers nested deeper than librabbitmq reads (100 levels from 0.14 on): one more bad message, and nothing else."""
import json
import struct

import pytest

import queues
from queues import DEAD, QUEUE, dead_letter, pings_are_done, wait_ready
from test_ctl import ready, with_queues  # noqa: F401  (fixtures)
from test_worker import RawHeaders

LEVELS = [101, 5000, 18000]


def nested(levels, text):
    """A table: an id, tables nested so deep, and a text behind them."""
    table = b""
    for _ in range(levels):
        table = b"\x01kF" + struct.pack(">I", len(table)) + table
    def entry(name, value):
        return bytes([len(name)]) + name.encode() + b"S" + struct.pack(">I", len(value)) + value.encode()
    return entry("id", text) + entry("task", "meterbeat.ping") + table + entry("mine", "kept")


@pytest.mark.parametrize("levels", LEVELS)
def test_a_message_with_such_headers_is_dead_once_with_its_reason_and_those_behind_it_run(
        worker_of, queue, connect, levels):
    queue.basic_publish("", QUEUE, b"[[], {}, null]", RawHeaders(nested(levels, f"deep-{levels}")))
    worker = worker_of()
    letter, body = dead_letter(connect)
    assert letter.headers["x-meterbeat-reason"] == "too_deep" and letter.headers["x-meterbeat-attempts"] == 1
    assert (letter.headers["id"], letter.headers["mine"]) == (f"deep-{levels}", "kept")
    assert json.loads(body) == [[], {}, None]
    pings_are_done(connect)
    assert queues.ready(connect, DEAD) == 0
    assert worker.stop() == 0
    assert len(worker.events("consuming")) == 1 and not worker.events("connection_lost")


def test_a_thousand_of_them_cost_no_connection_and_none_is_lost(worker_of, queue, connect):
    for number in range(1000):
        queue.basic_publish("", QUEUE, b"[[], {}, null]", RawHeaders(nested(150, f"many-{number}")))
    worker = worker_of()
    wait_ready(connect, 1000, DEAD, limit=60)
    pings_are_done(connect)
    assert worker.stop() == 0 and not worker.events("connection_lost")


@pytest.mark.parametrize("levels", LEVELS)
def test_a_dead_letter_with_such_headers_is_listed_shown_and_dropped(with_queues, channel, connect, levels):  # noqa: F811
    for name in ("one", "two"):
        channel.basic_publish("", DEAD, b"[[], {}, null]", RawHeaders(nested(levels, name)))
    wait_ready(connect, 2, DEAD)
    assert [entry["id"] for entry in with_queues.ctl_json("dead", "list", "--json")] == ["one", "two"]
    assert json.loads(with_queues.ctl("dead", "show", "two"))["headers"]["mine"] == "kept"
    assert with_queues.ctl("dead", "drop", "two") == "dropped two\n"
    wait_ready(connect, 1, DEAD)
    with_queues.ctl("dead", "drop", "--all")
    wait_ready(connect, 0, DEAD)
