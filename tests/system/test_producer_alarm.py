"""The producer while RabbitMQ has an alarm: ticks are promised in their second, and sent when it is over."""
import os
import subprocess
import time

from producing import assert_on_grid, collector, entry, outbox, schedule, tables, ticks  # noqa: F401: fixtures
from servers import wait_until


def set_watermark(rabbitmq, text):
    subprocess.run(["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", "meterbeat@localhost",
                    "set_vm_memory_high_watermark", text], env={**os.environ, **rabbitmq.environment()}, check=True,
                   capture_output=True, timeout=60)


def test_an_alarm_with_a_publish_under_way_skips_no_tick(
        meterbeat, schedule, ticks, outbox, servers, collector):  # noqa: F811
    schedule({**entry("a", "1s"), "expires": "600s"})
    producer = meterbeat.producer()
    wait_until(lambda: len(ticks("a")) >= 2, 30, "ticks")
    set_watermark(servers.rabbitmq, "0.000001")
    try:
        producer.wait_for_event("broker_blocked")
        blocked = time.time()
        wait_until(lambda: ticks("a")[-1][0] >= blocked + 8, 20, "ticks during the alarm")
        assert_on_grid(ticks("a"), 1)
        assert outbox() >= 8
    finally:
        set_watermark(servers.rabbitmq, "0.4")
    producer.wait_for_event("broker_unblocked")
    wait_until(lambda: not outbox(), 30, "an empty outbox")
    assert not producer.events("ticks_skipped") and not producer.events("broker_away")
    collector.until(lambda: {task_id for _, task_id in ticks("a")} <= set(collector.ids()), 30, "every tick's message")
    assert producer.stop() == 0
