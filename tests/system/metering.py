"""The meter side under test: feeds served, records added, tasks sent, and sums held against the feeds'."""
import contextlib
import json
import time

import feeds
import greenbutton
from servers import wait_until

NOW = time.time()
BEGIN, END = greenbutton.thirteen_months(NOW)
DAY = greenbutton.DAY


def days(count, end=END):
    """[begin, end) of the last `count` local days up to yesterday."""
    import datetime
    day = datetime.datetime.fromtimestamp(end, greenbutton.ZoneInfo("America/New_York")).date()
    first = day - datetime.timedelta(days=count)
    return greenbutton.local_midnight(first.year, first.month, first.day), end


def house(sub_id, begin, end=END, **changes):
    """A feed of one meter, every 15 minutes, with costs."""
    series = greenbutton.Series(f"E-{sub_id}", "house", "household", price=16)
    return greenbutton.Feed(sub_id, "A house", [series], begin, end, **changes)


class Metering:
    """One database with its records, one feed server, one worker after the other."""

    def __init__(self, meterbeat, rows, server):
        self.meterbeat, self.rows, self.server = meterbeat, rows, server
        meterbeat.configure(feed={"path": "/espi/1_1/resource/Batch/Subscription/", "history_days": 420,
                                  "overlap_days": 0, "low_speed_s": 2, "timeout_s": 20},
                            kairosdb={"verify_timeout_s": 2, "settle_s": 0},
                            worker={"retry_delays_s": (1, 2, 3, 4, 5)})
        meterbeat.ctl("init-db")
        self.worker = None

    def add(self, feed, building=42, **fields):
        """A record in the table, as SEED would have written it; its id."""
        return self.add_all([(feed, fields)], building)[0]

    def add_all(self, wanted, building=42):
        """The same for pairs of a feed and its record's fields, in one statement; their ids."""
        self.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (%s, true)"
                  " ON CONFLICT DO NOTHING", (building,))
        records = []
        for feed, fields in wanted:
            self.server.add(feed)
            records.append({"url": self.server.url, "sub_id": feed.sub_id, "building_id": str(building),
                            "active": "Y", "time_type": "date", "date_pattern": "%m/%d/%Y", "last_date": "",
                            "min_date_parameter": "min", "max_date_parameter": "max", "last_ts": 0, **fields})
        names = list(dict.fromkeys(name for record in records for name in record))
        assert all(list(record) == names for record in records), "the same fields of each"
        marks = "(" + ", ".join(["%s"] * len(names)) + ")"
        return [row[0] for row in self.rows(
            f"INSERT INTO seed_ts_parser_record ({', '.join(names)}) VALUES {', '.join([marks] * len(records))}"
            " RETURNING id", tuple(value for record in records for value in record.values()))]

    def change(self, record, **fields):
        for name, item in fields.items():
            self.rows(f"UPDATE seed_ts_parser_record SET {name} = %s WHERE id = %s", (item, record))

    def start(self, **environment):
        self.worker = self.meterbeat.worker(environment=environment)
        return self.worker

    def send(self, task, *arguments, **keywords):
        return self.meterbeat.ctl("send", task, json.dumps(arguments), "--kwargs",
                                  json.dumps(keywords)).strip()

    def run(self, task_id, limit=60):
        """The run's row once it has ended: state, error code and text, progress."""
        def ended():
            found = self.rows("SELECT state, error_code, error, progress FROM meterbeat.run"
                              " WHERE task_id = %s AND state IN ('done', 'dead')", (task_id,))
            return found[0] if found else None
        return wait_until(ended, limit, f"end of task {task_id}")

    def retrying(self, task_id, limit=60):
        """The error of the first attempt, once it has failed for now."""
        def failed():
            found = self.rows("SELECT error_code, error FROM meterbeat.run WHERE task_id = %s"
                              " AND error_code IS NOT NULL", (task_id,))
            return found[0] if found else None
        return wait_until(failed, limit, f"a failed attempt of {task_id}")

    def open(self):
        """Runs that have not ended and messages that are promised."""
        return self.rows("SELECT (SELECT count(*) FROM meterbeat.run WHERE state IN"
                         " ('waiting', 'running', 'retrying')) + (SELECT count(*) FROM meterbeat.outbox)")[0][0]

    def idle(self, limit=120):
        """Waits until no run is open and no message is promised."""
        wait_until(lambda: self.open() == 0, limit, "all runs ended")

    def do(self, task, *arguments, **keywords):
        """Sends a task and waits for it and all that follows; its run, which must be done."""
        task_id = self.send(task, *arguments, **keywords)
        run = self.run(task_id)
        assert run[0] == "done", run
        self.idle()
        return run

    def last_date(self, record):
        return self.rows("SELECT last_date FROM seed_ts_parser_record WHERE id = %s", (record,))[0][0]

    def sums(self):
        """{(custom_meter_id, flow word, begin): (end, reading, cost)} of seed_timeseries."""
        found = {}
        for meter, name, begin, end, reading, cost in self.rows(
                "SELECT m.custom_meter_id, m.name, begin_time, end_time, reading, cost"
                " FROM seed_timeseries t JOIN seed_meter m ON m.id = t.meter_id"):
            key = meter, name.split()[2], int(begin.timestamp())
            assert key not in found, f"two rows for {key}"
            found[key] = int(end.timestamp()), reading, cost
        return found

    def assert_months_are_those_of(self, feed, series):
        """Each month that is over has its sum; bills have theirs. Returns how many were compared."""
        sums, compared = self.sums(), 0
        flow = "reverse" if series.flow == greenbutton.REVERSE else "forward"
        if not series.interval:
            for bill in feed.readings(series):
                end, reading, _ = sums[series.usage_point, flow, bill.start]
                assert (end, reading) == (bill.start + bill.duration,
                                          float(f"{bill.value}e{series.multiplier}"))
                compared += 1
            return compared
        for (year, month), expected in feed.months(series).items():
            begin = greenbutton.local_midnight(year, month, 1)
            after = greenbutton.local_midnight(year + month // 12, month % 12 + 1, 1)
            if after > NOW:
                continue
            end, reading, cost = sums[series.usage_point, flow, begin]
            value = float(f"{expected.value}e{series.multiplier}")
            assert end == after
            assert abs(reading - value) <= 1e-9 * max(1, abs(value)), (year, month, reading, value)
            assert (cost is None) == (series.price == 0)
            assert cost is None or abs(float(cost) - expected.cost / 1e5) < 1e-4
            compared += 1
        return compared


@contextlib.contextmanager
def metering(meterbeat, rows):
    with feeds.FeedServer([]) as server:
        yield Metering(meterbeat, rows, server)
