"""What strangers wrote into queues, tables, feeds and file names reaches neither a terminal nor a log as it was."""
import csv
import io
import json
import re
import subprocess
import unicodedata

import pytest
from documents import block, feed, meter_reading, reading, usage_point
from servers import wait_until
from test_ctl import put_dead, ready, waiting, with_months, with_queues  # noqa: F401  (fixtures)

# escape, C1, right-to-left override, isolate, line separator, DEL, BOM, line end; and it begins a formula
HOSTILE = "=1+1 \x1b[31m \u009b1m \u202egpj \u2066i \u2028l \x7f \ufeff\n\r event=task_done"
SHOWN = "=1+1 ?[31m ?1m ?gpj ?i ?l ? ??? event=task_done"


def is_clean(character):
    return character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp", "Cs")


def run(meterbeat, *arguments, **more):
    done = subprocess.run(
        [meterbeat.path("meterbeatctl"), "--config", str(meterbeat.configuration), *map(str, arguments)],
        env=meterbeat.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=120, **more)
    for output in (done.stdout, done.stderr):
        text = output.decode()  # UTF-8, or this fails
        assert all(map(is_clean, text)), (arguments, [c for c in text if not is_clean(c)], text)
        assert not re.search(r"(?m)^\r? *event=task_done", text), (arguments, text)
    if "--json" in arguments:
        assert all(0x20 <= byte < 0x7f or byte == 0x0a for byte in done.stdout), (arguments, done.stdout)
    return done


@pytest.fixture
def poisoned(with_queues, with_months, channel, rows):  # noqa: F811
    """Each text of each table and of a dead letter is hostile."""
    meterbeat = with_queues
    h = HOSTILE
    rows("UPDATE seed_meter SET name = %s, custom_meter_id = %s", (h, h[:90]))
    rows("UPDATE meterbeat.series SET source = %s, tags = %s",
         (h, json.dumps({"canonical_id": "42", "energy_type": h, "flow": h, "uom": h, "interval": h,
                         "custom_meter_id": h})))
    rows("INSERT INTO meterbeat.day (series_id, day_start, readings, total, record_id)"
         " VALUES (1, '2026-03-01 05:00Z', 24, 1, 1)")
    rows("INSERT INTO seed_ts_parser_record (id, url, last_date, min_date_parameter, max_date_parameter,"
         " building_id, active, time_type, date_pattern, sub_id, last_ts) VALUES"
         " (1, %s, %s, %s, %s, %s, 'Y', %s, %s, %s, 0), (2, 'http://127.0.0.1:1/', %s, 'a', 'b', '42', 'Y', 'date',"
         " '%%m/%%d/%%Y', %s, 0)",
         ("http://127.0.0.1:1/" + h, h[:50], h[:20], h[:20], h[:90], h[:50], h[:90], h, h[:50], h))
    for task_id, state in ((h, "running"), ("r" + h, "retrying"), ("d" + h, "dead"), ("w" + h, "waiting")):
        rows("INSERT INTO meterbeat.run (task_id, task, state, record_id, building_id, worker, progress, error_code,"
             " error, arguments, lease_until) VALUES (%s, %s, %s, 1, %s, %s, %s, %s, %s, '[[],{}]',"
             " now() + interval '1 h')", (task_id, h, state, h, h, h, h, h))
    rows("INSERT INTO meterbeat.run (task_id, task, state, building_id, progress) VALUES ('b', %s, 'running', %s, %s)",
         (h, h, h))
    rows("INSERT INTO meterbeat.entry (name, definition, last_due_at) VALUES (%s, %s, now())", (h, h))
    rows("INSERT INTO meterbeat.worker (name, host, pid, queue, version, task_id) VALUES (%s, %s, 1, %s, %s, %s)",
         (h, h, h, h, h))
    rows("INSERT INTO meterbeat.custodian (id, name, base_url, token_url, client_id, scope) VALUES"
         " (1, %s, %s, %s, %s, %s)", (h, "https://c/" + h, "https://c/" + h, h, h))
    rows('INSERT INTO meterbeat."authorization" (id, custodian_id, grant_type, refused_at, refusal)'
         " VALUES (1, 1, 'bearer', now(), %s)", (h,))
    rows("INSERT INTO meterbeat.subscription VALUES (1, 1, 'path', %s, 1)", (h,))
    put_dead(channel, h, h, **{"x-meterbeat-" + name: h for name in ("reason", "error", "queue", "worker", "time")},
             **{h: h})
    put_dead(channel, "d" + h, h)
    return meterbeat


COMMANDS = [
    ["status"], ["status", "--json"], ["record", "list"], ["record", "list", "--json"], ["record", "show", 1],
    ["record", "show", 2], ["record", "show", 1, "--json"], ["record", "set", 1], ["custodian", "list"],
    ["custodian", "list", "--json"], ["custodian", "show", HOSTILE], ["custodian", "show", HOSTILE, "--json"],
    ["custodian", "show", "x" + HOSTILE],
    ["report", 42], ["report", 42, "--csv"], ["report", 42, "--json"], ["report", HOSTILE],
    ["dead", "list"], ["dead", "list", "--json"], ["dead", "show", "--json", 1], ["dead", "show", 2],
    ["dead", "show", "x" + HOSTILE],
    ["audit"], ["audit", "--json"], ["send", HOSTILE], ["send", "ping", HOSTILE], ["check"], ["init-db"],
    ["import", "--building", HOSTILE, "/no/" + HOSTILE], ["import", "--building", 1, "http://127.0.0.1:1/" + HOSTILE],
    ["inspect", "/no/" + HOSTILE], ["schedule", "import", "/no/" + HOSTILE], [HOSTILE], ["record", HOSTILE],
    ["next"], ["--show-config"],
    ["dead", "replay", "--all"], ["dead", "drop", "--all"], ["custodian", "remove", HOSTILE]]


