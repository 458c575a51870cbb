"""The whole job with no more rights than it needs, in the database and at the broker; and what those do not allow."""
import contextlib
import secrets
import time
import urllib.parse

import feeds
import metering as m
import psycopg
import pytest
from metering import Metering
from servers import wait_until

# As docs/security.md has them, for broker.queue = "meterbeat".
QUEUES = r"meterbeat(\.(dead|retry\.[0-9]+))?"
CONTROL = r"(.+\.)?celery\.pidbox|celeryev"
PERMISSIONS = {
    "worker": {"configure": f"^({QUEUES}|{CONTROL})$", "write": f"^({QUEUES}|{CONTROL}|amq\\.default)$",
               "read": f"^({QUEUES}|{CONTROL})$"},
    "producer": {"configure": f"^{QUEUES}$", "write": r"^amq\.default$", "read": f"^{QUEUES}$"},
}


class Logins:
    """One login of each role in the test's database, one user of each kind at its virtual host."""

    def __init__(self, servers, place, rows, roles_sql):
        self.servers, self.place = servers, place
        self.passwords = {}
        rows(roles_sql)
        for role in ("worker", "producer", "admin"):
            name, password = f"{place.name}_{role}", secrets.token_hex(12)
            self.passwords[role] = password
            rows(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' IN ROLE meterbeat_{role}")
        for kind, permissions in PERMISSIONS.items():
            name = f"{place.name}_{kind}"
            servers.rabbitmq.api("PUT", f"/users/{name}", {"password": self.passwords[kind], "tags": ""})
            servers.rabbitmq.api("PUT", f"/permissions/{place.vhost}/{name}", permissions)

    def database_url(self, role):
        url = urllib.parse.urlsplit(self.place.database_url)
        host = url.netloc.rsplit("@", 1)[-1]
        return url._replace(netloc=f"{self.place.name}_{role}@{host}").geturl()

    def broker_url(self, role):
        url = urllib.parse.urlsplit(self.place.amqp_url)
        host = url.netloc.rsplit("@", 1)[-1]
        return url._replace(netloc=f"{self.place.name}_{role}@{host}").geturl()

    def configure(self, meterbeat, role):
        """What is started from now on has this role's rights; its environment."""
        meterbeat.configure(database={"url": self.database_url(role)}, broker={"url": self.broker_url(role)})
        return {"METERBEAT_DATABASE_PASSWORD": self.passwords[role], "METERBEAT_BROKER_PASSWORD": self.passwords[role]}

    def connect(self, role):
        return psycopg.connect(self.database_url(role), password=self.passwords[role], autocommit=True)

    def end(self, rows):
        for role in ("worker", "producer", "admin"):
            rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s",
                 (f"{self.place.name}_{role}",))
            rows(f"DROP OWNED BY {self.place.name}_{role}")
            rows(f"DROP ROLE {self.place.name}_{role}")
        for kind in PERMISSIONS:
            self.servers.rabbitmq.api("DELETE", f"/users/{self.place.name}_{kind}")


@pytest.fixture
def logins(meterbeat, servers, place, rows):
    meterbeat.ctl("init-db")
    with contextlib.ExitStack() as stack:
        made = Logins(servers, place, rows, meterbeat.ctl("init-db", "--roles"))
        stack.callback(made.end, rows)
        stack.callback(meterbeat.end)
        yield made


