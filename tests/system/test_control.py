"""Remote control and events of our workers, by raw AMQP: what is promised whatever Celery's tools do."""
import datetime
import itertools
import json
import signal
import time
import uuid
from urllib.parse import quote

import pika
import pytest

from queues import DEAD, QUEUE, consuming, done, pings_are_done, ready, send, wait_ready
from servers import wait_until
from test_worker import rabbitmqctl

NODE = "worker@test"
PIDBOX, REPLIES, EVENTS = "celery.pidbox", "reply.celery.pidbox", "celeryev"


class Remote:
    """A client of remote control: what `celery inspect` and `celery control` send, and what comes back."""

    def __init__(self, connection):
        self.channel = connection.channel()
        self.key = str(uuid.uuid4())
        self.channel.exchange_declare(PIDBOX, "fanout", durable=False)
        self.channel.exchange_declare(REPLIES, "direct", durable=False)
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, REPLIES, self.key)

    def cast(self, method, destination=None, **arguments):
        body = {"method": method, "arguments": arguments, "destination": destination, "pattern": None,
                "matcher": None, "ticket": self.key,
                "reply_to": {"exchange": REPLIES, "routing_key": self.key}}
        self.publish(json.dumps(body).encode())

    def publish(self, body, content_type="application/json", headers=None):
        self.channel.basic_publish(PIDBOX, "", body, pika.BasicProperties(
            content_type=content_type, content_encoding="utf-8", headers=headers or {"clock": 1}))

    def replies(self):
        """What has come in so far: {node: answer}, later ones over earlier ones."""
        found = {}
        while True:
            method, _, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return found
            found.update(json.loads(body))

    def call(self, method, node=NODE, limit=10, **arguments):
        """The answer of one node, asked again until it is there: it may not have its mailbox yet."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            self.cast(method, [node], **arguments)
            try:
                return wait_until(lambda: self.replies() or None, 1, "a reply")[node]
            except TimeoutError:
                continue
        raise AssertionError(f"{node} does not answer {method}")


class Monitor:
    """Listens to all events; `events` are those that have come, in order, lists taken apart."""

    def __init__(self, connection):
        self.channel = connection.channel()
        self.channel.exchange_declare(EVENTS, "topic", durable=True)
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, EVENTS, "#")
        self.events = []

    def listen(self):
        while True:
            method, _, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return self.events
            event = json.loads(body)
            self.events += event if isinstance(event, list) else [event]

    def of(self, kind, **fields):
        return [event for event in self.listen()
                if event["type"] == kind and fields.items() <= event.items()]

    def wait(self, kind, limit=15, count=1, **fields):
        return wait_until(lambda: self.of(kind, **fields)[count - 1:count] or None, limit,
                          f"{count} x {kind} {fields}")[0]


@pytest.fixture
def remote(connect):
    return Remote(connect())


@pytest.fixture
def monitor(connect):
    return Monitor(connect())


@pytest.fixture
def worker_of(meterbeat):
    """worker_of(prefetch=3, ...) starts a worker named NODE that consumes and answers."""
    def start(*arguments, name=NODE, count=1, **changes):
        meterbeat.configure(broker={"heartbeat_s": 5, "reconnect_max_s": 2}, log_level="debug",
                            worker={"retry_delays_s": (1, 2), "name": name, **changes})
        worker = meterbeat.worker(*arguments)
        consuming(worker, count)
        worker.wait_for_event("control_ready", count=count)
        return worker
    return start


# --- kept apart from tasks ------------------------------------------------------------------------

@pytest.mark.tsan
def test_all_questions_are_answered_while_tasks_run(worker_of, queue, connect, remote, monitor):
    worker = worker_of(prefetch=20)
    assert remote.call("enable_events") == {"ok": "task events enabled"}
    sleeping = send(queue, "meterbeat.sleep", 3)
    pings = [send(queue, "meterbeat.ping") for _ in range(100)]
    wait_until(lambda: remote.call("active"), 10, "a running task")
    for method in ("ping", "active", "reserved", "scheduled", "registered", "stats", "active_queues",
                   "conf", "report", "clock", "revoked", "heartbeat"):
        answer = remote.call(method)
        assert not isinstance(answer, dict) or "error" not in answer, method
    remote.call("rate_limit", task_name="meterbeat.echo", rate_limit="100/s")
    remote.call("revoke", task_id=[str(uuid.uuid4()) for _ in range(100)])
    assert remote.call("active")[0]["id"] == sleeping, "answered only after the task"
    monitor.wait("task-succeeded", uuid=pings[-1])
    for task_id in [sleeping, *pings]:
        kinds = [event["type"] for event in monitor.events if event.get("uuid") == task_id]
        assert kinds == ["task-received", "task-started", "task-succeeded"]
    clocks = [event["clock"] for event in monitor.events if event["type"].startswith("task-")]
    assert clocks == sorted(clocks)
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_a_lost_control_connection_touches_no_task_and_comes_back(
        worker_of, queue, connect, remote, monitor, servers, place):
    worker = worker_of(prefetch=100, max_events=10, task_events=True)
    monitor.wait("worker-online", hostname=NODE)
    api = servers.rabbitmq.api
    consumer = wait_until(lambda: [c for c in api("GET", f"/consumers/{place.vhost}")
                                   if c["queue"]["name"] == f"{NODE}.{PIDBOX}" and c["channel_details"]],
                          15, "its consumer")
    api("DELETE", f"/connections/{quote(consumer[0]['channel_details']['connection_name'], safe='')}")
    worker.wait_for_event("control_lost")
    sent = [send(queue, "meterbeat.echo", number) for number in range(200)]
    wait_ready(connect, 0)
    worker.wait_for_event("control_ready", count=2)
    worker.wait_for_event("events_dropped")
    assert remote.call("ping") == {"ok": "pong"}
    assert remote.call("stats")["total"]["meterbeat.echo"] == len(sent)
    done_later = send(queue, "meterbeat.ping")
    monitor.wait("task-succeeded", uuid=done_later)
    assert len(worker.events("events_full")) == 1 and len(worker.events("consuming")) == 1
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_during_an_alarm_tasks_go_on_and_afterwards_control_does(
        worker_of, queue, connect, remote, monitor, servers):
    worker = worker_of(prefetch=1, task_events=True, max_events=10)
    first = send(queue, "meterbeat.sleep", 6)  # longer than it takes to raise the alarm
    rest = [send(queue, "meterbeat.sleep", 0) for _ in range(50)]
    rabbitmqctl(servers.rabbitmq, "set_vm_memory_high_watermark", "0.000001")
    try:
        worker.wait_for_event("control_blocked")
        for task_id in (first, rest[-1]):
            done(worker, task_id)
        worker.wait_for_event("events_full")
    finally:
        rabbitmqctl(servers.rabbitmq, "set_vm_memory_high_watermark", "0.4")
    worker.wait_for_event("control_unblocked")
    assert remote.call("ping") == {"ok": "pong"}
    worker.wait_for_event("events_dropped")
    assert not worker.events("connection_lost")
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_control_comes_back_with_a_restarted_broker(worker_of, connect, servers):
    worker = worker_of()
    servers.rabbitmq.kill()
    worker.wait_for_event("control_lost")
    servers.rabbitmq.start()
    worker.wait_for_event("control_ready", count=2, limit=60)
    assert Remote(connect()).call("ping") == {"ok": "pong"}
    pings_are_done(connect)
    assert worker.stop() == 0


def test_what_is_no_request_is_refused_and_the_worker_lives(worker_of, remote):
    worker = worker_of()
    garbage = [
        b"", b"{", b"[]", b"null", b'"ping"', b"\xff\xfe", b'{"method": 7}', b"[" * 100000,
        b'{"method": "ping", "reply_to": "here"}', b'{"method": "ping", "arguments": [1]}',
        b'{"method": "revoke", "arguments": {"task_id": {"a": 1}}}', b"x" * (5 * 1024 * 1024),
        json.dumps({"method": "ping", "ticket": "t",
                    "reply_to": {"exchange": "not.there", "routing_key": "x"}}).encode(),
        json.dumps({"method": "x" * 100000, "ticket": "t" * 255,
                    "reply_to": {"exchange": REPLIES, "routing_key": "nobody"}}).encode(),
    ]
    for body in garbage:
        remote.publish(body)
    remote.publish(b'{"method": "ping"}', content_type="application/x-python-serialize")
    remote.publish(b"\x81\xa6method\xa4ping", content_type="application/x-msgpack")
    remote.publish(b'{"method": "ping"}', headers={"clock": 2 ** 63 - 1, "expires": "soon"})
    nested = value = {}
    for _ in range(200):
        value["k"] = {}
        value = value["k"]
    remote.publish(b'{"method": "ping"}', headers=nested)
    assert remote.call("ping") == {"ok": "pong"}
    assert remote.call("clock")["clock"] < 1000
    assert len(worker.events("control_ready")) == 1 and not worker.events("control_lost")
    assert worker.events("control_refused", code="too_large")
    assert worker.events("reply_not_sent", exchange="not.there")
    assert worker.stop() == 0


def test_a_name_that_is_taken_leaves_the_second_worker_without_mailbox_alone(
        worker_of, meterbeat, connect):
    first = worker_of()
    second = meterbeat.worker()
    consuming(second)
    second.wait_for_event("control_lost", code="queue_mismatch")
    assert first.stop() == 0
    pings_are_done(connect)
    second.wait_for_event("control_ready")
    assert second.stop() == 0


def test_without_remote_control_a_worker_is_silent_but_seen(worker_of, remote, monitor):
    worker = worker_of(remote_control="off")
    monitor.wait("worker-heartbeat", hostname=NODE)
    remote.cast("ping")
    monitor.wait("worker-heartbeat", count=len(monitor.of("worker-heartbeat")) + 1)
    assert remote.replies() == {} and not worker.events("control_request")
    assert worker.stop() == 0


# --- revoked --------------------------------------------------------------------------------------

def test_a_revoked_id_survives_kill_9_and_restart(worker_of, meterbeat, queue, connect, remote, rows):
    meterbeat.ctl("init-db")
    worker = worker_of()
    revoked, other = str(uuid.uuid4()), str(uuid.uuid4())
    assert remote.call("revoke", task_id=[revoked]) == {"ok": f"tasks {{'{revoked}'}} flagged as revoked"}
    worker.kill()
    assert rows("SELECT task_id FROM meterbeat.revoked") == [(revoked,)]
    for task_id in (revoked, other):
        send(queue, "meterbeat.sleep", 0, headers={"id": task_id})
    worker = worker_of()
    done(worker, other)
    worker.wait_for_event("task_revoked", task_id=revoked, how="revoked")
    assert remote.call("revoked") == [revoked]
    assert not worker.events("task_done", task_id=revoked)
    assert worker.stop() == 0
    assert ready(connect) == 0 and ready(connect, DEAD) == 0


def test_with_the_database_away_a_revoke_is_answered_and_saved_later(
        worker_of, meterbeat, queue, remote, rows, servers):
    meterbeat.ctl("init-db")
    worker = worker_of()
    servers.postgresql.stop()
    revoked = [str(uuid.uuid4()) for _ in range(3)]
    asked = time.monotonic()
    assert "ok" in remote.call("revoke", task_id=revoked)
    assert time.monotonic() - asked < 1, "Celery's tools wait for a second"
    send(queue, "meterbeat.sleep", 0, headers={"id": revoked[0]})
    worker.wait_for_event("task_revoked", task_id=revoked[0])
    worker.wait_for_event("revoked_not_kept")
    servers.postgresql.start()
    wait_until(lambda: sorted(row[0] for row in rows("SELECT task_id FROM meterbeat.revoked"))
               == sorted(revoked), 60, "the ids in the database")
    assert worker.stop() == 0


def test_a_database_that_hangs_keeps_neither_answers_nor_heartbeats_nor_the_end(
        worker_of, meterbeat, remote, monitor, servers, connect):
    meterbeat.ctl("init-db")
    worker = worker_of()
    servers.postgresql.pause()
    assert "ok" in remote.call("revoke", task_id="a")
    seen = len(monitor.of("worker-heartbeat"))
    monitor.wait("worker-heartbeat", count=seen + 2, limit=8)
    assert remote.call("ping", limit=1) == {"ok": "pong"}
    pings_are_done(connect)
    servers.postgresql.resume()
    assert worker.stop() == 0


def test_a_worker_that_starts_learns_from_the_others_what_is_revoked(
        worker_of, meterbeat, queue, remote):
    first = worker_of(name="first@test")  # its database has no tables: nothing is saved
    revoked = str(uuid.uuid4())
    assert "ok" in remote.call("revoke", node="first@test", task_id=revoked)
    worker_of(name="second@test")
    wait_until(lambda: remote.call("revoked", node="second@test") == [revoked], 10, "the id")
    assert remote.call("clock", node="second@test")["clock"] > 1
    assert first.stop() == 0


def test_a_task_with_a_revoked_stamp_is_not_run(worker_of, queue, connect, remote):
    worker = worker_of()
    assert "ok" in remote.call("revoke_by_stamped_headers", headers={"batch": ["b7"]})
    headers = {"stamped_headers": ["batch"], "stamps": {"batch": "b7"}}
    stamped = send(queue, "meterbeat.ping", headers=headers)
    worker.wait_for_event("task_revoked", task_id=stamped)
    pings_are_done(connect)
    assert worker.stop() == 0


def test_a_terminated_task_stops_and_is_acknowledged_as_revoked(
        worker_of, queue, connect, remote, monitor):
    worker = worker_of(task_events=True)
    task_id = send(queue, "meterbeat.sleep", 600)
    monitor.wait("task-started", uuid=task_id)
    assert remote.call("revoke", task_id=task_id, terminate=True, signal="SIGKILL") == {
        "ok": f"terminate: {task_id}"}
    worker.wait_for_event("task_revoked", task_id=task_id, how="terminated")
    event = monitor.wait("task-revoked", uuid=task_id)
    assert (event["terminated"], event["expired"]) == (True, False)
    pings_are_done(connect)
    assert worker.stop() == 0
    assert ready(connect) == 0 and ready(connect, DEAD) == 0


# --- limits ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("terminate", [False, True])
def test_a_task_that_is_revoked_while_it_waits_for_the_books_is_not_run(
        terminate, worker_of, meterbeat, queue, connect, remote, rows):
    worker = worker_of()
    task_id = send(queue, "parse")
    worker.wait_for_event("database_unusable")  # there are no tables yet
    remote.call("revoke", task_id=task_id, terminate=terminate)
    meterbeat.ctl("init-db")
    worker.wait_for_event("task_revoked", task_id=task_id, how="revoked")
    assert worker.stop() == 0
    assert rows("SELECT state, error FROM meterbeat.run WHERE task_id = %s", [task_id]) == [("dead", "revoked")]
    assert ready(connect) == 0 and ready(connect, DEAD) == 0 and not worker.events("task_done")


def test_a_rate_limit_spreads_the_starts_of_its_task_alone(worker_of, queue, connect, remote, monitor):
    worker = worker_of(prefetch=10, task_events=True)
    assert "ok" in remote.call("rate_limit", task_name="meterbeat.echo", rate_limit="4/s")
    limited = [send(queue, "meterbeat.echo") for _ in range(4)]
    free = [send(queue, "meterbeat.ping") for _ in range(4)]
    starts = {task_id: monitor.wait("task-started", uuid=task_id)["timestamp"]
              for task_id in limited + free}
    times = sorted(starts[task_id] for task_id in limited)
    assert all(later - earlier > 0.24 for earlier, later in itertools.pairwise(times))
    assert max(starts[task_id] for task_id in free) < times[-1]
    assert "ok" in remote.call("rate_limit", task_name="meterbeat.echo", rate_limit=0)
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_a_rate_that_makes_tasks_wait_for_long_leaves_the_worker_to_others(
        worker_of, queue, connect, remote):
    worker = worker_of(prefetch=1)
    assert "ok" in remote.call("rate_limit", task_name="meterbeat.sleep", rate_limit="1/h")
    first, second = send(queue, "meterbeat.sleep", 0), send(queue, "meterbeat.sleep", 0)
    done(worker, first)
    worker.wait_for_event("task_later", task_id=second)
    send(queue, "meterbeat.ping")
    wait_until(lambda: remote.call("stats")["total"].get("meterbeat.ping"), 10, "the ping")
    assert "ok" in remote.call("rate_limit", task_name="meterbeat.sleep", rate_limit=0)
    done(worker, second)
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_a_time_limit_set_from_afar_holds_for_messages_without_one(worker_of, queue, remote):
    worker = worker_of()
    assert "ok" in remote.call("time_limit", task_name="meterbeat.sleep", soft=1, hard=2)
    limited = send(queue, "meterbeat.sleep", 60)
    own = send(queue, "meterbeat.sleep", 1.5, headers={"timelimit": [None, 30]})
    worker.wait_for_event("task_retry", task_id=limited, code="time_limit")
    done(worker, own)
    remote.call("revoke", task_id=limited)
    worker.wait_for_event("task_revoked", task_id=limited)
    assert worker.stop() == 0


# --- coming and going -----------------------------------------------------------------------------

def test_a_shutdown_is_a_sigterm_and_the_last_word_is_offline(
        worker_of, queue, connect, remote, monitor):
    worker = worker_of(task_events=True)
    task_id = send(queue, "meterbeat.sleep", 1)
    monitor.wait("task-started", uuid=task_id)
    remote.cast("shutdown", [NODE])
    assert worker.wait() == 0
    done(worker, task_id)
    kinds = [event["type"] for event in monitor.listen()]
    assert kinds[0] == "worker-online" and kinds[-1] == "worker-offline"
    assert kinds.index("task-succeeded") < kinds.index("worker-offline")
    assert remote.replies() == {}
    assert ready(connect) == 0


def test_processes_are_nodes_of_their_own_and_one_that_is_shut_down_stays_down(
        worker_of, remote, meterbeat):
    program = worker_of("--processes", 2, name="worker-%i@test", count=2)
    assert remote.call("ping", node="worker-1@test") == {"ok": "pong"}
    remote.cast("shutdown", ["worker-1@test"])
    program.wait_for_event("worker_retired")
    assert remote.call("ping", node="worker-2@test") == {"ok": "pong"}
    remote.cast("ping")
    wait_until(lambda: remote.replies() or None, 10, "a reply")
    assert len(program.events("control_ready")) == 2
    remote.cast("shutdown", ["worker-2@test"])
    assert program.wait() == 0


def test_queues_are_added_and_cancelled_while_tasks_run(worker_of, queue, channel, connect, remote):
    worker = worker_of()
    assert remote.call("add_consumer", queue="more", exchange="ex", exchange_type="topic",
                       routing_key="more.*") == {"ok": "add consumer more"}
    assert [q["name"] for q in remote.call("active_queues")] == [QUEUE, "more"]
    task_id = str(uuid.uuid4())
    channel.basic_publish("ex", "more.of.it"[:7], json.dumps([[0], {}, None]), pika.BasicProperties(
        content_type="application/json", headers={"task": "meterbeat.sleep", "id": task_id}))
    done(worker, task_id)
    assert remote.call("cancel_consumer", queue="more") == {"ok": "no longer consuming from more"}
    worker.wait_for_event("no_longer_consuming", queue="more")
    refused = remote.call("add_consumer", queue="third", exchange="ex", exchange_type="direct")
    assert "queue_mismatch" in refused["error"]
    pings_are_done(connect)
    assert worker.stop() == 0


def send_to(channel, name, task, *args, headers=None):
    """As send(), to any queue."""
    task_id = str(uuid.uuid4())
    channel.basic_publish("", name, json.dumps([args, {}, None]), pika.BasicProperties(
        content_type="application/json", headers={"task": task, "id": task_id, **(headers or {})}))
    return task_id


def test_the_ladder_of_an_added_queue_is_made_again(worker_of, queue, channel, connect, remote):
    worker = worker_of()
    remote.call("add_consumer", queue="more")
    consuming(worker, 2)
    for rung in "more.retry.1", "more.retry.2":
        channel.queue_delete(rung)
    eta = datetime.datetime.fromtimestamp(time.time() + 3, datetime.timezone.utc).isoformat()
    done(worker, send_to(channel, "more", "meterbeat.sleep", 0, headers={"eta": eta}))
    assert worker.stop() == 0


def test_a_failed_task_whose_queue_has_gone_is_dead_and_keeps_nobody_waiting(
        worker_of, queue, channel, connect, remote):
    worker = worker_of()
    remote.call("add_consumer", queue="more")
    consuming(worker, 2)
    failing = send_to(channel, "more", "meterbeat.sleep", 60, headers={"timelimit": [3, None]})
    wait_until(lambda: remote.call("active"), 10, "a running task")
    remote.call("cancel_consumer", queue="more")
    worker.wait_for_event("no_longer_consuming")
    for name in "more", "more.retry.1", "more.retry.2":
        channel.queue_delete(name)
    other = send(queue, "meterbeat.sleep", 0)
    worker.wait_for_event("task_dead", task_id=failing, code="no_queue")
    done(worker, other)
    assert worker.stop() == 0
    assert ready(connect, DEAD) == 1


def test_a_queue_that_was_deleted_and_made_again_leaves_no_other_delivery_hanging(
        worker_of, queue, channel, connect, remote, servers, place):
    """Another worker may make it again first; then nothing has closed the channel that the old deliveries are on."""
    worker = worker_of()
    remote.call("add_consumer", queue="more")
    consuming(worker, 2)
    task_id = send_to(channel, "more", "meterbeat.sleep", 3)
    wait_until(lambda: remote.call("active"), 10, "a running task")
    remote.call("cancel_consumer", queue="more")
    worker.wait_for_event("no_longer_consuming")
    worker.signal(signal.SIGSTOP)
    queue.queue_delete(QUEUE)
    queue.queue_declare(QUEUE, durable=True)
    worker.signal(signal.SIGCONT)
    consuming(worker, 3)
    done(worker, task_id)
    wait_ready(connect, 1, "more")  # given back: nobody holds it any more
    pings_are_done(connect)
    assert worker.stop() == 0
    assert not worker.events("connection_lost")


def test_an_added_queue_that_may_not_be_consumed_from_costs_the_worker_nothing_else(
        worker_of, queue, connect, remote):
    worker = worker_of()
    theirs = connect().channel()
    theirs.queue_declare("theirs")
    tag = theirs.basic_consume("theirs", lambda *_: None, exclusive=True)
    assert remote.call("add_consumer", queue="theirs") == {"ok": "add consumer theirs"}
    worker.wait_for_event("queue_left_out", queue="theirs", code="broker_denied")
    pings_are_done(connect)
    theirs.basic_cancel(tag)
    remote.call("add_consumer", queue="theirs")
    worker.wait_for_event("consuming", queue="theirs")
    done(worker, send_to(queue, "theirs", "meterbeat.sleep", 0))
    assert worker.stop() == 0


def test_heartbeats_come_every_two_seconds_and_when_asked_for(worker_of, remote, monitor):
    worker = worker_of()
    times = [monitor.wait("worker-heartbeat", count=n)["timestamp"] for n in (1, 2, 3)]
    assert all(1.9 < later - earlier < 3 for earlier, later in zip(times, times[1:]))
    assert remote.call("heartbeat") is None
    asked = monitor.wait("worker-heartbeat", count=4)
    assert asked["timestamp"] - times[-1] < 1.9
    assert worker.stop() == 0
