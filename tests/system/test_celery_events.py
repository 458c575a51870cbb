"""Events of a mixed cluster: Celery's monitors hear of a task of ours what they hear of one of theirs."""
import re
import uuid

import celery.exceptions
import pytest

from celery_peer import Monitor, ours_alone, wait_for_state
from likeness import assert_alike
from servers import wait_until

pytestmark = pytest.mark.timeout(120)

ARRIVAL = "local_received"  # of the receiver, not of the event
SAME = ["type", "name", "args", "kwargs", "result", "retries", "eta", "expires", "exception", "terminated", "expired",
        "signum", "requeue", "utcoffset"]
NO_TRACEBACK = {"traceback": "theirs is the text of a Python traceback, ours may be null"}


@pytest.fixture(scope="module")
def cluster(new_cluster):
    """Ours comes first here: its exchanges are what Celery then declares again."""
    made = new_cluster()
    made.ours = made.start_ours()
    made.ours.answers(15)
    made.theirs = made.application.worker()
    return made


@pytest.fixture(scope="module")
def monitor(cluster):
    with Monitor(cluster.app) as made:
        yield made


@pytest.fixture
def on(cluster, monitor):
    """The monitor, while both send events of tasks."""
    cluster.ask("enable_events")
    yield monitor
    cluster.ask("disable_events")


def without_arrival(event):
    return {name: value for name, value in event.items() if name != ARRIVAL}


def assert_same_story(monitor, sent, types, allowed=None, equal=SAME):
    """Each of the two tasks, theirs and ours, has these events in this order with the same fields."""
    stories = []
    for result in sent:
        monitor.wait(task_id=result.id, kind=types[-1], limit=20)
        stories.append([without_arrival(event) for event in monitor.of(task_id=result.id)])
        assert [event["type"] for event in stories[-1]] == types
    for theirs, ours in zip(*stories):
        assert_alike(theirs, ours, allowed, equal)
    return stories


def send_both(cluster, *arguments, **options):
    return [node.send(*arguments, **options) for node in cluster.both]


# --- tasks ----------------------------------------------------------------------------------------

def test_a_task_that_succeeds_is_received_started_and_succeeded(cluster, on):
    sent = send_both(cluster, "meterbeat.echo", 1, "two", None, 2.5, kwargs={"key": ["é", True]},
                     expires=3600, root_id="a-root", parent_id="a-parent", argsrepr="(1, 'two')")
    for result in sent:
        result.get(timeout=30)
    stories = assert_same_story(on, sent, ["task-received", "task-started", "task-succeeded"],
                                equal=[name for name in SAME if name != "expires"])
    for story in stories:
        assert story[0]["root_id"] == "a-root" and story[0]["parent_id"] == "a-parent"
        assert story[0]["args"] == "(1, 'two')"
        assert 0 <= story[2]["runtime"] < 10
        assert [event["clock"] for event in story] == sorted({event["clock"] for event in story})
        assert [event["timestamp"] for event in story] == sorted(event["timestamp"] for event in story)


@ours_alone  # Celery shows them its own way
def test_results_are_python_s_reprs(cluster, on):
    values = ["it's", 'a "b"', "\n\t\\", "ü", [], {}, 1e30, -0.0, [True, None], {"a": {"b": [1]}}]
    sent = send_both(cluster, "meterbeat.echo", *values, argsrepr="as sent")
    _, ours = assert_same_story(on, sent, ["task-received", "task-started", "task-succeeded"],
                                equal=[name for name in SAME if name != "result"])  # Celery's has raw line breaks
    assert ours[2]["result"] == repr({"args": values, "kwargs": {}})


def test_a_long_result_is_cut(cluster, on):
    sent = send_both(cluster, "meterbeat.echo", "x" * 5000)
    for story in assert_same_story(on, sent, ["task-received", "task-started", "task-succeeded"],
                                   equal=["type", "name"]):
        assert len(story[0]["args"]) <= 1100 and len(story[2]["result"]) <= 1100


def test_a_task_that_fails_says_with_what(cluster, on):
    sent = send_both(cluster, "meterbeat.sleep", "soon")
    for result in sent:
        wait_for_state(result, "FAILURE")
    _, ours = assert_same_story(on, sent, ["task-received", "task-started", "task-failed"], NO_TRACEBACK,
                                [name for name in SAME if name != "exception"])
    assert re.fullmatch(r"\w+\(.*\)", ours[2]["exception"]), "as repr() shows an exception"


