"""Celery's remote control of a mixed cluster: what its client and command line are told by a worker of ours is held
against what a worker of theirs says to the same."""
import contextlib
import json
import re
import time
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from celery.exceptions import TaskRevokedError

from celery_peer import HOST, OURS, STAND_IN, Mailbox, ours_alone, wait_for_state
from likeness import assert_alike, differences
from servers import wait_until

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def cluster(new_cluster):
    made = new_cluster().start()
    made.ours.answers(15)
    return made


@pytest.fixture
def theirs(cluster):
    return cluster.theirs


@pytest.fixture
def ours(cluster):
    return cluster.ours


@pytest.fixture
def sleeping(cluster):
    """One endless task on each worker, and one that waits behind it: {node: (running, waiting)}. They are ended."""
    sent = {}
    with contextlib.ExitStack() as stack:
        for node in cluster.both:
            sent[node] = node.send("meterbeat.sleep", 600), node.send("meterbeat.echo", 1, "b", kwargs={"c": 2.5})
            stack.callback(node.idle)
            stack.callback(node.ask, "revoke", task_id=[one.id for one in sent[node]], terminate=True)
        for node, (running, waiting) in sent.items():
            wait_until(lambda: [one["id"] for one in node.ask("active")] == [running.id], 30, "it runs")
            wait_until(lambda: [one["id"] for one in node.ask("reserved")] == [waiting.id], 30, "one waits")
        yield sent


def ping_runs(node):
    assert node.send("meterbeat.ping").get(timeout=30) == "pong"


# --- the comparison itself ------------------------------------------------------------------------

@pytest.mark.parametrize("theirs, ours, line", [
    ({"a": 1}, {}, "a: only theirs has it, 1"),
    ({}, {"a": 1}, "a: only ours has it, 1"),
    ({"a": 1}, {"a": True}, "a: theirs is int 1, ours bool True"),
    ({"a": 1}, {"a": 1.0}, "a: theirs is int 1, ours float 1.0"),
    ({"a": None}, {"a": ""}, "a: theirs is null None, ours text ''"),
    ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {"b": "x"}]}, "a[].b: theirs is int 1, ours text 'x'"),
    ({"a": [1]}, {"a": []}, "a: theirs has 1 elements, ours 0"),
    ({"e": "x"}, {"e": "y"}, "e: theirs is 'x', ours 'y'"),
])
def test_a_difference_is_seen_and_named(theirs, ours, line):
    assert differences(theirs, ours, equal=["e"]) == [line]
    assert differences(theirs, ours, {"*": "all"}, equal=["e"]) == []


def test_values_may_differ_where_no_equality_is_asked():
    assert differences({"a": 1, "b": [1, 2]}, {"a": 2, "b": [3]}) == []


# --- inspect: at rest -----------------------------------------------------------------------------

def test_status_counts_both(cluster):
    text = cluster.application.cli("status", "-t", 5, "-d", ",".join(node.name for node in cluster.both))
    for node in cluster.both:
        assert re.search(rf"{re.escape(node.name)}: OK", text), text
    assert "2 nodes online." in text


NO_PYTHON = "a setting of the Python program that has no counterpart here"
INSPECT = {  # command: (arguments, allowed differences, what must be equal)
    "ping": ((), {}, ["*"]),
    "active": ((), {}, ["*"]),
    "reserved": ((), {}, ["*"]),
    "scheduled": ((), {}, ["*"]),
    "revoked": ((), {"": "each has its own"}, []),
    "clock": ((), {}, []),
    "query_task": (("8a8a0d4a-0000-4000-8000-000000000000",), {}, ["*"]),
    "registered": ((), {}, []),
    "report": ((), {}, []),
    "conf": ((), {"*": NO_PYTHON}, []),
    "stats": ((), {
        "total.*": "counts of the tasks that each has run",
        "total": "empty where none was run",
        "rusage.*": "numbers of the operating system, float or int",
        "pool.processes": "the task runs in the worker itself",
        "broker.transport_options.*": "of kombu's transport",
        "pool.writes*": "the pipes of a pool that there is not",
    }, ["broker.hostname", "broker.port", "broker.virtual_host", "broker.userid", "broker.transport", "broker.ssl",
        "pool.max-concurrency", "prefetch_count"]),
    "active_queues": ((), {}, ["[[]].exchange.type", "[[]].exchange.durable", "[[]].durable", "[[]].exclusive",
                               "[[]].auto_delete", "[[]].no_ack", "[[]].queue_arguments", "[[]].max_priority"]),
}


