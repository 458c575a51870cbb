"""A database that hangs, a producer that freezes in a transaction, a pooler that shares sessions, ids that are foreseen."""
import shutil
import subprocess
import time
import uuid

import pytest

from pg_proxy import Proxy
from producing import assert_on_grid, collector, entry, outbox, schedule, tables, ticks  # noqa: F401  (fixtures)
from queues import send
from servers import wait_until
from servers.process import free_port


@pytest.fixture
def proxy(servers):
    made = Proxy(servers.postgresql.port)
    yield made
    made.end()


def test_a_database_that_hangs_without_closing_is_noticed_within_a_lease(
        meterbeat, tables, proxy, place, rows, queue):  # noqa: F811
    meterbeat.configure(database={"url": proxy.url(place.database_url), "connect_timeout_s": 2})
    worker = meterbeat.worker()
    worker.wait_for_event("consuming")
    proxy.stalled = True
    began = time.monotonic()
    task = send(queue, "aggregate")
    worker.wait_for_event("database_unusable", limit=40, code="database_lost")
    assert time.monotonic() - began < 30, "half of worker.lease_s"
    proxy.stalled = False
    wait_until(lambda: rows("SELECT state FROM meterbeat.run WHERE task_id = %s", (task,)) == [("done",)], 60, "its end")


def test_a_producer_that_freezes_before_its_commit_holds_the_others_for_seconds_only(
        meterbeat, schedule, ticks, proxy, place, collector):  # noqa: F811
    schedule(entry("often", "1s", catch_up="all"))
    direct = place.database_url
    meterbeat.configure(database={"url": proxy.url(direct)})
    frozen = meterbeat.producer()
    frozen.wait_for_event("tick")
    proxy.stall_before("INSERT INTO meterbeat.tick", "COMMIT")
    wait_until(lambda: proxy.stalled, 20, "a tick is promised and its commit does not come")
    meterbeat.configure(database={"url": direct})
    other = meterbeat.producer()
    began = time.monotonic()
    other.wait_for_event("tick", limit=20)
    assert time.monotonic() - began < 12
    due = len(ticks("often"))
    wait_until(lambda: len(ticks("often")) > due + 3, 20, "it goes on")
    assert_on_grid(ticks("often"), 1)


def forge(channel, name, dues, key=None):
    """Messages with the ids that ticks to come have, as somebody makes them who knows how ids are made; the ids."""
    space = uuid.UUID("6d657465726245619c1e0a7d5f33d248")  # common/base/uuid.c
    ids = {str(uuid.uuid5(space, (f"{key}/" if key is not None else "") + f"{name}@{utc(due)}")) for due in dues}
    for forged in ids:
        send(channel, "aggregate", headers={"id": forged})
    return ids


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def test_who_may_publish_cannot_end_ticks_to_come_unless_he_has_the_key(
        meterbeat, schedule, ticks, rows, queue):  # noqa: F811
    """A run that is done is not done again: a message with a tick's id, performed before it is due, would end the tick."""
    schedule(entry("sums", "2s", task="aggregate"))
    meterbeat.worker()
    ended_early = "SELECT t.task_id FROM meterbeat.tick t JOIN meterbeat.run r USING (task_id) WHERE r.finished_at < t.due_at"

    def due(seconds):
        now = int(time.time())
        return range(now + 2 - now % 2, now + seconds, 2)

    def done(ids):
        return rows("SELECT count(*) FROM meterbeat.run WHERE state = 'done' AND task_id = ANY (%s)", (list(ids),))[0][0]

    # all that is known to who may only publish: the entry, when it is due, how ids are made and were made before
    forged = forge(queue, "sums", due(40)) | forge(queue, "sums", due(40), "")
    wait_until(lambda: done(forged) == len(forged), 60, "the forged messages are performed, as any task is")
    producer = meterbeat.producer()
    wait_until(lambda: done(task for _, task in ticks("sums")) >= 3, 30, "ticks are performed")
    assert rows(ended_early) == []
    assert producer.stop() == 0
    # with the key, which is in the database alone, he could: so this test can tell
    (key,), = rows("SELECT tick_key FROM meterbeat.installation")
    assert len(key) == 72
    forged = forge(queue, "sums", due(90), key)
    meterbeat.producer()
    wait_until(lambda: rows(ended_early), 90, "ticks that were ended before they were due")
    assert {task for task, in rows(ended_early)} <= forged


def test_producers_of_different_keys_perform_each_tick(meterbeat, schedule, rows):  # noqa: F811
    schedule(entry("sums", "2s", task="aggregate"))
    meterbeat.worker()
    meterbeat.producer().wait_for_event("tick")
    rows("UPDATE meterbeat.installation SET tick_key = repeat('x', 40)")
    meterbeat.producer().wait_for_event("database_connected")
    done = "SELECT count(*) FROM meterbeat.run r JOIN meterbeat.tick t USING (task_id) WHERE r.state = 'done'"
    wait_until(lambda: rows(done)[0][0] >= 3, 30, "each tick is performed")


@pytest.fixture
def pooler(servers, place, tmp_path_factory):
    """pooler(mode) starts a PgBouncer before the test's database; its URL."""
    program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin")
    if not program:
        pytest.skip("packaging/steps/packages.test is not installed: no pgbouncer")
    started = []

    def start(mode):
        folder = tmp_path_factory.mktemp("pooler")
        folder.chmod(0o711)
        folder.parent.chmod(0o711)
        port = free_port()
        user = place.database_url.split("//")[1].split("@")[0].split(":")[0]
        (folder / "users").write_text(f'"{user}" "{servers.postgresql.password}"\n')
        (folder / "ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={servers.postgresql.port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nauth_type = plain\nauth_file = {folder}/users\npool_mode = {mode}\n"
            "unix_socket_dir =\ndefault_pool_size = 20\n")
        for file in folder.iterdir():
            file.chmod(0o644)
        process = subprocess.Popen([program, "-q", "-u", "nobody", folder / "ini"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        started.append(process)
        return place.database_url.replace(f":{servers.postgresql.port}/", f":{port}/")

    yield start
    for process in started:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pooler_by_transaction_is_refused_at_the_start_of_every_program(meterbeat, tables, pooler, mode):  # noqa: F811
    meterbeat.configure(database={"url": pooler(mode)})
    wait_until(lambda: "pooler hands out" in meterbeat.ctl("check", status=None), 20, "check says so")
    for program in (meterbeat.worker(), meterbeat.producer()):
        assert program.wait(30) != 0
        assert "code=database_pooled" in program.text()


def test_a_pooler_by_session_is_welcome(meterbeat, tables, pooler, rows, queue):  # noqa: F811
    meterbeat.configure(database={"url": pooler("session")})
    worker = meterbeat.worker()
    worker.wait_for_event("consuming")
    task = send(queue, "aggregate")
    worker.wait_for_event("task_done", task_id=task)
