"""The producer with many entries beside Celery's beat with the same ones: how late, at what cost of processor time.

    packaging/steps/build.sh release && .dev/venv/bin/python bench/producer/bench.py [--entries N] [--period S] [--seconds S]

Both get N entries of the same period, their due times spread evenly over its whole seconds, on one RabbitMQ. A
message's lag is from its due time on that grid to its arrival at a consumer. Processor time is that of the scheduler's
own process; PostgreSQL's is shown beside it, since beat has none. Each is measured after its first ticks.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import pika

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "tests/system")]

import libconfig  # noqa: E402
from servers import PostgreSQL, RabbitMQ, wait_until  # noqa: E402
from servers.process import descendants  # noqa: E402

BEAT = """
import datetime, os
from celery import Celery
app = Celery("peer", broker=os.environ["BENCH_BROKER"])
app.conf.update(timezone="UTC", task_default_queue="beat", task_ignore_result=True)
period, start = int(os.environ["BENCH_PERIOD"]), int(os.environ["BENCH_START"])
app.conf.beat_schedule = {
    f"e{n}": {"task": "parse", "schedule": datetime.timedelta(seconds=period), "options": {"headers": {"n": n}},
              "last_run_at": datetime.datetime.fromtimestamp(start - period + n % period, datetime.timezone.utc)}
    for n in range(int(os.environ["BENCH_ENTRIES"]))}
"""


class Consumer(threading.Thread):
    """Notes (entry's number, time of arrival) of every message of a queue."""

    def __init__(self, rabbitmq, queue):
        super().__init__(daemon=True)
        self.parameters = pika.ConnectionParameters(
            "127.0.0.1", rabbitmq.port, "/", pika.PlainCredentials("guest", "guest"))
        self.queue, self.arrived, self.done = queue, [], False
        self.start()

    def run(self):
        connection = pika.BlockingConnection(self.parameters)
        channel = connection.channel()
        channel.queue_declare(self.queue, durable=True)
        channel.basic_consume(self.queue, self.take, auto_ack=True)
        while not self.done:
            connection.process_data_events(0.2)

    def take(self, _channel, _method, properties, _body):
        name = properties.headers.get("periodic_task_name")
        self.arrived.append((int(name[1:]) if name else properties.headers["n"], time.time()))


def processor_seconds(pids):
    total = 0
    for pid in pids:
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(name, process, consumer, options, start, beside=lambda: ()):
    """Waits for the first ticks, then looks at `seconds` of them. Entry n is due at start + n % period."""
    wait_until(lambda: len(consumer.arrived) > 2 * options.entries / options.period, 180, f"first ticks of {name}")
    began, own, other = time.time(), processor_seconds([process.pid]), processor_seconds(beside())
    time.sleep(options.seconds)
    took = time.time() - began
    own, other = processor_seconds([process.pid]) - own, processor_seconds(beside()) - other
    memory = resident_mib(process.pid)
    lags = [(at - start - n % options.period) % options.period * 1000 for n, at in consumer.arrived if at >= began]
    expected = options.entries / options.period * took
    print(f"{name:<20} {len(lags) / took:9.1f} {100 * len(lags) / expected:8.1f}% {percentile(lags, .5):9.1f} "
          f"{percentile(lags, .99):9.1f} {max(lags):9.1f} {100 * own / took:9.2f}% {100 * other / took:9.2f}% {memory:7.1f}",
          flush=True)


def run_producer(folder, rabbitmq, postgresql, options):
    configuration = folder / "meterbeat.conf"
    configuration.write_text(libconfig.settings({
        "broker": {"url": rabbitmq.url}, "database": {"url": postgresql.url()},
        "kairosdb": {"insert_url": "http://127.0.0.1/", "query_url": "http://127.0.0.1/", "measurement": "none"},
        "log_level": "warning",
        "schedule": [{"name": f"e{n}", "task": "parse", "every": f"{options.period}s", "timezone": "UTC",
                      "anchor": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1767225600 // options.period
                                              * options.period + n % options.period))}
                     for n in range(options.entries)]}))
    environment = {**os.environ, "METERBEAT_BROKER_PASSWORD": "guest",
                   "METERBEAT_DATABASE_PASSWORD": postgresql.password}
    build = ROOT / "build" / options.build
    subprocess.run([build / "ctl/meterbeatctl", "--config", configuration, "init-db"], env=environment, check=True,
                   stdout=subprocess.DEVNULL)
    consumer = Consumer(rabbitmq, "meterbeat")
    process = subprocess.Popen([build / "producer/meterbeat-producer", "--config", configuration], env=environment)
    try:
        measure("meterbeat-producer", process, consumer, options, start=0,
                beside=lambda: [postgresql.pid, *descendants(postgresql.pid)])
    finally:
        process.terminate()
        process.wait(30)
        consumer.done = True
        consumer.join()


def run_beat(folder, rabbitmq, options):
    (folder / "peer.py").write_text(BEAT)
    start = int(time.time()) + 20  # by then it has read its schedule
    environment = {**os.environ, "BENCH_BROKER": rabbitmq.url.replace("guest@", "guest:guest@"),
                   "BENCH_PERIOD": str(options.period), "BENCH_START": str(start), "BENCH_ENTRIES": str(options.entries)}
    consumer = Consumer(rabbitmq, "beat")
    process = subprocess.Popen(
        [sys.executable, "-m", "celery", "-A", "peer", "beat", "-S", "celery.beat:Scheduler", "-l", "ERROR"],
        cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    try:
        measure("celery beat", process, consumer, options, start)
    finally:
        process.terminate()
        process.wait(30)
        consumer.done = True
        consumer.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--entries", type=int, default=10000)
    parser.add_argument("--period", type=int, default=600, help="of each entry, seconds")
    parser.add_argument("--seconds", type=int, default=60, help="measured")
    parser.add_argument("--build", default="release")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-"))
    rabbitmq, postgresql = RabbitMQ(folder), PostgreSQL(folder)
    try:
        for server in (rabbitmq, postgresql):
            server.start()
        print(f"{options.entries} entries, each every {options.period} s; {options.seconds} s measured\n"
              f"{'':<20} {'ticks/s':>9} {'of due':>9} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9} {'own CPU':>10} "
              f"{'PostgreSQL':>10} {'MiB':>7}", flush=True)
        run_producer(folder, rabbitmq, postgresql, options)
        run_beat(folder, rabbitmq, options)
    finally:
        for server in (rabbitmq, postgresql):
            server.kill()
        shutil.rmtree(folder, ignore_errors=True)


main()