@pytest.mark.parametrize("command", INSPECT)
def test_inspect_answers_alike(command, cluster, theirs, ours):
    arguments, allowed, equal = INSPECT[command]
    for node in cluster.both:
        node.idle()
    assert_alike(*cluster.inspect(command, *arguments), allowed, equal)


def test_inspect_prints_ours_as_theirs(cluster):
    """Without --json the command line prints replies, which fails when a reply is not what it expects."""
    nodes = "-d", ",".join(node.name for node in cluster.both)
    for command in "registered", "active_queues", "stats":
        text = cluster.application.cli("inspect", "-t", 5, *nodes, command)
        for node in cluster.both:
            assert f"{node.name}: OK" in text, text
        assert "2 nodes online." in text


def test_both_say_where_the_broker_is_and_neither_its_password(cluster):
    for node in cluster.both:
        assert "guest:guest" not in json.dumps(node.ask("stats"))
        assert "guest:guest" not in json.dumps(node.ask("conf"))


def test_registered_tasks_are_sorted_names_with_their_limits_in_brackets(cluster, theirs, ours):
    cluster.ask("rate_limit", task_name="meterbeat.echo", rate_limit="7/s")
    try:
        for node, reply in zip(cluster.both, cluster.inspect("registered")):
            assert reply == sorted(reply), node
            assert {"meterbeat.echo [rate_limit=7/s]", "meterbeat.ping", "meterbeat.sleep"} <= set(reply), node
        assert STAND_IN or {"parse", "aggregate"} <= set(ours.ask("registered"))
        for node, reply in zip(cluster.both, cluster.inspect("registered", "nobody_knows", "rate_limit", "name")):
            assert "meterbeat.echo [rate_limit=7/s name=meterbeat.echo]" in reply, node
            assert "meterbeat.ping [name=meterbeat.ping]" in reply, node
    finally:
        cluster.ask("rate_limit", task_name="meterbeat.echo", rate_limit=0)
    assert "meterbeat.echo" in " ".join(ours.ask("registered"))


@ours_alone
def test_the_name_of_ours_is_that_of_its_connection(ours):
    stats = ours.ask("stats")
    assert ours.name == f"meterbeat-worker@{HOST}/{stats['pid']}"
    assert ours.program.pid == stats["pid"]


def test_the_queue_of_ours_is_the_one_it_consumes(ours):
    [queue] = ours.ask("active_queues")
    assert (queue["name"], queue["routing_key"]) == (OURS, OURS)


def test_stats_count_tasks_by_name(cluster):
    for node in cluster.both:
        before = node.ask("stats")["total"].get("meterbeat.ping", 0)
        ping_runs(node)
        wait_until(lambda: node.ask("stats")["total"].get("meterbeat.ping", 0) == before + 1, 10, "counted")


def test_the_clock_runs_forwards(cluster):
    for node in cluster.both:
        first = node.ask("hello", from_node=f"clock@{HOST}")["clock"]
        assert node.ask("clock")["clock"] >= first
        assert int(node.ask("stats")["clock"]) >= first
        assert node.ask("hello", from_node=f"clock@{HOST}")["clock"] > first


# --- inspect: at work -----------------------------------------------------------------------------

TASK = ["*].id", "*].name", "*].type", "*args", "*args.*", "*kwargs", "*kwargs.*", "*exchange", "*priority", "*redelivered"]


def neutral(value, node, ids):
    """The reply without what has to differ: task ids and the worker's own name."""
    text = json.dumps(value).replace(node.name, "(node)").replace(json.dumps(node.queue), '"(queue)"')
    for number, one in enumerate(ids):
        text = text.replace(one.id, f"(id {number})")
    return json.loads(text)


