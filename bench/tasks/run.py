"""Tasks per second and memory of a worker, beside a bare librabbitmq loop and Celery, on one private broker.

    python3 bench/tasks/run.py [--count N] [--rounds N] [--build FOLDER]

Each round fills the queue, starts one consumer and takes the time from the first message gone to the last; the
consumers take turns, so that whatever else the machine does meets all of them. The median round counts.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid

import pika

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "packaging"))
from servers import RabbitMQ, wait_until  # noqa: E402

QUEUE = "meterbeat"
REPLIES = "bench replies"  # of a client that fetches its results later
TICK = os.sysconf("SC_CLK_TCK")


def message(results):
    """What Celery 5.7 sends for ping.apply_async(ignore_result=not results)."""
    task_id = str(uuid.uuid4())
    headers = {"lang": "py", "task": "meterbeat.ping", "id": task_id, "shadow": None, "eta": None,
               "expires": None, "group": None, "group_index": None, "retries": 0,
               "timelimit": [None, None], "root_id": task_id, "parent_id": None, "argsrepr": "()",
               "kwargsrepr": "{}", "origin": "gen1@bench", "ignore_result": not results,
               "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {}}
    body = [[], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
    return json.dumps(body), pika.BasicProperties(
        content_type="application/json", content_encoding="utf-8", correlation_id=task_id,
        reply_to=REPLIES, priority=0, delivery_mode=2, headers=headers)


class Broker:
    def __init__(self, rabbitmq):
        self.url = f"amqp://guest:guest@127.0.0.1:{rabbitmq.port}/%2F"
        self.connection = pika.BlockingConnection(pika.URLParameters(self.url + "?heartbeat=0"))
        self.channel = self.connection.channel()
        self.channel.queue_declare(QUEUE, durable=True)
        self.channel.queue_declare(REPLIES)

    def ready(self):
        return self.channel.queue_declare(QUEUE, passive=True).method.message_count

    def fill(self, count, results):
        self.channel.queue_purge(QUEUE)
        self.channel.queue_purge(REPLIES)
        for _ in range(count):
            body, properties = message(results)
            self.channel.basic_publish("", QUEUE, body, properties)
        wait_until(lambda: self.ready() == count, 120, "the queue is full")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        words = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(words[11]) + int(words[12])) / TICK
    return total


def family(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [one for child in children for one in family(int(child))]


def memory(pids):
    """(RSS, PSS) in MiB; shared pages count in every RSS, once among the PSS."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0])
    return sums["Rss"] / 1024, sums["Pss"] / 1024


def timed(broker, count, results, command, environment):
    """One round: tasks per second, CPU microseconds per task, memory right after."""
    broker.fill(count, results)
    process = subprocess.Popen(command, env={**os.environ, **environment}, cwd=ROOT / "bench/tasks",
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: broker.ready() < count, 60, f"{command[0]} consumes", pause=0.001)
        start, left = time.monotonic(), broker.ready()
        cpu = cpu_seconds(family(process.pid))
        wait_until(lambda: broker.ready() == 0, 600, "the queue is empty", pause=0.01)
        taken = time.monotonic() - start
        if process.poll() is None:
            pids = family(process.pid)
            return {"rate": left / taken, "cpu_us": (cpu_seconds(pids) - cpu) / left * 1e6,
                    "memory": memory(pids)}
        return {"rate": left / taken}
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(60)


def consumers(build, folder, broker, rabbitmq, count, prefetch):
    """Name -> (messages, with results, command, environment)."""
    configuration = folder / f"prefetch-{prefetch}.conf"
    configuration.write_text(
        f'broker = {{ url = "amqp://guest@127.0.0.1:{rabbitmq.port}/"; }};\n'
        f'worker = {{ prefetch = {prefetch}; }};\nlog_level = "warning";\n')
    # the bare loop stays after its last message, so that all are measured alive
    bare = [folder / "bare", broker.url, QUEUE, str(prefetch), str(10 * count)]
    ours = [build / "worker/meterbeat-worker", "--config", configuration]
    password = {"METERBEAT_BROKER_PASSWORD": "guest"}
    celery = [sys.executable, "-m", "celery", "-A", "celery_app", "worker", "-c", "1", "-P", "prefork",
              "--without-gossip", "--without-mingle", "-l", "ERROR"]
    peer = {"BENCH_BROKER": broker.url, "BENCH_PREFETCH": str(prefetch)}
    fewer = max(count // 10, 500)
    return {
        "bare librabbitmq loop": (count, False, bare, {}),
        "meterbeat-worker": (count, False, ours, password),
        "Celery -c 1 prefork": (fewer, False, celery, peer),
        "meterbeat, with results": (count, True, ours, password),
        "Celery, with results": (fewer, True, celery, {**peer, "BENCH_RESULTS": "1"}),
    }


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def print_table(prefetch, results):
    limit = median(results["bare librabbitmq loop"], "rate")
    print(f"\nprefetch {prefetch}, an acknowledgement each")
    print(f"{'':26}{'tasks/s':>10}{'of limit':>10}{'CPU us/task':>13}{'RSS MiB':>10}{'PSS MiB':>10}")
    for name, rounds in results.items():
        rss, pss = rounds[-1]["memory"]
        rate = median(rounds, "rate")
        print(f"{name:26}{rate:10.0f}{rate / limit:10.2f}{median(rounds, 'cpu_us'):13.1f}"
              f"{rss:10.1f}{pss:10.1f}")
    ours = median(results["meterbeat-worker"], "rate")
    print(f"{'':26}{ours / limit:.2f} of the limit, {ours / median(results['Celery -c 1 prefork'], 'rate'):.1f}"
          " times Celery; with results "
          f"{median(results['meterbeat, with results'], 'rate') / median(results['Celery, with results'], 'rate'):.1f}"
          " times")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-bench-"))
    rabbitmq = RabbitMQ(folder)
    try:
        subprocess.run(["cc", "-O2", "-I", ROOT / "common", ROOT / "bench/tasks/bare.c", "-o",
                        folder / "bare", "-lrabbitmq"], check=True)
        rabbitmq.start()
        broker = Broker(rabbitmq)
        for prefetch, count in ((100, options.count), (1, options.count // 2)):
            results = {}
            for _ in range(options.rounds):
                for name, (messages, replies, command, environment) in consumers(
                        options.build, folder, broker, rabbitmq, count, prefetch).items():
                    results.setdefault(name, []).append(
                        timed(broker, messages, replies, list(map(str, command)), environment))
            print_table(prefetch, results)
    finally:
        rabbitmq.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
