"""Writes celery-VERSION.json: task messages as the installed Celery sends them, and what its own worker reads in them.

    python -m venv v && v/bin/pip install celery==5.7.0 msgpack && v/bin/python capture.py

Nothing is sent to a server: kombu's in-memory transport holds what would go to one. Times, ids and names are fixed,
so that the file changes only when Celery does.
"""
import base64
import datetime
import decimal
import json
import pathlib
import uuid
from unittest import mock

import celery
import kombu
from celery.utils.time import maybe_iso8601, maybe_make_aware
from celery.worker.request import Request
from celery.worker.strategy import hybrid_to_proto2, proto1_to_proto2
from kombu.message import Message
from kombu.utils.json import dumps

ID = "5f0c1b0e-8a57-4ef1-93a6-1f1b0a4ba6f4"
PARENT = "0d5e2d76-2f3b-4f0e-9d43-9a3f4f5b1c11"
NOW = datetime.datetime(2026, 11, 23, 17, 9, 15, 804443, tzinfo=datetime.timezone.utc)
BERLIN_WINTER = datetime.timezone(datetime.timedelta(hours=1))
STEPS = ["callbacks", "errbacks", "chain", "chord"]

app = celery.Celery("capture", broker="memory://", backend=None)
app.conf.update(accept_content=["json", "msgpack"], task_default_queue="capture")


@app.task(name="parse")
def parse(*args, **kwargs):
    return args, kwargs


def later(seconds):
    return NOW + datetime.timedelta(seconds=seconds)


# name -> (args, kwargs, options of apply_async)
SENT = {
    "plain": ([7], {}, {}),
    "tuple": ((7, "it's"), {"force": True}, {}),
    "no arguments": (None, None, {}),
    "json values": ([None, True, 1.5, -0.0, 1e300, 2**53, -2**63, 2**63 - 1, "é€😀\"\\\n", "", [[]], {"k": {}}], {}, {}),
    "extended types": (
        [NOW, NOW.date(), NOW.time(), decimal.Decimal("12.50"), uuid.UUID(ID), b"text", b"\xff\x00"],
        {"when": later(60), "local": NOW.astimezone(BERLIN_WINTER), "naive": datetime.datetime(2026, 1, 1)}, {}),
    "eta": ([1], {}, {"eta": later(3600)}),
    "naive eta": ([1], {}, {"eta": datetime.datetime(2030, 1, 1)}),
    "local eta": ([1], {}, {"eta": later(3600).astimezone(BERLIN_WINTER)}),
    "expires at": ([1], {}, {"expires": later(30)}),
    "time limits": ([1], {}, {"time_limit": 30, "soft_time_limit": 20.5}),
    "one time limit": ([1], {}, {"soft_time_limit": 20}),
    "priority": ([1], {}, {"priority": 3}),
    "ignored result": ([1], {}, {"ignore_result": True}),
    "retry": ([1], {}, {"retries": 2, "parent_id": PARENT, "root_id": PARENT}),
    "shadow": ([1], {}, {"shadow": "another name"}),
    "custom headers": ([1], {}, {"headers": {"tenant": "north", "list": [1, None, {"k": 1.5}]}}),
    "links": ([1], {}, {"link": parse.s(2), "link_error": parse.si(3)}),
    "group": ([1], {}, {"group_id": PARENT, "group_index": 4}),
    "chain": ([1], {}, {"chain": [parse.s(3), parse.si(2)]}),
    "chord": ([1], {}, {"chord": parse.s()}),
    "msgpack": ([7, -1, 2**40, -2**40, 2**63 - 1, -2**63, 1.5, "é", b"\xff", b"text", None, True, [[]], {"k": {}}],
                {"k": "x" * 40, "l": list(range(20))}, {"serializer": "msgpack"}),
    "msgpack long": (["x" * 300, b"y" * 300, list(range(-300, 300))], {str(i): i for i in range(70)},
                     {"serializer": "msgpack"}),
    "gzip": (["x" * 500], {}, {"compression": "gzip"}),
    "bzip2": (["x" * 500], {}, {"compression": "bzip2"}),
    "gzip msgpack": (["x" * 500], {}, {"compression": "zlib", "serializer": "msgpack"}),
}
SENT_BY_PROTOCOL_1 = {
    "protocol 1": ([7], {"force": True}, {}),
    "protocol 1 eta": ([1], {}, {"eta": later(3600), "expires": later(7200), "time_limit": 30, "group_id": PARENT,
                                 "link": parse.s(2), "retries": 1}),
    "protocol 1 msgpack": ([b"\xff"], {}, {"serializer": "msgpack"}),
}


def send(args, kwargs, options):
    """What apply_async hands to the transport: properties, headers, body bytes."""
    options = {"task_id": ID, "reply_to": "replies", "queue": "capture", **options}
    with mock.patch("celery.app.amqp.anon_nodename", return_value="gen1@client"):
        with mock.patch.object(type(app), "now", return_value=NOW):
            app.send_task("parse", args, kwargs, **options)
    with app.connection_for_read() as connection:
        raw = connection.default_channel._get("capture")
    properties = raw["properties"]
    return {
        "content_type": raw["content-type"],
        "content_encoding": raw["content-encoding"],
        "correlation_id": properties["correlation_id"],
        "reply_to": properties["reply_to"],
        "expiration": properties.get("expiration"),
        "priority": properties["priority"],
        "headers": raw["headers"],
        "body": raw["body"] if properties["body_encoding"] == "base64" else
        base64.b64encode(raw["body"].encode()).decode(),
    }


