"""The schedule without servers: against Celery's own parser and clock, and against a model of the clocks."""
import collections
import datetime as dt
import itertools
import json
import pathlib
import random
import re
import subprocess
import sys
import zoneinfo

import celery
import pytest
from celery.schedules import ParseException, crontab, crontab_parser

import clock_model
import libconfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEED = """
from datetime import timedelta
from celery.schedules import crontab
CELERYD_CONCURRENCY = 1
CELERYBEAT_SCHEDULE = {
    'monthly': {
        'task': 'aggregatemonthlysum',
        'schedule': timedelta(seconds=5),
        'args': ()
    },
    'daily': {
        'task': 'doParser',
        'schedule': timedelta(seconds=2),
        'args': ()
    },
}
CELERY_TIMEZONE = 'America/New_York'
"""


def tool(build, name, *arguments, text=None):
    done = subprocess.run([str(build / "tests" / name), *map(str, arguments)], input=text, capture_output=True,
                          text=True, timeout=170)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return done.stdout.splitlines()


# --- the grammar ---------------------------------------------------------------------------------------

FIELDS = ((60, 0), (24, 0), (31, 1), (12, 1), (7, 0))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def celery_set(index, field):
    """What Celery makes of a field, or None when it refuses it."""
    size, least = FIELDS[index]
    try:
        return sorted(crontab_parser(size, least).parse(field))
    except (ParseException, ValueError, IndexError):
        return None


def value(rng, index):
    size, least = FIELDS[index]
    number = rng.choice([rng.randrange(least, least + size), rng.randrange(0, 70)])
    names = {3: MONTHS, 4: WEEKDAYS}.get(index)
    if names and rng.random() < 0.4:
        name = rng.choice(names) + rng.choice(["", "", "day", "uary"])
        return rng.choice([name, name.upper(), name.title()])
    return rng.choice([str(number), f"{number:02}"])


def part(rng, index):
    step = rng.randrange(0, 40)
    return rng.choice([
        lambda: "*", lambda: f"*/{step}", lambda: value(rng, index), lambda: value(rng, index),
        lambda: f"{value(rng, index)}-{value(rng, index)}", lambda: f"{value(rng, index)}-{value(rng, index)}/{step}",
    ])()


