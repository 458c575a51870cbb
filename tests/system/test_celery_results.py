"""Results and workflows of a mixed cluster: AsyncResult.get() over rpc://, links, chains, groups and chords that go from
worker to worker of either kind."""
import datetime
import decimal
import json
import re
import signal
import uuid

import celery.exceptions
import pytest
from celery import chain, chord, group

from celery_peer import OURS, STAND_IN, THEIRS, messages_of, ours_alone, states_of, wait_for_state
from likeness import assert_alike
from servers import wait_until

pytestmark = pytest.mark.timeout(120)
NO_TRACEBACK = {"traceback": "theirs is the text of a Python traceback, ours may be null"}


@pytest.fixture(scope="module")
def cluster(new_cluster):
    return new_cluster().start()


@pytest.fixture
def theirs(cluster):
    return cluster.theirs


@pytest.fixture
def ours(cluster):
    return cluster.ours


@pytest.fixture
def app(cluster):
    return cluster.app


def echo(app, *args, queue=OURS, immutable=False, **kwargs):
    """A signature of our task: it returns its arguments."""
    return app.signature("meterbeat.echo", args=args, kwargs=kwargs, queue=queue, immutable=immutable)


def report(app, *args, immutable=False):
    """A signature of their task that returns what came with its message."""
    return app.signature("report", args=args, queue=THEIRS, immutable=immutable)


def linked(signature):
    """The signature with an id and this client's address to answer to, as a link of one's own needs; and its result."""
    result = signature.freeze()
    result.backend.add_pending_result(result)  # the client loses what comes before it is waited for
    return signature, result


# --- results --------------------------------------------------------------------------------------

