"""A short selection of ./dev faults, by schedules that are always the same; and the ledger finds what is not right."""
import pathlib
import sys

import pika
import pytest

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))

from faults import ledger as books  # noqa: E402
from faults.families import FAMILIES  # noqa: E402
from faults.proxy import Loop  # noqa: E402
from faults.round import Round  # noqa: E402
from faults.runner import run_round  # noqa: E402
from greenbutton import FORWARD  # noqa: E402
from servers import wait_until  # noqa: E402

pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def loop():
    return Loop()


@pytest.mark.parametrize("name", ["worker-kill", "failpoint", "backend", "cut", "swallow"])
def test_under_faults_nothing_is_lost_doubled_or_stuck(name, servers, build, loop, tmp_path):
    line = run_round(FAMILIES[name], 1, 1, servers, build, loop, tmp_path)
    assert line["verdict"] == "ok", "\n".join(line["notes"])
    assert line["faults"] > 2, "the faults were carried out"


# --- the ledger can fail ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def quiet(servers_of_session, build, loop, tmp_path_factory):
    """A round without a fault, over and clean."""
    made = Round(FAMILIES["none"], 1, 1, servers_of_session, tmp_path_factory.mktemp("quiet"), build, loop)
    made.run()
    yield made
    made.end()


def entries(round_):
    """What the ledger says now, by kind."""
    found = books.Ledger()
    books.check(round_.installation, found, round_.family)
    return {kind: texts for kind, texts in found.found.items() if texts}


def tags_of_a_series(round_):
    return round_.installation.sql("SELECT tags FROM meterbeat.series WHERE tags->>'flow' = 'forward'"
                                   " AND tags->>'reading_kind' <> 'bill' ORDER BY id LIMIT 1")[0][0]


def put(round_, second, value):
    metric = round_.installation.name
    round_.servers.kairosdb.post("/datapoints", [
        {"name": metric, "tags": tags_of_a_series(round_), "datapoints": [[second * 1000, value, "double"]]}])


def test_a_round_without_faults_is_clean(quiet):
    assert quiet.ledger.texts() == []
    assert entries(quiet) == {}


def test_a_reading_with_another_value_is_found(quiet):
    point = tags_of_a_series(quiet)["custom_meter_id"]
    feed, series = next((feed, series) for feed in quiet.installation.feeds.values() for series in feed.series
                        if series.usage_point == point and series.flow == FORWARD)
    reading = next(feed.readings(series))
    value = reading.value * 10.0 ** series.multiplier
    put(quiet, reading.start, value + 1)
    wait_until(lambda: list(entries(quiet)) == ["lost"], 10, "the ledger sees it")
    put(quiet, reading.start, value)
    wait_until(lambda: entries(quiet) == {}, 10, "the ledger sees that it is right again")


@pytest.mark.parametrize("change, kind, undo", [
    ("CREATE TABLE kept AS SELECT * FROM seed_timeseries ORDER BY id LIMIT 1;"
     "DELETE FROM seed_timeseries WHERE id IN (SELECT id FROM kept)", "lost",
     "INSERT INTO seed_timeseries SELECT * FROM kept; DROP TABLE kept"),
    ("CREATE TABLE kept AS SELECT * FROM seed_timeseries; UPDATE seed_timeseries SET reading = reading + 1", "lost",
     "DELETE FROM seed_timeseries; INSERT INTO seed_timeseries SELECT * FROM kept; DROP TABLE kept"),
    ("INSERT INTO seed_timeseries (begin_time, end_time, reading, cost, meter_id)"
     " SELECT begin_time, end_time, reading, cost, meter_id FROM seed_timeseries ORDER BY id LIMIT 1", "doubled",
     "DELETE FROM seed_timeseries WHERE id = (SELECT max(id) FROM seed_timeseries)"),
    ("CREATE TABLE kept AS SELECT * FROM meterbeat.tick WHERE entry = 'each' ORDER BY due_at OFFSET 1 LIMIT 1;"
     "DELETE FROM meterbeat.tick WHERE task_id IN (SELECT task_id FROM kept)", "lost",
     "INSERT INTO meterbeat.tick SELECT * FROM kept; DROP TABLE kept"),
    ("CREATE TABLE kept AS SELECT r.* FROM meterbeat.run r JOIN meterbeat.tick t USING (task_id)"
     " WHERE entry = 'each' LIMIT 1; DELETE FROM meterbeat.run WHERE task_id IN (SELECT task_id FROM kept)", "lost",
     "INSERT INTO meterbeat.run SELECT * FROM kept; DROP TABLE kept"),
], ids=["a sum is missing", "a sum is wrong", "a sum is there twice", "a tick is missing", "a tick has not run"])
def test_what_is_missing_or_there_twice_is_found(quiet, change, kind, undo):
    for statement in change.split(";"):
        quiet.installation.sql(statement)
    assert kind in entries(quiet)
    for statement in undo.split(";"):
        quiet.installation.sql(statement)
    assert entries(quiet) == {}