@pytest.mark.parametrize("command, arguments", [
    ("active", {}), ("active", {"safe": True}), ("reserved", {}), ("scheduled", {})])
def test_tasks_at_work_are_described_alike(command, arguments, cluster, sleeping):
    replies = [neutral(node.ask(command, **arguments), node, sleeping[node]) for node in cluster.both]
    assert_alike(*replies, equal=[*TASK, "*hostname", "*routing_key"])
    assert len(replies[1]) == (command != "scheduled")


def test_query_task_tells_running_from_waiting(cluster, sleeping):
    replies = [neutral(cluster.application.inspect([node], "query_task", *[one.id for one in sleeping[node]])[node.name],
                       node, sleeping[node]) for node in cluster.both]
    assert_alike(*replies, equal=[*TASK, "(id ?)[[]]"])
    assert [replies[1][f"(id {number})"][0] for number in (0, 1)] == ["active", "reserved"]


def test_every_question_is_answered_while_a_task_runs(ours, sleeping):
    for command in "ping", "active", "reserved", "scheduled", "registered", "stats", "active_queues", "conf", "clock":
        assert ours.application.app.control.broadcast(command, destination=[ours.name], reply=True, timeout=1, limit=1), \
            f"{command} not answered within Celery's own second"


def test_a_held_eta_is_scheduled(cluster, theirs, ours):
    """Ours holds an eta for the last second only; theirs as long as it takes."""
    def hold(node, seconds):
        sent = node.send("meterbeat.echo", "held", eta=datetime.now(timezone.utc) + timedelta(seconds=seconds))
        try:
            seen = wait_until(lambda: node.ask("scheduled"), seconds + 20, "it is scheduled", pause=0.01)
            state = node.ask("query_task", ids=[sent.id])
        finally:
            node.ask("revoke", task_id=sent.id)
        return sent, seen, state

    (their_task, their_view, _), (our_task, our_view, _) = hold(theirs, 60), hold(ours, 0.9)
    assert_alike(neutral(their_view, theirs, [their_task]), neutral(our_view, ours, [our_task]),
                 equal=[*TASK, "*hostname"])
    assert datetime.fromisoformat(our_view[0]["eta"]).utcoffset() == timedelta(0)


# --- revoke ---------------------------------------------------------------------------------------

def test_revoke_flags_alike_and_the_task_is_not_run(cluster, sleeping):
    texts = []
    for node in cluster.both:
        waiting = sleeping[node][1]
        texts.append(cluster.application.control([node], "revoke", waiting.id)[node.name]["ok"].replace(waiting.id, "ID"))
        assert waiting.id in node.ask("revoked")
    assert texts[0] == texts[1] == "tasks {'ID'} flagged as revoked"
    for node in cluster.both:
        node.ask("revoke", task_id=sleeping[node][0].id, terminate=True)
        with pytest.raises(TaskRevokedError):
            sleeping[node][1].get(timeout=30)
        assert sleeping[node][1].state == "REVOKED"
        ping_runs(node)


def test_revoking_lists_and_nothing_is_worded_alike(cluster):
    some = [str(uuid.UUID(int=number)) for number in (1, 2)]
    theirs, ours = cluster.ask("revoke", task_id=some)
    pattern = r"tasks \{'[-0-9]{36}', '[-0-9]{36}'\} flagged as revoked"
    assert re.fullmatch(pattern, theirs["ok"]) and re.fullmatch(pattern, ours["ok"])
    for arguments in ({"task_id": []}, {"task_id": str(uuid.uuid4()), "terminate": True},
                      {"task_id": [], "terminate": True}):
        theirs, ours = cluster.ask("revoke", **arguments)
        assert theirs == ours


@pytest.mark.parametrize("command", ["revoke", "terminate"])
def test_terminate_stops_what_runs_and_says_so_alike(command, cluster, sleeping):
    texts = []
    for node in cluster.both:
        running = sleeping[node][0]
        if command == "terminate":
            reply = cluster.application.control([node], "terminate", "SIGTERM", running.id)[node.name]
        else:
            reply = node.ask("revoke", task_id=running.id, terminate=True, signal="SIGTERM")
        texts.append({"ok": reply["ok"].replace(running.id, "ID")})
        with pytest.raises(TaskRevokedError):
            running.get(timeout=30)
        assert sleeping[node][1].get(timeout=30) == {"args": [1, "b"], "kwargs": {"c": 2.5}}, "the next one runs"
    assert texts[0] == texts[1] == {"ok": "terminate: ID"}


