"""The producer beside Celery's beat: each drives the other's workers, and ticks are the model's whoever is killed."""
import ast
import collections
import datetime as dt
import os
import re
import sys
import time

import pytest
from servers import wait_until

import clock_model
import libconfig
from producing import (  # noqa: F401: fixtures
    clock, collector, entry, outbox, schedule, stepped_postgresql, tables, ticks)
from programs import Program
from test_schedule import SEED, Importer

ALIASES = [{"name": "doParser", "task": "parse"}, {"name": "aggregatemonthlysum", "task": "aggregate"}]
APP = """
import pathlib
from celery import Celery
import seed_settings

app = Celery('seed')
app.config_from_object(seed_settings)
app.conf.update(worker_hijack_root_logger=False)


def note(task, args, kwargs):
    request = task.request
    with open(pathlib.Path(__file__).with_name('ran'), 'a') as ran:
        print(repr({'task': task.name, 'id': request.id, 'args': list(args), 'kwargs': kwargs, 'expires': request.expires,
                    'timelimit': list(request.timelimit), 'priority': request.delivery_info['priority'],
                    'headers': request.headers}), file=ran)


@app.task(bind=True, name='doParser')
def parse(self, *args, **kwargs):
    note(self, args, kwargs)


@app.task(bind=True, name='aggregatemonthlysum')
def aggregate(self, *args, **kwargs):
    note(self, args, kwargs)
"""


class Python:
    """The seed's application in Python, with its own settings, in a folder of its own."""

    def __init__(self, folder, place):
        self.folder, self.programs = folder / "python", []
        self.folder.mkdir()
        url = place.amqp_url.replace("guest@", "guest:guest@")
        (self.folder / "seed_settings.py").write_text(
            SEED + f"BROKER_URL = {url!r}\nCELERY_DEFAULT_QUEUE = 'meterbeat'\nCELERY_IGNORE_RESULT = True\n")
        (self.folder / "seed_app.py").write_text(APP)

    def celery(self, *arguments):
        log = self.folder / f"celery-{len(self.programs)}.log"
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "PYTHONWARNINGS": "ignore", "C_FORCE_ROOT": "1"}
        self.programs.append(Program([sys.executable, "-m", "celery", "-A", "seed_app", *arguments], log, environment))
        return self.programs[-1]

    def ran(self):
        """What the tasks saw, in order."""
        ran = self.folder / "ran"
        return [ast.literal_eval(line) for line in ran.read_text().split("\n")[:-1]] if ran.exists() else []

    def end(self):
        for program in self.programs:
            program.kill()


@pytest.fixture
def python(tmp_path, place):
    made = Python(tmp_path, place)
    yield made
    made.end()


# --- each drives the other's workers --------------------------------------------------------------------


def test_celerys_beat_with_the_seeds_schedule_drives_our_workers(meterbeat, tables, rows, python):
    meterbeat.configure(worker={"aliases": ALIASES})
    worker = meterbeat.worker()
    worker.wait_for_event("started")
    beat = python.celery("beat", "--schedule", str(python.folder / "beat.db"), "--loglevel", "INFO")

    def done():
        count = dict(rows("SELECT task, count(*) FROM meterbeat.run WHERE state = 'done' GROUP BY task"))
        return count.get("parse", 0) >= 3 and count.get("aggregate", 0) >= 2

    wait_until(done, 60, "three daily and two monthly runs")
    assert "Sending due task daily (doParser)" in beat.text()
    assert rows("SELECT count(*) FROM meterbeat.run WHERE state = 'dead'") == [(0,)]
    assert worker.stop() == 0


