"""Quorum queues with a delivery limit, RabbitMQ 4's default: a message that comes back again and again is not dropped."""
import json

import pytest

from queues import DEAD, consuming, dead_letter, done, send
from servers import wait_until

LIMIT = 3


@pytest.fixture
def limited(channel):
    """A work queue as an application makes it, with a limit as RabbitMQ 4 sets it."""
    channel.queue_declare("meterbeat", durable=True, arguments={
        "x-queue-type": "quorum", "x-delivery-limit": LIMIT})
    channel.confirm_delivery()
    return channel


def test_a_message_whose_workers_are_killed_outlives_the_limit_and_is_dead_by_max_starts(
        worker_of, meterbeat, limited, connect, rows):
    meterbeat.ctl("init-db")
    task_id = send(limited, "parse", 1)
    for _ in range(4 * LIMIT):
        worker = worker_of(max_starts=LIMIT, lease_s=5, environment={"METERBEAT_CRASH_AT": "after_take"})
        wait_until(lambda: not worker.running() or worker.events("task_dead"), 60, "a crash or an end")
        if worker.running():
            break
    letter, _ = dead_letter(connect)
    assert letter.headers["id"] == task_id and letter.headers["x-meterbeat-reason"] == "poison"
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", (task_id,)) == [("dead",)]
    assert worker.stop() == 0


def test_a_message_that_nobody_is_to_blame_for_is_never_dropped(worker_of, limited, connect):
    """Each worker takes it into its prefetch, and is stopped or killed at another task."""
    worker = worker_of(prefetch=5, grace_s=0)
    send(limited, "meterbeat.sleep", 600)
    innocent = send(limited, "meterbeat.sleep", 0)
    for turn in range(3 * LIMIT):
        wait_until(lambda: worker.events("task_published_anew") or not limited.queue_declare(
            "meterbeat", passive=True).method.message_count, 20, "both taken")
        if turn % 2:
            worker.kill()
        else:
            assert worker.stop() == 0
        if worker.events("task_done", task_id=innocent):
            break
        worker = worker_of(prefetch=5, grace_s=0)
    else:
        done(worker, innocent)
    worker.stop()


def findings(meterbeat):
    return " ".join(meterbeat.ctl_json("status", "--json")["findings"]), meterbeat.ctl("check", status=None)


def test_a_queue_that_drops_is_told_until_it_has_a_dead_letter_exchange(meterbeat, worker_of, limited, servers, place):
    meterbeat.ctl("init-db")
    worker = worker_of()
    told, checked = findings(meterbeat)
    text = f"queue meterbeat drops a message that came back {LIMIT} times"
    assert text in told and text in checked
    servers.rabbitmq.api("PUT", f"/policies/{place.vhost}/limit", {
        "pattern": "^meterbeat$", "apply-to": "queues", "definition": {
            "dead-letter-exchange": "", "dead-letter-routing-key": DEAD,
            "dead-letter-strategy": "at-least-once", "overflow": "reject-publish"}})
    wait_until(lambda: "drops" not in findings(meterbeat)[0], 20, "a policy in force")
    assert worker.stop() == 0


def test_what_the_broker_dead_letters_is_listed_with_its_reason_and_replays(meterbeat, channel, connect):
    meterbeat.ctl("init-db")
    channel.queue_declare(DEAD, durable=True)
    channel.queue_declare("meterbeat", durable=True, arguments={
        "x-queue-type": "quorum", "x-delivery-limit": 0, "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": DEAD})
    task_id = send(channel, "meterbeat.ping")
    method, _, _ = wait_until(lambda: (found := channel.basic_get("meterbeat"))[0] and found, 10, "the message")
    channel.basic_nack(method.delivery_tag)
    letters = wait_until(lambda: meterbeat.ctl("dead", "list", "--json"), 20, "a dead letter")
    assert json.loads(letters)["reason"] == "delivery_limit" and json.loads(letters)["queue"] == "meterbeat"
    assert json.loads(letters)["id"] == task_id
    meterbeat.ctl("dead", "replay", "--all")
    worker = meterbeat.worker()
    consuming(worker)
    wait_until(lambda: not channel.queue_declare("meterbeat", passive=True).method.message_count, 20, "a done task")
    assert worker.stop() == 0


def test_a_dead_letter_queue_that_is_full_is_told(meterbeat, worker_of, queue, channel):
    meterbeat.ctl("init-db")
    channel.queue_declare(DEAD, durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    worker = worker_of()
    for _ in range(2):
        send(queue, "nope")
    worker.wait_for_event("publish_failed")
    wait_until(lambda: "queue meterbeat.dead is full" in findings(meterbeat)[0], 20, "statistics")
    assert "queue meterbeat.dead is full" in findings(meterbeat)[1]
    meterbeat.ctl("dead", "drop", "--all")
    worker.wait_for_event("task_dead", count=2)
    worker.kill()
