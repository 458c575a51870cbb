"""A small installation under fault: feeds with known sums, records, producers, workers, and tasks sent by hand."""
import contextlib
import datetime
import json
import os
import signal
import subprocess
import time
import uuid

import pika
import psycopg

import feeds
import greenbutton
import libconfig
from custodian import Custodian
from programs import Meterbeat, REPORT

from .proxy import Proxy

LEASE_S = 5
QUEUE, DEAD, ANSWERS = "meterbeat", "meterbeat.dead", "answers"
TOKEN_S = 3  # a custodian's tokens are good for so long
RETRY_DELAYS_S = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
MOST_WORK = 2  # records that wait to be caught up with; more are not added meanwhile
BUILDINGS = 4


def make_feed(sub_id, number, days):
    """A house by the hour with costs, gas by bills, or a roof that feeds in: hourly, up to yesterday."""
    end = greenbutton.thirteen_months(time.time())[1]
    day = datetime.datetime.fromtimestamp(end, greenbutton.ZoneInfo("America/New_York")).date()
    first = day - datetime.timedelta(days=days)
    begin = greenbutton.local_midnight(first.year, first.month, first.day)
    house = greenbutton.Series(f"E{number}", "house", "household", interval=3600, price=16)
    kinds = (
        [house],
        [house, greenbutton.Series(f"G{number}", "heating", "heating", service_kind=1, commodity=7,
                                   uom=greenbutton.THERM, multiplier=-2, interval=0, price=120_000)],
        [greenbutton.Series(f"S{number}", "from the grid", "household", multiplier=-3, interval=3600),
         greenbutton.Series(f"S{number}", "to the grid", "solar", multiplier=-3, interval=3600,
                            flow=greenbutton.REVERSE)],
    )
    return greenbutton.Feed(sub_id, "A meter", kinds[number % 3], begin, end, seed=number)


class Slot:
    """A place for one program: whoever is in it, and what becomes of those that were."""

    def __init__(self, installation, kind, number):
        self.installation, self.kind, self.number = installation, kind, number
        self.environment, self.arguments = {}, ()
        self.program, self.survived_from = None, None
        self.frozen = False
        self.ended = None  # called when it was killed by itself, at a failpoint

    def start(self):
        start = getattr(self.installation.meterbeat, self.kind)
        self.program = start(*self.arguments, environment=self.environment)
        self.survived_from = time.monotonic()
        self.frozen = False

    def kill(self):
        if self.program is not None and self.program.running():
            self.program.kill()
            return True
        return False

    def signal(self, number):
        if self.program is None or not self.program.running():
            return False
        self.frozen = number == signal.SIGSTOP or (self.frozen and number != signal.SIGCONT)
        self.program.signal(number)
        return True

    def pid(self):
        return self.program.pid if self.program is not None and self.program.running() else None

    def __str__(self):
        return f"{self.kind}-{self.number}"