def milliseconds(text):
    if text is None:
        return 0
    when = maybe_make_aware(maybe_iso8601(text), datetime.timezone.utc)
    return (when - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) // datetime.timedelta(milliseconds=1)


def as_json(value, body_type):
    """A decoded value in the form that JSON carries it in; bytes of msgpack always as base64."""
    if body_type == "application/x-msgpack":
        if isinstance(value, bytes):
            return {"__type__": "base64", "__value__": base64.b64encode(value).decode()}
        if isinstance(value, (list, tuple)):
            return [as_json(item, body_type) for item in value]
        if isinstance(value, dict):
            return {key: as_json(item, body_type) for key, item in value.items()}
        return value
    return json.loads(dumps(value))


def understood(envelope):
    """What Celery's own worker makes of the message, through its own strategy and request."""
    headers = envelope["headers"]
    message = Message(body=base64.b64decode(envelope["body"]), content_type=envelope["content_type"],
                      content_encoding=envelope["content_encoding"], headers=headers,
                      properties={"reply_to": envelope["reply_to"], "correlation_id": envelope["correlation_id"]},
                      accept={"application/json", "application/x-msgpack"})
    protocol = 2 if "task" in headers else 1
    payload = message.decode()
    if isinstance(payload, dict):
        convert = hybrid_to_proto2 if protocol == 2 else proto1_to_proto2
        payload, headers, _, _ = convert(message, dict(payload))
    request = Request(message, app=app, task=parse, headers=headers, body=payload, decoded=True)
    args, kwargs, embed = payload
    hard, soft = request.time_limits or (None, None)
    return {
        "protocol": protocol,
        "id": request.id,
        "task": headers["task"],
        "args": as_json(args, envelope["content_type"]),
        "kwargs": as_json(kwargs, envelope["content_type"]),
        "embed": {step: as_json((embed or {}).get(step), envelope["content_type"]) for step in STEPS},
        "eta_ms": milliseconds(headers.get("eta")),
        "expires_ms": milliseconds(headers.get("expires")),
        "hard_limit_ms": int((hard or 0) * 1000),
        "soft_limit_ms": int((soft or 0) * 1000),
        "retries": headers.get("retries") or 0,
        "ignore_result": bool(headers.get("ignore_result")),
        "root_id": headers.get("root_id"),
        "parent_id": headers.get("parent_id"),
        "group_id": headers.get("group"),
        "origin": headers.get("origin"),
        "reply_to": envelope["reply_to"],
        "priority": envelope["priority"],
    }


def minimal(headers, body, content_type="application/json", content_encoding="utf-8"):
    return {"content_type": content_type, "content_encoding": content_encoding, "correlation_id": ID,
            "reply_to": "replies", "expiration": None, "priority": None, "headers": headers,
            "body": base64.b64encode(body.encode()).decode()}


# Written by hand, read by Celery: what its clients do not send but its worker runs.
BY_HAND = {
    "minimal": minimal({"lang": "c", "task": "parse", "id": ID}, "[[1], {}, null]"),
    "minimal protocol 1": minimal({}, json.dumps({"task": "parse", "id": ID, "args": [1], "kwargs": {}})),
    "protocol 1 without arguments": minimal({}, json.dumps({"task": "parse", "id": ID})),
    "hybrid": minimal({"task": "parse", "id": ID, "retries": 5},
                      json.dumps({"args": [1], "kwargs": {"k": 1}, "retries": 1, "expires": "2030-01-01"})),
    "protocol 1 in a zone of its own": minimal(
        {}, json.dumps({"task": "parse", "id": ID, "args": [1], "kwargs": {}, "utc": False, "eta": "2030-01-01T00:00:00"})),
    "no time limit": minimal({"task": "parse", "id": ID, "timelimit": None}, "[[1], {}, null]"),
    "date for a time": minimal({"task": "parse", "id": ID, "eta": "2030-01-01", "expires": "2030-01-02T03:04:05Z"},
                               "[[1], {}, null]"),
}


def main():
    captured = {}
    for protocol, cases in (2, SENT), (1, SENT_BY_PROTOCOL_1):
        app.conf.task_protocol = protocol
        app.__dict__.pop("amqp", None)
        for name, case in cases.items():
            try:
                captured[name] = send(*case)
            except kombu.exceptions.EncodeError as error:  # bytes in JSON came with kombu 5.3
                print(f"not captured: {name}: {error}")
    captured.update(BY_HAND)
    cases = [{"name": name, "envelope": envelope, "expect": understood(envelope)}
             for name, envelope in captured.items()]
    path = pathlib.Path(__file__).with_name(f"celery-{celery.__version__}.json")
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    path.write_text(f"[{lines}]\n", encoding="utf-8")
    print(f"{path.name}: {len(cases)} messages of celery {celery.__version__}, kombu {kombu.__version__}")


if __name__ == "__main__":
    main()
