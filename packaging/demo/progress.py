"""How far the main job is, and what it has stored: asked of the databases, not of meterbeat."""
from collections import namedtuple
from decimal import Decimal

from greenbutton import FORWARD, REVERSE
from table import Stored

FLOWS = {"forward": FORWARD, "reverse": REVERSE}
Progress = namedtuple("Progress", "readings behind waiting running failed months dirty dead finished")
Progress.__str__ = lambda p: (
    f"readings in KairosDB {p.readings:,} | records behind {p.behind} | tasks waiting {p.waiting}, "
    f"running {p.running}, to be retried {p.failed} | sums {p.months}, months to sum {p.dirty}"
    + (f" | DEAD LETTERS {p.dead}" if p.dead else ""))


def measure_progress(sql, kairosdb, measurement, feeds, dead_letters=lambda: 0):
    """sql(TEXT) gives rows of strings from meterbeat's database, dead_letters() their number."""
    states = dict(sql("SELECT state, count(*) FROM meterbeat.run GROUP BY state"))
    (months, dirty), = sql("SELECT (SELECT count(*) FROM seed_timeseries),"
                           " (SELECT count(*) FROM meterbeat.dirty_month WHERE month_end <= now())")
    end = max(feed.end for feed in feeds)
    behind = len(feeds) - int(sql(
        f"SELECT count(*) FROM seed_ts_parser_record WHERE last_ts >= {end}")[0][0])
    waiting, running, failed = (int(states.get(state, 0))
                                for state in ("waiting", "running", "retrying"))
    readings = kairosdb.count(measurement)
    bills = sum(len(list(feed.readings(series))) for feed in feeds for series in feed.series
                if not series.interval)
    finished = behind == 0 and failed == 0 and int(dirty) == 0 and int(months) > bills
    return Progress(readings, behind, waiting, running, failed, int(months), int(dirty),
                    max(int(states.get("dead", 0)), dead_letters()), finished)


def stored_sums(sql):
    """Every row of seed_timeseries, with the usage point and the flow that it is of."""
    rows = sql("""
        SELECT m.custom_meter_id, s.tags->>'flow',
               extract(epoch FROM t.begin_time)::bigint, extract(epoch FROM t.end_time)::bigint,
               t.reading, t.cost
        FROM seed_timeseries t JOIN seed_meter m ON m.id = t.meter_id
        JOIN meterbeat.series s ON s.meter_id = m.id
        ORDER BY 1, 2, 3""")
    return [Stored(point, FLOWS[flow], int(begin), int(end), float(reading),
                   Decimal(cost) if cost else None) for point, flow, begin, end, reading, cost in rows]