class Installation:
    """A place of its own on the servers, for one round; `proxied`: servers reached through proxies."""

    def __init__(self, servers, folder, name, build, loop, proxied=(), workers=3, producers=1, custodian=False,
                 **changes):
        self.servers, self.name, self.folder = servers, name, folder
        self._connection, self.told = None, {}
        servers.rabbitmq.create_vhost(name)
        servers.postgresql.create_database(name)
        self.database = f"{servers.postgresql.url(name)}"
        self.proxies = {of: Proxy(loop, port) for of, port in (
            ("rabbitmq", servers.rabbitmq.port), ("postgresql", servers.postgresql.port),
            ("kairosdb", servers.kairosdb.port)) if of in proxied}
        self.feed_server = feeds.FeedServer([])
        self.feed_server._listener.handle_error = lambda *_: None  # a client that was killed in mid-request
        self.meterbeat = Meterbeat(build, folder, self._settings(changes), {
            "METERBEAT_BROKER_PASSWORD": "guest",
            "METERBEAT_DATABASE_PASSWORD": servers.postgresql.password,
            "METERBEAT_CREDENTIALS_KEY": "5a" * 32})
        self.meterbeat.ctl("init-db")
        self.custodian = self._set_up_custodian() if custodian else None
        with self.channel() as channel:
            channel.queue_declare(ANSWERS, durable=True)
        for building in range(1, BUILDINGS + 1):
            self.sql("INSERT INTO seed_canonicalbuilding (id, active) VALUES (%s, true)", (building,))
        self.feeds, self.records, self.sent, self.died = {}, {}, {}, []
        self.workers = [Slot(self, "worker", n) for n in range(workers)]
        self.producers = [Slot(self, "producer", n) for n in range(producers)]

    def _set_up_custodian(self):
        """A Data Custodian whose records need a token of its own, and a new one every few seconds."""
        made = Custodian()
        made.lifetime = TOKEN_S
        ctl = self.meterbeat
        ctl.ctl("custodian", "add", "hydro", made.base)
        ctl.ctl("custodian", "set", "hydro", "token_url", made.token_url)
        ctl.ctl("custodian", "set", "hydro", "client_id", made.client[0])
        subprocess.run([ctl.path("meterbeatctl"), "--config", str(ctl.configuration), "custodian", "set", "hydro",
                        "client_secret"], env=ctl.environment, input=made.client[1] + "\n", text=True, check=True,
                       capture_output=True, timeout=60)
        self.sql("UPDATE meterbeat.custodian SET poll_s = 1, poll_max_s = 2, requests_per_minute = 10000,"
                 " requests_at_once = 100")
        return made

    def port(self, of):
        return self.proxies[of].port if of in self.proxies else getattr(self.servers, of).port

    def _settings(self, changes):
        s = self.servers
        return libconfig.merged({
            "local_timezone": "America/New_York", "timezone": "America/New_York",
            "broker": {"url": f"amqp://guest@127.0.0.1:{self.port('rabbitmq')}/{self.name}",
                       "management_url": s.rabbitmq.management_url, "heartbeat_s": 2,
                       "connect_timeout_s": 3, "confirm_timeout_s": 5, "reconnect_max_s": 1},
            "database": {"url": f"postgresql://meterbeat@127.0.0.1:{self.port('postgresql')}/{self.name}",
                         "connect_timeout_s": 3, "statement_timeout_s": 10},
            "kairosdb": {"insert_url": f"http://127.0.0.1:{self.port('kairosdb')}/api/v1/datapoints",
                         "query_url": f"http://127.0.0.1:{self.port('kairosdb')}/api/v1/datapoints/query",
                         "measurement": self.name, "connect_timeout_s": 3, "timeout_s": 10,
                         "verify_timeout_s": 3, "settle_s": 2},
            "feed": {"path": "/espi/1_1/resource/Batch/Subscription/", "window_days": 20, "overlap_days": 1,
                     "history_days": 420, "timeout_s": 20, "low_speed_s": 5, "connect_timeout_s": 3,
                     "allow_addresses": "127.0.0.0/8"},
            "worker": {"lease_s": LEASE_S, "retry_delays_s": RETRY_DELAYS_S, "max_starts": 1000, "grace_s": 10},
            "producer": {"relay_after_s": 1, "lost_after_s": 3, "catch_up_limit": 10000},
            "schedule": [
                {"name": "daily", "task": "parse", "every": "1s"},
                {"name": "monthly", "task": "aggregate", "every": "2s"},
                # its ticks are counted: none may be missing, and each has a run that is done
                {"name": "each", "task": "aggregate", "every": "2s", "args": '["nobody"]', "catch_up": "all",
                 "expires": "2h", "anchor": "2026-01-01T00:00:01"}]}, changes)

    # --- the databases and the broker, asked directly ------------------------------------------------

    def sql(self, text, parameters=None):
        """Rows of one statement, on a connection that is kept: a new one for each would cost more than the work."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self.database, password=self.servers.postgresql.password,
                                               connect_timeout=5, autocommit=True)
        try:
            cursor = self._connection.execute(text, parameters)
            return cursor.fetchall() if cursor.description else []
        except psycopg.OperationalError:  # it was ended with all others, or its server was
            self._connection.close()
            raise

    @contextlib.contextmanager
    def channel(self):
        connection = pika.BlockingConnection(pika.ConnectionParameters(
            "127.0.0.1", self.servers.rabbitmq.port, self.name, pika.PlainCredentials("guest", "guest"),
            blocked_connection_timeout=2, socket_timeout=3))
        try:
            yield connection.channel()
        finally:
            with contextlib.suppress(Exception):
                connection.close()

    def queue_names(self):
        return [QUEUE, DEAD, *(f"{QUEUE}.retry.{delay}" for delay in RETRY_DELAYS_S)]

    def takes_retry_queues(self):
        """False when RabbitMQ makes no queue as retry queues are (541), which a restart alone mends."""
        try:
            with self.channel() as channel:
                channel.queue_declare("probe", durable=True, arguments={
                    "x-queue-type": "quorum", "x-overflow": "reject-publish", "x-dead-letter-exchange": "",
                    "x-dead-letter-routing-key": QUEUE, "x-dead-letter-strategy": "at-least-once"})
        except pika.exceptions.ConnectionClosedByBroker as closed:
            return closed.reply_code != 541
        except (pika.exceptions.AMQPError, OSError):
            pass  # slow, or away, which is another matter
        return True  # it stays: deleted so soon, it could be the cause itself

    def held(self):
        """{"messages held": n} if a worker holds some of the work queue unacknowledged, as was known a second ago."""
        queue = self.servers.rabbitmq.api("GET", f"/queues/{self.name}/{QUEUE}")
        held = queue.get("messages_unacknowledged", 0)
        return {"messages held": held} if held else {}

    # --- work ---------------------------------------------------------------------------------------

    def add_record(self, days):
        number = len(self.records) + 1
        feed = make_feed(f"{self.name}-{number}", number, days)
        if self.custodian:
            return self._add_custodians_record(feed, number)
        self.feed_server.add(feed)
        first = datetime.datetime.fromtimestamp(feed.begin, feed.zone).strftime(feed.date_pattern)
        fields = {"url": self.feed_server.url, "sub_id": feed.sub_id, "building_id": str(number % BUILDINGS + 1),
                  "active": "Y", "time_type": "date", "date_pattern": feed.date_pattern, "last_date": first,
                  "min_date_parameter": "min", "max_date_parameter": "max", "last_ts": 0}
        record = self.sql(f"INSERT INTO seed_ts_parser_record ({', '.join(fields)}) VALUES"
                          f" ({', '.join(['%s'] * len(fields))}) RETURNING id", tuple(fields.values()))[0][0]
        self.feeds[feed.sub_id], self.records[record] = feed, feed

    def _add_custodians_record(self, feed, number):
        self.custodian.feeds[feed.sub_id] = feed
        text = self.meterbeat.ctl("record", "add", "--custodian", "hydro", "--building", str(number % BUILDINGS + 1),
                                  "--bulk", feed.sub_id, "--grant", "client_credentials", status=None)
        if not text.strip():
            return  # the database was away: another one later
        record = int(text)
        first = datetime.datetime.fromtimestamp(feed.begin, feed.zone).strftime("%m/%d/%Y")
        self.sql("UPDATE seed_ts_parser_record SET last_date = %s WHERE id = %s", (first, record))
        self.feeds[feed.sub_id], self.records[record] = feed, feed

    def behind(self):
        """Records whose feed has not been taken to its end."""
        if not self.records:
            return 0
        end = max(feed.end for feed in self.feeds.values())
        return self.sql("SELECT count(*) FROM seed_ts_parser_record WHERE last_ts < %s", (end,))[0][0]

    def work(self, chance):
        """More work unless there is enough: a record, a window named twice, an aggregate of a building."""
        with contextlib.suppress(psycopg.Error):
            if self.behind() < MOST_WORK:
                self.add_record(chance.randrange(35, 60))
        if self.records and chance.random() < 0.3:
            record = chance.choice(list(self.records))
            feed = self.records[record]
            begin = feed.begin + chance.randrange(0, 30) * greenbutton.DAY
            window = {"from": begin, "to": begin + 3 * greenbutton.DAY}
            for _ in range(2):
                self.send("parse", [record], window)
        elif chance.random() < 0.2:
            self.send("aggregate", [str(chance.randrange(BUILDINGS) + 1)], {})

    def send(self, task, args, kwargs):
        """A Celery message by a client of its own; remembered once the broker has confirmed it."""
        task_id = str(uuid.uuid4())
        try:
            with self.channel() as channel:
                channel.confirm_delivery()
                channel.basic_publish("", QUEUE, json.dumps([args, kwargs, None]), pika.BasicProperties(
                    content_type="application/json", content_encoding="utf-8", delivery_mode=2,
                    correlation_id=task_id, reply_to=ANSWERS, headers={"lang": "py", "task": task, "id": task_id}), mandatory=True)
        except (pika.exceptions.AMQPError, OSError):
            return None  # nobody was promised anything
        self.sent[task_id] = task
        return task_id

    def answers(self):
        """{task id: {status, ...}} of the ends that the client of `send` was told so far."""
        with self.channel() as channel:
            while True:
                method, properties, body = channel.basic_get(ANSWERS, auto_ack=True)
                if method is None:
                    return self.told
                status = json.loads(body)["status"]
                if status not in ("STARTED", "RETRY"):  # on the way
                    self.told.setdefault(properties.correlation_id, set()).add(status)

    # --- programs -----------------------------------------------------------------------------------

    @property
    def slots(self):
        return [*self.workers, *self.producers]

    def start_programs(self):
        for slot in self.slots:
            slot.start()

    def note_deaths(self):
        """Programs that ended without having been killed by us: remembered, and started again."""
        for slot in self.slots:
            program = slot.program
            if program is None or program.running():
                continue
            status = program.process.returncode
            if slot.ended is not None and status == -signal.SIGKILL:
                slot.ended()
            elif not getattr(program, "was_killed", False):
                self.died.append(f"{slot} ended by itself: {status}\n{program.tail(15)}")
            slot.start()

    def kill(self, slot):
        if slot.program is not None:
            slot.program.was_killed = True
        return slot.kill()

    def descriptors(self):
        """{slot: (open files, resident KiB, seconds)} of the programs that live."""
        found = {}
        for slot in self.slots:
            pid = slot.pid()
            if pid is None:
                continue
            with contextlib.suppress(OSError):
                files = len(os.listdir(f"/proc/{pid}/fd"))
                pages = int(open(f"/proc/{pid}/statm").read().split()[1])
                found[str(slot)] = files, pages * 4, round(time.monotonic() - slot.survived_from, 1)
        return found

    def sanitizer_reports(self):
        reports = []
        for program in self.meterbeat.programs:
            text = program.text()
            found = REPORT.search(text)
            if found:
                reports.append(text[found.start():][:3000])
        return reports

    def stop_programs(self, slots):
        """SIGTERM to each and its end; those that have to be killed are returned."""
        stubborn = []
        for slot in slots:
            if slot.pid() is not None:
                slot.program.was_killed = True
                slot.program.terminate()
        for slot in slots:
            if slot.program is None:
                continue
            try:
                slot.program.wait(20)
            except AssertionError:
                stubborn.append(str(slot))
                slot.program.kill()
            slot.program = None  # and nobody starts it again
        return stubborn

    def end(self):
        for program in self.meterbeat.programs:
            with contextlib.suppress(Exception):
                program.kill()
        self.feed_server.close()
        if self.custodian:
            self.custodian.__exit__()
        for proxy in self.proxies.values():
            proxy.close()
        if self._connection is not None:
            self._connection.close()
        with contextlib.suppress(Exception):
            self.servers.rabbitmq.delete_vhost(self.name)
        with contextlib.suppress(Exception):
            self.servers.postgresql.drop_database(self.name)