def test_an_unknown_task_fails_without_having_been_received(cluster, on):
    sent = send_both(cluster, "nope")
    for result in sent:
        wait_for_state(result, "FAILURE")
    _, ours = assert_same_story(on, sent, ["task-failed"], NO_TRACEBACK,
                                [name for name in SAME if name != "exception"])
    assert ours[0]["exception"].startswith("NotRegistered('nope'")


@ours_alone
def test_a_retry_is_told_as_celery_tells_it(cluster, on):
    theirs = cluster.theirs.send("retry_once")
    ours = cluster.ours.send("meterbeat.sleep", 60, time_limit=1)
    assert theirs.get(timeout=30) == 1
    on.wait(task_id=theirs.id, kind="task-succeeded")
    on.wait(task_id=ours.id, kind="task-retried", limit=30)
    stories = [on.of(task_id=one.id) for one in (theirs, ours)]
    assert [event["type"] for event in stories[1]] == ["task-received", "task-started", "task-retried"]
    assert_alike(*[without_arrival(story[-1] if story is stories[1] else
                                   next(event for event in story if event["type"] == "task-retried"))
                   for story in stories], NO_TRACEBACK)
    assert stories[1][-1]["exception"].startswith("TimeLimitExceeded(")


def test_a_revoked_task_is_told(cluster, on):
    task_id = [str(uuid.uuid4()) for _ in cluster.both]
    for node, one in zip(cluster.both, task_id):
        node.ask("revoke", task_id=one)
    sent = [node.send("meterbeat.echo", task_id=one) for node, one in zip(cluster.both, task_id)]
    for result in sent:
        with pytest.raises(celery.exceptions.TaskRevokedError):
            result.get(timeout=30)
    assert_same_story(on, sent, ["task-revoked"])


def test_a_task_revoked_while_it_waits_is_told(cluster, on):
    sleeping = send_both(cluster, "meterbeat.sleep", 600)
    waiting = send_both(cluster, "meterbeat.echo")
    for node, first, second in zip(cluster.both, sleeping, waiting):
        on.wait(task_id=first.id, kind="task-started")
        on.wait(task_id=second.id, kind="task-received")
        node.ask("revoke", task_id=second.id)
        node.ask("revoke", task_id=first.id, terminate=True)
    assert_same_story(on, waiting, ["task-received", "task-revoked"])


def test_an_expired_task_is_told(cluster, on):
    """RabbitMQ drops what expires in a queue without a word; this one has the header alone."""
    sent = send_both(cluster, "meterbeat.echo", headers={"expires": "2020-01-01T00:00:00+00:00"})
    assert_same_story(on, sent, ["task-revoked"])


def test_a_terminated_task_is_told(cluster, on):
    sent = send_both(cluster, "meterbeat.sleep", 600)
    for node, result in zip(cluster.both, sent):
        on.wait(task_id=result.id, kind="task-started")
        node.ask("revoke", task_id=result.id, terminate=True)
    assert_same_story(on, sent, ["task-received", "task-started", "task-revoked"])


@ours_alone
def test_a_message_that_is_put_aside_is_told_as_celery_tells_a_rejected_one(cluster, on):
    theirs = cluster.theirs.send("reject")
    on.wait(task_id=theirs.id, kind="task-rejected")
    ours = cluster.ours.send("meterbeat.echo", headers={"timelimit": [1, 2, 3]})
    cluster.ours.program.wait_for_event("task_dead", code="bad_timelimit")
    wait_until(lambda: [one for one in on.of(task_id=ours.id) if one["type"] != "task-received"], 20, "its end")
    for event in on.of(task_id=ours.id):
        if event["type"] == "task-received":
            continue
        like = {"task-rejected": on.of(task_id=theirs.id, kind="task-rejected"),
                "task-failed": on.of(task_id=theirs.id, kind="task-failed")}[event["type"]][0]
        assert_alike(without_arrival(like), without_arrival(event), NO_TRACEBACK, ["requeue"])


# --- what `celery events --dump` prints -------------------------------------------------------------

