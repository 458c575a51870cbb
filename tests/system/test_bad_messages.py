"""Bad messages: each is dead with its reason and the worker lives on. Celery's own worker exits at some of them."""
import bz2
import json
import zlib

import msgpack
import pika
import pytest

from celery_peer import Application
from queues import DEAD, QUEUE, consuming, dead_letter, pings_are_done, ready
from servers import wait_until


def deep(levels):
    return "[" * levels + "]" * levels


def nested_table(levels):
    table = value = {}
    for _ in range(levels):
        value["k"] = {}
        value = value["k"]
    return table


JSON = {"content_type": "application/json", "content_encoding": "utf-8"}
MSGPACK = {"content_type": "application/x-msgpack", "content_encoding": "binary"}
PING = {"task": "meterbeat.ping", "id": "0f5c3c1e-0000-4000-8000-000000000001"}
BODY = b"[[], {}, null]"
V1 = {"task": "meterbeat.ping", "id": PING["id"], "args": [], "kwargs": {}}


def json_with(body=BODY, **headers):
    """A ping with other headers (None: without it) and perhaps another body."""
    return body, {**JSON, "headers": {name: value for name, value in {**PING, **headers}.items() if value is not None}}


def v1(changes, without=()):
    return json.dumps({name: value for name, value in {**V1, **changes}.items() if name not in without}).encode(), JSON


def bad(message, reason):
    return (*message, reason)


BAD_MESSAGES = {
    # whose headers say no Celery message
    "no Celery message": (b"\"hello\"", JSON, "not_celery"),
    "nothing at all": (b"", {}, "bad_content_type"),
    "a list without headers": (BODY, JSON, "not_celery"),
    "a task name that is a number": bad(json_with(task=7), "not_celery"),
    "an empty task name": bad(json_with(task=""), "not_celery"),
    "an unknown task": bad(json_with(task="nope"), "unknown_task"),
    "a task name with a line break": bad(json_with(task="meterbeat.ping\nevent=task_done"), "not_celery"),
    "no id": bad(json_with(id=None), "bad_id"),
    "an id that is a number": bad(json_with(id=7), "bad_id"),
    "an empty id": bad(json_with(id=""), "bad_id"),
    "an id with a line break": bad(json_with(id="a\nevent=task_done"), "bad_id"),
    "an id of 256 bytes": bad(json_with(id="i" * 256), "bad_id"),
    "an eta that is no time": bad(json_with(eta="soon"), "bad_eta"),
    "an eta that is a number": bad(json_with(eta=1795453755), "bad_eta"),
    "an eta on 30 February": bad(json_with(eta="2026-02-30T00:00:00"), "bad_eta"),
    "expires that is no time": bad(json_with(expires="later"), "bad_expires"),
    "a time limit of one": bad(json_with(timelimit=[30]), "bad_timelimit"),
    "a time limit of three": bad(json_with(timelimit=[30, 20, 10]), "bad_timelimit"),
    "a time limit in words": bad(json_with(timelimit=["long", None]), "bad_timelimit"),
    "headers 200 deep": bad(json_with(h=nested_table(200)), "too_deep"),
    # whose type, encoding or compression is none of ours
    "no content type": (BODY, {"headers": PING}, "bad_content_type"),
    "pickle": (BODY, {"content_type": "application/x-python-serialize", "headers": PING}, "bad_content_type"),
    "YAML": (BODY, {"content_type": "application/x-yaml", "headers": PING}, "bad_content_type"),
    "JSON in capitals": (BODY, {"content_type": "application/JSON", "headers": PING}, "bad_content_type"),
    "UTF-16": ("[[], {}, null]".encode("utf-16"), {**JSON, "content_encoding": "utf-16", "headers": PING},
               "bad_content_type"),
    "an unknown compression": bad(json_with(compression="application/x-brotli"), "bad_compression"),
    "gzip that is none": bad(json_with(compression="application/x-gzip"), "bad_compression"),
    "gzip cut short": bad(json_with(zlib.compress(BODY)[:-3], compression="application/x-gzip"), "bad_compression"),
    "bzip2 with more behind": bad(json_with(bz2.compress(BODY) + b"more", compression="application/x-bz2"),
                                  "bad_compression"),
    "a gzip bomb": bad(json_with(zlib.compress(b" " * (64 << 20)), compression="application/x-gzip"), "too_large"),
    # whose body is no arguments
    "no JSON": bad(json_with(b"{["), "bad_body"),
    "no UTF-8": bad(json_with(b'[["\xff"], {}, null]'), "bad_body"),
    "half a surrogate pair": bad(json_with(b'[["\\ud800"], {}, null]'), "bad_body"),
    "NUL in a text": bad(json_with(b'[["a\\u0000b"], {}, null]'), "bad_body"),
    "not a number": bad(json_with(b"[[NaN], {}, null]"), "bad_body"),
    "a number of 30 digits": bad(json_with(b"[[123456789012345678901234567890], {}, null]"), "bad_body"),
    "JSON and more behind": bad(json_with(BODY + b" x"), "bad_body"),
    "a body of one element": bad(json_with(b"[[]]"), "bad_body"),
    "a body of four elements": bad(json_with(b"[[], {}, null, null]"), "bad_body"),
    "a map without args": bad(json_with(b'{"kwargs": {}}'), "bad_body"),
    "embed that is a list": bad(json_with(b"[[], {}, []]"), "bad_body"),
    "a Python type that nobody knows": bad(
        json_with(b'[[{"__type__": "module.Class", "__value__": 1}], {}, null]'), "bad_body"),
    "a date that is none": bad(
        json_with(b'[[{"__type__": "date", "__value__": "2026-02-30"}], {}, null]'), "bad_body"),
    "args null": bad(json_with(b"[null, {}, null]"), "bad_arguments"),
    "args that are a text": bad(json_with(b'["soon", {}, null]'), "bad_arguments"),
    "kwargs null": bad(json_with(b"[[], null, null]"), "bad_arguments"),
    "kwargs that are a list": bad(json_with(b"[[], [], null]"), "bad_arguments"),
    "wrong arguments": bad(json_with(b'[["soon"], {}, null]', task="meterbeat.sleep"), "bad_arguments"),
    "arguments out of range": bad(json_with(b"[[-1], {}, null]", task="meterbeat.sleep"), "bad_arguments"),
    "16 MB": bad(json_with(b"x" * (16 << 20)), "too_large"),
    "10,000 deep": bad(json_with(f"[{deep(10000)}, {{}}, null]".encode()), "too_deep"),
    # msgpack
    "msgpack cut short": (msgpack.packb([[], {}, None])[:-1], {**MSGPACK, "headers": PING}, "bad_body"),
    "msgpack of 4,000 million elements": (b"\xdd\xff\xff\xff\xff", {**MSGPACK, "headers": PING}, "bad_body"),
    "a msgpack extension": (msgpack.packb([[msgpack.ExtType(5, b"x")], {}, None]), {**MSGPACK, "headers": PING},
                            "bad_body"),
    "a msgpack map with numbers for keys": (msgpack.packb([[{1: 2}], {}, None]), {**MSGPACK, "headers": PING},
                                            "bad_body"),
    "msgpack 200 deep": (b"\x91" * 200 + b"\xc0", {**MSGPACK, "headers": PING}, "too_deep"),
    # protocol 1
    "protocol 1 without a task": bad(v1({}, without=["task"]), "not_celery"),
    "protocol 1 without an id": bad(v1({}, without=["id"]), "bad_id"),
    "protocol 1 with args that are a map": bad(v1({"args": {}}), "bad_arguments"),
    "protocol 1 with a bad time": bad(v1({"eta": "soon"}), "bad_eta"),
}

