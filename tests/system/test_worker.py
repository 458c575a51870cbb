"""The worker on a real broker: what is acknowledged when, and what is not, whatever happens in between."""
import datetime
import json
import os
import pathlib
import signal
import struct
import subprocess
import time

import pika
import pytest

from queues import DEAD, QUEUE, consuming, dead_letter, done, pings_are_done, ready, send, wait_ready
from servers import wait_until

# --- tasks ----------------------------------------------------------------------------------------

@pytest.mark.tsan
@pytest.mark.smoke
def test_pings_are_done_and_acknowledged(worker_of, connect):
    worker = worker_of(prefetch=10)
    pings_are_done(connect, 500)
    assert worker.stop() == 0
    assert ready(connect) == 0 and ready(connect, DEAD) == 0


def memory_kib(pid):
    """Proportional (PSS) and private memory; resident pages of libraries count in every process that uses them."""
    sums = {"Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in sums:
            sums[name] += int(rest.split()[0])
    return sums["Pss"], sums["Private_Clean"] + sums["Private_Dirty"]


def test_a_worker_without_work_takes_8_mib_at_most_and_pings_leave_nothing(worker_of, connect):
    sanitized = any(word in os.environ.get("METERBEAT_BUILD", "") for word in ("asan", "tsan"))
    worker = worker_of(prefetch=100)
    worker.wait_for_event("consuming")
    pings_are_done(connect, 100)
    _, before = memory_kib(worker.pid)
    pings_are_done(connect, 1000)
    pss, private = memory_kib(worker.pid)
    if not sanitized:  # a sanitizer keeps what is freed for a while
        assert private < before + 512, "nothing of the pings stays"
        assert pss <= 8 * 1024 and private <= 8 * 1024, (pss, private)
    assert worker.stop() == 0


def test_messages_sent_before_the_worker_came_are_done(worker_of, queue, connect):
    task_id = send(queue, "meterbeat.sleep", 0)
    worker = worker_of()
    done(worker, task_id)
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_existing_queues_are_used_as_they_are(worker_of, channel, connect):
    channel.queue_declare(QUEUE, durable=True, arguments={"x-max-priority": 5})
    worker = worker_of()
    pings_are_done(connect)
    assert worker.stop() == 0


def test_a_quorum_queue_serves_as_well(meterbeat, worker_of, connect, servers, place):
    meterbeat.configure(broker={"queue_type": "quorum"})
    worker = worker_of()
    pings_are_done(connect)
    assert servers.rabbitmq.api("GET", f"/queues/{place.vhost}/{QUEUE}")["type"] == "quorum"
    assert worker.stop() == 0


def test_a_task_of_three_heartbeats_is_neither_disconnected_nor_redelivered(
        worker_of, queue, connect):
    worker = worker_of(heartbeat_s=2)
    task_id = send(queue, "meterbeat.sleep", 7)
    done(worker, task_id)
    assert worker.stop() == 0
    assert ready(connect) == 0
    assert len(worker.events("consuming")) == 1 and not worker.events("connection_lost")
    assert len(worker.events("task_done")) == 1


def test_an_expired_message_is_acknowledged_without_being_run(worker_of, queue, connect):
    worker = worker_of()
    task_id = send(queue, "meterbeat.sleep", 0, headers={"expires": "2020-01-01T00:00:00+00:00"})
    worker.wait_for_event("task_expired", task_id=task_id)
    assert worker.stop() == 0
    assert ready(connect) == 0 and not worker.events("task_done")


def iso(instant):
    return datetime.datetime.fromtimestamp(instant, datetime.timezone.utc).isoformat()


def test_a_near_eta_is_held_and_a_far_one_waits_on_the_ladder(worker_of, queue, connect):
    worker = worker_of(prefetch=10, retry_delays_s=(3, 10))
    near, far = time.time() + 0.8, time.time() + 6
    near_id = send(queue, "meterbeat.sleep", 0, headers={"eta": iso(near)})
    far_id = send(queue, "meterbeat.sleep", 0, headers={"eta": iso(far)})
    done(worker, near_id)
    assert time.time() >= near
    worker.wait_for_event("task_later", task_id=far_id)
    done(worker, far_id)
    assert time.time() >= far
    assert not worker.events("task_later", task_id=near_id)
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_an_eta_keeps_nobody_waiting(worker_of, queue, connect):
    """Celery holds it unacknowledged in memory; with one message of prefetch it would block all others."""
    worker = worker_of(prefetch=1, retry_delays_s=(60,))
    due = time.time() + 5
    late = send(queue, "meterbeat.sleep", 0, headers={"eta": iso(due)})
    other = send(queue, "meterbeat.sleep", 0)
    done(worker, other, limit=4)
    assert not worker.events("task_done", task_id=late)
    done(worker, late)
    assert due <= time.time()
    assert worker.stop() == 0
    assert ready(connect) == 0


def test_a_message_that_waits_is_not_copied_to_the_queues_of_its_cc_again(worker_of, queue, connect):
    """Back in the same queue at once, it would wait once more, and be copied once more: without end."""
    worker = worker_of(retry_delays_s=(1, 2))
    task_id = send(queue, "meterbeat.sleep", 0, headers={"eta": iso(time.time() + 2.5), "CC": [QUEUE]})
    done(worker, task_id)
    assert worker.stop() == 0
    assert ready(connect) == 0
    assert len(worker.events("task_later")) <= 2 and len(worker.events("task_done")) == 1


# --- what cannot be done --------------------------------------------------------------------------

class RawHeaders(pika.BasicProperties):
    """Properties whose header table is given as bytes."""
    def __init__(self, table):
        super().__init__()
        self.table = table

    def encode(self):
        return [struct.pack(">H", self.FLAG_HEADERS), struct.pack(">I", len(self.table)), self.table]


def test_headers_as_deep_as_a_frame_can_hold_do_not_end_the_worker(worker_of, queue, connect):
    worker = worker_of()
    table = b""
    for _ in range(20000):  # each level: a name of one byte, "F", a length
        table = b"\x01kF" + struct.pack(">I", len(table)) + table if len(table) < 130000 else table
    queue.basic_publish("", QUEUE, b"[[], {}, null]", RawHeaders(table))
    letter, _ = dead_letter(connect)
    assert letter.headers["x-meterbeat-reason"] == "too_deep"
    pings_are_done(connect)
    assert worker.stop() == 0


def test_headers_that_fill_a_frame_do_not_keep_a_message_from_being_dead(worker_of, queue, connect):
    worker = worker_of()
    send(queue, "nope", headers={"long": "x" * 126000})
    letter, body = dead_letter(connect)
    assert letter.headers["x-meterbeat-reason"] == "unknown_task"
    assert json.loads(body) == [[], {}, None]
    pings_are_done(connect)
    assert worker.stop() == 0


def test_a_failing_task_climbs_the_ladder_and_is_dead_after_the_last_rung(worker_of, queue, connect):
    worker = worker_of(retry_delays_s=(1, 2))
    task_id = send(queue, "meterbeat.sleep", 60, headers={"timelimit": [1, None], "mine": "kept"},
                   expiration="3600000")
    letter, body = dead_letter(connect, limit=60)
    assert letter.headers["x-meterbeat-reason"] == "time_limit"
    assert letter.headers["x-meterbeat-attempts"] == 3
    assert letter.headers["retries"] == 2
    assert letter.headers["mine"] == "kept" and letter.headers["id"] == task_id
    assert not any(name.startswith("x-death") for name in letter.headers)
    assert json.loads(body)[0] == [60]
    delays = [int(line["delay_s"]) for line in worker.events("task_retry", task_id=task_id)]
    assert delays in ([1, 2], [2, 2])
    assert worker.stop() == 0
    assert ready(connect) == 0


# --- stopping -------------------------------------------------------------------------------------

@pytest.mark.tsan
@pytest.mark.smoke
def test_sigterm_finishes_what_runs_and_gives_back_the_rest(worker_of, queue, connect):
    worker = worker_of(prefetch=3)
    first = send(queue, "meterbeat.sleep", 2)
    rest = [send(queue, "meterbeat.sleep", 60) for _ in range(4)]
    wait_ready(connect, 2)
    assert worker.stop() == 0
    done(worker, first)
    assert ready(connect) == len(rest)


def test_a_second_sigterm_stops_at_once_unacknowledged(worker_of, queue, connect):
    worker = worker_of()
    send(queue, "meterbeat.sleep", 600)
    wait_ready(connect, 0)
    worker.terminate()
    worker.wait_for_event("stopping")
    worker.terminate()
    assert worker.wait(20) == 0
    assert not worker.events("task_done")
    wait_ready(connect, 1)


def test_the_grace_time_ends_a_task_as_a_second_sigterm_does(worker_of, queue, connect):
    worker = worker_of(grace_s=1)
    send(queue, "meterbeat.sleep", 600)
    wait_ready(connect, 0)
    assert worker.stop(20) == 0
    assert worker.events("stopping_now", reason="grace_time")
    wait_ready(connect, 1)


def test_a_killed_worker_s_task_is_done_by_another(worker_of, meterbeat, queue, connect):
    worker = worker_of()
    task_id = send(queue, "meterbeat.sleep", 3)
    wait_ready(connect, 0)
    worker.kill()
    second = meterbeat.worker()
    done(second, task_id)
    assert second.stop() == 0
    assert ready(connect) == 0 and ready(connect, DEAD) == 0


def test_a_supervisor_starts_killed_workers_anew_and_ends_them_all(worker_of, connect):
    supervisor = worker_of("--processes", 2)
    started = supervisor.wait_for_event("started", count=2)
    consuming(supervisor, count=2)
    os.kill(int(started[0]["pid"]), signal.SIGKILL)
    supervisor.wait_for_event("worker_ended", signal=9)
    consuming(supervisor, count=3)
    pings_are_done(connect)
    assert supervisor.stop() == 0
    assert len(supervisor.events("stopped")) == 2
    for line in supervisor.events("started"):
        with pytest.raises(ProcessLookupError):
            os.kill(int(line["pid"]), 0)


# --- a broker that goes away ----------------------------------------------------------------------

@pytest.mark.tsan
@pytest.mark.parametrize("how", ["restart", "kill"])
def test_the_worker_resumes_after_the_broker_was_away(how, worker_of, queue, connect, servers):
    worker = worker_of()
    running = send(queue, "meterbeat.sleep", 4)
    wait_ready(connect, 0)
    getattr(servers.rabbitmq, "stop" if how == "restart" else "kill")()
    worker.wait_for_event("connection_lost")
    servers.rabbitmq.start()
    consuming(worker, count=2, limit=60)
    pings_are_done(connect, 200, limit=60)
    worker.wait_for_event("task_done", task_id=running, count=2)  # its first end could not be acknowledged
    wait_ready(connect, 0)
    assert worker.stop() == 0


def test_a_silent_broker_is_noticed_and_left(worker_of, connect, servers):
    worker = worker_of(heartbeat_s=1)
    servers.rabbitmq.pause()
    worker.wait_for_event("connection_lost", limit=20)
    servers.rabbitmq.resume()
    consuming(worker, count=2, limit=60)
    pings_are_done(connect)
    assert worker.stop() == 0


def test_a_worker_started_before_its_broker_waits_for_it(meterbeat, servers, connect):
    meterbeat.configure(broker={"reconnect_max_s": 2})
    servers.rabbitmq.stop()
    worker = meterbeat.worker()
    worker.wait_for_event("connect_failed", count=2)
    servers.rabbitmq.start()
    consuming(worker, limit=60)
    pings_are_done(connect)
    assert worker.stop() == 0


def test_a_deleted_queue_is_made_again_and_consumed(worker_of, queue, connect):
    worker = worker_of()
    queue.queue_delete(QUEUE)
    consuming(worker, count=2)
    pings_are_done(connect)
    assert worker.stop() == 0
    assert not worker.events("connection_lost")


def test_a_deleted_dead_letter_queue_is_made_again_before_anything_is_acknowledged(
        worker_of, queue, connect):
    worker = worker_of()
    queue.queue_delete(DEAD)
    task_id = send(queue, "nope")
    letter, _ = dead_letter(connect)
    assert letter.headers["id"] == task_id
    assert worker.stop() == 0


def test_connections_closed_by_an_administrator_come_back(worker_of, connect, servers, place):
    worker, closed = worker_of(), set()

    def close_each_once():  # the management API learns of them one after the other
        found = {one["name"] for one in servers.rabbitmq.api("GET", f"/vhosts/{place.vhost}/connections")
                 if one.get("user_provided_name", "").startswith("meterbeat-worker@")}
        for name in found - closed:
            servers.rabbitmq.api("DELETE", "/connections/" + name.replace(" ", "%20").replace(">", "%3E"))
        closed.update(found)
        return len(worker.events("consuming")) > 1

    wait_until(close_each_once, 60, "the worker consumes again")
    pings_are_done(connect)
    assert worker.stop() == 0


# --- books ----------------------------------------------------------------------------------------

def test_a_task_waits_for_the_tables_and_is_done_once_they_are_there(worker_of, meterbeat, queue,
                                                                     connect, rows):
    worker = worker_of()
    task_id = send(queue, "parse")
    worker.wait_for_event("database_unusable")
    meterbeat.ctl("init-db")
    done(worker, task_id, limit=60)
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", [task_id]) == [("done",)]
    assert worker.stop() == 0
    assert len(worker.events("database_unusable")) == 1, "said once"
    assert ready(connect) == 0 and ready(connect, DEAD) == 0


def test_a_task_waits_while_the_database_is_away_and_heartbeats_go_on(worker_of, meterbeat, queue,
                                                                      connect, servers, rows):
    meterbeat.ctl("init-db")
    worker = worker_of(heartbeat_s=1)
    servers.postgresql.stop()
    task_id = send(queue, "parse")
    worker.wait_for_event("database_unusable")
    wait_until(lambda: len(worker.events()) and not worker.events("connection_lost"), 1, "connected")
    servers.postgresql.start()
    done(worker, task_id, limit=60)
    assert not worker.events("connection_lost")
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", [task_id]) == [("done",)]
    assert worker.stop() == 0
    assert ready(connect) == 0 and ready(connect, DEAD) == 0


def test_pings_need_no_database(worker_of, servers, connect):
    servers.postgresql.stop()
    worker = worker_of()
    pings_are_done(connect)
    assert worker.stop() == 0


def test_a_run_done_before_is_only_acknowledged(worker_of, meterbeat, queue, connect, rows):
    meterbeat.ctl("init-db")
    worker = worker_of()
    task_id = send(queue, "parse")
    done(worker, task_id)
    send(queue, "parse", headers={"id": task_id})
    worker.wait_for_event("task_ended_before", task_id=task_id)
    assert worker.stop() == 0
    assert rows("SELECT token FROM meterbeat.run WHERE task_id = %s", [task_id]) == [(1,)]
    assert ready(connect) == 0


@pytest.mark.parametrize("point", ["after_take", "after_commit", "after_outbox", "before_ack"])
def test_killed_at_any_point_a_run_is_done_once(point, worker_of, meterbeat, queue, connect, rows):
    meterbeat.ctl("init-db")
    worker = worker_of(environment={"METERBEAT_CRASH_AT": point})
    task_id = send(queue, "parse")
    assert worker.wait() == -signal.SIGKILL
    second = meterbeat.worker()
    wait_until(lambda: second.events("task_done", task_id=task_id)
               or second.events("task_ended_before", task_id=task_id), 30, "its end")
    wait_ready(connect, 0)
    assert second.stop() == 0
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", [task_id]) == [("done",)]
    assert ready(connect) == 0


def test_a_run_that_always_kills_its_worker_is_dead_as_poison(worker_of, meterbeat, queue, connect,
                                                             rows):
    meterbeat.ctl("init-db")
    task_id = None
    for _ in range(3):
        worker = worker_of(max_starts=2, environment={"METERBEAT_CRASH_AT": "after_take"})
        task_id = task_id or send(queue, "parse")
        assert worker.wait() == -signal.SIGKILL
    worker = worker_of(max_starts=2)
    letter, _ = dead_letter(connect)
    assert letter.headers["x-meterbeat-reason"] == "poison"
    assert worker.stop() == 0
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", [task_id]) == [("dead",)]


@pytest.mark.parametrize("task", ["meterbeat.sleep", "meterbeat.echo"])
def test_a_task_without_effects_that_always_kills_its_worker_is_dead_as_poison(
        task, worker_of, meterbeat, queue, connect, rows):
    meterbeat.ctl("init-db")
    task_id = send(queue, task, 0)
    for _ in range(4):  # the first start is counted by its coming back; by track_started echo is not done on receipt
        worker = worker_of(max_starts=2, track_started=True, environment={"METERBEAT_CRASH_AT": "after_take"})
        assert worker.wait() == -signal.SIGKILL
    worker = worker_of(max_starts=2)
    letter, _ = dead_letter(connect)
    assert letter.headers["id"] == task_id and letter.headers["x-meterbeat-reason"] == "poison"
    assert rows("SELECT task, state, error_code FROM meterbeat.run") == [(task, "dead", "poison")]
    assert worker.stop() == 0


def test_a_task_without_effects_that_came_back_ends_its_run_however_it_ends(
        worker_of, meterbeat, queue, connect, rows):
    meterbeat.ctl("init-db")
    done_id = send(queue, "meterbeat.sleep", 0)
    late_id = send(queue, "meterbeat.sleep", 30, headers={"timelimit": [None, 1]})
    worker = worker_of(environment={"METERBEAT_CRASH_AT": "after_take"}, retry_delays_s=(1,))
    assert worker.wait() == -signal.SIGKILL
    worker = worker_of(retry_delays_s=(1,), prefetch=1)
    worker.wait_for_event("task_done", task_id=done_id)
    wait_until(lambda: rows("SELECT state FROM meterbeat.run WHERE task_id = %s", [done_id]) == [("done",)], 10,
               "the end of the run")
    letter, _ = dead_letter(connect)
    assert letter.headers["id"] == late_id and letter.headers["x-meterbeat-reason"] == "time_limit"
    assert not rows("SELECT FROM meterbeat.run WHERE state IN ('waiting', 'running', 'retrying')")
    assert worker.stop() == 0


def test_a_dead_letter_is_not_lost_between_its_confirm_and_the_acknowledgement(
        worker_of, meterbeat, queue, connect):
    worker = worker_of(environment={"METERBEAT_CRASH_AT": "after_ladder"})
    task_id = send(queue, "nope")
    assert worker.wait() == -signal.SIGKILL
    second = meterbeat.worker()
    second.wait_for_event("task_dead", task_id=task_id)
    assert second.stop() == 0
    assert ready(connect, DEAD) == 2, "twice rather than never"


def test_the_books_show_who_is_there_and_who_has_gone(worker_of, meterbeat, rows):
    meterbeat.ctl("init-db")
    worker = worker_of()
    wait_until(lambda: rows("SELECT queue FROM meterbeat.worker WHERE pid = %s", [worker.pid])
               == [(QUEUE,)], 30, "the worker's row")
    assert worker.stop() == 0
    assert rows("SELECT count(*) FROM meterbeat.worker") == [(0,)]


# --- alarms -------------------------------------------------------------------------------

def rabbitmqctl(rabbitmq, *arguments):
    subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", "meterbeat@localhost", *arguments],
                   env={**os.environ, **rabbitmq.environment()}, check=True, capture_output=True,
                   timeout=60)


