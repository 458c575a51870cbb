"""Results and follow-up messages where things go wrong: crashes, queues that are gone, a broker that is full."""
import json
import os
import signal
import subprocess
import urllib.parse
import uuid

import celery
import celery.exceptions
import pika
import pytest
from billiard.exceptions import TimeLimitExceeded
from celery import chord, signature

from servers import wait_until

QUEUE = "meterbeat"
DEAD = "meterbeat.dead"
REPLIES = "replies of the test"
FOREIGN = "celery"


@pytest.fixture
def client(place):
    """A Celery application as its client is: results over rpc://, our queue its default one."""
    app = celery.Celery("client", broker=place.amqp_url.replace("guest@", "guest:guest@"), backend="rpc://",
                        set_as_current=False)
    app.conf.update(task_default_queue=QUEUE, broker_connection_timeout=10, result_expires=300)
    yield app
    app.close()


@pytest.fixture
def worker_of(meterbeat):
    def start(*arguments, environment=None, **changes):
        meterbeat.configure(broker={"heartbeat_s": 20, "reconnect_max_s": 2}, log_level="debug",
                            worker={"retry_delays_s": (1, 2), **changes})
        worker = meterbeat.worker(*arguments, environment=environment)
        worker.wait_for_event("consuming")
        return worker
    return start


@pytest.fixture
def queues(channel):
    """The queues of the worker, of the Python application, and of a client that reads its results itself."""
    for name in (QUEUE, FOREIGN):
        channel.queue_declare(name, durable=True)
    channel.queue_declare(REPLIES)
    channel.confirm_delivery()
    return channel


def sig(task, *args, options=None, **more):
    return {"task": task, "args": list(args), "kwargs": {}, "options": options or {}, "subtask_type": None,
            "immutable": False, **more}


def waited(task_id):
    """Options of a task that the test waits for."""
    return {"task_id": task_id, "reply_to": REPLIES}


def send(channel, task, *args, body=None, headers=None, reply_to=REPLIES, **embed):
    """A protocol 2 message; returns its id."""
    task_id = (headers or {}).get("id") or str(uuid.uuid4())
    channel.basic_publish("", QUEUE, body or json.dumps([args, {}, embed]), pika.BasicProperties(
        content_type="application/json", content_encoding="utf-8", delivery_mode=2, correlation_id=task_id,
        reply_to=reply_to, headers={"lang": "py", "task": task, "id": task_id, **(headers or {})}))
    return task_id


def take(channel, queue, limit=30):
    """The next message of a queue: its properties, and its body as JSON."""
    def get():
        found, properties, body = channel.basic_get(queue, auto_ack=True)
        return (properties, json.loads(body)) if found else None
    return wait_until(get, limit, f"a message in {queue}")


def result_of(channel, task_id, limit=30):
    """The next result of the test's reply queue, which must be of this task."""
    properties, body = take(channel, REPLIES, limit)
    assert body["task_id"] == properties.correlation_id == task_id, body
    return body


def dead_letter(connect, limit=30):
    """Its queue may not be there yet."""
    def get():
        channel = connect().channel()
        try:
            found, properties, body = channel.basic_get(DEAD, auto_ack=True)
        except pika.exceptions.ChannelClosedByBroker:
            return None
        return (properties, body) if found else None
    return wait_until(get, limit, "a dead letter")


def count(connect, queue):
    channel = connect().channel()
    return channel.queue_declare(queue, passive=True).method.message_count


def stopped_clean(worker, connect):
    assert worker.stop() == 0
    assert count(connect, QUEUE) == 0


# --- results --------------------------------------------------------------------------------------

@pytest.mark.parametrize("prefetch", [1, 100])
def test_a_client_gets_what_brief_tasks_returned(worker_of, client, connect, prefetch):
    worker = worker_of(prefetch=prefetch)
    results = [client.send_task("meterbeat.ping") for _ in range(300)]
    assert [result.get(timeout=30) for result in results] == 300 * ["pong"]
    assert client.send_task("meterbeat.echo", (1, "é"), {"k": None}).get(timeout=30) == \
        {"args": [1, "é"], "kwargs": {"k": None}}
    assert client.send_task("meterbeat.sleep", (0,)).get(timeout=30) is None
    stopped_clean(worker, connect)


def test_who_ignores_results_gets_none(worker_of, queues, connect):
    worker = worker_of()
    send(queues, "meterbeat.ping", headers={"ignore_result": True})
    send(queues, "meterbeat.sleep", 0, headers={"ignore_result": True})
    send(queues, "nope", headers={"ignore_result": True})
    wanted = send(queues, "meterbeat.ping", headers={"ignore_result": None})
    assert result_of(queues, wanted)["result"] == "pong"
    stopped_clean(worker, connect)