def test_the_whole_job_is_done_with_the_least_rights(meterbeat, rows, logins):
    with feeds.FeedServer([]) as server:
        meters = Metering(meterbeat, rows, server)
        owner = {"database": dict(meterbeat.settings["database"]), "broker": dict(meterbeat.settings["broker"])}
        meterbeat.configure(feed={"window_days": 366})
        begin, end = m.days(70)
        feed = m.house("r1", begin, end)
        meters.add(feed, last_date=time.strftime("%m/%d/%Y", time.gmtime(begin)))
        worker = meterbeat.worker(environment=logins.configure(meterbeat, "worker"))
        worker.wait_for_event("consuming")
        meterbeat.configure(schedule=[
            {"name": "parse", "task": "parse", "every": "3s", "expires": "1d"},
            {"name": "aggregate", "task": "aggregate", "every": "5s", "expires": "1d"}])
        producer = meterbeat.producer(environment=logins.configure(meterbeat, "producer"))
        wait_until(lambda: rows("SELECT count(*) FROM meterbeat.run WHERE state = 'done' AND task = 'parse'"
                                " AND record_id IS NOT NULL")[0][0] >= 1, 90, "a parse of a tick")
        wait_until(lambda: rows("SELECT count(*) FROM meterbeat.run WHERE state = 'done' AND task = 'aggregate'")
                   [0][0] >= 2, 90, "aggregates of ticks")
        assert producer.stop() == 0
        meterbeat.configure(**owner)
        # a failure's ways: retried, dead-lettered
        bad = meters.add(m.house("r2", *m.days(2)))
        server.inject("r2", feeds.status(503))
        meters.do("parse", bad)
        server.inject("r2", feeds.status(404), for_ever=True)
        meters.change(bad, last_date="")
        assert meters.run(meters.send("parse", bad))[:2] == ("dead", "feed_not_found")
        meters.do("aggregate", 42)
        assert meters.assert_months_are_those_of(feed, feed.series[0]) >= 1
        assert worker.stop() == 0
        for program in (worker, producer):
            assert not [line for line in program.events() if line.get("level") == "error"
                        and line.get("event") != "task_dead"], program.tail()
            assert "privilege" not in program.text() and "ACCESS_REFUSED" not in program.text(), program.tail()


WORKER_MAY_NOT = [
    "UPDATE meterbeat.custodian SET token_url = 'https://evil.example/token'",
    "INSERT INTO meterbeat.custodian (name, base_url) VALUES ('evil', 'https://evil.example/')",
    "DELETE FROM meterbeat.custodian",
    "UPDATE meterbeat.subscription SET custodian_id = 1",
    "UPDATE meterbeat.authorization SET custodian_id = 1",
    "UPDATE meterbeat.authorization SET grant_type = 'none'",
    "INSERT INTO meterbeat.authorization (custodian_id, grant_type) VALUES (1, 'none')",
    "UPDATE seed_ts_parser_record SET url = 'https://evil.example/'",
    "INSERT INTO seed_ts_parser_record (url) VALUES ('https://evil.example/')",
    "UPDATE seed_canonicalbuilding SET active = false",
    "DELETE FROM seed_meter",
    "INSERT INTO meterbeat.tick SELECT * FROM meterbeat.tick",
    "UPDATE meterbeat.migration SET version = 1",
    "UPDATE meterbeat.installation SET tick_key = 'known to me, and all next year is ended with it'",
    "DELETE FROM meterbeat.installation",
    "DELETE FROM meterbeat.record_change",
    "UPDATE meterbeat.record_change SET who = 'another'",
    "TRUNCATE meterbeat.run",
    "TRUNCATE meterbeat.custodian",
    "SELECT setval('meterbeat.outbox_id_seq', 1)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION meterbeat.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE TRIGGER mine BEFORE UPDATE ON meterbeat.run EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "DROP TABLE meterbeat.run",
    "ALTER TABLE meterbeat.custodian ADD COLUMN x integer",
    "CREATE TABLE meterbeat.mine (x integer)",
    "CREATE ROLE another",
    "COPY meterbeat.run TO PROGRAM 'cat'",
]
PRODUCER_MAY_NOT = [
    "SELECT refresh_token FROM meterbeat.authorization",
    "SELECT client_secret FROM meterbeat.custodian",
    "UPDATE meterbeat.custodian SET token_url = ''",
    "SELECT url FROM seed_ts_parser_record",
    "UPDATE seed_timeseries SET reading = 0",
    "DELETE FROM meterbeat.day",
    "UPDATE meterbeat.installation SET tick_key = 'known to me, and all next year is ended with it'",
    "SELECT before FROM meterbeat.record_change",
    "TRUNCATE meterbeat.tick",
    "CREATE SCHEMA mine",
    "UPDATE meterbeat.migration SET version = 1",
    "CREATE TABLE meterbeat.mine (x integer)",
]


@pytest.mark.parametrize("role, statements", [("worker", WORKER_MAY_NOT), ("producer", PRODUCER_MAY_NOT)])
def test_a_program_in_wrong_hands_may_not(role, statements, logins):
    with logins.connect(role) as connection:
        for statement in statements:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
                pytest.fail(statement)


def test_the_grants_can_be_repeated(meterbeat, rows, logins):
    rows(meterbeat.ctl("init-db", "--roles"))
    with logins.connect("worker") as connection:
        assert connection.execute("SELECT count(*) FROM meterbeat.custodian").fetchone() == (0,)