# A stock worker of Celery 5.7 exits at these and takes them again when it is started again.
CELERY_EXITS = ["no id", "no content type", "a body of four elements", "a time limit of three"]


@pytest.mark.tsan
def test_each_bad_message_is_dead_with_its_reason_and_the_worker_lives_on(worker_of, queue, connect):
    assert len(BAD_MESSAGES) >= 28
    worker, others = worker_of(), {}
    for name, (body, properties, reason) in BAD_MESSAGES.items():
        queue.basic_publish("", QUEUE, body, pika.BasicProperties(delivery_mode=2, **properties))
        letter, dead_body = dead_letter(connect)
        if letter.headers["x-meterbeat-reason"] != reason:
            others[name] = reason, letter.headers["x-meterbeat-reason"], letter.headers["x-meterbeat-error"]
        assert letter.headers["x-meterbeat-error"] and letter.headers["x-meterbeat-time"], name
        assert letter.headers["x-meterbeat-queue"] == QUEUE, name
        assert letter.headers["x-meterbeat-worker"].startswith("meterbeat-worker@"), name
        assert letter.headers["x-meterbeat-attempts"] == 1, name
        assert dead_body == body and letter.delivery_mode == 2, name
        assert letter.content_type == properties.get("content_type"), name
        if "headers" in properties and "h" not in properties["headers"]:
            assert properties["headers"].items() <= letter.headers.items(), name
    assert others == {}, "other reasons than expected"
    pings_are_done(connect)
    assert worker.stop() == 0
    assert len(worker.events("consuming")) == 1, "a message cost the connection"
    assert not worker.events("task_done", task_id="a"), "a message wrote a line of the log"


def test_a_celery_worker_exits_at_messages_that_ours_only_puts_aside(worker_of, queue, connect, servers, place,
                                                                     tmp_path):
    """Four of its workers, each with one bad message in a queue of its own, end; one of ours takes all four."""
    celery = Application(tmp_path, place.amqp_url.replace("guest@", "guest:guest@"),
                         servers.rabbitmq.management_url.replace("//", "//guest:guest@"))
    ended = []
    try:
        for number, name in enumerate(CELERY_EXITS):
            queue.queue_declare(f"theirs-{number}", durable=True)
            for where in f"theirs-{number}", QUEUE:
                queue.basic_publish("", where, BAD_MESSAGES[name][0], pika.BasicProperties(
                    delivery_mode=2, **BAD_MESSAGES[name][1]))
            ended.append(celery.start("worker", "-n", f"exits-{number}", "-Q", f"theirs-{number}", "-P", "solo",
                                      "--without-mingle", "--without-gossip"))
        for number, program in enumerate(ended):
            assert program.wait(60) != 0, CELERY_EXITS[number]
            assert "Unrecoverable error" in program.text(), program.tail()
            wait_until(lambda: ready(connect, f"theirs-{number}") == 1, 30, "it comes again")
    finally:
        celery.end()
    worker = worker_of()
    consuming(worker)
    wait_until(lambda: ready(connect, DEAD) == len(CELERY_EXITS), 30, "all dead")
    pings_are_done(connect)
    assert worker.stop() == 0
