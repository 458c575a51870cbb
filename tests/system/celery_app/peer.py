"""A Celery application such as a team has: what `celery -A peer ...` loads, and what the tests send from.

PEER_SETTINGS, a JSON map, is laid over its configuration.
"""
import functools
import json
import os
import time

from celery import Celery
from celery.exceptions import Reject


def make(settings, **options):
    app = Celery("peer", **options)
    app.conf.update(
        result_backend="rpc://", accept_content=["json", "msgpack"], result_accept_content=["json", "msgpack"],
        task_default_queue="theirs", broker_connection_retry_on_startup=True)
    app.conf.update(settings)

    task = functools.partial(app.task, shared=False)  # or each application of a process gets those of all

    @task(name="add")
    def add(x, y):
        return x + y

    @task(name="echo")
    def echo(*args, **kwargs):
        return {"args": list(args), "kwargs": kwargs}

    @task(name="fail")
    def fail(*_):
        raise ValueError("boom")

    @task(name="sleep")
    def sleep(seconds):
        time.sleep(seconds)

    @task(name="retry_once", bind=True)
    def retry_once(self):
        if self.request.retries == 0:
            raise self.retry(exc=ValueError("not yet"), countdown=0)
        return self.request.retries

    @task(name="reject", bind=True, acks_late=True)
    def reject(self):
        raise Reject("not mine", requeue=False)

    @task(name="report", bind=True)
    def report(self, *args, **kwargs):
        """What arrived with the message."""
        request = self.request
        found = {name: getattr(request, name, None) for name in (
            "id", "root_id", "parent_id", "group", "retries", "timelimit", "reply_to", "correlation_id",
            "stamped_headers", "stamps", "origin", "ignore_result", "argsrepr", "kwargsrepr")}
        return {**found, "args": list(args), "kwargs": kwargs, "headers": request.headers,
                "mine": getattr(request, "mine", None), "priority": request.delivery_info.get("priority")}

    # meterbeat's own tasks, for what is compared between both workers
    @task(name="meterbeat.ping")
    def ping():
        return "pong"

    @task(name="meterbeat.echo")
    def their_echo(*args, **kwargs):
        return {"args": list(args), "kwargs": kwargs}

    @task(name="meterbeat.sleep")
    def their_sleep(seconds):
        time.sleep(seconds)

    return app


if "PEER_SETTINGS" in os.environ:
    app = make(json.loads(os.environ["PEER_SETTINGS"]))