def test_a_reading_that_no_feed_has_is_found(quiet):
    put(quiet, 1, 1.0)
    wait_until(lambda: list(entries(quiet)) == ["doubled"], 10, "the ledger sees it")
    quiet.servers.kairosdb.post("/datapoints/delete", {
        "start_absolute": 0, "end_absolute": 10_000, "metrics": [{"name": quiet.installation.name, "tags": {}}]})
    wait_until(lambda: entries(quiet) == {}, 10, "it is gone")


@pytest.mark.parametrize("state", ["waiting", "running", "retrying"])
def test_a_run_that_has_not_ended_is_left_to_do(quiet, state):
    assert books.unfinished(quiet.installation) == {}
    quiet.installation.sql("UPDATE meterbeat.run SET state = %s WHERE task_id = (SELECT min(task_id) FROM meterbeat.run)",
                           (state,))
    assert books.unfinished(quiet.installation) == {"runs open": 1}
    quiet.installation.sql("UPDATE meterbeat.run SET state = 'done' WHERE state = %s", (state,))


def test_a_message_that_waits_is_found_and_a_dead_one_is_lost(quiet):
    with quiet.installation.channel() as channel:
        channel.basic_publish("", "meterbeat.retry.16", b"{}")
        channel.basic_publish("", "meterbeat.dead", b"{}")
    found = entries(quiet)
    assert len(found["stuck"]) == 1 and len(found["lost"]) == 1
    with quiet.installation.channel() as channel:
        for queue in ("meterbeat.retry.16", "meterbeat.dead"):
            channel.queue_purge(queue)
    assert entries(quiet) == {}


def test_what_came_back_when_the_workers_stopped_is_given_to_one_again(quiet):
    with quiet.installation.channel() as channel:
        channel.basic_publish("", "meterbeat.retry.1", b"[[7], {}, null]", pika.BasicProperties(
            content_type="application/json", headers={"task": "meterbeat.echo", "id": "copy"}))
    quiet._take_the_rest()
    assert entries(quiet) == {}


def test_a_broker_that_makes_no_retry_queues_is_started_anew(quiet):
    quiet._mend_rabbitmq()
    assert quiet.rabbitmq_restarts == 0
    quiet.installation.takes_retry_queues = lambda: False
    pid = quiet.servers.rabbitmq.pid
    quiet._mend_rabbitmq()
    del quiet.installation.takes_retry_queues
    assert quiet.rabbitmq_restarts == 1 and quiet.servers.rabbitmq.pid != pid
    assert quiet.installation.takes_retry_queues()


def test_a_task_that_was_confirmed_and_never_ran_is_found(quiet):
    quiet.installation.sent["nobody-has-it"] = "parse"
    assert "sent tasks without a run" in books.unfinished(quiet.installation)
    assert list(entries(quiet)) == ["lost"]
    del quiet.installation.sent["nobody-has-it"]


def test_the_faults_of_a_round_hang_on_its_seed_alone():
    def agenda(seed):
        class Planned:
            """Only writes down what is to be done when."""
            def __init__(self):
                self.planned = []

            def __getattr__(self, name):
                return lambda *arguments: self.planned.append((name, *map(str, arguments)))
        import random
        planned = Planned()
        for name in ("worker-kill", "cut", "swallow", "purge", "server-pause", "alarm"):
            FAMILIES[name].plan(planned, random.Random(seed))
        return [[word for word in step if "0x" not in word] for step in planned.planned]
    assert agenda(1) == agenda(1)
    assert agenda(1) != agenda(2)