@pytest.mark.parametrize("arguments", [{"signal": "SIGNOPE"}, {"signal": 7.5}])
def test_a_signal_that_is_none_is_an_error_or_nothing_but_never_the_end(arguments, cluster, ours):
    reply = ours.ask("revoke", task_id=str(uuid.uuid4()), terminate=True, **arguments)
    assert reply.keys() <= {"ok", "error"}
    ping_runs(ours)


@ours_alone  # Celery forgets
def test_a_revoked_task_stays_revoked_after_a_restart(cluster):
    """Only the worker that was told knows it, and it was gone in between."""
    node = cluster.start_ours(queue="restarted").answers()
    task_id = str(uuid.uuid4())
    node.ask("revoke", task_id=task_id)
    assert node.program.stop() == 0
    again = cluster.start_ours(queue="restarted").answers()
    try:
        assert task_id in again.ask("revoked")
        with pytest.raises(TaskRevokedError):
            again.send("meterbeat.echo", task_id=task_id).get(timeout=30)
        ping_runs(again)
    finally:
        again.program.stop()


def test_stamped_headers_revoke_alike(cluster):
    stamps = {"monitoring_id": "m-1", "stamped_headers": ["monitoring_id"], "stamps": {"monitoring_id": "m-1"}}
    theirs, ours = cluster.ask("revoke_by_stamped_headers", headers={"monitoring_id": ["m-1"]})
    assert theirs == ours or "error" in ours
    for node in cluster.both:
        if "ok" in (theirs if node is cluster.theirs else ours):
            with pytest.raises(TaskRevokedError):
                node.send("meterbeat.echo", headers=stamps).get(timeout=30)
        ping_runs(node)


# --- limits ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("rate", ["10/s", "5/m", "3/h", "2", 4, "0", 0, None, "", "1/d", "fast", "/s"], ids=repr)
def test_rate_limits_are_taken_and_refused_alike(rate, cluster):
    try:
        theirs, ours = cluster.ask("rate_limit", task_name="meterbeat.sleep", rate_limit=rate)
        assert_alike(theirs, ours, {"error": "the words of a Python exception"} if "error" in theirs else {}, ["*"])
    finally:
        cluster.ask("rate_limit", task_name="meterbeat.sleep", rate_limit=0)


def test_a_rate_limit_that_makes_no_sense_stops_no_task(ours):
    for rate in "-1/s", "1e3/s", "nan", "inf/s", "1/s/s", [1], {"a": 1}, True, -2, 1e300:
        reply = ours.ask("rate_limit", task_name="meterbeat.ping", rate_limit=rate)
        assert reply.keys() <= {"ok", "error"}
        if "error" in reply:
            ping_runs(ours)
    ours.ask("rate_limit", task_name="meterbeat.ping", rate_limit=0)
    ping_runs(ours)


def test_limits_of_unknown_tasks_are_refused_alike(cluster):
    assert cluster.control("rate_limit", "nope", "1/s") == ({"error": "unknown task"},) * 2
    assert cluster.control("time_limit", "nope", "1", "2") == ({"error": "unknown task"},) * 2


def test_a_rate_limit_really_limits_and_is_lifted_again(cluster, theirs, ours):
    """Four tasks at two a second take at least 1.5 s: three gaps, whoever runs them."""
    assert cluster.control("rate_limit", "meterbeat.echo", "2/s") == ({"ok": "new rate limit set successfully"},) * 2
    try:
        for node in cluster.both:
            began = time.monotonic()
            sent = [node.send("meterbeat.echo", number) for number in range(4)]
            assert node.send("meterbeat.ping").get(timeout=30) == "pong"
            assert [one.get(timeout=30)["args"] for one in sent] == [[0], [1], [2], [3]]
            assert time.monotonic() - began >= 1.4, node
    finally:
        replies = cluster.ask("rate_limit", task_name="meterbeat.echo", rate_limit=0)
    assert replies == ({"ok": "rate limit disabled successfully"},) * 2


