"""The demo's table: what seed_timeseries holds beside what the feeds add up to."""
from collections import namedtuple
from decimal import Decimal

from greenbutton import THERM

# a span of one series: what the feeds say and what the database says (None: no row)
Line = namedtuple("Line", "meter span unit readings wanted stored wanted_cost stored_cost required")
Stored = namedtuple("Stored", "point flow begin end reading cost")


def wanted_lines(feed):
    """(series, begin, end, reading, cost, count, required): a line for each month, or each bill."""
    for series in feed.series:
        scale = Decimal(10) ** series.multiplier
        if not series.interval:
            for bill in feed.readings(series):
                yield (series, bill.start, bill.start + bill.duration, bill.value * scale, bill.cost, 1,
                       True)
            continue
        for (year, month), total in feed.months(series).items():
            begin = feed.midnight(first_of(year, month))
            end = feed.midnight(first_of(year + month // 12, month % 12 + 1))
            cost = total.cost if series.price else None
            yield (series, begin, end, total.value * scale, cost, total.count, end <= feed.end)


def first_of(year, month):
    from datetime import date
    return date(year, month, 1)


def compare(feeds, stored):
    """A Line for each month and bill of the feeds, and one for each row that no feed explains."""
    left = {(row.point, row.flow, row.begin): row for row in stored}
    lines = []
    for feed in feeds:
        for series, begin, end, wanted, cost, count, required in wanted_lines(feed):
            row = left.pop((*series.key, begin), None)
            lines.append(Line(
                f"{series.usage_point} {series.name}", show_span(feed, series, begin, end),
                "therm" if series.uom == THERM else "Wh", count, wanted,
                row and Decimal(repr(row.reading)), cost and Decimal(cost) / 100_000,
                row and row.cost, required))
    for row in left.values():
        lines.append(Line(f"{row.point}?", f"{row.begin}..{row.end}", "", 0, None,
                          Decimal(repr(row.reading)), None, row.cost, True))
    return lines


def show_span(feed, series, begin, end):
    from datetime import datetime
    first, last = (datetime.fromtimestamp(at, feed.zone) for at in (begin, end))
    return f"{first:%Y-%m}" if series.interval else f"{first:%m-%d}..{last:%m-%d}"


def close(stored, wanted):
    """Equal but for the last bits of a double: thousands of them were added up on the way."""
    return abs(stored - wanted) <= abs(wanted) * Decimal("1e-9") + Decimal("1e-6")


def right(line):
    if line.stored is None:
        return not line.required  # a month that is not over may still wait for its end
    if line.wanted is None or not close(line.stored, line.wanted):
        return False
    if line.wanted_cost is None:
        return True
    # the seed's column keeps four decimals
    return line.stored_cost is not None and abs(line.stored_cost - line.wanted_cost) < Decimal("0.0001")


def agree(lines):
    return bool(lines) and all(right(line) for line in lines)


def print_table(lines):
    """One line a month and meter; sums in the unit of the feed."""
    print(f"\n{'meter':22} {'month or bill':13} {'readings':>8} {'sum stored':>16} "
          f"{'sum of the feed':>16} {'unit':5} {'cost':>10}")
    meter = None
    for line in lines:
        if meter not in (None, line.meter):
            print()
        meter = line.meter
        mark = "" if right(line) else "   <-- differs"
        if line.stored is None and not line.required:
            mark = " (month not over)"
        print(f"{line.meter:22} {line.span:13} {line.readings:8} {number(line.stored):>16} "
              f"{number(line.wanted):>16} {line.unit:5} {money(line.stored_cost):>10}{mark}")
    due = [line for line in lines if line.required or line.stored is not None]
    print(f"\n{sum(right(line) for line in due)} of {len(due)} sums agree with the feeds\n", flush=True)


def number(value):
    return "-" if value is None else f"{value:,.3f}"


def money(value):
    return "" if value is None else f"{value:,.2f}"
