"""Secrets that nobody else has, put wherever a secret can be; and then looked for wherever anything can be read."""
import base64
import json
import os
import pathlib
import secrets
import subprocess
import threading
import urllib.parse

import feeds
import pytest
from custodian import CANARY, Custodian
from metering import days, house
from programs import pairs
from servers import wait_until
from servers.postgresql import binaries
from test_custodian import Asking

URL_KEY = "urlkey" + secrets.token_hex(12)
SSL_PASSWORD = "sslpw" + secrets.token_hex(12)
KAIROSDB_PASSWORD = "kdbpw" + secrets.token_hex(12)
KEY = secrets.token_hex(32)


def forms(secret):
    """How it could stand somewhere: as it is, percent-encoded, and the middle of its base64."""
    raw = secret.encode()
    encoded = {base64.b64encode(raw[skip:]).decode()[4:-4] for skip in range(3)}
    return {secret, urllib.parse.quote(secret, safe="")} | {text for text in encoded if len(text) >= 8}


class Search:
    def __init__(self, *canaries):
        self.wanted = {form for canary in canaries for form in forms(canary)}
        self.places = 0

    def through(self, where, text):
        self.places += 1
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        for form in self.wanted:
            assert form not in text, f"{form[:8]}... in {where}: ...{text[max(0, text.index(form) - 300):][:700]}"


