"""Writes steps-VERSION.json: what the installed Celery's own worker sends after a task: results and follow-up messages.

    python -m venv v && v/bin/pip install celery==5.7.0 msgpack && v/bin/python capture_steps.py

Celery's client makes each message, Celery's worker runs it, and kombu's in-memory transport keeps what it sends. What
only this worker's process decides is left out: its own name, its reply queue, argsrepr, the lines of a traceback.
"""
import base64
import datetime
import json
import pathlib
import uuid
from unittest import mock

import celery
from celery import chain, chord, group, signature
from celery.app.trace import trace_task
from celery.canvas import StampingVisitor, xstarmap
from celery.exceptions import NotRegistered, Retry
from celery.utils.objects import Bunch
from celery.worker.request import Request
from kombu.message import Message
from kombu.transport import memory

NOW = datetime.datetime(2026, 11, 23, 17, 9, 15, 804000, tzinfo=datetime.timezone.utc)
OWN = ["lang", "argsrepr", "kwargsrepr", "origin"]
CLIENT, WORKER = "replies", "the worker's own"

app = celery.Celery("capture", broker="memory://", backend="rpc://")
app.conf.update(task_default_queue="capture", result_expires=None)
sent = []


@app.task(name="parse", bind=True)
def parse(self, *args, fail=None, retry=None, **kwargs):
    if fail:
        raise ValueError(fail)
    if retry:
        raise Retry(exc=ValueError(retry))
    return {"sum": 3}


def add(*args, **options):
    """A task that this worker does not have."""
    return signature("other.add", args=args, app=app, **options)


class Stamp(StampingVisitor):
    def on_signature(self, sig, **headers):
        return {"tenant": "north", "stamped_headers": ["tenant"]}


def stamped(sig):
    sig.stamp(Stamp())
    return sig


def frozen(sig):
    """As a client's chain() leaves the steps of its message: with ids and where results go."""
    with mock.patch.object(type(app), "thread_oid", CLIENT):
        sig.freeze()
    return sig


def linked(sig, **options):
    return sig.set(**options)


# name -> canvas whose first task is parse
CASES = {
    "nothing": lambda: parse.s(1),
    "ignored": lambda: parse.s(1).set(ignore_result=True),
    "child in a group": lambda: parse.s(1).set(parent_id="p", root_id="r", group_id="g"),
    "link": lambda: parse.s(1).set(link=[add(2)]),
    "immutable link": lambda: parse.s(1).set(link=[add(2, immutable=True)]),
    "two links": lambda: parse.s(1).set(link=[add(2), add(3, kwargs={"k": 1})]),
    "link with options": lambda: parse.s(1).set(link=[linked(
        add(2), task_id="given", queue="elsewhere", priority=7, countdown=60, expires=120, time_limit=30,
        soft_time_limit=20, headers={"tenant": "south"}, shadow="shown", retries=2, ignore_result=True,
        reply_to=CLIENT, group_id="g2")]),
    "link with an eta": lambda: parse.s(1).set(link=[linked(add(2), eta="2030-01-01T00:00:00+00:00")]),
    "link with links": lambda: parse.s(1).set(link=[linked(
        add(2), link=[add(3)], link_error=[add(4, immutable=True)])]),
    "one link not in a list": lambda: parse.s(1).set(link=[linked(add(2), link=add(3))]),
    "chain": lambda: parse.s(1) | add(2),
    "chain of three": lambda: parse.s(1) | add(2) | add(3, immutable=True),
    "chain and link": lambda: (parse.s(1).set(link=[add(9)]) | add(2) | add(3)),
    "chain into a group": lambda: parse.s(1) | group(add(2), add(3, immutable=True)),
    "chain in a link": lambda: parse.s(1).set(link=[chain(add(2), add(3), add(4))]),
    "chain with links in a link": lambda: parse.s(1).set(link=[linked(
        chain(add(2), add(3)), link=[add(5)], link_error=[add(6)])]),
    "group in a link": lambda: parse.s(1).set(link=[group(add(2), add(3))]),
    "group and task as links": lambda: parse.s(1).set(link=[add(9), group(add(2), add(3))]),
    "group of one in a link": lambda: parse.s(1).set(link=[group([add(2)])]),
    "groups within a group": lambda: parse.s(1).set(link=[group(add(2), group(add(3), add(4)))]),
    "chain within a group": lambda: parse.s(1).set(link=[group(add(2), chain(add(3), add(4)))]),
    "map in a link": lambda: parse.s(1).set(link=[xstarmap(add(), [[1, 2], [3, 4]], app=app)]),
    "stamps": lambda: stamped(parse.s(1) | add(2) | add(3)),
    "stamped link": lambda: parse.s(1).set(link=[stamped(add(2))]),
    "failure": lambda: parse.s(fail="boom"),
    "failure and errback": lambda: parse.s(fail="boom").set(link_error=[add(2)]),
    "failure and two errbacks": lambda: parse.s(fail="boom").set(link_error=[add(2), add(3, immutable=True)]),
    "failure in a chain": lambda: parse.s(fail="boom") | add(2) | add(3),
    "failure in a chain with errbacks": lambda: (parse.s(fail="boom") | add(2)).on_error(add(7)),
    "retry": lambda: parse.s(retry="later").set(link=[add(2)], link_error=[add(3)]),
    "started": lambda: parse.s(1),
    "revoked": lambda: parse.s(1),
    "expired": lambda: parse.s(1),
    "terminated": lambda: parse.s(1),
    "unknown task": lambda: parse.s(1),
    "header of a chord": lambda: linked(parse.s(1), chord=frozen(add(5)), group_id="g"),
}


