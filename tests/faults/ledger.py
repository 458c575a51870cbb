"""The ledger: after a round, what the databases and the broker hold, held against what the feeds and senders gave."""
import collections
import contextlib
from decimal import Decimal

import pika

from greenbutton import FORWARD, REVERSE
from table import close, wanted_lines

from .installation import DEAD

FLOWS = {"forward": FORWARD, "reverse": REVERSE}
MOST_FILES, MOST_KIB = 48, 64 * 1024  # of a worker or producer that lives; sanitizers' shadow not counted

OPEN = "state IN ('waiting', 'running', 'retrying')"


class Ledger:
    """What was found wrong in one round: texts by their kind, "lost", "doubled", "stuck" and "other"."""

    def __init__(self):
        self.found = collections.defaultdict(list)

    def add(self, kind, text, count=1):
        self.found[kind] += [text] * count

    def counts(self):
        return {kind: len(self.found[kind]) for kind in ("lost", "doubled", "stuck", "other")}

    def clean(self):
        return not any(self.found.values())

    def texts(self, most=5):
        return [f"{kind}: {text}" for kind, texts in self.found.items() for text in texts[:most]]


# --- is there anything left to do ---------------------------------------------------------------------

def unfinished(installation, loses_messages=False, older_than_s=0):
    """What is still to be done, as texts; {} when all is quiet. `older_than_s`: leaves out what has just begun."""
    left = {}
    age = f"now() - interval '{older_than_s} seconds'"
    (runs, outbox, dirty), = installation.sql(
        f"SELECT (SELECT count(*) FROM meterbeat.run WHERE {OPEN} AND created_at <= {age}),"
        f" (SELECT count(*) FROM meterbeat.outbox WHERE created_at <= {age}),"
        " (SELECT count(*) FROM meterbeat.dirty_month WHERE month_end <= now())")
    behind = installation.behind()
    for name, count in (("runs open", runs), ("outbox rows", outbox), ("months to sum", dirty),
                        ("records behind", behind)):
        if count:
            left[name] = count
    known = {task for task, in installation.sql("SELECT task_id FROM meterbeat.run")}
    missing = sum(task not in known for task in installation.sent)
    if missing and not loses_messages:
        left["sent tasks without a run"] = missing
    return left


def queued(installation):
    """{queue: messages that nobody holds} of those that are not empty."""
    found = {}
    with installation.channel() as first:
        for name in installation.queue_names():
            channel = first.connection.channel()
            try:
                count = channel.queue_declare(name, passive=True).method.message_count
                channel.close()
            except pika.exceptions.ChannelClosedByBroker:
                continue  # there is no such queue
            if count:
                found[name] = count
    return found


# --- what is there ------------------------------------------------------------------------------------

def check(installation, ledger, faults):
    """Everything that must hold once all is quiet. `faults`: what the family allows (see families.Family)."""
    check_readings(installation, ledger)
    check_sums(installation, ledger)
    check_runs(installation, ledger, faults)
    check_ticks(installation, ledger, faults)
    check_answers(installation, ledger, faults)