def dumped(text, node, task_id):
    """The lines about a task, each as its type and the names of its fields."""
    lines = [line for line in text.splitlines() if line.startswith(node.name) and task_id in line]
    return [(re.search(r"\] ([a-z ]+):", line)[1], sorted(re.findall(r"(?:^|[ ,])(\w+)=", line))) for line in lines]


def beat(node):
    """A regular heartbeat; those that a monitor asks for are shorter."""
    return rf"{re.escape(node.name)} \[[^]]+\] heartbeat: (.*processed=.*)"


def test_celery_events_dumps_the_same_lines(cluster, on):
    dump = cluster.application.dump()
    try:
        for node in cluster.both:  # it says that it starts before it hears anything
            dump.wait_for_text(beat(node))
        sent = send_both(cluster, "meterbeat.echo", 7)
        for result in sent:
            dump.wait_for_text(rf"task succeeded:.*{result.id}")
        theirs, ours = [dumped(dump.text(), node, result.id) for node, result in zip(cluster.both, sent)]
        assert [kind for kind, _ in theirs] == ["task received", "task started", "task succeeded"]
        assert theirs == ours
        beats = [sorted(re.findall(r"(\w+)=", re.search(beat(node), dump.text())[1])) for node in cluster.both]
        assert beats[0] == beats[1]
    finally:
        dump.kill()


# --- workers --------------------------------------------------------------------------------------

WORKER_SAME = ["type", "active", "utcoffset", "sw_sys"]
FREQUENCY = {"freq": "whole seconds, or with a fraction"}


def test_heartbeats_come_by_themselves_and_alike(cluster, monitor):
    since = len(monitor.events)
    beats = [monitor.wait(node=node, kind="worker-heartbeat", having="processed", since=since, count=3, limit=20)
             for node in cluster.both]  # the others are answers to the command heartbeat, and shorter
    assert_alike(without_arrival(beats[0][-1]), without_arrival(beats[1][-1]), FREQUENCY, WORKER_SAME)
    ours = beats[1][-1]
    assert ours["pid"] == cluster.ours.program.pid
    assert len(ours["loadavg"]) == 3 and ours["freq"] > 0
    gaps = [later["timestamp"] - earlier["timestamp"] for earlier, later in zip(beats[1], beats[1][1:])]
    assert max(gaps) < 2 * ours["freq"], "Celery takes it for dead after two"


@ours_alone
def test_ours_says_what_software_it_is(cluster, monitor):
    beat = monitor.wait(node=cluster.ours, kind="worker-heartbeat")[-1]
    assert beat["sw_ident"] == "meterbeat" and re.match(r"\d+\.\d+", beat["sw_ver"]) and beat["sw_sys"] == "Linux"


def test_a_heartbeat_is_sent_when_it_is_asked_for(cluster, monitor):
    for node in cluster.both:
        since = len(monitor.of(node=node, kind="worker-heartbeat"))
        for _ in range(5):
            node.ask("heartbeat")
        monitor.wait(node=node, kind="worker-heartbeat", count=since + 5, limit=4)


def test_processed_counts_and_active_tells_of_a_running_task(cluster, monitor):
    for node in cluster.both:
        before = monitor.wait(node=node, kind="worker-heartbeat", having="processed")[-1]["processed"]
        running = node.send("meterbeat.sleep", 600)
        try:
            wait_until(lambda: node.ask("active"), 30, "it runs")
            since = len(monitor.events)
            beat = monitor.wait(node=node, kind="worker-heartbeat", having="processed", since=since, count=2)[-1]
            assert beat["active"] == 1 and beat["processed"] >= before
        finally:
            node.ask("revoke", task_id=running.id, terminate=True)
            node.idle()


def test_a_worker_comes_online_and_goes_offline(cluster, monitor):
    """... and says so; Celery's State believes both."""
    start = {"theirs": lambda: cluster.application.worker(name="passing", queue="passing", pool="solo"),
             "ours": lambda: cluster.start_ours(queue="passing-ours").answers()}
    stories = {}
    for kind, begin in start.items():
        node = begin()
        monitor.wait(node=node, kind="worker-online")
        assert monitor.state.workers[node.name].alive
        node.program.stop()
        monitor.wait(node=node, kind="worker-offline")
        wait_until(lambda: not monitor.state.workers[node.name].alive, 10, "it is offline")
        stories[kind] = [monitor.of(node=node, kind=f"worker-{what}")[0] for what in ("online", "offline")]
        assert [event["type"] for event in monitor.of(node=node)][::len(monitor.of(node=node)) - 1] == [
            "worker-online", "worker-offline"], "the first and the last"
    for theirs, ours in zip(stories["theirs"], stories["ours"]):
        assert_alike(without_arrival(theirs), without_arrival(ours), FREQUENCY, ["type", "utcoffset"])