def test_no_command_prints_what_a_stranger_wrote_as_it_is(poisoned):
    for arguments in COMMANDS:
        done = run(poisoned, *arguments)
        if arguments in (["status"], ["record", "list"], ["dead", "list"], ["report", 42], ["custodian", "list"]):
            assert SHOWN[:17] in done.stdout.decode(), (arguments, "the text itself is not among it")
            assert done.stdout.count(b"\n") >= 2, (arguments, "rows are lines")


def test_a_csv_cell_of_a_stranger_is_no_formula(poisoned, rows):
    first = next(csv.DictReader(io.StringIO(run(poisoned, "report", 42, "--csv").stdout.decode())))
    assert first["name"].startswith("'=1+1 ?[31m") and "\n" not in first["name"]
    for name, cell in (("+1", "'+1"), ("-1", "'-1"), ("@SUM(A1)", "'@SUM(A1)"), ("\t=1", "?=1"), (" =1", "' =1"),
                       ("＝1", "'＝1"), ("main", "main"), ("-", "-"), ('"=1', '"=1')):
        rows("UPDATE seed_meter SET name = %s", (name,))
        lines = csv.DictReader(io.StringIO(run(poisoned, "report", 42, "--csv").stdout.decode()))
        assert next(lines)["name"] == cell


def test_the_texts_of_a_feed_and_its_file_name_are_cleaned(meterbeat, tmp_path):  # noqa: F811
    meterbeat.ctl("init-db")
    hostile = "=1 \u009b1m \u202e\u2028\x7f&#10;"  # what XML lets through
    point = f"UsagePoint/{hostile}"
    text = feed(usage_point(point), meter_reading(point, hostile, [[reading(1704067200, 1)]]),
                    block(f"{point}/MeterReading/none", hostile, [reading(1704067200, 1)])).decode()
    file = tmp_path / "evil \x1b[31m\n\u202e.xml"
    file.write_text(text.replace("</feed>", f"<entry><title>{hostile}</title></entry></feed>"))
    for arguments in (["inspect"], ["inspect", "--json"], ["import", "--building", "1"],
                      ["import", "--building", "1", "--json"], ["import", "--building", "1", "--dry-run"],
                      ["import", "--building", "1", "--dry-run", "--json"]):
        done = run(meterbeat, *arguments, file)
        assert done.stdout, (arguments, done.stderr)
    broken = tmp_path / "evil \x1b[31m\n.xml"
    broken.write_text(text[:-20])
    assert run(meterbeat, "inspect", broken).returncode == 1
    raw = bytes(tmp_path) + b"/no \xff\xfe utf8.xml"
    raw_done = subprocess.run([meterbeat.path("meterbeatctl"), "inspect", "--json", raw], capture_output=True)
    assert all(0x20 <= byte < 0x7f or byte == 0x0a for byte in raw_done.stdout)


def test_hostile_settings_are_shown_clean_and_can_be_loaded_again(meterbeat):
    name = "daily \u009b31m\u202e\u2028 \\ \" end"  # C0 controls are refused when the file is read
    meterbeat.configure(schedule=[{"name": name, "task": name, "every": "1d", "args": json.dumps([name])}])
    shown = run(meterbeat, "--show-config").stdout.decode()
    assert "\\xc2\\x9b31m\\xe2\\x80\\xae" in shown
    meterbeat.configuration.write_text(shown)
    assert run(meterbeat, "--show-config").stdout.decode() == shown
    assert "daily ?31m??" in run(meterbeat, "next").stdout.decode()


def test_no_message_and_no_queue_name_forges_a_line_of_the_log(worker_of, channel, meterbeat):
    queue = 'evil" \u2028\u009b event=task_done task_id=forged x='
    channel.queue_declare("meterbeat", durable=True)
    meterbeat.configure(broker={"queue": queue})
    worker = worker_of()
    for task, task_id in (("meterbeat.ping", 'a event=task_done task_id=forged'), ("no\u202e.such\u2028.task", "b c"),
                          ("no.such.task", "\u009b" * 300)):
        channel.basic_publish("", queue, b"[[], {}, {}]", pika_properties(task, task_id))
    wait_until(lambda: waiting(channel, queue + ".dead") == 2 and waiting(channel, queue) == 0, 60, "the tasks to end")
    assert worker.stop() == 0
    text = worker.text()
    assert all(map(is_clean, text)), [c for c in text if not is_clean(c)]
    for line in text.splitlines():
        assert re.match(r"time=\S+ level=\w+ program=\S+ pid=\d+ ", line), line
    assert not worker.events(task_id="forged")
    assert worker.events("consuming")[0]["queue"] == queue.replace("\u2028\u009b", "??")


def pika_properties(task, task_id):
    import pika
    return pika.BasicProperties(content_type="application/json", content_encoding="utf-8",
                                headers={"lang": "py", "task": task, "id": task_id, "root_id": task_id})