VALUES = [None, True, 0, -2**53, 2.5, 1e300, "", "ü€😀", "a\nb", [], {}, [1, [2, {"three": None}]], {"": 0, "ü": [1]}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_come_back_as_they_were_sent(value, ours):
    assert ours.send("meterbeat.echo", value, kwargs={"key": value}).get(timeout=30) == {
        "args": [value], "kwargs": {"key": value}}


def test_values_of_python_s_types_come_back_as_such(ours):
    moment = datetime.datetime(2026, 11, 24, 12, 30, 15, 250000, tzinfo=datetime.timezone.utc)
    values = [moment, datetime.date(2026, 3, 29), decimal.Decimal("0.10"), uuid.UUID(int=7), b"\x00\xff"]
    assert ours.send("meterbeat.echo", *values).get(timeout=30)["args"] == values


def test_a_result_message_is_celery_s(cluster):
    theirs, ours = [messages_of(node.send("meterbeat.echo", 1, root_id="root", parent_id="parent", group_id="group"))
                    for node in cluster.both]
    assert [meta["status"] for meta in theirs if meta["status"] != "STARTED"] == ["SUCCESS"]
    assert_alike(theirs[-1], ours[-1], equal=["status", "result*", "traceback", "children", "group_id", "parent_id"])


def test_a_ping_is_answered(ours):
    result = ours.send("meterbeat.ping")
    assert result.get(timeout=30) == "pong"
    assert result.successful() and result.state == "SUCCESS"


def test_a_failure_is_raised_with_its_type_and_message(cluster):
    with pytest.raises(ValueError, match="^boom$"):
        cluster.theirs.send("fail").get(timeout=30)
    for node in cluster.both:
        result = node.send("meterbeat.sleep", "soon")
        with pytest.raises(Exception) as raised:
            result.get(timeout=30)
        assert result.failed() and not isinstance(raised.value, celery.exceptions.TimeoutError)
        assert str(raised.value), node
    theirs, ours = [messages_of(node.send("meterbeat.sleep", "soon"))[-1] for node in cluster.both]
    assert_alike(theirs, ours, NO_TRACEBACK, ["status"])
    assert set(ours["result"]) == {"exc_type", "exc_message", "exc_module"}


def test_an_unknown_task_is_not_registered(cluster):
    for node in cluster.both:
        with pytest.raises(celery.exceptions.NotRegistered, match="nope"):
            node.send("nope").get(timeout=30)


@ours_alone  # Celery's worker exits, and its sender waits for ever
def test_a_message_that_cannot_be_taken_fails_at_its_sender(ours):
    with pytest.raises(Exception) as raised:
        ours.send("meterbeat.echo", headers={"timelimit": [1, 2, 3]}).get(timeout=30)
    assert not isinstance(raised.value, celery.exceptions.TimeoutError)


def test_an_expired_task_is_revoked(cluster):
    """By its header; the broker drops the message itself when its own time is over."""
    answers = []
    for node in cluster.both:
        result = node.send("meterbeat.echo", headers={"expires": "2020-01-01T00:00:00+00:00"})
        with pytest.raises(celery.exceptions.TaskRevokedError, match="expired"):
            result.get(timeout=30)
        answers.append(messages_of(node.send("meterbeat.echo", headers={"expires": "2020-01-01T00:00:00+00:00"}))[-1])
    assert_alike(*answers, equal=["status", "result*", "traceback"])


def test_a_revoked_task_is_revoked(cluster):
    answers = []
    for node in cluster.both:
        task_id = str(uuid.uuid4())
        node.ask("revoke", task_id=task_id)
        answers.append(messages_of(node.send("meterbeat.echo", task_id=task_id))[-1])
    assert_alike(*answers, equal=["status", "result*", "traceback"])
    assert answers[1]["result"]["exc_type"] == "TaskRevokedError"


def test_started_is_said_where_it_is_tracked(cluster):
    for node in cluster.both:
        assert [state for state, _ in states_of(node.send("meterbeat.echo"))] == ["SUCCESS"], "off by default"
    tracking = [cluster.application.worker(name="tracking", queue="theirs-tracking", pool="solo",
                                           task_track_started=True),
                cluster.start_ours(queue="ours-tracking", worker={"track_started": True})]
    try:
        for node in tracking[:1] if STAND_IN else tracking:
            (started, about), (ended, _) = states_of(node.send("meterbeat.sleep", 0.1))
            assert (started, ended) == ("STARTED", "SUCCESS")
            assert about == {"pid": node.program.pid, "hostname": node.name}
    finally:
        cluster.meterbeat.configure(worker={"track_started": None})
        for node in tracking:
            node.program.stop()


@ours_alone
def test_a_retry_is_said(theirs, ours):
    theirs_meta = next(meta for meta in messages_of(theirs.send("retry_once")) if meta["status"] == "RETRY")
    ours_meta = wait_for_state(ours.send("meterbeat.sleep", 60, time_limit=1), "RETRY")
    assert_alike(theirs_meta, ours_meta, {**NO_TRACEBACK, "children": "theirs names the task itself, sent again"},
                 ["status"])
    assert ours_meta["result"]["exc_type"] == "TimeLimitExceeded"


@pytest.fixture
def reply_queue(app):
    """An address to answer to of the test's own: .name, and .messages(until=task id) with all that came before it."""
    class ReplyQueue:
        def __init__(self, connection):
            self.connection, self.channel, self.came = connection, connection.channel(), []
            self.name = self.channel.queue_declare("", exclusive=True).queue
            self.channel.basic_consume(self.name, callback=self.came.append, no_ack=True)

        def messages(self, until):
            def arrived():
                try:
                    self.connection.drain_events(timeout=0.2)
                except TimeoutError:
                    pass
                return any(message.properties.get("correlation_id") == until and b"SUCCESS" in message.body.encode()
                           for message in self.came)
            wait_until(arrived, 30, f"the result of {until}")
            return self.came

    with app.connection_for_read() as connection:
        yield ReplyQueue(connection)


def test_ignored_results_are_not_sent(cluster, reply_queue):
    for node in cluster.both:
        ignored = node.send("meterbeat.echo", ignore_result=True, reply_to=reply_queue.name)
        failing = node.send("meterbeat.sleep", "soon", ignore_result=True, reply_to=reply_queue.name)
        asked = node.send("meterbeat.echo", reply_to=reply_queue.name)
        came = {message.properties["correlation_id"] for message in reply_queue.messages(until=asked.id)}
        assert asked.id in came and not {ignored.id, failing.id} & came, node


def test_result_messages_travel_alike(cluster, reply_queue):
    found = []
    for node in cluster.both:
        result = node.send("meterbeat.echo", 1, reply_to=reply_queue.name)
        found.append(reply_queue.messages(until=result.id)[-1])
    theirs, ours = found
    assert (ours.content_type, ours.content_encoding) == (theirs.content_type, theirs.content_encoding)
    assert ours.properties["delivery_mode"] == theirs.properties["delivery_mode"] == 1
    assert ours.delivery_info["exchange"] == theirs.delivery_info["exchange"] == ""
    assert json.loads(ours.body)["result"] == json.loads(theirs.body)["result"]


@pytest.mark.parametrize("reply_to", [None, "", "nobody-s-queue", "x" * 255])
def test_an_address_where_nobody_is_does_not_matter(reply_to, ours):
    for task in "meterbeat.echo", "nope":
        ours.send(task, reply_to=reply_to)
    assert ours.send("meterbeat.ping").get(timeout=30) == "pong"


# --- encodings ------------------------------------------------------------------------------------

@pytest.mark.parametrize("compression", [None, "gzip", "bzip2"])
@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_each_encoding_is_understood_and_answered(serializer, compression, ours):
    value = {"text": "ü" * 1000, "numbers": list(range(100)), "nothing": None}
    result = ours.send("meterbeat.echo", value, serializer=serializer, compression=compression)
    assert result.get(timeout=30)["args"] == [value]


def test_bytes_come_back_from_msgpack(ours):
    assert ours.send("meterbeat.echo", b"\x00\xff", serializer="msgpack").get(timeout=30)["args"] == [b"\x00\xff"]


@pytest.mark.parametrize("serializer", ["json", "msgpack"])
def test_the_next_task_of_a_chain_is_understood_in_each_encoding(serializer, app):
    last = chain(echo(app, 1).set(serializer=serializer, compression="gzip"), report(app).set(serializer=serializer))
    assert last.apply_async().get(timeout=30)["args"] == [{"args": [1], "kwargs": {}}]


# --- links ----------------------------------------------------------------------------------------

def test_a_link_is_sent_with_the_result_before_its_arguments(app, ours):
    link, result = linked(report(app, "more"))
    first = ours.send("meterbeat.echo", 1, link=link)
    assert first.get(timeout=30) == {"args": [1], "kwargs": {}}
    reported = result.get(timeout=30)
    assert reported["args"] == [{"args": [1], "kwargs": {}}, "more"]
    assert (reported["root_id"], reported["parent_id"]) == (first.id, first.id)


def test_an_immutable_link_gets_its_arguments_alone(app, ours):
    link, result = linked(report(app, "alone", immutable=True))
    ours.send("meterbeat.echo", 1, link=link).get(timeout=30)
    assert result.get(timeout=30)["args"] == ["alone"]


def test_several_links_are_all_sent(app, cluster):
    for node in cluster.both:
        links, results = zip(*map(linked, [echo(app, "a"), report(app, "b"), echo(app, "c"), report(app, "d")]))
        node.send("meterbeat.echo", 1, link=list(links)).get(timeout=30)
        assert [result.get(timeout=30)["args"][1] for result in results] == ["a", "b", "c", "d"]


def test_children_are_named_in_the_result(app, cluster):
    """Of one link in Celery's form; Celery makes a group of several."""
    replies = []
    for node in cluster.both:
        link, result = linked(echo(app))
        children = messages_of(node.send("meterbeat.echo", 1, link=link))[-1]["children"]
        assert result.get(timeout=30)
        replies.append(json.loads(json.dumps(children).replace(result.id, "child")))
        links, results = zip(*map(linked, [echo(app), report(app)]))
        children = messages_of(node.send("meterbeat.echo", 1, link=list(links)))[-1]["children"]
        assert all(result.get(timeout=30) and result.id in json.dumps(children) for result in results)
    assert replies[0] == replies[1]


def test_an_errback_is_sent_when_a_task_fails_for_good(app, cluster):
    for node in cluster.both:
        (error, errback), (link, callback) = linked(report(app)), linked(report(app))
        failing = node.send("meterbeat.sleep", "soon", link_error=error, link=link)
        wait_for_state(failing, "FAILURE")
        reported = errback.get(timeout=30)
        assert failing.id in json.dumps(reported["args"]), node
        assert reported["root_id"] == failing.id
        assert cluster.theirs.send("meterbeat.ping").get(timeout=30) == "pong"
        assert callback.state == "PENDING"


def test_an_errback_of_a_revoked_task_is_sent_or_not_as_celery_does(app, cluster):
    told = []
    for node in cluster.both:
        (error, errback), task_id = linked(report(app)), str(uuid.uuid4())
        node.ask("revoke", task_id=task_id)
        wait_for_state(node.send("meterbeat.echo", task_id=task_id, link_error=error), "REVOKED")
        for other in node, cluster.theirs:  # what was sent for the first has been run by now
            assert other.send("meterbeat.ping").get(timeout=30) == "pong"
        told.append(errback.state)
    assert told[0] == told[1]


# --- chains ---------------------------------------------------------------------------------------

def test_a_chain_goes_ours_theirs_ours(app):
    result = chain(echo(app, 1), report(app, "theirs"), echo(app, "ours")).apply_async()
    final = result.get(timeout=30)
    reported, mine = final["args"]
    assert mine == "ours" and reported["args"] == [{"args": [1], "kwargs": {}}, "theirs"]
    first = result.parent.parent
    assert reported["root_id"] == reported["parent_id"] == first.id
    assert result.parent.get(timeout=30)["id"] == result.parent.id and first.get(timeout=30)["args"] == [1]


def test_a_chain_goes_theirs_ours(app):
    final = chain(app.signature("add", args=(2, 3), queue=THEIRS), echo(app, key="k")).apply_async().get(timeout=30)
    assert final == {"args": [5], "kwargs": {"key": "k"}}


def test_a_long_chain_alternates(app):
    steps = [echo(app, 0)]
    for number in range(1, 8):
        steps.append(app.signature("meterbeat.echo", args=(number,), queue=(THEIRS, OURS)[number % 2]))
    value, depth = chain(*steps).apply_async().get(timeout=60), 0
    while len(value["args"]) == 2:
        value, number = value["args"]
        depth += 1
        assert number == 8 - depth
    assert depth == 7 and value["args"] == [0]


def test_immutable_steps_of_a_chain_get_no_result(app):
    assert chain(echo(app, 1), report(app, "theirs", immutable=True), echo(app, "ours", immutable=True)) \
        .apply_async().get(timeout=30)["args"] == ["ours"]


def test_a_chain_keeps_its_kwargs_options_and_links(app, ours):
    link, result = linked(echo(app, "linked"))
    last = report(app).set(priority=3, headers={"mine": "kept"}, link=link)
    last.kwargs["key"] = "value"
    reported = chain(echo(app, 1), last).apply_async().get(timeout=30)
    assert reported["kwargs"] == {"key": "value"} and reported["priority"] == 3
    assert "kept" in json.dumps([reported["mine"], reported["headers"]])
    assert result.get(timeout=30)["args"][1] == "linked"


def test_a_chain_ends_where_a_step_fails(app):
    """The steps behind are not run, and whoever waits for the last is told, as Celery does."""
    answers = []
    for queue in THEIRS, OURS:
        error, errback = linked(report(app))
        failing = app.signature("meterbeat.sleep", args=("soon",), queue=queue)
        result = chain(failing, echo(app, "never", queue=queue)).apply_async(link_error=error)
        answers.append(messages_of(result)[-1])
        assert errback.get(timeout=30)
    assert_alike(*answers, NO_TRACEBACK, ["status"])
    assert answers[1]["status"] == "FAILURE"


@ours_alone
def test_the_next_step_is_sent_before_the_first_is_acknowledged(cluster, app):
    """A worker that dies right before the acknowledgement has sent the next step, and the next worker sends it again
    under the same id."""
    cluster.meterbeat.configure(broker={"queue": "dying"})
    dying = cluster.meterbeat.worker(environment={"METERBEAT_CRASH_AT": "after_report"})
    result = chain(echo(app, 1, queue="dying"), report(app, "next")).apply_async()
    assert result.get(timeout=30)["args"][1] == "next"
    assert dying.wait(30) == -signal.SIGKILL
    again = cluster.start_ours(queue="dying")
    again.program.wait_for_event("task_done", task_id=result.parent.id)
    assert cluster.theirs.send("meterbeat.ping").get(timeout=30) == "pong"
    received = re.escape(f"Task report[{result.id}] received")
    cluster.theirs.program.wait_for_text(f"(?s){received}.*{received}")
    again.program.stop()


# --- groups ---------------------------------------------------------------------------------------

def test_a_group_of_both_returns_in_order(app):
    result = group(echo(app, 0), report(app, 1), echo(app, 2), report(app, 3)).apply_async()
    assert [value["args"] for value in result.get(timeout=30)] == [[0], [1], [2], [3]]


def test_a_group_that_follows_a_step_of_ours_is_sent_whole(app):
    """chain(ours, group(...)): the client makes of it a step with the group behind it."""
    result = chain(echo(app, "first"), group(report(app, "a"), echo(app, "b"), report(app, "c"))).apply_async()
    values = result.get(timeout=30)
    assert [value["args"][1] for value in values] == ["a", "b", "c"]
    assert all(value["args"][0] == {"args": ["first"], "kwargs": {}} for value in values)
    reported = values[0]
    assert reported["group"] == values[2]["group"] and reported["group"]


def test_members_of_a_group_carry_its_id(app, ours):
    result = group(echo(app, 0), echo(app, 1)).apply_async()
    for member in result.children:
        assert messages_of(member)[-1]["group_id"] == result.id


# --- chords ---------------------------------------------------------------------------------------

def test_the_header_of_a_chord_runs_and_what_cannot_be_done_is_said_once(app, ours, cluster):
    """Celery's rpc:// refuses a chord at the client; one from another client has its body in each header task."""
    with pytest.raises(NotImplementedError):
        chord([echo(app, 0), echo(app, 1)], report(app)).apply_async()
    if STAND_IN:
        return
    body, after = linked(report(app))
    results = [ours.send("meterbeat.echo", number, chord=body, group_id="a-group", group_index=number)
               for number in range(3)]
    assert [result.get(timeout=30)["args"] for result in results] == [[0], [1], [2]]
    ours.program.wait_for_event("chord_not_supported")
    assert ours.send("meterbeat.ping").get(timeout=30) == "pong"
    assert len(ours.program.events("chord_not_supported")) == 1
    assert after.state == "PENDING"


# --- what is carried along ----------------------------------------------------------------------------

def test_stamps_and_headers_of_one_s_own_reach_the_next_task(app, cluster):
    reports = []
    for queue in THEIRS, OURS:
        steps = chain(echo(app, 1, queue=queue), report(app))
        steps.stamp(monitoring_id="m-1")
        reports.append(steps.apply_async(headers={"mine": {"deep": [1, None, 2.5]}}).get(timeout=30))
    for theirs, ours in zip(*[[one["stamped_headers"], one["stamps"], one["mine"], one["headers"]] for one in reports]):
        assert_alike(theirs, ours, equal=["*"])
    assert "m-1" in reports[1]["stamps"]["monitoring_id"]


def test_what_a_task_of_theirs_sees_of_a_step_sent_by_ours_is_what_celery_would_send(app):
    reports = []
    for queue in THEIRS, OURS:
        steps = chain(echo(app, 1, queue=queue), report(app, "a").set(time_limit=30, soft_time_limit=20, priority=2))
        reports.append(steps.apply_async().get(timeout=30))
    assert_alike(*reports, allowed={"origin": "the name of the sender",
                                    "ignore_result": "null where the task decides, or false"},
                 equal=["args[[]]*", "kwargs", "retries", "timelimit*", "priority", "stamped_headers", "stamps",
                        "kwargsrepr"])
    assert reports[0]["argsrepr"][1:-1] == reports[1]["argsrepr"][1:-1]  # a tuple there, a list here


@ours_alone
def test_steps_that_are_no_signatures_do_not_hurt_the_worker(app, ours):
    """Each message is done, or dead with its reason, and the worker lives."""
    embeds = []
    for name in "callbacks", "errbacks", "chain", "chord":
        for value in 7, "x", [7], [None], [[]], [{}], [{"task": 7}], [{"task": "x" * 300}], \
                [{"task": "report", "args": 7, "kwargs": [], "options": "x"}], \
                [{"task": "report", "options": {"queue": 7, "task_id": [], "priority": "high", "expires": "soon"}}], \
                [{"task": "report", "options": {"queue": "q" * 300, "routing_key": "x", "exchange": "nowhere"}}], \
                [{"task": "report", "options": {"link": [7], "chain": {"a": 1}, "countdown": "x", "eta": 7}}], \
                {"task": "celery.group", "kwargs": {"tasks": 7}}, [{"task": "celery.chain", "kwargs": {"tasks": [7]}}]:
            embeds.append({name: value})
    ids = []
    with app.connection_for_write() as connection:
        producer = connection.Producer()
        for embed in embeds:
            ids.append(str(uuid.uuid4()))
            producer.publish([[], {}, embed], routing_key=ours.queue, serializer="json", correlation_id=ids[-1],
                             headers={"task": "meterbeat.echo", "id": ids[-1], "lang": "py"})
        assert ours.send("meterbeat.ping").get(timeout=60) == "pong"
        dead = set()
        while letter := connection.default_channel.basic_get(f"{OURS}.dead", no_ack=True):
            dead.add(letter.headers["id"])
    for embed, task_id in zip(embeds, ids):
        assert bool(ours.program.events("task_done", task_id=task_id)) != (task_id in dead), embed
    assert not ours.program.events("connection_lost")
