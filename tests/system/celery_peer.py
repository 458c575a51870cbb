"""Real Celery beside meterbeat: an application's client in this process, its programs as processes of their own."""
import collections
import contextlib
import json
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import threading
import uuid

import pytest
import requests
from celery.events.state import State
from celery.states import READY_STATES

from programs import Program
from servers import free_port, wait_until

APPLICATION = pathlib.Path(__file__).with_name("celery_app")
sys.path.append(str(APPLICATION))

import peer  # noqa: E402

HOST = socket.gethostname()
THEIRS, OURS = "theirs", "meterbeat"  # the queues that each kind of worker takes tasks from
STAND_IN = os.environ.get("METERBEAT_STAND_IN") == "celery"

# What Celery's own worker does otherwise, or has no part in.
ours_alone = pytest.mark.skipif(STAND_IN, reason="asks what Celery does not do")


class Node:
    """One worker, whoever wrote it: its node name, its queue, its process."""

    def __init__(self, application, name, queue, program):
        self.application, self.name, self.queue, self.program = application, name, queue, program

    def __repr__(self):
        return self.name

    def ask(self, command, timeout=5, **arguments):
        """Its reply to one remote control command, through Celery's own client."""
        replies = self.application.app.control.broadcast(
            command, arguments=arguments, destination=[self.name], reply=True, timeout=timeout, limit=1)
        assert replies, f"{self.name} did not answer {command}\n{self.program.tail()}"
        assert list(replies[0]) == [self.name]
        return replies[0][self.name]

    def answers(self, limit=30):
        """Waits until it answers remote control."""
        def pong():
            assert self.program.running(), f"ended\n{self.program.tail()}"
            return self.application.app.control.ping(destination=[self.name], timeout=0.5)
        try:
            wait_until(pong, limit, f"{self.name} answers ping")
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.program.tail()}") from None
        return self

    def send(self, task, *args, **options):
        """Sends it a task over its queue; the AsyncResult."""
        kwargs = options.pop("kwargs", None)
        return self.application.app.send_task(task, args, kwargs, queue=options.pop("queue", self.queue), **options)

    def idle(self, limit=30):
        wait_until(lambda: not self.ask("active") and not self.ask("reserved"), limit, f"{self.name} has no task")


