"""The main job from end to end while its servers and workers fail: the sums stay those of the feeds."""
import random
import signal
import time
from datetime import datetime

import pytest

from feeds import FeedServer
from greenbutton import demo_feeds, thirteen_months
from progress import measure_progress, stored_sums
from servers import wait_until
from table import compare, right

PATH = "/espi/1_1/resource/Batch/Subscription/"


class Job:
    """The demo's feeds as records, one producer, two workers; judged by what the databases hold."""

    def __init__(self, meterbeat, servers, place, feed_server):
        self.meterbeat, self.servers, self.place = meterbeat, servers, place
        self.feeds = list(feed_server.feeds.values())
        meterbeat.configure(
            broker={"heartbeat_s": 5, "reconnect_max_s": 2},
            feed={"path": PATH},
            worker={"retry_delays_s": (1, 2, 3, 4, 5, 6, 8, 10, 15, 20), "lease_s": 10,
                    "aliases": [{"name": "doParser", "task": "parse"},
                                {"name": "aggregatemonthlysum", "task": "aggregate"}]},
            producer={"relay_after_s": 5},
            schedule=[{"name": "daily", "task": "doParser", "every": "2s"},
                      {"name": "monthly", "task": "aggregatemonthlysum", "every": "5s"}])
        meterbeat.ctl("init-db")
        for building, feed in enumerate(self.feeds, start=1):
            first = datetime.fromtimestamp(feed.begin, feed.zone).strftime(feed.date_pattern)
            meterbeat.ctl("record", "add", "--url", feed_server.url, "--sub-id", feed.sub_id,
                          "--building", building, "--date-pattern", feed.date_pattern,
                          "--min-parameter", feed.min_parameter,
                          "--max-parameter", feed.max_parameter, "--last-date", first)
        self.producer = meterbeat.producer()
        self.workers = [meterbeat.worker(), meterbeat.worker()]

    def sql(self, text):
        return self.servers.postgresql.sql(text, self.place.database)

    def progress(self):
        return measure_progress(self.sql, self.servers.kairosdb, self.place.measurement, self.feeds)

    def wait_for_readings(self, count):
        wait_until(lambda: self.progress().readings >= count, 120, f"{count} readings in KairosDB")

    def finish(self, limit=240):
        """Waits for the end of the job and holds every sum against the feeds."""
        try:
            wait_until(lambda: self.progress().finished, limit, "the job finished")
        except TimeoutError:
            pytest.fail(f"not finished: {self.progress()}\n" +
                        "\n".join(program.tail() for program in [self.producer, *self.workers]))
        lines = compare(self.feeds, stored_sums(self.sql))
        assert lines
        assert [line for line in lines if not right(line)] == []
        assert self.progress().dead == 0


@pytest.fixture
def job(meterbeat, servers, place):
    begin, end = thirteen_months(time.time())
    with FeedServer(demo_feeds(max(begin, end - 125 * 86400), end)) as feed_server:
        yield Job(meterbeat, servers, place, feed_server)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("how", ["stop", "kill"])
def test_servers_that_restart_in_the_middle_change_no_sum(job, servers, how):
    for readings, server in ((8_000, servers.rabbitmq), (18_000, servers.postgresql),
                             (28_000, servers.kairosdb)):
        job.wait_for_readings(readings)
        getattr(server, how)()
        server.start()
    job.finish()


@pytest.mark.timeout(400)
def test_workers_killed_again_and_again_change_no_sum(job):
    chance = random.Random(20261108)
    job.wait_for_readings(5_000)
    for _ in range(12):
        pause = time.monotonic() + chance.uniform(0.2, 2.0)
        wait_until(lambda: time.monotonic() > pause, 5, "a random instant")
        victim = chance.randrange(2)
        job.workers[victim].kill()
        job.workers[victim] = job.meterbeat.worker()
    job.finish()


@pytest.mark.timeout(400)
def test_a_worker_that_sleeps_through_its_lease_and_wakes_changes_no_sum(job):
    job.wait_for_readings(5_000)
    sleeper = job.workers[0]
    sleeper.signal(signal.SIGSTOP)
    asleep_since = job.progress().readings
    wait_until(lambda: job.progress().readings > asleep_since + 10_000, 120, "the other worker works")
    sleeper.signal(signal.SIGCONT)
    job.finish()
    assert sleeper.running()


@pytest.mark.timeout(400)
def test_the_producer_killed_and_a_second_one_started_fire_each_tick_once(job):
    job.wait_for_readings(5_000)
    second = job.meterbeat.producer()
    job.producer.kill()
    job.finish()
    (ticks, distinct), = job.sql("SELECT count(*), count(DISTINCT task_id) FROM meterbeat.tick")
    assert ticks == distinct
    assert second.running()