def test_during_a_memory_alarm_tasks_go_on_and_dead_letters_wait(worker_of, queue, connect, servers):
    worker = worker_of(prefetch=10)
    send(queue, "nope")  # the publishing connection is there before the alarm
    dead_letter(connect)
    task_id = send(queue, "nope")
    dead_letter(connect)
    for _ in range(20):  # longer than it takes to raise the alarm: the third dead letter must meet it
        send(queue, "meterbeat.sleep", 1)
    send(queue, "nope")
    rabbitmqctl(servers.rabbitmq, "set_vm_memory_high_watermark", "0.000001")
    try:
        worker.wait_for_event("broker_blocked")
        worker.wait_for_event("task_done", count=20, limit=60)
    finally:
        rabbitmqctl(servers.rabbitmq, "set_vm_memory_high_watermark", "0.4")
    letter, _ = dead_letter(connect)
    assert letter.headers["id"] != task_id
    pings_are_done(connect)
    assert worker.stop() == 0
    assert not worker.events("connection_lost")


def test_a_closed_standard_error_is_no_socket_s_number(meterbeat):
    import os
    import subprocess
    command = [meterbeat.path("meterbeat-worker"), "--config", str(meterbeat.configuration)]
    worker = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command], env=meterbeat.environment)

    def connected():
        try:
            return any("socket" in os.readlink(f"/proc/{worker.pid}/fd/{fd}")
                       for fd in os.listdir(f"/proc/{worker.pid}/fd"))
        except FileNotFoundError:  # closed while we looked
            return False

    try:
        wait_until(connected, 30, "connected")
        assert os.readlink(f"/proc/{worker.pid}/fd/2") == "/dev/null"
    finally:
        worker.terminate()
    assert worker.wait(30) == 0
