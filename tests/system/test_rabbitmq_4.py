"""What RabbitMQ 4 does otherwise: quorum queues with a limit of their own. Skipped before it; Debian 13 has it."""
import json

import pytest

from queues import DEAD, QUEUE, consuming, done, send, wait_ready
from servers import wait_until

MOST_RETURNS = 60  # the limit is 20 by default; some ways back do not count


@pytest.fixture(autouse=True)
def rabbitmq_4(servers):
    version = servers.rabbitmq.api("GET", "/overview")["rabbitmq_version"]
    if int(version.split(".")[0]) < 4:
        pytest.skip(f"this is RabbitMQ {version}")


@pytest.fixture
def own_queue(meterbeat, worker_of, servers, place):
    """The work queue as a worker of ours makes it, which has been stopped again; its arguments."""
    meterbeat.configure(broker={"queue_type": "quorum"})
    meterbeat.ctl("init-db")
    worker = worker_of()
    assert worker.stop() == 0
    return servers.rabbitmq.api("GET", f"/queues/{place.vhost}/{QUEUE}")["arguments"]


def test_our_quorum_queue_has_a_dead_letter_target_and_nothing_is_said_against_it(own_queue, meterbeat):
    assert own_queue == {"x-queue-type": "quorum", "x-dead-letter-exchange": "", "x-dead-letter-routing-key": DEAD,
                         "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    assert "drops" not in meterbeat.ctl("check", status=None)
    assert not [line for line in meterbeat.ctl_json("status", "--json")["findings"] if "drops" in line]


def test_a_message_that_kills_whoever_takes_it_is_a_dead_letter_that_replays(own_queue, meterbeat, connect, worker_of):
    channel = connect().channel()
    task_id = send(channel, "meterbeat.sleep", 0)
    wait_ready(connect, 1)
    for _ in range(MOST_RETURNS):
        victim = connect()
        if not victim.channel().basic_get(QUEUE)[0]:
            break
        victim.close()
        wait_until(lambda: channel.queue_declare(QUEUE, passive=True).method.message_count
                   or dead_letters(meterbeat), 30, "the message is back, or dead")
    else:
        pytest.fail(f"it came back {MOST_RETURNS} times")
    letter, = wait_until(lambda: dead_letters(meterbeat), 30, "a dead letter")
    assert (letter["id"], letter["reason"], letter["queue"]) == (task_id, "delivery_limit", QUEUE)
    meterbeat.ctl("dead", "replay", "--all")
    worker = worker_of()
    consuming(worker)
    done(worker, task_id)
    assert dead_letters(meterbeat) == []
    assert worker.stop() == 0


def dead_letters(meterbeat):
    return [json.loads(line) for line in meterbeat.ctl("dead", "list", "--json").splitlines()]


def test_a_queue_that_an_application_made_without_a_target_is_told(meterbeat, connect, worker_of):
    connect().channel().queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
    meterbeat.configure(broker={"queue_type": "quorum"})
    meterbeat.ctl("init-db")
    worker = worker_of()
    assert "drops a message that came back 20 times" in meterbeat.ctl("check", status=None)
    assert worker.stop() == 0


def test_a_worker_that_is_killed_again_and_again_never_reaches_the_limit(own_queue, meterbeat, connect, worker_of, rows):
    task_id = send(connect().channel(), "parse", 1)
    for _ in range(30):
        worker = worker_of(max_starts=3, lease_s=5, environment={"METERBEAT_CRASH_AT": "after_take"})
        wait_until(lambda: not worker.running() or worker.events("task_dead"), 60, "a crash or an end")
        if worker.running():
            break
    letter, = wait_until(lambda: dead_letters(meterbeat), 30, "a dead letter")
    assert (letter["id"], letter["reason"]) == (task_id, "poison")
    assert rows("SELECT state FROM meterbeat.run WHERE task_id = %s", (task_id,)) == [("dead",)]
    assert worker.stop() == 0