def test_time_limits_are_set_with_the_same_words(cluster):
    for limits in {"hard": 100, "soft": 50}, {"hard": 100.5}, {"soft": 7}, {"hard": None, "soft": None}:
        theirs, ours = cluster.ask("time_limit", task_name="meterbeat.echo", **limits)
        assert theirs == ours == {"ok": "time limits set successfully"}


@ours_alone  # Celery 5.7.0 says so and lets the task run on
def test_a_time_limit_ends_tasks_from_then_on(ours):
    ours.ask("time_limit", task_name="meterbeat.sleep", hard=1, soft=None)
    try:
        ended = wait_for_state(ours.send("meterbeat.sleep", 60), "FAILURE", "RETRY")
        assert ended["result"]["exc_type"] == "TimeLimitExceeded"
    finally:
        ours.ask("time_limit", task_name="meterbeat.sleep", hard=None, soft=None)
    assert ours.send("meterbeat.sleep", 1.5).get(timeout=30) is None


# --- queues ---------------------------------------------------------------------------------------

def test_consumers_are_added_and_cancelled_alike(cluster, theirs, ours):
    for node in cluster.both:
        name = f"more-{node.queue}"
        assert cluster.application.control([node], "add_consumer", name) == {node.name: {"ok": f"add consumer {name}"}}
        wait_until(lambda: len(node.ask("active_queues")) == 2, 30, "two queues")
        assert node.send("meterbeat.echo", queue=name).get(timeout=30) == {"args": [], "kwargs": {}}
    replies = [[queue for queue in node.ask("active_queues") if queue["name"] == f"more-{node.queue}"]
               for node in cluster.both]
    renamed = [json.loads(json.dumps(reply).replace(f"more-{node.queue}", "more"))
               for node, reply in zip(cluster.both, replies)]
    assert_alike(*renamed, equal=["*"])
    for node in cluster.both:
        name = f"more-{node.queue}"
        assert cluster.application.control([node], "cancel_consumer", name) == {
            node.name: {"ok": f"no longer consuming from {name}"}}
        wait_until(lambda: [queue["name"] for queue in node.ask("active_queues")] == [node.queue], 30, "one queue")


def test_a_cancelled_queue_keeps_its_messages_until_it_is_added_again(cluster, ours):
    ours.ask("cancel_consumer", queue=OURS)
    wait_until(lambda: not ours.ask("active_queues"), 30, "no queue")
    sent = ours.send("meterbeat.echo", "kept")
    with cluster.app.connection_for_write() as connection:
        wait_until(lambda: connection.default_channel.queue_declare(OURS, passive=True).message_count == 1, 10,
                   "it waits in the queue")
    ours.ask("add_consumer", queue=OURS)
    assert sent.get(timeout=30)["args"] == ["kept"]


def test_adding_and_cancelling_twice_and_what_is_not_there_is_worded_alike(cluster, theirs, ours):
    for command in "add_consumer", "cancel_consumer", "cancel_consumer":
        assert_alike(*cluster.ask(command, queue="nobody-s"), equal=["*"])
    wait_until(lambda: len(ours.ask("active_queues")) == 1, 30, "as before")


# --- events, mingling, shutting down ---------------------------------------------------------------

def test_events_are_switched_and_said_alike(cluster):
    for command, text in [("enable_events", "task events enabled"), ("enable_events", "task events already enabled"),
                          ("disable_events", "task events disabled"), ("disable_events", "task events already disabled")]:
        assert cluster.control(command) == ({"ok": text},) * 2


def test_heartbeat_replies_nothing(cluster):
    assert cluster.control("heartbeat") == (None, None)


