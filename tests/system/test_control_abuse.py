"""Requests of remote control that no client should send: the worker goes on, answers, and keeps its connection.

On a virtual host without a worker of Celery's: a queue name of 256 bytes in add_consumer ends one.
"""
import time
import uuid

import pytest

from celery_peer import OURS, Mailbox, ours_alone
from servers import wait_until

pytestmark = [pytest.mark.timeout(180), ours_alone]


@pytest.fixture(scope="module")
def ours(new_cluster):
    return new_cluster().start_ours().answers(15)


@pytest.fixture
def mailbox(ours):
    made = Mailbox(ours.application)
    yield made
    made.connection.close()


def strange_requests(mailbox):
    """(name, body, options) of requests that no client should send."""
    good = mailbox.request
    yield "empty", b"", {}
    yield "no JSON", b"{[", {}
    yield "no UTF-8", b'{"method": "\xff"}', {}
    yield "no map", [1, 2], {}
    yield "an empty map", {}, {}
    yield "null", None, {}
    yield "10,000 deep", b"[" * 10000 + b"]" * 10000, {}
    yield "2 MB", good(arguments={"x": "y" * (2 << 20)}), {}
    yield "another type", good(), {"content_type": "text/plain"}
    yield "no type", good(), {"content_type": None}
    yield "pickle", b"\x80\x04N.", {"content_type": "application/x-python-serialize", "content_encoding": "binary"}
    yield "msgpack", b"\x81\xa6method\xa4ping", {"content_type": "application/x-msgpack", "content_encoding": "binary"}
    yield "bad msgpack", b"\xdd\xff\xff\xff\xff", {"content_type": "application/x-msgpack"}
    yield "clock in words", good(), {"clock": "late"}
    yield "clock of the far future", good(), {"clock": 2**62}
    yield "negative clock", good(), {"clock": -5}
    for expires in 0, 1.5, time.time() - 60, -1, 1e300, "soon", [], None:
        yield f"expires {expires!r}", good(), {"expires": expires}
    for method in None, 7, [], {}, "", "x" * 100000, "ping\nevent=x":
        yield f"method {str(method)[:10]!r}", good(method=method), {}
    for arguments in None, 7, "x", [], [1], True:
        yield f"arguments {arguments!r}", good(arguments=arguments), {}
    for destination in 7, "x", {}, {"a": 1}, [7], [None], [[]], True:
        yield f"destination {destination!r}", good(destination=destination), {}
    for reply_to in 7, "x", [], {}, {"exchange": 7, "routing_key": []}, {"exchange": "nowhere", "routing_key": "x"}, \
            {"exchange": "x" * 300, "routing_key": "y" * 300}, {"exchange": "amq.topic"}:
        yield f"reply_to {str(reply_to)[:40]}", good(reply_to=reply_to), {}
    for ticket in None, 7, [], {}, "t" * 100000:
        yield f"ticket {str(ticket)[:10]!r}", good(ticket=ticket), {}
    for pattern, matcher in (7, "glob"), ("*", 7), ("*", "nope"), ("(" * 5000, "pcre"), ("(a+)+$", "pcre"), ("[", "glob"):
        yield f"pattern {str(pattern)[:10]!r} {matcher!r}", good(pattern=pattern, matcher=matcher), {}
    for method, arguments in [
            ("revoke", {"task_id": 7}), ("revoke", {"task_id": [None, 7, {}, []]}), ("revoke", {"task_id": {"a": 1}}),
            ("revoke", {"task_id": "x" * 100000}), ("revoke", {"task_id": ["y"] * 50000}),
            ("revoke", {"task_id": "a\nb", "terminate": "yes"}), ("terminate", {"signal": -1, "task_id": "x"}),
            ("query_task", {"ids": 7}), ("query_task", {"ids": [7, None, {}]}), ("query_task", {"ids": ["z"] * 50000}),
            ("rate_limit", {"task_name": 7, "rate_limit": []}), ("rate_limit", {"task_name": "meterbeat.ping", "rate_limit": {}}),
            ("time_limit", {"task_name": "parse", "soft": "x", "hard": []}),
            ("time_limit", {"task_name": "aggregate", "soft": -1, "hard": 1e308}),
            ("time_limit", {"task_name": [], "hard": 1}),
            ("add_consumer", {"queue": "amq.reserved"}), ("add_consumer", {"queue": [], "exchange": {}}),
            ("add_consumer", {"queue": "odd", "exchange": "amq.direct", "exchange_type": "fanout"}),
            *(("add_consumer", {"queue": queue}) for queue in ("q" * 300, "", 7, None)),
            ("cancel_consumer", {"queue": {}}), ("cancel_consumer", {"queue": "q" * 300}), ("hello", {"from_node": 7, "revoked": 7}),
            ("hello", {"from_node": "x@y", "revoked": [7, None, {}]}), ("hello", {"from_node": "x@y", "revoked": ["r"] * 50000}),
            ("registered", {"taskinfoitems": 7}), ("registered", {"taskinfoitems": [7, None, "__class__", "x" * 1000]}),
            ("active", {"safe": "maybe"}), ("conf", {"with_defaults": []}), ("enable_events", {"x": 1}),
            ("election", {"id": "x", "topic": "y", "action": "z"}), ("objgraph", {}), ("memdump", {"samples": -1}),
            ("pool_grow", {"n": "x"}), ("autoscale", {"max": [], "min": {}})]:
        yield f"{method} {str(arguments)[:60]}", good(method=method, arguments=arguments), {}


def test_no_request_hurts_the_worker(mailbox, ours):
    """After each of them it answers, and at the end its connection and its tasks are as before."""
    for name, body, options in strange_requests(mailbox):
        mailbox.send(body, **options)
        probe = mailbox.request()
        mailbox.send(probe)
        try:
            wait_until(lambda: mailbox.replies_to(probe["ticket"]), 10, "an answer", pause=0)
        except TimeoutError:
            pytest.fail(f"no answer after: {name}\n{ours.program.tail()}")
    for queue in ours.ask("active_queues"):
        if queue["name"] != OURS:
            ours.ask("cancel_consumer", queue=queue["name"])
    assert ours.send("meterbeat.ping").get(timeout=30) == "pong"
    assert len(ours.program.events("connection_lost")) == 0, "a request cost the connection"


def test_a_request_without_reply_to_is_carried_out(mailbox, ours):
    task_id = str(uuid.uuid4())
    request = mailbox.request("revoke", arguments={"task_id": task_id})
    del request["reply_to"], request["ticket"]
    mailbox.send(request)
    wait_until(lambda: task_id in ours.ask("revoked"), 10, "carried out")