class Flower(Program):
    """Flower; `session` is an HTTP client that sends its requests as Flower's own pages do."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.url, self.session = None, requests.Session()

    def get(self, path, **parameters):
        return self.session.get(self.url + path, params=parameters, timeout=30)

    def post(self, path, **parameters):
        return self.session.post(self.url + path, params=parameters, timeout=30)


class Application:
    """One Celery application on one virtual host. `app` is its client; the other members start its programs."""

    def __init__(self, folder, broker_url, management_url, **settings):
        """`broker_url`, `management_url`: with the password in them."""
        self.folder, self.management_url = pathlib.Path(folder), management_url
        self.settings = {"broker_url": broker_url, "task_default_queue": THEIRS, **settings}
        self.app = peer.make(self.settings, set_as_current=False)
        self.app.result_messages = collections.defaultdict(list)
        self.note_result_messages(self.app.backend.result_consumer)
        self.programs, self.nodes = [], 0

    def note_result_messages(self, consumer):
        """AsyncResult shows the last state only, and nothing to whoever waits for another task meanwhile."""
        ordinary = consumer.on_state_change

        def noting(meta, message):
            self.app.result_messages[meta["task_id"]].append(dict(meta))  # Celery puts exceptions into it
            ordinary(meta, message)
        consumer.on_state_change = noting

    def environment(self, **settings):
        return {**os.environ, "PYTHONPATH": str(APPLICATION), "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
                "FLOWER_UNAUTHENTICATED_API": "true", "PEER_SETTINGS": json.dumps({**self.settings, **settings})}

    @staticmethod
    def command(*arguments):
        return [sys.executable, "-m", "celery", "-A", "peer", *map(str, arguments)]

    def start(self, *arguments, kind=Program, **settings):
        log = self.folder / f"{len(self.programs)}-celery-{arguments[0]}.log"
        self.programs.append(kind(self.command(*arguments), log, self.environment(**settings)))
        return self.programs[-1]

    def worker(self, *arguments, name=THEIRS, queue=THEIRS, pool="prefork", **settings):
        """A worker that consumes, as a Node; `settings` are Celery's."""
        program = self.start("worker", "-n", f"{name}@{HOST}", "-Q", queue, "-P", pool, "-c", 1, "-l", "INFO",
                             *arguments, **settings)
        program.wait_for_text(rf"{re.escape(name)}@\S+ ready\.", 60)
        return Node(self, f"{name}@{HOST}", queue, program)

    def dump(self):
        """`celery events --dump`, once its queue is there."""
        before = self.event_queues()
        program = self.start("events", "--dump")
        wait_until(lambda: self.event_queues() - before, 60, "the queue of celery events")
        return program

    def event_queues(self):
        vhost = self.settings["broker_url"].rsplit("/", 1)[1]
        found = requests.get(f"{self.management_url}/api/queues/{vhost}", timeout=30).json()
        return {queue["name"] for queue in found if queue["name"].startswith("celeryev.") and queue.get("consumers")}

    def flower(self, *arguments):
        port = free_port()
        program = self.start("flower", "--address=127.0.0.1", f"--port={port}",
                             f"--broker-api={self.management_url}/api/", "--inspect-timeout=5000", *arguments,
                             kind=Flower)
        program.url = f"http://127.0.0.1:{port}"

        def healthy():
            assert program.running(), program.tail()
            try:
                return program.get("/healthcheck").status_code == 200
            except requests.ConnectionError:
                return False
        wait_until(healthy, 60, "Flower answers")
        return program

    def cli(self, *arguments, status=0, limit=60):
        """Runs `celery -A peer ...`; its standard output."""
        command = self.command(*arguments)
        done = subprocess.run(command, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=limit)
        assert status is None or done.returncode == status, \
            f"exit {done.returncode}, not {status}: {shlex.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def inspect(self, nodes, command, *arguments):
        """`celery inspect COMMAND --json`: {node name: reply}. It waits for these nodes only, so it ends at once."""
        return json.loads(self.cli("inspect", "--json", "-t", 10, "-d", ",".join(node.name for node in nodes),
                                   command, *arguments))

    def control(self, nodes, command, *arguments):
        """`celery control COMMAND --json`, likewise."""
        replies = json.loads(self.cli("control", "--json", "-t", 10, "-d", ",".join(node.name for node in nodes),
                                      command, *arguments))
        return {name: reply for one in replies for name, reply in one.items()}

    def end(self):
        for program in self.programs:
            program.kill()
        self.app.close()


class Monitor:
    """What Celery's own event receiver hears, collected by a thread; also fed into celery.events.state.State."""

    def __init__(self, app):
        self.app, self.events, self.state = app, [], State()
        self.receiver, self.ready, self.failure = None, threading.Event(), None
        self.thread = threading.Thread(target=self.capture, daemon=True)

    def on_event(self, event):
        self.events.append(dict(event))  # State takes the type out
        self.state.event(event)

    def capture(self):
        with self.app.connection_for_read() as connection:
            self.receiver = self.app.events.Receiver(connection, handlers={"*": self.on_event})
            awake = self.receiver.on_consume_ready
            self.receiver.on_consume_ready = lambda *args, **options: (awake(*args, **options), self.ready.set())
            self.receiver.capture()

    def __enter__(self):
        self.thread.start()
        assert self.ready.wait(30), "no event receiver"
        return self

    def __exit__(self, *_):
        self.receiver.should_stop = True
        self.thread.join(30)

    def of(self, node=None, task_id=None, kind=None, having=None, since=0):
        """The events so far of a worker, of a task, of a type or its beginning, with a field."""
        return [event for event in list(self.events)[since:]
                if (node is None or event["hostname"] == getattr(node, "name", node))
                and (task_id is None or event.get("uuid") == task_id)
                and (kind is None or event["type"].startswith(kind)) and (having is None or having in event)]

    def wait(self, limit=30, count=1, **wanted):
        try:
            return wait_until(lambda: len(self.of(**wanted)) >= count and self.of(**wanted), limit,
                              f"{count} x {wanted}", pause=0.02)
        except TimeoutError as error:
            heard = "\n".join(str(event) for event in self.events[-20:])
            raise AssertionError(f"{error}; the last events:\n{heard}") from None


