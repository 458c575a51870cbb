"""The servers that all other system tests stand on: they answer, keep their data, and leave nothing behind."""
import os
import pathlib
import signal
import subprocess
import sys

import pika
import psycopg
import pytest
import requests
from servers import PostgreSQL, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]


def put_points(kairosdb, metric, points):
    answer = requests.post(kairosdb.insert_url, json=[
        {"name": metric, "tags": {"meter": "1"}, "datapoints": points}], timeout=30)
    assert answer.status_code == 204


def test_rabbitmq_keeps_persistent_messages_over_a_stop_and_a_kill(servers, connect):
    for end in (servers.rabbitmq.stop, servers.rabbitmq.kill):
        channel = connect().channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        channel.basic_publish("", "kept", end.__name__.encode(), mandatory=True,
                              properties=pika.BasicProperties(delivery_mode=2))
        end()
        assert not servers.rabbitmq.running()
        servers.rabbitmq.start()
        method, _, body = connect().channel().basic_get("kept", auto_ack=True)
        assert method and body == end.__name__.encode()


def test_postgresql_keeps_committed_rows_over_a_stop_and_a_kill(servers, place, rows):
    rows("CREATE TABLE kept (n integer)")
    for count, end in ((1, servers.postgresql.stop), (2, servers.postgresql.kill)):
        rows("INSERT INTO kept VALUES (%s)", (count,))
        end()
        servers.postgresql.start()
        assert rows("SELECT count(*) FROM kept") == [(count,)]
    assert rows("SHOW fsync") == [("on",)]
    assert rows("SHOW timezone") == [("UTC",)]


def test_postgresql_wants_the_password(servers, place):
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(place.database_url, password="wrong")


def test_kairosdb_counts_back_what_was_put_in_and_keeps_it_over_a_stop(servers, place):
    kairosdb = servers.kairosdb
    points = [[1_700_000_000_000 + 900_000 * n, n + 0.5, "double"] for n in range(1000)]
    put_points(kairosdb, place.measurement, points)
    assert kairosdb.count(place.measurement) == 1000
    kairosdb.restart()
    assert kairosdb.count(place.measurement) == 1000
    put_points(kairosdb, place.measurement, points)
    assert kairosdb.count(place.measurement) == 1000


def test_kairosdb_keeps_both_hours_of_the_autumn_change(servers, place):
    """Its JVM runs in UTC: in a local zone H2 would fold the repeated hour into one."""
    start = 1730606400  # 2024-11-03 00:00 America/New_York, a day of 25 hours
    put_points(servers.kairosdb, place.measurement,
               [[(start + 900 * n) * 1000, 1.0, "double"] for n in range(100)])
    assert servers.kairosdb.count(place.measurement) == 100


def test_a_paused_server_keeps_its_connections_and_answers_when_resumed(servers, place):
    connection = psycopg.connect(place.database_url, password=servers.postgresql.password)
    servers.postgresql.pause()
    with pytest.raises(psycopg.OperationalError, match="timeout"):
        psycopg.connect(place.database_url, password=servers.postgresql.password,
                        connect_timeout=2)
    servers.postgresql.resume()
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.close()


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_nothing_outlives_a_manager_that_is_killed(tmp_path_factory):
    script = ("import sys, time; sys.path.insert(0, sys.argv[1])\n"
              "from servers import PostgreSQL\nfrom servers.process import descendants\n"
              "import os; s = PostgreSQL(sys.argv[2]); s.start()\n"
              "print(*descendants(os.getpid()), flush=True); sys.stdin.read()")
    tmp_path = tmp_path_factory.mktemp("manager")
    for folder in (tmp_path, *tmp_path.parents):  # PostgreSQL's user has to pass through
        if folder.stat().st_uid == os.getuid() and folder.name.startswith(("manager", "popen-", "pytest-")):
            folder.chmod(0o711)
    with subprocess.Popen([sys.executable, "-c", script, str(ROOT / "packaging"), str(tmp_path)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as manager:
        pids = [int(word) for word in manager.stdout.readline().split()]
        # guard and postmaster; of its children some end by themselves once it has started
        assert sum(map(alive, pids)) >= 2
        manager.send_signal(signal.SIGKILL)
        manager.wait(10)
        wait_until(lambda: not any(alive(pid) for pid in pids), 10, "all of PostgreSQL ended")


def test_a_server_that_cannot_start_says_why(tmp_path):
    broken = PostgreSQL(tmp_path)
    broken.command = lambda: ["/bin/sh", "-c", "echo no such luck; exit 3"]
    broken.prepare = lambda: None
    with pytest.raises(Exception, match="(?s)exit 3.*no such luck"):
        broken.start()
    assert not broken.running()
