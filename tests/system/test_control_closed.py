"""What remote control of a worker does not do, asked by real messages."""
import json

from queues import done, pings_are_done, send
from test_control import remote, worker_of  # noqa: F401  (fixtures)


def test_a_worker_that_may_only_be_asked_is_neither_stopped_nor_changed(worker_of, remote, queue, connect):  # noqa: F811
    worker = worker_of(remote_control="inspect")
    assert remote.call("ping") == {"ok": "pong"}
    assert [found["name"] for found in remote.call("active_queues")] == ["meterbeat"]
    for method, arguments in (("shutdown", {}), ("cancel_consumer", {"queue": "meterbeat"}),
                              ("add_consumer", {"queue": "more"}), ("revoke", {"task_id": "a", "terminate": True})):
        assert "is closed here" in remote.call(method, **arguments)["error"]
    send(queue, "meterbeat.sleep", 0, headers={"id": "a"})
    done(worker, "a")
    pings_are_done(connect)
    assert worker.events("control_closed", method="shutdown")
    assert worker.stop() == 0


def test_dead_letters_and_retries_are_not_consumed_and_junk_comes_to_an_end(worker_of, remote, channel):  # noqa: F811
    worker = worker_of(max_added_queues=2)
    for name in ("meterbeat.dead", "meterbeat.retry.1", "x.celery.pidbox"):
        assert "reserved_queue" in remote.call("add_consumer", queue=name)["error"]
    answers = [remote.call("add_consumer", queue=f"junk{n}") for n in range(4)]
    assert ["ok" in answer for answer in answers] == [True, True, False, False]
    assert "max_added_queues" in answers[3]["error"]
    connection = channel.connection
    for name, there in (("junk1", True), ("junk2", False)):
        probe = connection.channel()
        try:
            probe.queue_declare(name, passive=True)
            assert there
        except Exception as error:  # pika closes the channel
            assert not there, error
    assert worker.stop() == 0


def test_a_reply_goes_to_the_exchange_for_replies_alone(worker_of, remote, channel):  # noqa: F811
    """The default exchange leads to every queue that our user may write to."""
    channel.queue_declare("payments")
    worker = worker_of()
    for exchange in ("", "amq.direct", "not.there"):
        remote.publish(json.dumps({"method": "ping", "ticket": "t", "reply_to": {
            "exchange": exchange, "routing_key": "payments"}}).encode())
    assert remote.call("ping") == {"ok": "pong"}
    assert channel.queue_declare("payments", passive=True).method.message_count == 0
    assert len(worker.events("reply_not_sent")) == 3
    assert worker.stop() == 0


def test_a_result_does_not_go_to_a_dead_letter_or_retry_queue(worker_of, channel, connect):  # noqa: F811
    import pika
    worker = worker_of()
    for reply_to in ("meterbeat.dead", "meterbeat.retry.1"):
        channel.basic_publish("", "meterbeat", b"[[], {}, {}]", pika.BasicProperties(
            content_type="application/json", content_encoding="utf-8", reply_to=reply_to, correlation_id="x",
            headers={"task": "meterbeat.ping", "id": "x"}))
    pings_are_done(connect)
    for name in ("meterbeat.dead", "meterbeat.retry.1"):
        assert channel.queue_declare(name, passive=True).method.message_count == 0
    assert worker.stop() == 0