def test_hello_shares_clock_and_revoked(cluster, ours):
    known = str(uuid.uuid4())
    theirs_reply, ours_reply = cluster.ask("hello", from_node=f"new@{HOST}", revoked=[known])
    assert_alike(theirs_reply, ours_reply, {"revoked*": "each has its own"})
    assert all(known in node.ask("revoked") for node in cluster.both)
    again = ours.ask("hello", from_node=f"newer@{HOST}", revoked={})
    assert known in again["revoked"]
    assert again["clock"] > ours_reply["clock"]
    assert ours.ask("hello", from_node=ours.name, revoked=None) is None, "it does not greet itself"
    assert ours.ask("hello", from_node=f"old@{HOST}", revoked={known: 1795453755.5})["revoked"], "the older form"


def test_a_celery_worker_that_starts_mingles_with_ours(cluster, ours):
    revoked = str(uuid.uuid4())
    ours.ask("revoke", task_id=revoked)
    newcomer = cluster.application.worker(name="newcomer", queue="newcomer", pool="solo")
    try:
        assert "sync complete" in newcomer.program.text()
        assert revoked in newcomer.ask("revoked")
    finally:
        newcomer.program.stop()


def test_shutdown_ends_the_worker_in_order(cluster):
    node = cluster.start_ours(queue="leaving").answers()
    text = cluster.application.cli("control", "-d", node.name, "shutdown", status=None)
    assert node.program.wait(30) == 0
    assert node.name not in text, "no reply is expected, as from Celery"


# --- what is not there, and what is no request -----------------------------------------------------

def test_unknown_commands_and_arguments_are_refused_in_celery_s_shape(cluster):
    theirs, ours = cluster.ask("nope")
    assert theirs == ours == {"error": "KeyError('nope')"}
    for command, arguments in [("pool_restart", {}), ("autoscale", {"max": 3, "min": 1})]:
        theirs, ours = cluster.ask(command, **arguments)
        assert theirs == ours and theirs.keys() == {"error"}
    for command in "revoke", "rate_limit", "query_task", "cancel_consumer", "terminate", "hello":
        theirs, ours = cluster.ask(command)
        assert_alike(theirs, ours)
        assert theirs.keys() == ours.keys() == {"error"}


@ours_alone
@pytest.mark.parametrize("command", ["pool_grow", "pool_shrink"])
def test_a_pool_of_one_does_not_grow(command, ours):
    reply = ours.ask(command, n=1)
    assert list(reply) == ["error"] and isinstance(reply["error"], str)
    ping_runs(ours)


def test_more_arguments_than_known_are_no_error_where_celery_takes_them(cluster):
    for command in "ping", "stats", "active", "reserved", "scheduled", "revoked", "registered", "conf", "clock":
        theirs, ours = cluster.ask(command, nobody="knows")
        assert ("error" in theirs) == ("error" in ours), command


def test_only_the_addressed_answer(cluster, theirs, ours):
    def answering(**options):
        return {name for one in cluster.app.control.broadcast("ping", reply=True, timeout=1, **options) for name in one}
    assert answering() == {theirs.name, ours.name}
    assert answering(destination=[ours.name]) == {ours.name}
    assert answering(destination=[f"nobody@{HOST}"]) == set()
    assert answering(pattern=f"{ours.name.split('@')[0]}@*", matcher="glob") == {ours.name}
    assert answering(pattern=rf".+@{re.escape(HOST)}.*", matcher="pcre") == {theirs.name, ours.name}
    assert answering(pattern="(", matcher="pcre") <= {theirs.name, ours.name}
    ping_runs(ours)


def test_a_reply_has_celery_s_form(cluster, theirs, ours):
    mailbox = Mailbox(cluster.application)
    request = mailbox.request()
    mailbox.send(request, clock=100000, expires=0)
    wait_until(lambda: len(mailbox.replies_to(request["ticket"])) == 2, 10, "two replies")
    found = {list(json.loads(message.body))[0]: message for message in mailbox.replies}
    their, our = found[theirs.name], found[ours.name]
    mailbox.connection.close()
    assert json.loads(our.body) == {ours.name: {"ok": "pong"}}
    assert our.properties["delivery_mode"] == their.properties["delivery_mode"]
    for name in "content_type", "content_encoding":
        assert getattr(our, name) == getattr(their, name)
    assert_alike(their.headers, our.headers, equal=["ticket"])
    assert our.headers["clock"] > 100000