def test_failures_arrive_as_the_exceptions_that_python_has_for_them(worker_of, client):
    worker_of()
    with pytest.raises(celery.exceptions.NotRegistered, match="no.such.task"):
        client.send_task("no.such.task").get(timeout=30)
    with pytest.raises(TypeError, match="seconds"):
        client.send_task("meterbeat.sleep", ("x",)).get(timeout=30)
    with pytest.raises(celery.exceptions.TaskRevokedError, match="expired"):
        client.send_task("meterbeat.sleep", (0,), expires=0.001, expiration=None,
                         headers={"expires": "2020-01-01T00:00:00+00:00"}).get(timeout=30)
    with pytest.raises(TimeLimitExceeded, match="1 s"):
        client.send_task("meterbeat.sleep", (30,), time_limit=1).get(timeout=30)


def test_the_sender_of_what_cannot_be_read_is_told_too(worker_of, queues, connect):
    worker = worker_of()
    bad = send(queues, "meterbeat.ping", body="{not json")
    assert result_of(queues, bad)["result"]["exc_type"] == "BadBody"
    bad = send(queues, "meterbeat.ping", headers={"eta": "soon"})
    assert result_of(queues, bad)["result"]["exc_type"] == "BadEta"
    bad = send(queues, "meterbeat.ping", callbacks=[{"task": "a", "options": {"priority": "high"}}])
    body = result_of(queues, bad)
    assert body["status"] == "FAILURE" and body["result"]["exc_type"] == "BadSignature"
    assert body["result"]["exc_message"] == ["body: callbacks[0]: priority: no number from 0 to 255"]
    stopped_clean(worker, connect)
    assert count(connect, DEAD) == 3


def test_each_retry_is_told_and_the_end(worker_of, queues, connect):
    worker = worker_of()
    task_id = send(queues, "meterbeat.sleep", 30, headers={"timelimit": [1, None]})
    states = [result_of(queues, task_id)["status"] for _ in range(3)]
    assert states == ["RETRY", "RETRY", "FAILURE"]
    stopped_clean(worker, connect)


def test_the_start_is_told_when_it_is_asked_for(worker_of, queues, connect):
    worker = worker_of(track_started=True)
    for task, args in ("meterbeat.ping", ()), ("meterbeat.sleep", (0,)):
        task_id = send(queues, task, *args)
        started = result_of(queues, task_id)
        assert started["status"] == "STARTED" and started["result"]["pid"] == worker.pid
        assert result_of(queues, task_id)["status"] == "SUCCESS"
    stopped_clean(worker, connect)


def test_a_result_that_is_too_large_is_a_failure_that_says_so(worker_of, queues, connect):
    worker = worker_of(max_result_bytes=1024)
    task_id = send(queues, "meterbeat.echo", "x" * 1200, chain=[sig("py.next", options=waited("next"))])
    assert result_of(queues, task_id)["result"]["exc_type"] == "ResultTooLarge"
    assert result_of(queues, "next")["result"]["exc_type"] == "ResultTooLarge"
    assert count(connect, FOREIGN) == 0
    stopped_clean(worker, connect)


# --- queues that do not take them -----------------------------------------------------------------

def test_a_client_that_has_gone_keeps_nobody_waiting(worker_of, queues, connect):
    worker = worker_of(prefetch=10)
    for _ in range(50):
        send(queues, "meterbeat.ping", reply_to="gone")
        send(queues, "meterbeat.sleep", 0, reply_to="gone")
    assert result_of(queues, send(queues, "meterbeat.ping"))["result"] == "pong"
    stopped_clean(worker, connect)
    assert not worker.events("result_refused")


