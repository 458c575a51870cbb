"""A worker that parses feeds of several sizes into the real databases: its time, and its memory.

    packaging/steps/build.sh release && .dev/venv/bin/python bench/feed/run.py [--megabytes N...] [--smaps]

The feed is made while it is sent: meters of a year each, a reading a minute, with costs. The figures of the reader alone are
`./dev bench xml`'s, those of KairosDB alone `./dev bench kairosdb`'s. Memory is looked at five times a second.
"""
import argparse
import collections
import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "packaging"), str(ROOT / "tests/system")]

from programs import Meterbeat  # noqa: E402
from servers import Servers, wait_until  # noqa: E402

DAY = 86400
FIRST = int(time.time()) // DAY * DAY - 365 * DAY
LIMIT = 3 * 3600
SAMPLE = 0.2


class FeedMaker(http.server.BaseHTTPRequestHandler):
    """The last word of the path says how many megabytes are wanted."""
    protocol_version = "HTTP/1.0"
    sent_at = None  # monotonic; the last byte of a feed, the first time it was sent

    def do_GET(self):
        megabytes = self.path.rsplit("/", 1)[1].split("?")[0]
        self.send_response(200)
        self.send_header("Content-Type", "application/atom+xml")
        self.end_headers()
        maker = subprocess.Popen([self.server.maker, megabytes, "1", str(FIRST), "60", "364"], stdout=subprocess.PIPE)
        try:
            shutil.copyfileobj(maker.stdout, self.wfile, 1 << 16)
        finally:
            maker.stdout.close()
            maker.wait(60)
            FeedMaker.sent_at = FeedMaker.sent_at or time.monotonic()

    def log_message(self, *_):
        pass


class Memory(threading.Thread):
    """Resident and proportional memory of one process, the most of each; in MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.by_file = pid, collections.Counter(), []
        self.ended = threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(SAMPLE):
            self.look()

    def look(self):
        found = collections.Counter()
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            found[name] = int(rest.split()[0]) / 1024
        found["Private"] = found["Private_Clean"] + found["Private_Dirty"]
        if found["Rss"] > self.most["Rss"]:
            self.by_file = by_file(self.pid)
        for name in ("Rss", "Pss", "Private", "Anonymous"):
            self.most[name] = max(self.most[name], found[name])
        return found


def by_file(pid):
    """[(resident KiB, file)] of a process, the largest first."""
    sums, name = collections.Counter(), ""
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            name = words[5] if len(words) > 5 else "anonymous"
        elif words[0] == "Rss:":
            sums[name] += int(words[1])
    return sums.most_common()


def await_end(sql, task_id, worker):
    """What the run says when it is done."""
    start = time.monotonic()
    while time.monotonic() - start < LIMIT:
        state, progress = (sql(f"SELECT state, progress FROM meterbeat.run WHERE task_id = '{task_id}'") or [("", "")])[0]
        if state == "done":
            return progress
        if state == "dead" or not worker.running():
            raise RuntimeError(f"{state}: {progress}\n{worker.tail()}")
        time.sleep(SAMPLE)
    raise TimeoutError(worker.tail())


def stored(sql, record):
    """(readings, their sum) by the books: KairosDB's own count and sum of each day."""
    return sql("SELECT coalesce(sum(readings), 0), coalesce(sum(total), 0)::bigint FROM meterbeat.day"
               f" JOIN meterbeat.series s ON s.id = series_id WHERE s.record_id = {record}")[0]


def measure(meterbeat, servers, database, url, megabytes, smaps):
    def sql(text):
        return servers.postgresql.sql(text, database)

    added = meterbeat.ctl("record", "add", "--building", str(megabytes), "--url", f"{url}/{megabytes}?",
                          "--time-type", "timestamp", "--last-ts", str(FIRST))
    record = int(re.search(r"\d+", added).group())
    worker = meterbeat.worker()
    worker.wait_for_event("consuming")
    memory = Memory(worker.pid)
    idle = memory.look()
    FeedMaker.sent_at = None
    start = time.monotonic()
    print(f"{megabytes} MB: " + await_end(sql, meterbeat.ctl("send", "parse", json.dumps([record])).strip(), worker))
    taken, fetched = time.monotonic() - start, FeedMaker.sent_at - start
    memory.ended.set()
    memory.join()
    after = memory.look()
    worker.stop()
    readings, total = stored(sql, record)
    print(f"    {readings} readings in the books, their sum {total}; {taken:.1f} s, of which fetched and staged {fetched:.1f} s,"
          f" written and counted back {taken - fetched:.1f} s ({int(readings) * 2 / (taken - fetched):.0f} points/s)")
    for name in ("Rss", "Pss", "Private", "Anonymous"):
        print(f"    {name:9} idle {idle[name]:5.1f}  most {memory.most[name]:5.1f}  after {after[name]:5.1f} MiB")
    if smaps:
        for kib, name in memory.by_file:
            print(f"           {kib:7} {name}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, nargs="+", default=[4, 40, 400])
    parser.add_argument("--smaps", action="store_true", help="also the files that were resident")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-bench-"))
    listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FeedMaker)
    listener.daemon_threads, listener.maker = True, str(folder / "make_feed")
    threading.Thread(target=listener.serve_forever, daemon=True).start()
    try:
        subprocess.run(["cc", "-O2", "-std=c17", "-D_GNU_SOURCE", ROOT / "bench/make_feed.c", "-o", listener.maker],
                       check=True)
        with Servers() as servers:
            servers.postgresql.create_database("bench")
            settings = {"broker": {"url": servers.rabbitmq.url}, "database": {"url": servers.postgresql.url("bench")},
                        "kairosdb": {"insert_url": servers.kairosdb.insert_url, "query_url": servers.kairosdb.query_url},
                        "feed": {"window_days": 366, "timeout_s": 1440, "overlap_days": 0, "allow_addresses": "127.0.0.0/8",
                                 "max_ratio": 2000}}
            meterbeat = Meterbeat(options.build, folder, settings,
                                  {"METERBEAT_BROKER_PASSWORD": "guest",
                                   "METERBEAT_DATABASE_PASSWORD": servers.postgresql.password})
            try:
                meterbeat.ctl("init-db")
                for megabytes in options.megabytes:
                    measure(meterbeat, servers, "bench", f"http://127.0.0.1:{listener.server_port}", megabytes,
                            options.smaps)
            finally:
                for program in meterbeat.programs:
                    if program.running():
                        program.kill()
    finally:
        listener.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