def stored_points(installation, metric):
    """{(meter, flow): {second: value}} of a metric, every point of it."""
    answer = installation.servers.kairosdb.query(
        metric, group_by=[{"name": "tag", "tags": ["custom_meter_id", "flow", "reading_kind"]}])
    found = {}
    for result in answer["results"]:
        if not result["values"]:
            continue
        group = result["group_by"][0]["group"]
        key = group["custom_meter_id"], FLOWS.get(group["flow"], group["flow"])
        found.setdefault(key, []).append({int(at) // 1000: value for at, value in result["values"]})
    return found


def check_readings(installation, ledger):
    """Each reading of each feed is in KairosDB once, with its value and cost, and nothing else is."""
    stored = stored_points(installation, installation.name)
    costs = stored_points(installation, installation.name + ".cost")
    for feed in installation.feeds.values():
        for series in feed.series:
            if not series.interval:
                continue
            scale = Decimal(10) ** series.multiplier
            wanted = {r.start: (float(r.value * scale), r.cost) for r in feed.readings(series)}
            compare_series(ledger, series.key, stored.pop(series.key, []),
                           {at: value for at, (value, _) in wanted.items()}, "readings")
            if series.price:
                compare_series(ledger, series.key, costs.pop(series.key, []),
                               {at: float(Decimal(cost) / 100_000) for at, (_, cost) in wanted.items()}, "costs")
    for key in [*stored, *costs]:
        ledger.add("doubled", f"KairosDB has a series that no feed has: {key}")


def compare_series(ledger, key, groups, wanted, what):
    points = {}
    for group in groups:
        twice = points.keys() & group.keys()
        if twice:
            ledger.add("doubled", f"{len(twice)} {what} of {key} under two sets of tags")
        points.update(group)
    missing = sorted(wanted.keys() - points.keys())
    wrong = [at for at in wanted.keys() & points.keys() if abs(points[at] - wanted[at]) > 1e-9 * abs(wanted[at])]
    if missing:
        ledger.add("lost", f"{len(missing)} of {len(wanted)} {what} of {key} are not in KairosDB, the first at {missing[0]}")
    if wrong:
        ledger.add("lost", f"{len(wrong)} {what} of {key} have another value, such as at {wrong[0]}")
    if points.keys() - wanted.keys():
        ledger.add("doubled", f"{len(points.keys() - wanted.keys())} {what} of {key} that the feed has not")


def check_sums(installation, ledger):
    """Each month that is over and each bill has one row of seed_timeseries, with its sum and its cost."""
    rows = collections.defaultdict(list)
    for point, flow, begin, end, reading, cost in installation.sql(
            "SELECT m.custom_meter_id, s.tags->>'flow', extract(epoch FROM t.begin_time)::bigint,"
            " extract(epoch FROM t.end_time)::bigint, t.reading, t.cost FROM seed_timeseries t"
            " JOIN seed_meter m ON m.id = t.meter_id JOIN meterbeat.series s ON s.meter_id = m.id"):
        rows[point, FLOWS.get(flow, flow), begin].append((end, reading, cost))
    (orphans,), = installation.sql("SELECT count(*) FROM seed_timeseries WHERE meter_id NOT IN"
                                   " (SELECT meter_id FROM meterbeat.series)")
    if orphans:
        ledger.add("doubled", f"{orphans} sums of meters that are no series")
    for feed in installation.feeds.values():
        for series, begin, end, value, cost, _, required in wanted_lines(feed):
            found = rows.pop((*series.key, begin), [])
            what = f"the sum of {series.key} from {begin}"
            if len(found) > 1:
                ledger.add("doubled", f"{what} has {len(found)} rows")
            if not found:
                if required:
                    ledger.add("lost", f"{what} is not there")
                continue
            end_found, reading, cost_found = found[0]
            if required and (end_found != end or not close(Decimal(repr(reading)), value)):
                ledger.add("lost", f"{what} is {reading} to {end_found}, not {value} to {end}")
            if required and cost is not None and (
                    cost_found is None or abs(cost_found - Decimal(cost) / 100_000) >= Decimal("0.0001")):
                ledger.add("lost", f"{what} costs {cost_found}, not {Decimal(cost) / 100_000}")
    for key, found in rows.items():
        ledger.add("doubled", f"a sum that no feed has: {key} {found}")


def check_runs(installation, ledger, faults):
    """Each task that a client was promised has run; no run is dead; nothing waits in any queue."""
    states = dict(installation.sql("SELECT task_id, state FROM meterbeat.run"))
    for task_id, task in installation.sent.items():
        if task_id not in states and not faults.loses_messages:
            ledger.add("lost", f"{task} {task_id} was confirmed by the broker and has no run")
    for task_id, task, code, text in installation.sql(
            "SELECT task_id, task, error_code, error FROM meterbeat.run WHERE state = 'dead'"):
        if code not in faults.may_be_dead:
            ledger.add("lost", f"dead: {task} {task_id}: {code}: {text}")
    for name, count in queued(installation).items():
        kind = "lost" if name == DEAD else "stuck"
        if not (name == DEAD and faults.may_be_dead):
            ledger.add(kind, f"{count} messages in {name}")


def check_ticks(installation, ledger, faults):
    """The entry `each` has a tick for each due time between its first and its last, and each tick a run."""
    rows = installation.sql("SELECT extract(epoch FROM due_at)::bigint, task_id FROM meterbeat.tick"
                            " WHERE entry = 'each' ORDER BY 1")
    dues = [due for due, _ in rows]
    if not dues:
        return ledger.add("lost", "no tick of the entry each")
    missing = set(range(dues[0], dues[-1] + 1, 2)) - set(dues)
    if missing and not faults.skips_ticks:
        ledger.add("lost", f"{len(missing)} ticks of the entry each, the first due at {min(missing)}")
    if len(set(dues)) != len(dues) or len({task for _, task in rows}) != len(rows):
        ledger.add("doubled", "two ticks for one due time, or one task id for two ticks")
    runs = dict(installation.sql("SELECT task_id, state FROM meterbeat.run"))
    without = [task for _, task in rows if task not in runs]
    if without and not faults.loses_messages:
        ledger.add("lost", f"{len(without)} ticks have no run, such as {without[0]}")
    return None


def check_answers(installation, ledger, faults):
    """Each task that a client was promised has told it how it ended, and no task two different things."""
    answers = installation.answers()
    for task_id, task in installation.sent.items():
        statuses = answers.get(task_id, set())
        if not statuses and not faults.loses_results and not faults.loses_messages:
            ledger.add("lost", f"{task} {task_id} sent no result")
        if len(statuses) > 1 or statuses - {"SUCCESS"}:
            ledger.add("doubled" if len(statuses) > 1 else "lost", f"{task} {task_id} told {statuses}")


def check_processes(installation, ledger):
    """Open files and memory stay bounded, and nobody ended that was not killed."""
    for slot, (files, kib, _) in installation.descriptors().items():
        if files > MOST_FILES:
            ledger.add("other", f"{slot} has {files} files open")
        if kib > MOST_KIB and "asan" not in str(installation.meterbeat.build):
            ledger.add("other", f"{slot} has {kib} KiB resident")
    for text in installation.died:
        ledger.add("other", text)
    for text in installation.sanitizer_reports():
        ledger.add("other", text)


def evidence(installation):
    """What a person wants to see of a round that failed."""
    parts = []
    for title, text in (
            ("runs that are not done", "SELECT * FROM meterbeat.run WHERE state <> 'done' ORDER BY created_at LIMIT 50"),
            ("outbox", "SELECT id, task_id, owner, queue, created_at, expires_at FROM meterbeat.outbox LIMIT 50"),
            ("dirty months", "SELECT * FROM meterbeat.dirty_month WHERE month_end <= now() LIMIT 50"),
            ("records behind", "SELECT id, last_date, last_ts FROM seed_ts_parser_record LIMIT 100"),
            ("workers", "SELECT * FROM meterbeat.worker"),
            ("sessions", "SELECT pid, state, wait_event_type, wait_event, now() - state_change, left(query, 100)"
                         " FROM pg_stat_activity WHERE datname = current_database()"),
            ("now", "SELECT now()")):
        with contextlib.suppress(Exception):
            parts.append(f"== {title}\n" + "\n".join(map(repr, installation.sql(text))))
    with contextlib.suppress(Exception):
        parts.append(f"== queues\n{queued(installation)}")
    return "\n".join(parts)
