"""Writes a first corpus for fuzz_pidbox, a request a command: seeds_pidbox.py DIRECTORY."""
import json
import pathlib
import sys

COMMANDS = {
    "ping": {}, "hello": {"from_node": "a@b", "revoked": ["x"]}, "heartbeat": {}, "clock": {}, "election": {"id": 1, "topic": 2},
    "enable_events": {}, "disable_events": {}, "report": {}, "conf": {"with_defaults": True}, "stats": {},
    "active": {"safe": True}, "reserved": {}, "scheduled": {}, "query_task": {"ids": ["active", "waits"]},
    "registered": {"taskinfoitems": ["rate_limit", "max_retries"]}, "revoked": {},
    "revoke": {"task_id": ["active"], "terminate": True, "signal": "KILL"}, "terminate": {"signal": 9, "task_id": "waits"},
    "revoke_by_stamped_headers": {"headers": {"a": ["b"], "c": "d"}, "terminate": True},
    "rate_limit": {"task_name": "meterbeat.echo", "rate_limit": "10/m"},
    "time_limit": {"task_name": "meterbeat.echo", "soft": 1, "hard": 2.5}, "active_queues": {},
    "add_consumer": {"queue": "q", "exchange": "e", "exchange_type": "direct", "routing_key": "k"},
    "cancel_consumer": {"queue": "q"}, "pool_grow": {"n": 1}, "autoscale": {"max": 1, "min": 1}, "objgraph": {}, "shutdown": {}, "nope": {},
}


def main(directory):
    directory.mkdir(parents=True, exist_ok=True)
    for method, arguments in COMMANDS.items():
        body = {"method": method, "arguments": arguments, "destination": ["worker@host"], "pattern": "w*", "matcher": "glob",
                "ticket": "t", "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "k"}}
        (directory / method).write_bytes(b"\0" + json.dumps({"clock": 1, "ticket": "t"}).encode() + b"\n"
                                         + json.dumps(body).encode())
    (directory / "msgpack").write_bytes(b"\1\n\x81\xa6method\xa4ping")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