def put(channel, queue, message, **kwargs):
    sent.append((queue, message))


def publish(canvas):
    """The first message of the canvas as its client sends it."""
    with mock.patch.object(type(app), "thread_oid", CLIENT):
        canvas.apply_async()
    return sent.pop(0)[1]


def body_of(raw):
    body = raw["body"]
    return base64.b64decode(body) if raw["properties"]["body_encoding"] == "base64" else body.encode()


def envelope(raw):
    properties = raw["properties"]
    return {"content_type": raw["content-type"], "content_encoding": raw["content-encoding"],
            "correlation_id": properties.get("correlation_id"), "reply_to": properties.get("reply_to"),
            "expiration": properties.get("expiration"), "priority": properties["priority"],
            "headers": raw["headers"], "body": base64.b64encode(body_of(raw)).decode()}


def request_of(raw):
    message = Message(body=body_of(raw), content_type=raw["content-type"], content_encoding=raw["content-encoding"],
                      headers=raw["headers"], properties=raw["properties"], accept={"application/json"})
    return Request(message, app=app, task=parse, headers=raw["headers"], body=message.decode(), decoded=True,
                   on_ack=lambda *a: None, hostname="worker@host", connection_errors=())


def run(name, raw):
    """As Celery's worker does it. Only its chord's end is not there: rpc:// has none."""
    request = request_of(raw)
    args, kwargs, embed = request._payload
    with mock.patch.object(type(app.backend), "on_chord_part_return"), \
            mock.patch.object(parse, "track_started", name == "started"):
        if name in ("revoked", "expired", "terminated"):
            request._announce_revoked(name, name == "terminated", None, name == "expired")
        elif name == "unknown task":
            app.backend.mark_as_failure(request.id, NotRegistered("parse"), request=Bunch(
                name="parse", chord=None, root_id=None, correlation_id=request.correlation_id,
                reply_to=request.reply_to, errbacks=None))
        else:
            trace_task(parse, request.id, args, kwargs,
                       dict(request.request_dict, is_eager=False, hostname="worker@host", **(embed or {})), app=app)


def without_own(value):
    """Without what only this process decides; no steps are no list of steps."""
    if isinstance(value, dict):
        kept = {key: without_own(item) for key, item in value.items()
                if not (key == "reply_to" and item == WORKER)}
        if "chain" in kept and kept["chain"] == []:
            kept["chain"] = None
        return kept
    return [without_own(item) for item in value] if isinstance(value, list) else value


def follow_up(queue, raw):
    headers = {key: item for key, item in raw["headers"].items() if key not in OWN}
    reply_to = raw["properties"]["reply_to"]
    return {"queue": queue, "headers": headers, "body": without_own(json.loads(body_of(raw))),
            "reply_to": None if reply_to in (WORKER, "") else reply_to, "priority": raw["properties"]["priority"],
            "expiration": raw["properties"].get("expiration")}


def result(queue, raw):
    body = json.loads(body_of(raw))
    body["traceback"] = None
    if body["status"] == "STARTED":
        body["result"] = {"pid": 1, "hostname": "worker@host"}
    return {"queue": queue, "body": body, "content_type": raw["content-type"],
            "content_encoding": raw["content-encoding"], "priority": raw["properties"]["priority"],
            "delivery_mode": raw["properties"]["delivery_mode"],
            "correlation_id": raw["properties"]["correlation_id"]}


def capture(name, canvas):
    number = iter(range(1, 1000))
    with mock.patch.object(memory.Channel, "_put", put), mock.patch.object(type(app), "now", return_value=NOW), \
            mock.patch("celery.app.base.uuid", lambda: str(uuid.UUID(int=next(number)))), \
            mock.patch("celery.canvas.uuid", lambda: str(uuid.UUID(int=next(number)))):
        raw = publish(canvas())
        sent.clear()
        with mock.patch.object(type(app), "thread_oid", WORKER):
            run(name, raw)
        after, sent[:] = list(sent), []
    return {"name": name, "envelope": envelope(raw),
            "follow_ups": [follow_up(*one) for one in after if "task" in one[1]["headers"]],
            "results": [result(*one) for one in after if "task" not in one[1]["headers"]]}


def main():
    with app.connection_for_write() as connection:
        connection.default_channel.queue_declare(CLIENT)
        connection.default_channel.queue_declare(WORKER)
    cases = [capture(name, canvas) for name, canvas in CASES.items()]
    path = pathlib.Path(__file__).with_name(f"steps-{celery.__version__}.json")
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    path.write_text(f"[{lines}]\n", encoding="utf-8")
    print(f"{path.name}: {len(cases)} tasks of celery {celery.__version__}")


if __name__ == "__main__":
    main()