class Cluster:
    """One of their workers and one of ours on one virtual host, with the client of both."""

    def __init__(self, application, meterbeat):
        self.application, self.app, self.meterbeat = application, application.app, meterbeat
        self.theirs = self.ours = None

    @property
    def both(self):
        return [self.theirs, self.ours]

    def start_ours(self, queue=OURS, **changes):
        """A worker of ours that consumes `queue`. With METERBEAT_STAND_IN=celery it is one more of Celery's:
        what the tests ask of ours, Celery itself must pass."""
        if STAND_IN:
            return self.application.worker(name=f"stand-in-{len(self.application.programs)}", queue=queue,
                                           pool="prefork")
        self.meterbeat.configure(broker={"queue": queue}, **changes)
        program = self.meterbeat.worker()
        program.wait_for_event("consuming")
        return Node(self.application, f"meterbeat-worker@{HOST}/{program.pid}", queue, program)

    def start(self, **settings):
        self.theirs = self.application.worker(**settings)
        self.ours = self.start_ours()
        return self

    def inspect(self, command, *arguments):
        """(their reply, our reply) to `celery inspect COMMAND`."""
        found = self.application.inspect(self.both, command, *arguments)
        return found[self.theirs.name], found[self.ours.name]

    def control(self, command, *arguments):
        found = self.application.control(self.both, command, *arguments)
        return found[self.theirs.name], found[self.ours.name]

    def ask(self, command, **arguments):
        """Both replies through the client in this process, which can say what the command line cannot."""
        return tuple(node.ask(command, **arguments) for node in self.both)

    def end(self):
        try:
            self.application.end()
        finally:
            self.meterbeat.end()


class Mailbox:
    """Requests of any form on the exchange of remote control, and the replies to them."""

    def __init__(self, application):
        self.connection = application.app.connection_for_write()
        self.channel = self.connection.channel()
        self.replies = []
        self.channel.exchange_declare("celery.pidbox", "fanout", durable=False, auto_delete=False)
        self.channel.exchange_declare("reply.celery.pidbox", "direct", durable=False, auto_delete=False)
        self.queue = self.channel.queue_declare("", exclusive=True).queue
        self.channel.queue_bind(self.queue, "reply.celery.pidbox", self.queue)
        self.channel.basic_consume(self.queue, callback=self.replies.append, no_ack=True)

    def request(self, method="ping", **changes):
        return {"method": method, "arguments": {}, "destination": None, "pattern": None, "matcher": None,
                "ticket": str(uuid.uuid4()),
                "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": self.queue}, **changes}

    def send(self, body, content_type="application/json", content_encoding="utf-8", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = self.channel.prepare_message(body, 0, content_type, content_encoding, headers, {"delivery_mode": 1})
        self.channel.basic_publish(message, "celery.pidbox", "")

    def replies_to(self, ticket):
        """The messages that have come with this ticket; waits for a moment."""
        with contextlib.suppress(TimeoutError):
            self.connection.drain_events(timeout=0.02)
        return [message for message in self.replies if message.headers.get("ticket") == ticket]


def messages_of(result, *states, limit=30):
    """The result messages of a task, in order, once one has such a status; without one: once it has ended."""
    came = result.app.result_messages
    result.backend.result_consumer.consume_from(result.id)  # else only who has called get() before hears of it

    def arrived():
        with contextlib.suppress(TimeoutError):
            result.backend.result_consumer.drain_events(timeout=0.2)
        return [meta for meta in came[result.id] if meta["status"] in (states or READY_STATES)]
    wait_until(arrived, limit, f"a result message of {result.id}", pause=0)
    return came[result.id]


def wait_for_state(result, *states, limit=30):
    """The first result message of a task with such a status."""
    return next(meta for meta in messages_of(result, *states, limit=limit) if meta["status"] in states)


def states_of(result):
    """Every result message of a task, as (status, result)."""
    return [(meta["status"], meta["result"]) for meta in messages_of(result)]