@pytest.fixture
def users(servers, place, rows):
    """A user of the broker and one of the database, each with a password of its own: {which: (name, password)}."""
    made = {which: (f"{place.name}_{which}", which + secrets.token_hex(12)) for which in ("broker", "database")}
    name, password = made["broker"]
    servers.rabbitmq.api("PUT", f"/users/{name}", {"password": password, "tags": "management"})
    servers.rabbitmq.api("PUT", f"/permissions/{place.vhost}/{name}", {"configure": ".*", "write": ".*", "read": ".*"})
    name, password = made["database"]
    rows(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD '{password}'")
    yield made
    servers.rabbitmq.api("DELETE", f"/users/{made['broker'][0]}")
    rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,))
    rows(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
    rows(f"DROP ROLE {name}")


class Repeating(Custodian):
    """Says back what it was sent wherever it can."""

    def refuse(self, handler, _body):
        form = self.posts[-1]
        said = " ".join(form.values()) + " " + handler.headers.get("Authorization", "")
        return feeds.answer(handler, json.dumps({
            "error": "invalid_request", "error_description": f"you sent {said}",
            "error_uri": f"https://c.example/{form.get('refresh_token', '')}"}).encode(), 400, "application/json")


def echo_token(handler, _body):
    token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
    feeds.answer(handler, f'<feed xmlns="http://www.w3.org/2005/Atom"><{token}>{token}</feed>'.encode())


def redirect_with_token(handler, _body):
    token = handler.headers.get("Authorization", "").removeprefix("Bearer ")
    return feeds.redirect(f"https://elsewhere.example/{token}?t={token}")(handler, _body)


def test_no_secret_is_anywhere_where_somebody_could_read_it(meterbeat, servers, place, rows, users, connect):
    url = urllib.parse.urlsplit(place.database_url)
    meterbeat.configure(
        broker={"url": f"amqp://{users['broker'][0]}@127.0.0.1:{servers.rabbitmq.port}/{place.vhost}"},
        database={"url": f"postgresql://{users['database'][0]}@{url.netloc.rsplit('@', 1)[-1]}{url.path}"
                         f"?sslpassword={SSL_PASSWORD}"},
        kairosdb={"user": "meterbeat"}, log_level="debug", worker={"task_events": True})
    meterbeat.configuration.chmod(0o600)
    meterbeat.environment.update({
        "METERBEAT_BROKER_PASSWORD": users["broker"][1], "METERBEAT_DATABASE_PASSWORD": users["database"][1],
        "METERBEAT_KAIROSDB_PASSWORD": KAIROSDB_PASSWORD})
    search = Search(CANARY, URL_KEY, SSL_PASSWORD, KAIROSDB_PASSWORD, KEY, users["broker"][1], users["database"][1])

    events = connect().channel()
    queue = events.queue_declare("", exclusive=True).method.queue
    with Repeating() as custodian, feeds.FeedServer([]) as plain:
        asking = Asking(meterbeat, rows)
        meterbeat.environment["METERBEAT_CREDENTIALS_KEY"] = KEY
        asking.at(custodian)
        worker = asking.start()
        producer = meterbeat.producer()
        worker.wait_for_event("consuming")
        wait_until(lambda: bind(events, queue), 20, "the events' exchange")
        # what goes well
        feed = house("7", *days(3))
        record = asking.subscribe(custodian, feed)
        asking.do("parse", record)
        asking.do("aggregate", 42)
        # what does not, and says so in every way it can
        for fault in (echo_token, redirect_with_token, feeds.status(403), feeds.html):
            custodian.faults["7"] = [fault]
            asking.starts(record, 2)
            asking.run(asking.send("parse", record))
        other = asking.subscribe(custodian, house("8", *days(3)), tokens={**custodian.consent("8"), "expires_in": 1})
        custodian.token_faults = [custodian.refuse] * 3
        state, code, text, _ = asking.run(asking.send("parse", other))
        assert (state, code) == ("dead", "token_refused") and "you sent" in text and "***" in text
        # a key in the URL of every record
        meterbeat.configure(feed={"url_template": f"{plain.url}/espi/{{sub_id}}?api_key={URL_KEY}&min={{min}}&max={{max}}"})
        second = meterbeat.worker("--processes", 2)
        wait_until(lambda: len(second.events("consuming")) >= 2, 30, "two workers")
        worker.stop()
        bad = house("9", *days(2))
        plain.add(bad)
        plain.inject("9", feeds.status(404), for_ever=True)
        keyed = rows("INSERT INTO seed_ts_parser_record (url, sub_id, building_id, active, time_type, date_pattern,"
                     " last_date, min_date_parameter, max_date_parameter, last_ts) VALUES (%s, '9', '42', 'Y', 'date',"
                     " '%%m/%%d/%%Y', '', 'min', 'max', 0) RETURNING id", (plain.url,))[0][0]
        assert asking.run(asking.send("parse", keyed))[0] == "dead"
        replies = inspect(place, servers)
        assert replies and all("***" in json.dumps(reply) for reply in replies.values())
        for command in (["check"], ["status"], ["record", "list"], ["record", "show", record], ["custodian", "list"],
                        ["custodian", "show", "hydro"], ["dead", "list"], ["audit"], ["--show-config"],
                        ["status", "--json"], ["custodian", "list", "--json"]):
            meterbeat.ctl(*command, status=None)
        for program in ("meterbeat-worker", "meterbeat-producer"):
            shown = meterbeat.start(program, "--show-config")
            shown.wait()

        # --- and now look ---
        search.through("celery inspect", json.dumps(replies))
        for name, text in meterbeat.texts + [(str(p.log), p.text()) for p in meterbeat.programs]:
            search.through(name, text)
        processes = [second.pid, producer.pid] + [int(pid) for pid in children(second.pid)]
        assert len(processes) >= 4
        for pid in processes:
            for kind in ("cmdline", "environ"):
                search.through(f"/proc/{pid}/{kind} of {pathlib.Path(f'/proc/{pid}/comm').read_text()}",
                               pathlib.Path(f"/proc/{pid}/{kind}").read_bytes())
        vhost = urllib.parse.quote(place.vhost, safe="")
        for path in ("/connections", "/channels", f"/queues/{vhost}", f"/exchanges/{vhost}", f"/bindings/{vhost}",
                     "/definitions", f"/consumers/{vhost}"):
            search.through("management " + path, json.dumps(servers.rabbitmq.api("GET", path)))
        found = messages(servers, vhost)
        assert any(name.endswith(".dead") for name in found)
        for name, text in found.items():
            search.through(f"messages of {name}", text)
        told = list(received(events, queue))
        assert len(told) > 5
        for text in told:
            search.through("events", text)
        dump = subprocess.run([binaries() / "pg_dump", "-d", place.database_url, "--inserts"], capture_output=True,
                              env={**os.environ, "PGPASSWORD": servers.postgresql.password}, timeout=60)
        assert dump.returncode == 0 and b"meterbeat.run" in dump.stdout, dump.stderr
        search.through("pg_dump", dump.stdout)
        assert search.places > 30
        # the search itself finds what is there
        with pytest.raises(AssertionError):
            search.through("itself", f"x{URL_KEY}y")
        assert second.stop() == 0 and producer.stop() == 0


def bind(channel, queue):
    """True once the exchange of events is there."""
    channel.queue_bind(queue, "celeryev", "#")
    return True


def received(channel, queue):
    while True:
        method, properties, body = channel.basic_get(queue, auto_ack=True)
        if method is None:
            return
        yield str(properties) + body.decode()


def messages(servers, vhost):
    """{queue: its messages, as the management page shows them}."""
    return {queue["name"]: json.dumps(servers.rabbitmq.api(
        "POST", f"/queues/{vhost}/{urllib.parse.quote(queue['name'], safe='')}/get",
        {"count": 100, "ackmode": "ack_requeue_true", "encoding": "auto"}))
        for queue in servers.rabbitmq.api("GET", f"/queues/{vhost}") if queue["name"].split(".")[0] == "meterbeat"}


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def inspect(place, servers):
    """What remote control says of the settings, all of them, and in its report."""
    from celery import Celery
    with Celery(broker=f"amqp://guest:guest@127.0.0.1:{servers.rabbitmq.port}/{place.vhost}") as app:
        asked = app.control.inspect(timeout=5)
        conf, report = asked.conf(with_defaults=True), asked.report()
        return {node: [settings, (report or {}).get(node)] for node, settings in (conf or {}).items()}
