"""meterbeatctl, each command on the real servers: what it says, what it does, and how it ends."""
import csv
import io
import json
import subprocess
import uuid

import pika
import pytest
from servers import wait_until

QUEUE = "meterbeat"
DEAD = "meterbeat.dead"


@pytest.fixture
def ready(meterbeat):
    """meterbeat with its tables made."""
    meterbeat.ctl("init-db")
    return meterbeat


def complaint(meterbeat, *arguments, status):
    """What a command that fails says on standard error."""
    done = subprocess.run(
        [meterbeat.path("meterbeatctl"), "--config", str(meterbeat.configuration), *map(str, arguments)],
        env=meterbeat.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


def waiting(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def put(channel, queue, headers, body=b"[[], {}, {}]", **properties):
    channel.confirm_delivery()
    channel.basic_publish("", queue, body, mandatory=True, properties=pika.BasicProperties(
        content_type="application/json", content_encoding="utf-8", delivery_mode=2, headers=headers,
        **properties))


def put_dead(channel, task_id, task="ping", **more):
    put(channel, DEAD, {
        "lang": "py", "task": task, "id": task_id, "root_id": task_id, "retries": 3, "mine": "kept",
        "x-meterbeat-reason": "http_status", "x-meterbeat-error": "the feed answered 404",
        "x-meterbeat-attempts": 1, "x-meterbeat-queue": QUEUE, "x-meterbeat-worker": "w@h/1",
        "x-meterbeat-time": "2026-11-23T00:00:00Z", **more}, correlation_id=task_id)


# --- settings -----------------------------------------------------------------------------------------

def test_a_wrong_setting_ends_every_command_with_status_2_and_its_place(meterbeat):
    meterbeat.configuration.write_text("broker = {\n  heartbeat_s = 0;\n};\n")
    for command in ("check", "init-db", "status", "next", "--show-config"):
        said = complaint(meterbeat, command, status=2)
        assert f"{meterbeat.configuration}:2: broker.heartbeat_s: 0, must be from 1 to 300 s" in said


def test_what_show_config_prints_is_a_configuration_without_passwords(meterbeat, servers):
    shown = meterbeat.ctl("--show-config")
    assert servers.postgresql.password not in shown
    assert "# password: set, not shown" in shown
    meterbeat.configuration.write_text(shown)
    assert meterbeat.ctl("--show-config") == shown
    meterbeat.ctl("init-db")


def test_wrong_usage_ends_with_status_2(meterbeat):
    for arguments in (["nothing"], [], ["record"], ["record", "show"], ["record", "list", "7"], ["dead"],
                      ["dead", "drop"], ["dead", "replay", "x", "--all"], ["report"], ["send"],
                      ["report", "1", "--csv", "--json"], ["next", "0"], ["check", "--wrong"], ["inspect"],
                      ["schedule"], ["schedule", "import"], ["schedule", "export", "-"],
                      ["import"], ["import", "a.xml"], ["import", "--building", "1"], ["audit", "--from", "May"],
                      ["import", "--building", "1", "--zone", "Europe/Nowhere", "a.xml"], ["audit", "--meter", "x"],
                      ["audit", "--from", "2026-03-02", "--to", "2026-03-01"]):
        assert complaint(meterbeat, *arguments, status=2).startswith("meterbeatctl"), arguments


def test_help_of_every_command_needs_no_configuration(meterbeat):
    meterbeat.configuration.unlink()
    listed = meterbeat.ctl("--help").split("Commands (each has --help):")[1].split("\n\n")[0]
    commands = [line.split()[0] for line in listed.splitlines() if line.strip()]
    assert {"check", "init-db", "record", "custodian", "send", "status", "dead", "report", "import", "audit", "next",
            "schedule", "inspect"} == set(commands)
    for command in commands:
        assert f"meterbeatctl {command}" in meterbeat.ctl(command, "--help")


# --- check, init-db -------------------------------------------------------------------------------------

def test_check_says_which_server_answers_and_what_to_do(meterbeat, servers):
    said = meterbeat.ctl("check", status=1)
    assert "database   NOT" in said and "meterbeatctl init-db" in said
    meterbeat.ctl("init-db")
    said = meterbeat.ctl("check")
    assert said.count(" ok ") == 3
    for server, word in ((servers.kairosdb, "kairosdb"), (servers.postgresql, "database"),
                         (servers.rabbitmq, "broker")):
        server.stop()
        said = meterbeat.ctl("check", status=1)
        assert f"{word:10} NOT" in said and said.count(" ok ") == 2
        server.start()


def test_check_tells_a_wrong_password_from_a_server_that_is_away(meterbeat):
    meterbeat.environment["METERBEAT_DATABASE_PASSWORD"] = "wrong-secret"
    meterbeat.environment["METERBEAT_BROKER_PASSWORD"] = "wrong-secret"
    said = meterbeat.ctl("check", status=1)
    assert "METERBEAT_DATABASE_PASSWORD" in said and "METERBEAT_BROKER_PASSWORD" in said
    assert "wrong-secret" not in said


def test_check_knows_that_something_else_than_kairosdb_answers(ready, servers):
    ready.configure(kairosdb={"query_url": servers.rabbitmq.management_url + "/api/nothing"})
    said = ready.ctl("check", status=1)
    assert "kairosdb   NOT" in said and "check the path of the URL" in said


def test_init_db_repeats_and_leaves_alone_what_is_there(meterbeat, rows):
    rows("CREATE TABLE seed_timeseries (id serial PRIMARY KEY, begin_time timestamptz, end_time timestamptz,"
         " reading double precision, cost numeric(11,4), meter_id integer, extra text)")
    first = meterbeat.ctl("init-db")
    assert "left alone  seed_timeseries" in first
    assert "seed_ts_parser_record" in first.split("made")[1].splitlines()[0]
    assert "was there" in meterbeat.ctl("init-db")
    assert rows("SELECT count(*) FROM information_schema.columns WHERE table_name = 'seed_timeseries'"
                " AND column_name = 'extra'") == [(1,)]


def test_commands_that_need_tables_say_how_to_make_them(meterbeat):
    for arguments in (["record", "list"], ["status"], ["report", "42"]):
        assert "init-db" in complaint(meterbeat, *arguments, status=1)


# --- record -----------------------------------------------------------------------------------------------

def add(meterbeat, *more):
    return int(meterbeat.ctl("record", "add", "--url", "https://user:geheim@utility.example/Batch/",
                             "--building", "42", "--sub-id", "7", "--min-parameter", "published-min",
                             "--max-parameter", "published-max", *more))


def test_a_record_is_added_shown_paused_and_resumed(ready, rows):
    number = add(ready)
    assert rows("SELECT btrim(sub_id), building_id, time_type, date_pattern, min_date_parameter FROM"
                " seed_ts_parser_record WHERE id = %s", (number,)) == [
                    ("7", "42", "date", "%m/%d/%Y", "published-min")]
    shown = ready.ctl("record", "show", number)
    assert "geheim" not in shown and "published-min=***" in shown and ", then more" in shown
    listed = ready.ctl_json("record", "list", "--json")
    assert listed["id"] == number and listed["active"] is True
    ready.ctl("record", "pause", number)
    assert ready.ctl_json("record", "show", number, "--json")["active"] is False
    ready.ctl("record", "resume", number)
    assert ready.ctl_json("record", "show", number, "--json")["active"] is True


def test_a_record_that_could_never_be_parsed_is_refused(ready, rows):
    for more, word in ((["--time-type", "days"], "time_type"), (["--date-pattern", "%q"], "date_pattern"),
                       (["--last-date", "2026-01-01"], "last_date"), (["--url", "ftp://x/"], "url")):
        said = complaint(ready, "record", "add", "--url", "https://utility.example/", "--building", "42",
                         *more, status=2)
        assert word in said
    assert rows("SELECT count(*) FROM seed_ts_parser_record") == [(0,)]
    assert "record list" in complaint(ready, "record", "show", 99, status=1)


# --- send -------------------------------------------------------------------------------------------------

def test_send_puts_a_celery_message_on_the_queue_and_says_its_id(meterbeat, channel):
    task_id = meterbeat.ctl("send", "parse", '[7, "ü"]', "--kwargs", '{"a": null}').strip()
    uuid.UUID(task_id)
    method, properties, body = channel.basic_get(QUEUE, auto_ack=True)
    assert properties.headers["task"] == "parse" and properties.headers["id"] == task_id
    assert properties.correlation_id == task_id and properties.delivery_mode == 2
    assert json.loads(body)[:2] == [[7, "ü"], {"a": None}]
    assert meterbeat.ctl("send", "parse", "--id", "my-own").strip() == "my-own"
    assert channel.basic_get(QUEUE, auto_ack=True)[1].headers["id"] == "my-own"


def test_send_follows_the_serializer_and_the_queue(meterbeat, channel):
    channel.queue_declare("other", durable=True)
    meterbeat.configure(producer={"serializer": "msgpack"})
    meterbeat.ctl("send", "some.task", "--queue", "other")
    assert channel.basic_get("other", auto_ack=True)[1].content_type == "application/x-msgpack"


def test_send_refuses_what_no_worker_could_take(meterbeat):
    assert "no JSON" in complaint(meterbeat, "send", "parse", "[1", status=2)
    assert "JSON list" in complaint(meterbeat, "send", "parse", "{}", status=2)
    assert "JSON object" in complaint(meterbeat, "send", "parse", "--kwargs", "[]", status=2)
    assert "no queue nowhere" in complaint(meterbeat, "send", "parse", "--queue", "nowhere", status=1)


def test_send_to_a_broker_that_is_away_says_so(meterbeat):
    meterbeat.configure(broker={"url": "amqp://guest@127.0.0.1:1/"})
    said = complaint(meterbeat, "send", "parse", status=1)
    assert "broker.url" in said and "meterbeatctl check" in said


# --- next -------------------------------------------------------------------------------------------------

def test_next_shows_zone_and_utc_and_needs_no_server(meterbeat):
    meterbeat.configure(
        broker={"url": "amqp://127.0.0.1:1/"}, database={"url": "postgresql://127.0.0.1:1/x"},
        schedule=[{"name": "monthly", "task": "aggregate", "every": "1mo"},
                  {"name": "daily", "task": "parse", "every": "1d", "timezone": "Asia/Kolkata"},
                  {"name": "off", "task": "parse", "every": "1s", "enabled": False}])
    lines = meterbeat.ctl("next", 40).splitlines()[1:]
    assert len(lines) == 40 and not any(" off " in line for line in lines)
    daily = [line for line in lines if " daily " in line]
    assert all(" 00:00:00 +05:30 " in line and "T18:30:00Z" in line for line in daily)
    assert any("-01 00:00:00 -0" in line and " monthly " in line for line in lines)
    assert [line.split()[3] for line in lines] == sorted(line.split()[3] for line in lines)


def test_next_refuses_an_interval_that_is_none_with_its_place(meterbeat):
    meterbeat.configure(schedule=[{"name": "a", "task": "parse", "every": "1 fortnight"}])
    for command in ("next", "check"):
        said = complaint(meterbeat, command, status=2)
        assert f"{meterbeat.configuration}:" in said and "column 2" in said


# --- dead -------------------------------------------------------------------------------------------------

@pytest.fixture
def with_queues(ready, channel):
    """The queues made, as the first program does."""
    ready.ctl("send", "ping")
    channel.queue_purge(QUEUE)
    return ready


def test_dead_letters_are_listed_and_shown_and_stay(with_queues, channel):
    put_dead(channel, "one")
    put_dead(channel, "two", **{"x-meterbeat-error": "evil \x1b[2J \u009b title"})
    listed = with_queues.ctl("dead", "list")
    assert listed.index("one") < listed.index("two")
    assert "http_status" in listed and "the feed answered 404" in listed
    assert "\x1b" not in listed and "\u009b" not in listed
    assert [entry["id"] for entry in with_queues.ctl_json("dead", "list", "--json")] == ["one", "two"]
    shown = json.loads(with_queues.ctl("dead", "show", "one"))
    assert shown["headers"]["mine"] == "kept" and shown["body_json"] == [[], {}, {}]
    assert json.loads(with_queues.ctl("dead", "show", 2))["id"] == "two"
    assert waiting(channel, DEAD) == 2
    complaint(with_queues, "dead", "show", "three", status=1)


def test_a_body_that_is_no_text_is_shown_as_base64(with_queues, channel):
    put(channel, DEAD, {}, body=b"\xff\x00\x1b")
    assert json.loads(with_queues.ctl("dead", "show", 1))["body_base64"] == "/wAb"


def test_a_replayed_message_is_as_fresh_as_it_was_and_its_run_waits_again(with_queues, channel, rows):
    rows("INSERT INTO meterbeat.run (task_id, task, state, token, ended, failed, finished_at)"
         " VALUES ('one', 'parse', 'dead', 3, 3, 3, now())")
    put_dead(channel, "one")
    put_dead(channel, "two")
    with_queues.ctl("dead", "replay", "one")
    method, properties, body = channel.basic_get(QUEUE, auto_ack=True)
    assert body == b"[[], {}, {}]" and properties.correlation_id == "one"
    assert properties.headers["mine"] == "kept" and properties.headers["retries"] == 0
    assert not [name for name in properties.headers if name.startswith("x-")]
    assert rows("SELECT state, failed FROM meterbeat.run WHERE task_id = 'one'") == [("waiting", 0)]
    assert [with_queues.ctl_json("dead", "list", "--json")["id"]] == ["two"]


def test_a_message_that_cannot_be_replayed_stays(with_queues, channel):
    put_dead(channel, "one", **{"x-meterbeat-queue": "gone"})
    assert "stays where it is" in complaint(with_queues, "dead", "replay", "one", status=1)
    assert waiting(channel, DEAD) == 1


def test_a_message_is_not_replayed_to_a_queue_that_only_it_says(with_queues, channel):
    """Its headers are whoever published it; the rights are ours."""
    channel.queue_declare("payments")
    put_dead(channel, "evil", **{"x-meterbeat-queue": "payments"})
    put_dead(channel, "good")
    said = complaint(with_queues, "dead", "replay", "--all", status=1)
    assert "task evil, stays where it is" in said and "queue payments" in said
    assert (waiting(channel, "payments"), waiting(channel, QUEUE), waiting(channel, DEAD)) == (0, 1, 1)
    assert "stays where it is" in complaint(with_queues, "dead", "replay", "evil", status=1)
    with_queues.configure(schedule=[{"name": "p", "task": "pay", "every": "1d", "queue": "payments"}])
    assert with_queues.ctl("dead", "replay", "evil") == "replayed evil to payments\n"
    assert waiting(channel, "payments") == 1
    put_dead(channel, "more", **{"x-meterbeat-queue": "elsewhere"})
    assert with_queues.ctl("dead", "replay", "more", "--queue", QUEUE) == f"replayed more to {QUEUE}\n"


def test_a_replayed_message_goes_to_its_queue_alone(with_queues, channel):
    """RabbitMQ sends copies to whatever CC names, if whoever publishes may: the sender could, and now we could."""
    channel.queue_declare("payments")
    put_dead(channel, "copied", CC=["payments"])
    channel.queue_purge("payments")
    assert with_queues.ctl("dead", "replay", "copied") == f"replayed copied to {QUEUE}\n"
    assert (waiting(channel, "payments"), waiting(channel, QUEUE), waiting(channel, DEAD)) == (0, 1, 0)


def test_dead_letters_are_dropped_by_id_and_all(with_queues, channel):
    for name in ("one", "two", "three"):
        put_dead(channel, name)
    assert with_queues.ctl("dead", "drop", "two") == "dropped two\n"
    assert waiting(channel, DEAD) == 2
    with_queues.ctl("dead", "drop", "--all")
    assert waiting(channel, DEAD) == 0
    with_queues.ctl("dead", "drop", "--all")


def test_an_unknown_task_dies_and_a_replayed_ping_runs(with_queues, channel):
    worker = with_queues.worker()
    with_queues.ctl("send", "no.such.task", "--id", "lost")
    wait_until(lambda: waiting(channel, DEAD) == 1, 30, "the dead letter")
    assert with_queues.ctl_json("dead", "list", "--json")["id"] == "lost"
    with_queues.ctl("dead", "drop", "lost")
    put_dead(channel, "again", "meterbeat.ping")
    with_queues.ctl("dead", "replay", "--all")
    wait_until(lambda: waiting(channel, QUEUE) == 0 and waiting(channel, DEAD) == 0, 30, "the ping to run")
    assert worker.stop() == 0
    assert waiting(channel, QUEUE) == 0 and waiting(channel, DEAD) == 0


# --- status -----------------------------------------------------------------------------------------------

def test_status_counts_queues_entries_records_and_runs(with_queues, channel, rows):
    with_queues.configure(schedule=[{"name": "daily", "task": "parse", "every": "1d"}])
    add(with_queues)
    add(with_queues, "--paused")
    rows("INSERT INTO meterbeat.run (task_id, task, state, record_id) VALUES ('r', 'parse', 'running', 1),"
         " ('d', 'parse', 'done', 1)")
    rows("INSERT INTO meterbeat.entry (name, definition, last_due_at, fired_at)"
         " VALUES ('daily', 'x', '2026-11-01Z', '2026-11-01Z')")
    rows("INSERT INTO meterbeat.worker (name, host, pid, queue, version) VALUES ('w@h/1', 'h', 1, 'q', '1')")
    put(channel, QUEUE, {"task": "ping", "id": "x"})
    status = with_queues.ctl_json("status", "--json")
    assert status["queues"][0]["name"] == QUEUE and status["queues"][0]["ready"] == 1
    assert status["queues"][-1]["name"] == DEAD and len(status["queues"]) == 6
    assert status["records"] == {"active": 1, "paused": 1, "behind": 1, "broken": 0}
    assert status["runs"]["running"] == 1 and status["runs"]["done"] == 1
    assert [run["task_id"] for run in status["open_runs"]] == ["r"]
    assert status["entries"][0]["last_fired"] == "2026-11-01T00:00:00Z"
    assert status["entries"][0]["next_due"] > "2026"
    assert status["workers"][0]["name"] == "w@h/1"
    text = with_queues.ctl("status")
    assert "w@h/1" in text and "1 active, 1 of them behind" in text


def test_status_shows_unacknowledged_messages(with_queues, channel):
    put(channel, QUEUE, {"task": "ping", "id": "x"})
    channel.basic_get(QUEUE, auto_ack=False)
    wait_until(lambda: with_queues.ctl_json("status", "--json")["queues"][0]["unacknowledged"] == 1, 30,
               "the management API to count it")


def test_status_shows_the_books_when_the_broker_is_away(with_queues, servers):
    with_queues.configure(broker={"url": "amqp://guest@127.0.0.1:1/"})
    status = json.loads(with_queues.ctl("status", "--json", status=1))
    assert "queues" not in status and "records" in status


# --- report -----------------------------------------------------------------------------------------------

@pytest.fixture
def with_months(ready, rows):
    """Building 42 with an electricity meter of three months, the last of them changed, and a gas bill."""
    rows("INSERT INTO seed_meter (id, name, energy_type, energy_units, custom_meter_id)"
         " VALUES (1, 'main', 0, 72, 'abc'), (2, 'gas \"old\"', 1, 169, 'def')")
    rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (42, true)")
    rows("INSERT INTO seed_meter_canonical_building (meter_id, canonicalbuilding_id) VALUES (2, 42)")
    rows("INSERT INTO meterbeat.series (id, tag_key, source, tags, meter_id, record_id) VALUES (1, 'k', 's',"
         """ '{"canonical_id": "42", "energy_type": "electricity", "flow": "forward", "uom": "Wh"}', 1, 1)""")
    rows("INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading, cost)"
         " SELECT 1, m AT TIME ZONE 'America/New_York', (m + interval '1 month') AT TIME ZONE 'America/New_York',"
         " 1000 * extract(month FROM m), 1.5 FROM generate_series(timestamp '2026-02-01', '2026-04-01', '1 month') m")
    rows("INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading)"
         " VALUES (2, '2026-01-05 05:00Z', '2026-02-05 05:00Z', 12.25)")
    rows("INSERT INTO meterbeat.dirty_month (series_id, month_start, month_end)"
         " VALUES (1, '2026-04-01 04:00Z', '2026-05-01 04:00Z')")
    return ready


def test_a_report_has_local_months_units_and_what_changed(with_months):
    text = with_months.ctl("report", 42)
    assert "electricity, forward, in Wh" in text and "gas, ?, in therm" in text
    assert "2026-03 " in text and "3,000" in text and "2026-04 *" in text
    assert "2026-01-05 to 2026-02-04" in text and "12.250" in text
    assert "█" in text and "together 9,000 Wh" in text


def test_a_report_as_csv_and_json_has_the_same_numbers(with_months):
    lines = list(csv.DictReader(io.StringIO(with_months.ctl("report", 42, "--csv"))))
    assert [line["month"] for line in lines] == ["2026-02", "2026-03", "2026-04", ""]
    assert [float(line["reading"]) for line in lines] == [2000, 3000, 4000, 12.25]
    assert lines[3]["name"] == 'gas "old"' and lines[1]["begin"] == "2026-03-01T05:00:00Z"
    assert lines[1]["end"] == "2026-04-01T04:00:00Z"
    report = with_months.ctl_json("report", 42, "--json")
    assert report["timezone"] == "America/New_York"
    assert [[month["reading"] for month in meter["months"]] for meter in report["meters"]] == [
        [2000, 3000, 4000], [12.25]]
    assert report["meters"][0]["months"][2]["changed"] is True


def test_a_report_survives_readings_that_are_no_numbers(with_months, rows):
    rows("INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading) SELECT 1,"
         " '2026-05-01 04:00Z', '2026-06-01 04:00Z', unnest(ARRAY['Infinity', '-Infinity', 'NaN']::float8[])")
    rows("INSERT INTO seed_timeseries (meter_id, begin_time, end_time, reading)"
         " VALUES (1, '2026-06-01 04:00Z', 'infinity', 7)")
    text = with_months.ctl("report", 42)
    assert "2026-05" in text and "inf" in text and "nan" in text and "3,000" in text
    assert "12.25" in with_months.ctl("report", 42, "--csv")
    report = with_months.ctl_json("report", 42, "--json")
    assert [month["reading"] for month in report["meters"][0]["months"]][3:] == [None] * 3


def test_a_building_without_months_is_said_to_have_none(ready):
    assert "no months of building 43" in complaint(ready, "report", "43", status=1)


# --- inspect ----------------------------------------------------------------------------------------------

def test_inspect_needs_no_configuration_and_tells_a_feed_from_html(meterbeat, tmp_path):
    meterbeat.configuration.unlink()
    page = tmp_path / "page.html"
    page.write_text("<html><body>Please log in</body></html>")
    said = json.loads(meterbeat.ctl("inspect", "--json", page, status=1))
    assert said["file"] == str(page) and said["problems"][0]["code"]
