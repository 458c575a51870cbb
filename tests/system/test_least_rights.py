"""The users that compose.yaml's servers are given, tried on real ones: enough for everything, and for no more."""
import os
import pathlib
import subprocess
import uuid

import psycopg
import pytest
from queues import done, send

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def least(servers, place, meterbeat):
    """meterbeat as the users of packaging/compose; its tables made by their owner. Roles are the whole server's: taken away."""
    postgresql, rabbitmq = servers.postgresql, servers.rabbitmq
    admin = psycopg.conninfo.conninfo_to_dict(place.database_url)
    environment = {**os.environ, "PGHOST": admin["host"], "PGPORT": str(admin["port"]), "PGPASSWORD": postgresql.password,
                   "POSTGRES_USER": admin["user"], "METERBEAT_OWNER_PASSWORD": "of-the-owner", "METERBEAT_DATABASE_USER": "programs",
                   "METERBEAT_DATABASE_PASSWORD": "of-the-programs", "METERBEAT_BROKER_PASSWORD": "of-the-user",
                   "RABBITMQ_ADMIN": "guest", "RABBITMQ_ADMIN_PASSWORD": "guest", "METERBEAT_VHOST": place.vhost,
                   "RABBITMQ_HOST": "127.0.0.1", "RABBITMQ_PORT": rabbitmq.management_url.rpartition(":")[2].strip("/")}
    for script in ("roles.sh", "broker-user.sh"):
        made = subprocess.run([ROOT / "packaging/compose" / script], env=environment, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr
    address = f"{admin['host']}:{admin['port']}/meterbeat"
    meterbeat.configure(database={"url": f"postgresql://meterbeat_owner@{address}"}, log_level="debug",
                        broker={"url": place.amqp_url.replace("guest@", "meterbeat@")},
                        worker={"name": "worker@least", "retry_delays_s": (1, 2)})
    meterbeat.environment.update(METERBEAT_BROKER_PASSWORD="of-the-user", METERBEAT_DATABASE_PASSWORD="of-the-owner")
    meterbeat.ctl("init-db")
    granted = subprocess.run(["psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", "meterbeat_owner", "-d", "meterbeat", "-f",
                              ROOT / "common/store/schema/roles.sql"], env={**environment, "PGPASSWORD": "of-the-owner"},
                             capture_output=True, text=True)
    assert granted.returncode == 0, granted.stderr
    meterbeat.configure(database={"url": f"postgresql://programs@{address}"})
    meterbeat.environment.update(METERBEAT_DATABASE_PASSWORD="of-the-programs")
    yield meterbeat, address
    meterbeat.end()
    with psycopg.connect(place.database_url, password=postgresql.password, autocommit=True) as connection:
        connection.execute("DROP DATABASE meterbeat WITH (FORCE)")
        connection.execute("DROP ROLE programs")
        connection.execute("DROP ROLE meterbeat_owner")
    subprocess.run(["rabbitmqadmin", "-q", "-P", environment["RABBITMQ_PORT"], "delete", "user", "name=meterbeat"],
                   check=False, capture_output=True)


def test_the_users_of_compose_suffice_and_may_do_no_more(least, connect):
    meterbeat, address = least
    assert "broker     ok" in (checked := meterbeat.ctl("check")) and "database   ok" in checked
    worker = meterbeat.worker()
    worker.wait_for_event("consuming")
    worker.wait_for_event("control_ready")
    channel = connect().channel()
    task_id = str(uuid.uuid4())
    send(channel, "meterbeat.sleep", 0, headers={"id": task_id})
    done(worker, task_id)
    meterbeat.ctl("send", "no.such.task", "--id", "lost")
    worker.wait_for_event("task_dead", task_id="lost")
    assert meterbeat.ctl_json("dead", "list", "--json")["id"] == "lost"
    assert meterbeat.ctl_json("status", "--json")["runs"]["dead"] == 0
    assert worker.stop() == 0
    channel.queue_declare("payments")
    added = meterbeat.worker()
    added.wait_for_event("consuming")
    assert added.stop() == 0
    with psycopg.connect(f"postgresql://programs@{address}", password="of-the-programs", autocommit=True) as connection:
        for statement in ("CREATE TABLE public.mine (a int)", "CREATE TABLE meterbeat.mine (a int)", "CREATE SCHEMA mine",
                          "DROP TABLE meterbeat.run", "ALTER TABLE meterbeat.run ADD a int", "TRUNCATE meterbeat.run",
                          "CREATE ROLE mine", "UPDATE meterbeat.custodian SET token_url = ''",
                          "DELETE FROM meterbeat.custodian", "UPDATE seed_ts_parser_record SET url = ''", "CREATE DATABASE mine", "COPY (SELECT 1) TO PROGRAM 'true'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_broker_user_reaches_no_queue_of_others(least, connect, servers, place):
    import pika
    connect().channel().queue_declare("payments")
    theirs = pika.BlockingConnection(pika.ConnectionParameters(
        "127.0.0.1", servers.rabbitmq.port, place.vhost, pika.PlainCredentials("meterbeat", "of-the-user")))
    for attempt in (lambda c: c.basic_get("payments"), lambda c: c.queue_declare("other"), lambda c: c.queue_delete("payments"),
                    lambda c: c.exchange_declare("other"), lambda c: c.queue_purge("payments")):
        with pytest.raises(pika.exceptions.ChannelClosedByBroker, match="ACCESS_REFUSED"):
            attempt(theirs.channel())
    theirs.close()