def test_celery_s_state_has_both_alive_with_their_tasks(cluster, on):
    succeeded, failed = send_both(cluster, "meterbeat.echo", 1), send_both(cluster, "meterbeat.sleep", "soon")
    for node, good, bad in zip(cluster.both, succeeded, failed):
        on.wait(task_id=good.id, kind="task-succeeded")
        on.wait(task_id=bad.id, kind="task-failed")
        worker = on.state.workers[node.name]
        # how many tasks are active comes with a heartbeat, which Python's worker sends when it likes
        wait_until(lambda worker=worker: worker.active is not None, 30, f"a heartbeat of {node.name}")
        assert worker.alive and worker.sw_ident
        task = on.state.tasks[good.id]
        assert (task.state, task.name, task.worker.hostname) == ("SUCCESS", "meterbeat.echo", node.name)
        assert task.received <= task.started <= task.succeeded and task.runtime >= 0
        assert on.state.tasks[bad.id].state == "FAILURE"
    assert set(on.state.alive_workers()) >= {on.state.workers[node.name] for node in cluster.both}


# --- off and on, and the bytes ----------------------------------------------------------------------

def heard_of(monitor, node, result):
    """Events of a task that has ended, once the worker has certainly sent them."""
    result.get(timeout=30)
    since = len(monitor.of(node=node, kind="worker-heartbeat"))
    node.ask("heartbeat")
    monitor.wait(node=node, kind="worker-heartbeat", count=since + 1)
    return [event["type"] for event in monitor.of(task_id=result.id)]


def test_events_of_tasks_are_off_until_they_are_enabled(cluster, monitor):
    for node in cluster.both:
        node.ask("disable_events")  # whatever a test before did
        assert heard_of(monitor, node, node.send("meterbeat.echo")) == []
        node.ask("enable_events")
        result = node.send("meterbeat.echo")
        heard_of(monitor, node, result)
        assert len(monitor.wait(task_id=result.id, count=3)) == 3
        node.ask("disable_events")
        assert heard_of(monitor, node, node.send("meterbeat.echo")) == []


def test_a_new_worker_sends_no_events_of_tasks(cluster, monitor):
    node = cluster.start_ours(queue="new").answers()
    try:
        assert heard_of(monitor, node, node.send("meterbeat.echo")) == []
    finally:
        node.program.stop()


def test_events_travel_alike(cluster, on):
    """Exchange, routing key, properties and headers, as a client that is not kombu's sees them."""
    messages = []
    with cluster.app.connection_for_read() as connection:
        channel = connection.channel()
        channel.exchange_declare("celeryev", "topic", durable=True, auto_delete=False)
        queue = channel.queue_declare("", exclusive=True).queue
        channel.queue_bind(queue, "celeryev", "#")
        channel.basic_consume(queue, callback=messages.append, no_ack=True)
        sent = send_both(cluster, "meterbeat.echo", 1)

        def seen():
            try:
                connection.drain_events(timeout=0.2)
            except TimeoutError:
                pass
            by_node = [[one for one in messages if one.headers["hostname"] == node.name] for node in cluster.both]
            return all(any(one.delivery_info["routing_key"].startswith("task.") for one in found)
                       and any(one.delivery_info["routing_key"] == "worker.heartbeat" for one in found)
                       for found in by_node) and by_node
        theirs, ours = wait_until(seen, 20, "events of both")
    for result in sent:
        result.get(timeout=30)
    for name in "content_type", "content_encoding":
        assert {getattr(one, name) for one in ours} == {getattr(one, name) for one in theirs}, name
    for name in "delivery_mode", "priority":
        assert {one.properties.get(name) for one in ours} == {one.properties.get(name) for one in theirs}, name
    keys = {one.delivery_info["routing_key"] for one in ours}
    assert keys <= {"worker.heartbeat", "task.multi", "task.received", "task.started", "task.succeeded"}
    assert {frozenset(one.headers) for one in ours} == {frozenset(one.headers) for one in theirs}