def test_our_producer_with_the_seeds_schedule_imported_drives_a_celery_worker(
        meterbeat, tables, python, build, tmp_path, ticks):
    printed = Importer(build, tmp_path).load(Importer(build, tmp_path).dump(SEED))
    settings = {name: group for name, group in meterbeat.settings.items() if name != "timezone"}
    meterbeat.configuration.write_text(libconfig.settings(settings) + printed)
    producer = meterbeat.producer()
    worker = python.celery("worker", "--concurrency", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle")
    tasks = lambda: collections.Counter(run["task"] for run in python.ran())  # noqa: E731
    wait_until(lambda: tasks()["doParser"] >= 4 and tasks()["aggregatemonthlysum"] >= 2, 90, "the seed's tasks run by Celery")
    assert producer.stop() == 0
    assert worker.stop() == 0, worker.tail()
    ids = [run["id"] for run in python.ran()]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= {task_id for name in ("daily", "monthly") for _, task_id in ticks(name)}


def test_a_celery_worker_sees_the_options_of_an_entry(meterbeat, schedule, python, ticks):
    schedule(entry("options", "1s", task="doParser", args="[1]", kwargs='{"a": 2}', expires="1h", priority=7,
                   headers='{"team": "x"}', time_limit_s=60, soft_time_limit_s=50),
             {"name": "cron", "task": "aggregatemonthlysum", "crontab": "* * * * *", "expires": "30s"})
    meterbeat.producer()
    worker = python.celery("worker", "--concurrency", "1", "--loglevel", "WARNING", "--without-gossip", "--without-mingle")
    run = wait_until(lambda: [run for run in python.ran() if run["task"] == "doParser"], 60, "a run")[0]
    assert run["args"] == [1] and run["kwargs"] == {"a": 2}
    assert run["timelimit"] == [60, 50] and run["priority"] == 7
    assert run["headers"] == {"team": "x", "periodic_task_name": "options"}
    due = {task_id: due for due, task_id in ticks("options")}[run["id"]]
    assert 3600 <= clock_seconds(run["expires"]) - due <= 3605
    assert worker.running()
    assert meterbeat.programs[-1].stop() == 0


def clock_seconds(text):
    return dt.datetime.fromisoformat(text).timestamp()


def test_options_are_in_the_message_as_beat_puts_them(meterbeat, schedule, collector, ticks):
    schedule(entry("plain", "1s"),
             entry("full", "1s", expires="30s", priority=7, headers='{"team": {"n": [1, null]}}', time_limit_s=60,
                   soft_time_limit_s=50))
    producer = meterbeat.producer()
    collector.until(lambda: collector.of("full") and collector.of("plain"), 30, "messages")
    assert producer.stop() == 0
    properties, _ = collector.of("full")[0]
    assert properties.priority == 7 and properties.headers["timelimit"] == [60, 50]
    assert properties.headers["team"] == {"n": [1, None]}
    due = {task_id: due for due, task_id in ticks("full")}[properties.headers["id"]]
    assert 30 <= clock_seconds(properties.headers["expires"]) - due <= 32
    assert 27000 < int(properties.expiration) <= 30000
    plain, _ = collector.of("plain")[0]
    assert plain.priority == 0 and plain.headers["timelimit"] == [None, None] and "team" not in plain.headers


@pytest.mark.parametrize("wrong, text", [
    ({"headers": '{"id": "x"}'}, '"id" is the message\'s own'),
    ({"headers": '{"x-death": []}'}, '"x-death" is the message\'s own'),
    ({"expires": "1mo"}, "no fixed length"),
    ({"every": None, "crontab": "0 4 * * mon#1"}, "column 12"),
])
def test_a_wrong_option_is_refused_at_start_by_name_and_line(meterbeat, schedule, wrong, text):
    schedule({"name": "bad entry", "task": "parse", "every": "1d", **wrong})
    producer = meterbeat.producer()
    assert producer.wait() == 2, producer.text()
    said = producer.text().replace('\\"', '"')
    assert text in said and "bad entry" in said and re.search(r"meterbeat\.conf:[0-9]+", said)


def test_a_crontab_is_shown_by_status_and_next(meterbeat, schedule):
    schedule({"name": "weekdays", "task": "parse", "crontab": "30 4 * * mon-fri", "timezone": "Asia/Kathmandu"})
    shown, = meterbeat.ctl_json("status", "--json")["entries"]
    assert shown["crontab"] == "30 4 * * mon-fri" and "every" not in shown
    assert shown["next_due"].endswith("T22:45:00Z")
    assert "30 4 * * mon-fri" in meterbeat.ctl("status")
    first = meterbeat.ctl("next", "1").splitlines()[1]
    assert " 04:30:00 +05:45  " in first and "weekdays" in first


# --- who is killed when -----------------------------------------------------------------------------------


def test_three_producers_one_killed_every_second_fire_the_models_ticks_each_once(
        meterbeat, schedule, collector, rows, ticks):
    zone = "America/New_York"
    entries = [entry("second", "1s", catch_up="all"), entry("three", "3s", catch_up="all"),
               {"name": "minute", "task": "parse", "crontab": "* * * * *", "catch_up": "all"}]
    schedule(*entries)
    producers = [meterbeat.producer() for _ in range(3)]
    collector.until(lambda: ticks("second"), 30, "a first tick")
    began, arrivals = int(time.time()) + 1, {}

    def pump(seconds=0.05):
        seen = len(collector.messages)
        collector.pump(seconds)
        for properties, _ in collector.messages[seen:]:
            arrivals.setdefault(properties.headers["id"], time.time())

    for second in range(60):
        at = began + second + second % 12 / 1000  # while ticks are being promised and sent
        while (left := at - time.time()) > 0:
            pump(min(left, 0.05))
        producers[second % 3].kill()
        producers[second % 3] = meterbeat.producer()
    last = ticks("second")[-1][0]
    wait_until(lambda: pump() or ticks("second")[-1][0] >= last + 5, 30, "ticks after the last kill", pause=0)
    names = [each["name"] for each in entries]
    promised = {task_id for name in names for due, task_id in ticks(name) if due <= last}
    wait_until(lambda: pump() or promised <= set(collector.ids()), 30, "every message", pause=0)
    assert [producer.stop() for producer in producers] == [0, 0, 0]
    for each in entries:
        dues = [due for due, _ in ticks(each["name"])]
        assert dues == clock_model.due({"timezone": zone, **each}, dues[0] - 1, dues[-1])
    assert len(ticks("second")) > 60 and len(ticks("minute")) >= 1
    counts = collections.Counter(collector.ids())
    known = {task_id: due for name in names for due, task_id in ticks(name)}
    assert set(counts) <= set(known)
    # Killed between the broker's confirm and the books, a producer leaves a message that goes out once more, under its
    # own id: the one case in which it does, so no more often than one was killed.
    assert sum(counts.values()) - len(counts) <= 60
    late = rows("SELECT max(extract(epoch FROM created_at - due_at))::float8 FROM meterbeat.tick")[0][0]
    waited = max(at - known[task_id] for task_id, at in arrivals.items())
    print(f"ticks {len(known)}, promised at most {late:.2f} s late, at the queue after at most {waited:.2f} s, "
          f"{sum(counts.values()) - len(counts)} messages twice")
    assert late < 5, "take-over took too long"
    assert waited < 10, "a dead producer's messages were sent too late"


def test_the_last_of_three_takes_over_within_seconds(meterbeat, schedule, collector, ticks, rows):
    schedule(entry("a", "1s", catch_up="all"))
    producers = [meterbeat.producer() for _ in range(3)]
    for producer in producers:
        producer.wait_for_event("database_connected")
    collector.until(lambda: len(ticks("a")) >= 2, 30, "ticks")
    for producer in producers[:2]:
        producer.kill()
    killed = len(ticks("a"))
    collector.until(lambda: len(ticks("a")) >= killed + 4, 30, "ticks of the last one")
    assert producers[2].stop() == 0
    dues = [due for due, _ in ticks("a")]
    assert dues == list(range(dues[0], dues[-1] + 1))
    late = rows("SELECT max(extract(epoch FROM created_at - due_at))::float8 FROM meterbeat.tick")[0][0]
    assert late < 3


# --- stepping clocks ----------------------------------------------------------------------------------------


def test_the_clock_stepping_an_hour_either_way_neither_repeats_nor_stalls_a_crontab(
        meterbeat, collector, clock, stepped_postgresql):
    meterbeat.configure(
        database={"url": stepped_postgresql.url()}, producer={"relay_after_s": 1},
        schedule=[{"name": "minute", "task": "parse", "crontab": "* * * * *"},
                  {"name": "hourly", "task": "parse", "crontab": "0 * * * *"}])
    meterbeat.environment["METERBEAT_DATABASE_PASSWORD"] = stepped_postgresql.password
    meterbeat.ctl("init-db")

    def fired(name):
        return [int(due) for due, in stepped_postgresql.sql(
            f"SELECT extract(epoch FROM due_at)::bigint FROM meterbeat.tick WHERE entry = '{name}'")]

    producers = []
    for hours in (0, 1, 0, -1, 0):
        now = int(time.time())
        ahead = hours * 3600 + (52 - now) % 60  # the next minute is eight seconds away
        clock.ahead(ahead)
        if not producers:
            producers = [meterbeat.producer(), meterbeat.producer()]
            for producer in producers:
                producer.wait_for_event("database_connected")
        due = now + ahead - (now + ahead) % 60 + 60
        collector.until(lambda: due in fired("minute"), 40, f"the tick of the minute, {hours} h ahead")  # noqa: B023
    assert [producer.stop() for producer in producers] == [0, 0]
    for name in ("minute", "hourly"):
        assert len(set(fired(name))) == len(fired(name))
        assert all(due % (60 if name == "minute" else 3600) == 0 for due in fired(name))
    assert len(fired("minute")) < 30  # each jump ahead is caught up with one tick
    assert len(set(collector.ids())) == len(collector.ids())