def field(rng, index):
    return ",".join(part(rng, index) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def spoilt(rng, text):
    """The text with one character too many, too few or wrong."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(["", rng.choice("-/,*0579x_#")]) + text[at + rng.randrange(2):]


def expressions():
    rng = random.Random(2026)
    for turn in range(12000):
        fields = ["*"] * 5
        index = turn % 5
        fields[index] = field(rng, index)
        if turn % 3 == 0:
            fields[index] = spoilt(rng, fields[index])
        if fields[index] and " " not in fields[index]:
            yield index, fields[index], " ".join(fields)


def is_plain(index, text):
    """Made of nothing but what docs/schedule.md grants; steps that fit."""
    names = {3: MONTHS, 4: WEEKDAYS}.get(index)
    one = r"(?:[0-9]+" + (rf"|(?:{'|'.join(names)})[a-z]*" if names else "") + ")"
    for each in text.lower().split(","):
        match = re.fullmatch(rf"(?:\*|{one}-{one})(?:/([0-9]+))?|{one}", each)
        if not match or (match[1] and int(match[1]) > FIELDS[index][0]):
            return False
    return True


def test_what_a_crontab_means_is_what_celery_makes_of_it(build):
    cases = list(expressions())
    accepted = 0
    lines = tool(build, "crontab_sets", text="".join(text + "\n" for _, _, text in cases))
    for (index, written, text), line in zip(cases, lines, strict=True):
        theirs = celery_set(index, written)
        if line.startswith("refused: "):
            # Celery refuses it as well, or takes it for something else; or the date never comes.
            assert theirs is None or not is_plain(index, written), f"{text}: {line}"
            assert re.search(r"column [0-9]+: ", line), line
        else:
            ours = [int(number) for number in line.split(" ")[index].split(",")]
            assert ours == theirs, f"{text}: {line}"
            accepted += 1
    assert accepted > 5000 and len(cases) - accepted > 2000


def test_dates_that_never_come_are_those_that_celery_says_never_come(build):
    cases = list(itertools.product((1, 28, 29, 30, 31), range(1, 13)))
    lines = tool(build, "crontab_sets", text="".join(f"0 0 {day} {month} *\n" for day, month in cases))
    for (day, month), line in zip(cases, lines, strict=True):
        try:
            crontab("0", "0", day_of_month=day, month_of_year=month)
            assert not line.startswith("refused"), line
        except ValueError:
            assert "a date that never comes" in line


# --- ten years ------------------------------------------------------------------------------------------

FIRST = int(dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc).timestamp())
LAST = int(dt.datetime(2034, 1, 1, tzinfo=dt.timezone.utc).timestamp())
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "America/Havana")
CRONTABS = (
    "0 4 * * *", "30 2 * * *", "30 1 * * *", "0 0 * * *", "15 2 * * *", "45 1 * * 0", "0,30 1,2,3 * * *",
    "0 * * * *", "30 * * * *", "*/30 * * * *", "*/20 2 * * *", "*/15 1 * * sun", "10 */2 * * *", "40 1-3 * * sat-mon",
    "0 9 1-7 * mon", "59 23 31 * *", "0 2 29 2 *", "0 0 29 2 mon", "50-10/5 22-2 * nov-feb fri-mon", "5 4 */10 */3 *",
)
INTERVALS = (
    ("1h", None), ("45m", None), ("7h", "2026-01-01T01:30"), ("1d", None), ("1d", "2020-05-05T02:30"),
    ("2d", "2020-05-05T01:45"), ("1w", None), ("1w", "2026-11-26T08:00"), ("1mo", None), ("1mo", "2024-01-31T02:15"),
    ("3mo", None), ("1y", "2024-02-29"),
)


def entries(**more):
    made = [{"timezone": zone, "crontab": text} for zone in ZONES for text in CRONTABS]
    made += [{"timezone": zone, "every": every, "anchor": anchor} for zone in ZONES for every, anchor in INTERVALS]
    return [{"name": f"e{n}", "task": "parse", "expires": "1h", **each, **more} for n, each in enumerate(made)]


@pytest.fixture(scope="module")
def model():
    return {entry["name"]: clock_model.due(entry, FIRST, LAST) for entry in entries()}


@pytest.mark.parametrize("late, catch_up", [(0, "one"), (5400, "all")])
def test_ten_years_of_ticks_are_those_of_the_model(build, tmp_path, model, late, catch_up):
    configuration = tmp_path / "ten_years.conf"
    configuration.write_text(libconfig.settings({"schedule": entries(catch_up=catch_up)}))
    ticks = collections.defaultdict(list)
    for line in tool(build, "simulate_ticks", configuration, FIRST, LAST, late):
        name, due = line.split()
        ticks[name].append(int(due))
    assert "skipped" not in ticks
    for entry in entries():
        name = entry["name"]
        assert ticks[name] == model[name], f"{entry}: {first_difference(ticks[name], model[name])}"
    assert sum(map(len, model.values())) > 1_000_000


def first_difference(ours, theirs):
    for a, b in itertools.zip_longest(ours, theirs):
        if a != b:
            return f"ours {a}, the model's {b}"
    return None


# --- import ---------------------------------------------------------------------------------------------


def dump_program():
    page = (ROOT / "docs/from-celery.md").read_text()
    return re.search(r"## Your schedule.*?```python\n(.*?)```", page, re.DOTALL)[1]


class Importer:
    """Dumps Python settings with the lines of the docs, and imports the dump."""

    def __init__(self, build, folder):
        self.ctl, self.folder = str(next(build.glob("*/meterbeatctl"))), folder
        (folder / "beat_dump.py").write_text(dump_program())

    def dump(self, text, name="proj_settings", *more):
        module = name.partition(":")[0]
        (self.folder / f"{module}.py").write_text(text)
        done = subprocess.run([sys.executable, "beat_dump.py", name, *more], cwd=self.folder, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def load(self, dump, status=0):
        """What is printed, once a program has loaded it."""
        done = subprocess.run([self.ctl, "schedule", "import", "-"], input=dump, capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == status, done.stdout + done.stderr
        (self.folder / "imported.conf").write_text(done.stdout)
        shown = subprocess.run([self.ctl, "--config", str(self.folder / "imported.conf"), "--show-config"],
                               capture_output=True, text=True, timeout=60)
        assert shown.returncode == 0, shown.stderr
        return done.stdout


@pytest.fixture
def importer(build, tmp_path):
    return Importer(build, tmp_path)


def test_the_seeds_schedule_is_imported_as_the_docs_show_it(importer):
    printed = importer.load(importer.dump(SEED))
    assert printed in (ROOT / "docs/from-celery.md").read_text()
    assert 'timezone = "America/New_York";' in printed


def test_an_application_is_imported_by_old_and_by_new_names(importer):
    for names in ({"beat_schedule": "timezone"}, {"CELERYBEAT_SCHEDULE": "CELERY_TIMEZONE"}):
        for schedule, zone in names.items():
            text = ("from celery import Celery\nfrom celery.schedules import crontab\napp = Celery('proj')\n"
                    f"app.conf.update({schedule}={{'a': {{'task': 't', 'schedule': crontab(minute=5)}}}}, {zone}='Asia/Tokyo')\n")
            printed = importer.load(importer.dump(text, f"app_{schedule.lower()}:app"))
            assert 'timezone = "Asia/Tokyo"' in printed
            assert 'crontab = "5 * * * *"' in printed


MANY = """
from datetime import datetime, timedelta
from celery.schedules import BaseSchedule, crontab, schedule
class solar(BaseSchedule):
    def __repr__(self):
        return '<solar: sunset at latitude 1, longitude: 2>'
beat_schedule = {
    'options': {'task': 't', 'schedule': schedule(60), 'args': (1, 'ü', None), 'kwargs': {'a': {'b': [1.5]}}, 'relative': True,
                'options': {'queue': 'q', 'expires': 90, 'priority': 4, 'headers': {'team': 'x'}, 'time_limit': 20.0,
                            'soft_time_limit': 10, 'serializer': 'json', 'retry': True, 'exchange': None}},
    'sets': {'task': 't', 'schedule': crontab(minute={45, 0}, hour='1, 3', day_of_month=[1, 15], day_of_week='mon-fri')},
    'days': {'task': 't', 'schedule': timedelta(days=1)},
    'weeks': {'task': 't', 'schedule': timedelta(weeks=2)},
    'sunset': {'task': 't', 'schedule': solar()},
    'half': {'task': 't', 'schedule': 0.5},
    'date': {'task': 't', 'schedule': 60, 'kwargs': {'since': datetime(2026, 1, 1)}},
    'later': {'task': 't', 'schedule': 60, 'options': {'countdown': 5, 'expires': datetime(2030, 1, 1), 'headers': {'id': 'x', 'y': 1}}},
    'misread': {'task': 't', 'schedule': crontab(minute='1-5-9')},
    'clock': {'task': 't', 'schedule': crontab(nowfun=datetime.now)},
    'two\\nlines # } );': {'task': 't', 'schedule': 60},
    'no task': {'schedule': 60},
}
"""


def test_what_cannot_be_carried_over_is_said_and_the_rest_is(importer):
    printed = importer.load(importer.dump(MANY), status=1)
    assert ('{ name = "options"; task = "t"; every = "1m"; args = "[1,\\"ü\\",null]"; kwargs = "{\\"a\\":{\\"b\\":[1.5]}}"; '
            'queue = "q"; expires = "90s"; priority = 4; headers = "{\\"team\\":\\"x\\"}"; time_limit_s = 20; '
            'soft_time_limit_s = 10; }') in printed
    assert 'crontab = "0,45 1,3 1,15 * mon-fri"' in printed
    assert 'name = "days"; task = "t"; every = "1d"' in printed and 'every = "2w"' in printed
    assert 'name = "later"; task = "t"; every = "1m"; headers = "{\\"y\\":1}"; }' in printed
    for said in ("# days: Celery counts 1d", "# sunset: not carried over: <solar: sunset at latitude 1, longitude: 2>",
                 "# half: not carried over: every 0.5 s", "# date: not carried over: its kwargs hold datetime.datetime(2026",
                 "# later: left out: the option countdown, 5", "# later: left out: the option expires, datetime",
                 "# later: left out: the header id", '# misread: not carried over: schedule entry "misread": crontab',
                 "# clock: not carried over: <crontab", "# two?lines # } );: not carried over: name: a control character",
                 "# no task: not carried over: it has no task"):
        assert said in printed, said
    assert printed.count("{ name =") == 5


def test_a_zone_that_is_not_known_is_said(importer):
    dump = {"CELERYBEAT_SCHEDULE": {"a": {"task": "t", "schedule": 5}}}
    assert 'timezone = "UTC"' in importer.load(json.dumps(dump))
    printed = importer.load(json.dumps({**dump, "CELERY_TIMEZONE": "Mars/Olympus"}), status=1)
    assert "# timezone: not carried over" in printed and "Mars/Olympus" in printed
    assert "# timezone: left out: enable_utc" in importer.load(json.dumps({**dump, "enable_utc": False}), status=1)


LATE = """
from celery import Celery
from celery.schedules import crontab
app = Celery('late', include=['late_tasks'])
app.conf.timezone = 'UTC'
app.autodiscover_tasks(['late_package'])

@app.on_after_configure.connect
def configured(sender, **more):
    sender.add_periodic_task(60, app.signature('a.configured'), name='configured')

@app.on_after_finalize.connect
def finalized(sender, **more):
    sender.add_periodic_task(crontab(minute=7), app.signature('a.finalized'), name='finalized')
"""
LATE_TASKS = """
from late_app import app

@app.task(name='a.module')
def task():
    pass

app.conf.beat_schedule['module'] = {'task': 'a.module', 'schedule': 30}
"""


def test_entries_that_task_modules_and_handlers_add_are_imported(importer):
    (importer.folder / "late_tasks.py").write_text(LATE_TASKS)
    (importer.folder / "late_package").mkdir()
    (importer.folder / "late_package/__init__.py").write_text("")
    (importer.folder / "late_package/tasks.py").write_text(
        "from late_app import app\napp.add_periodic_task(90, app.signature('a.found'), name='found')\n")
    printed = importer.load(importer.dump(LATE, "late_app:app"))
    assert set(re.findall(r'name = "(\w+)"', printed)) == {"configured", "finalized", "module", "found"}
    assert 'crontab = "7 * * * *"' in printed


@pytest.mark.parametrize("text, more", [
    ("app.conf.beat_scheduler = 'django_celery_beat.schedulers:DatabaseScheduler'\n", []),
    ("app.conf.beat_scheduler = 'redbeat.RedBeatScheduler'\n", []), ("", ["redbeat.schedulers:RedBeatScheduler"]),
    ("", ["django"]), ("import sys, types\nsys.modules['django_celery_beat'] = types.ModuleType('m')\n", [])])
def test_entries_of_another_scheduler_are_said_to_be_lost(importer, text, more):
    """They are in a database or in Redis: exit 1, and what there is in the settings all the same."""
    printed = importer.load(importer.dump(
        "from celery import Celery\napp = Celery('other')\napp.conf.beat_schedule = "
        "{'mine': {'task': 't', 'schedule': 5}}\n" + text, "other_app:app", *more), status=1)
    assert re.search(r"# schedule: not carried over: the entries that \S+ keeps by itself", printed)
    assert 'name = "mine"' in printed


@pytest.mark.parametrize("dump", ["", "[]", "{}", '{"beat_schedule": []}', '{"beat_schedule": {}', '{"a": "\\u0000"}',
                                  '{"beat_schedule": {"a": {}, "a": {}}}', "\xff", "[" * 100000])
def test_what_is_no_dump_is_refused(importer, dump):
    done = subprocess.run([importer.ctl, "schedule", "import", "-"], input=dump, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and not done.stdout and done.stderr.startswith("meterbeatctl: ")


def celery_due(schedule, app, start, count):
    """When Celery's own schedule says that it is due, from a last run at start on."""
    last, due = start, []
    for _ in range(count):
        now = last
        schedule.nowfun = lambda: now  # noqa: B023
        schedule.app = app
        last = last + schedule.remaining_estimate(last)
        now = last
        assert schedule.is_due(due[-1] if due else start).is_due
        due.append(last)
    return [int(at.timestamp()) for at in due]


def test_imported_crontabs_are_due_when_celery_says(importer, build):
    specs = {f"c{n}": text for n, text in enumerate(CRONTABS) if text != "0 0 29 2 mon"}
    text = ("from celery.schedules import crontab\nbeat_schedule = {\n"
            + "".join(f"  '{name}': {{'task': 't', 'schedule': crontab.from_string('{spec}')}},\n" for name, spec in specs.items())
            + "}\ntimezone = 'America/New_York'\n")
    importer.load(importer.dump(text))
    app = celery.Celery("due", set_as_current=False)
    app.conf.timezone = "America/New_York"
    # Away from the changes of the clocks: until the summer time of 2024 ends or begins.
    start = dt.datetime(2024, 3, 11, tzinfo=zoneinfo.ZoneInfo("America/New_York"))
    end = dt.datetime(2024, 11, 2, tzinfo=start.tzinfo)
    ticks = collections.defaultdict(list)
    for line in tool(build, "simulate_ticks", importer.folder / "imported.conf", int(start.timestamp()), int(end.timestamp()), 0):
        name, due = line.split()
        ticks[name].append(int(due))
    for name, spec in specs.items():
        ours = ticks[name][:50]
        assert ours == celery_due(crontab.from_string(spec), app, start, len(ours)), spec
    assert sum(bool(ticks[name]) for name in specs) > 15