def test_a_reply_queue_that_refuses_keeps_nobody_waiting(worker_of, queues, connect):
    queues.queue_declare("full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    queues.basic_publish("", "full", b"here already")
    worker = worker_of(prefetch=10)
    send(queues, "meterbeat.sleep", 0, reply_to="full")
    send(queues, "meterbeat.ping", reply_to="full")
    worker.wait_for_event("result_refused", count=2)
    assert result_of(queues, send(queues, "meterbeat.ping"))["result"] == "pong"
    stopped_clean(worker, connect)


@pytest.mark.parametrize("options, reason, told", [
    ({"queue": "nowhere"}, "no_queue", "NoQueue"),
    ({"exchange": "nowhere", "routing_key": "k"}, "no_exchange", "NoExchange"),
    ({"exchange": "nowhere ä '", "routing_key": "k"}, "no_exchange|channel_closed", "NoExchange|ChannelClosed"),
    ({"exchange": "amq.topic", "routing_key": "k"}, "no_queue", "NoQueue"),
])
def test_what_the_broker_has_no_queue_for_is_a_dead_letter(worker_of, queues, connect, options, reason, told):
    worker = worker_of()
    task_id = send(queues, "meterbeat.ping", callbacks=[sig("py.next", 1, options={**options, **waited("next")})])
    letter, body = dead_letter(connect)
    assert letter.headers["x-meterbeat-reason"] in reason.split("|")
    assert letter.headers["id"] == "next" and json.loads(body)[0] == ["pong", 1]
    bodies = {body["task_id"]: body for _, body in (take(queues, REPLIES), take(queues, REPLIES))}
    assert bodies[task_id]["result"] == "pong"
    assert bodies["next"]["result"]["exc_type"] in told.split("|")
    stopped_clean(worker, connect)


def test_a_follow_up_that_the_broker_would_close_the_channel_over_is_refused(worker_of, queues, connect):
    """Sent again and again, it would keep all others waiting."""
    worker = worker_of()
    task_id = send(queues, "meterbeat.ping", callbacks=[sig("py.next", options={"reply_to": "amq.rabbitmq.reply-to"})])
    assert result_of(queues, task_id)["result"]["exc_type"] == "BadSignature"
    assert dead_letter(connect)[0].headers["x-meterbeat-reason"] == "bad_signature"
    stopped_clean(worker, connect)
    assert not worker.events("publisher_channel_closed")


def test_a_dead_follow_up_is_replayed_to_the_queue_that_a_person_names(worker_of, meterbeat, queues, connect):
    meterbeat.ctl("init-db")
    worker = worker_of()
    send(queues, "meterbeat.ping", callbacks=[sig("py.next", 1, options={"queue": "later there"})])
    worker.wait_for_event("callback_dead")
    queues.queue_declare("later there", durable=True)
    meterbeat.ctl("dead", "replay", "--all", "--queue", "later there")
    properties, body = take(queues, "later there")
    assert properties.headers["task"] == "py.next" and body[0] == ["pong", 1]
    stopped_clean(worker, connect)


# --- what follows ---------------------------------------------------------------------------------

def test_follow_ups_go_where_they_say_or_to_whom_they_belong(worker_of, queues, connect):
    queues.queue_declare("elsewhere", durable=True)
    worker = worker_of()
    task_id = send(queues, "meterbeat.ping", callbacks=[
        sig("py.default", 1), sig("py.routed", 1, options={"queue": "elsewhere"}),
        sig("meterbeat.echo", 1, options=waited("ours"))])
    properties, body = take(queues, FOREIGN)
    assert body[0] == ["pong", 1] and properties.headers["parent_id"] == task_id
    assert take(queues, "elsewhere")[0].headers["task"] == "py.routed"
    bodies = {body["task_id"]: body for _, body in (take(queues, REPLIES), take(queues, REPLIES))}
    assert bodies["ours"]["result"] == {"args": ["pong", 1], "kwargs": {}}
    assert len(bodies[task_id]["children"]) == 1, "several callbacks are one group"
    stopped_clean(worker, connect)


def test_many_follow_ups_are_sent_before_the_result(worker_of, queues, connect):
    worker = worker_of()
    members = [sig("py.member", number) for number in range(500)]
    task_id = send(queues, "meterbeat.ping", callbacks=[
        {**sig("celery.group"), "subtask_type": "group", "kwargs": {"tasks": members}}])
    assert result_of(queues, task_id)["result"] == "pong"
    assert count(connect, FOREIGN) == 500
    stopped_clean(worker, connect)


def test_a_chord_is_said_once_and_its_client_told(worker_of, client, queues):
    worker = worker_of()
    body = {**sig("py.body"), "options": waited("body")}
    for _ in range(3):
        task_id = send(queues, "meterbeat.ping", chord=body, headers={"group": "g"})
        assert result_of(queues, task_id)["result"] == "pong"
    assert len(worker.events("chord_not_supported", body="body")) == 1
    impossible = chord([signature("meterbeat.ping", app=client)], signature("py.body", app=client), app=client)
    impossible.body.options.update(waited("another body"))
    send(queues, "meterbeat.ping", callbacks=[json.loads(json.dumps(impossible))])
    bodies = [body for _, body in (take(queues, REPLIES), take(queues, REPLIES))]
    assert [body["status"] for body in bodies] == ["SUCCESS", "FAILURE"]
    assert bodies[1]["task_id"] == "another body" and bodies[1]["result"]["exc_type"] == "ChordError"
    worker.wait_for_event("chord_not_supported", body="another body")


# --- crashes --------------------------------------------------------------------------------------

@pytest.mark.parametrize("point", ["after_commit", "after_outbox", "after_report", "before_ack"])
def test_killed_after_the_commit_the_result_and_the_next_task_arrive(point, worker_of, meterbeat, queues, connect):
    meterbeat.ctl("init-db")
    worker = worker_of(environment={"METERBEAT_CRASH_AT": point})
    task_id = send(queues, "parse", chain=[sig("py.next", options=waited("last")), sig("py.first")])
    assert worker.wait() == -signal.SIGKILL
    second = meterbeat.worker()
    second.wait_for_event("task_ended_before", task_id=task_id)
    wait_until(lambda: count(connect, QUEUE) == 0, 30, "the acknowledgement")
    assert second.stop() == 0
    times = 2 if point in ("after_report", "before_ack") else 1
    results = [take(queues, REPLIES)[1] for _ in range(times)]
    follow_ups = [take(queues, FOREIGN) for _ in range(times)]
    assert count(connect, REPLIES) == count(connect, FOREIGN) == count(connect, QUEUE) == 0
    for result in results:
        assert result["task_id"] == task_id and result["result"] == {"promised": 0, "up_to_date": 0}
    assert len({properties.headers["id"] for properties, _ in follow_ups}) == 1, "a repeat has the same id"
    assert follow_ups[0][1][0] == [{"promised": 0, "up_to_date": 0}]


def test_the_end_of_a_dead_run_is_told_again_when_it_was_not_acknowledged(worker_of, meterbeat, queues, connect):
    meterbeat.ctl("init-db")
    worker = worker_of(environment={"METERBEAT_CRASH_AT": "after_report"})
    task_id = send(queues, "parse", "no record", errbacks=[sig("py.errback")])
    assert worker.wait() == -signal.SIGKILL
    second = meterbeat.worker()
    second.wait_for_event("task_ended_before", task_id=task_id)
    assert second.stop() == 0
    for _ in range(2):
        assert result_of(queues, task_id)["result"]["exc_type"] == "TypeError"
    ids = {take(queues, FOREIGN)[0].headers["id"] for _ in range(2)}
    assert len(ids) == 1 and count(connect, DEAD) == 1


def connections_of(rabbitmq, worker):
    """The worker's connections, those for tasks and the one for control, as the management API names them once it
    has noticed them."""
    def found():
        names = [one["name"] for one in rabbitmq.api("GET", "/connections")
                 if one.get("client_properties", {}).get("connection_name", "").endswith(f"/{worker.pid}")]
        return names if len(names) == 3 else None
    return wait_until(found, 30, "the three connections of the worker")


def test_lost_connections_lose_no_result_of_a_brief_task(worker_of, queues, connect, servers):
    """What had not been acknowledged is done once more: each result arrives, with the right id."""
    worker = worker_of(prefetch=50)
    result_of(queues, send(queues, "meterbeat.ping"))  # all are connected
    names = connections_of(servers.rabbitmq, worker)
    ids = set()
    for number in range(2000):
        ids.add(send(queues, "meterbeat.ping"))
        if number in (500, 1000, 1500):
            servers.rabbitmq.api("DELETE", f"/connections/{urllib.parse.quote(names.pop(), safe='')}")
    wait_until(lambda: count(connect, QUEUE) == 0, 60, "all done")
    stopped_clean(worker, connect)
    assert worker.events("connection_lost") and worker.events("publisher_lost")
    seen = [take(queues, REPLIES)[1]["task_id"] for _ in range(count(connect, REPLIES))]
    assert set(seen) == ids


# --- alarms ---------------------------------------------------------------------------------------

def rabbitmqctl(rabbitmq, *arguments):
    subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", "meterbeat@localhost", *arguments],
                   env={**os.environ, **rabbitmq.environment()}, check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("task, args", [("meterbeat.ping", ()), ("meterbeat.sleep", (0,))])
def test_during_an_alarm_results_wait_and_an_end_does_not_wait_for_them(
        worker_of, meterbeat, queues, connect, servers, task, args):
    worker = worker_of(prefetch=5, grace_s=2)
    result_of(queues, send(queues, task, *args))  # the publishing connection is there before the alarm
    worker.signal(signal.SIGSTOP)  # so that it gets to them when the alarm is on
    ids = [send(queues, task, *args) for _ in range(20)]
    rabbitmqctl(servers.rabbitmq, "set_vm_memory_high_watermark", "0.000001")
    try:
        worker.signal(signal.SIGCONT)
        worker.wait_for_event("broker_blocked")
        assert worker.stop(limit=45) == 0
    finally:
        rabbitmqctl(servers.rabbitmq, "set_vm_memory_high_watermark", "0.4")
    second = meterbeat.worker()
    seen = set()
    while seen != set(ids):
        seen.add(take(queues, REPLIES)[1]["task_id"])
    assert second.stop() == 0
