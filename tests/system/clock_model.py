"""When an entry is due, worked out day by day from Python's zoneinfo and Celery's sets, by no code of meterbeat's."""
import datetime as dt
import zoneinfo

from celery.schedules import crontab_parser

DAY = 86400
EPOCH = dt.date(1970, 1, 1)


class Zone:
    def __init__(self, name):
        self.zone = zoneinfo.ZoneInfo(name)
        self.midnights = {}

    def utc(self, wall, fold):
        return int(wall.replace(tzinfo=self.zone, fold=fold).timestamp())

    def wall(self, utc_s):
        return dt.datetime.fromtimestamp(utc_s, self.zone).replace(tzinfo=None, fold=0)

    def instants(self, wall):
        """The instants at which the zone's clocks show `wall`: none, one or two."""
        return sorted({s for s in (self.utc(wall, 0), self.utc(wall, 1)) if self.wall(s) == wall})

    def after_gap(self, wall):
        """The first instant at which the clocks, which never show `wall`, are past it."""
        low, high = (self.utc(wall, 0) - 2 * DAY), (self.utc(wall, 0) + 2 * DAY)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.wall(middle) < wall else (low, middle)
        return high

    def plain_midnight(self, date):
        """The instant at which a day without a clock change begins; None for the other days."""
        if date not in self.midnights:
            at = [self.instants(dt.datetime.combine(day, dt.time())) for day in (date, date + dt.timedelta(1))]
            plain = all(len(instants) == 1 for instants in at) and at[1][0] - at[0][0] == DAY
            self.midnights[date] = at[0][0] if plain else None
        return self.midnights[date]

    def due(self, date, seconds, through):
        """The instants of the wall clocks `seconds` after midnight of `date`."""
        midnight = self.plain_midnight(date)
        if midnight is not None:
            return [midnight + s for s in seconds]
        due = set()
        for s in seconds:
            wall = dt.datetime.combine(date, dt.time()) + dt.timedelta(seconds=s)
            instants = self.instants(wall)
            due.update(instants[:2 if through else 1] or [self.after_gap(wall)])
        return sorted(due)


def dates(first_s, last_s):
    """Every date that any zone has between two instants."""
    day = EPOCH + dt.timedelta(first_s // DAY - 2)
    while day <= EPOCH + dt.timedelta(last_s // DAY + 2):
        yield day
        day += dt.timedelta(1)


def crontab_due(text, zone, first_s, last_s):
    minute, hour, dom, month, dow = text.split()
    minutes, hours = crontab_parser(60).parse(minute), crontab_parser(24).parse(hour)
    days, months, weekdays = crontab_parser(31, 1).parse(dom), crontab_parser(12, 1).parse(month), crontab_parser(7).parse(dow)
    through = any(part.startswith("*") for part in (minute + "," + hour).split(","))
    seconds = sorted(h * 3600 + m * 60 for h in hours for m in minutes)
    due = set()
    for date in dates(first_s, last_s):
        if date.month in months and date.day in days and date.isoweekday() % 7 in weekdays:
            due.update(zone.due(date, seconds, through))
    return sorted(s for s in due if first_s < s <= last_s)


def next_month(date):
    return date.replace(year=date.year + date.month // 12, month=date.month % 12 + 1, day=1)


def interval_due(every, anchor, zone, first_s, last_s):
    count, unit = int(every.rstrip("smhdwoy")), every.lstrip("0123456789")
    if unit in ("s", "m", "h"):
        step = count * {"s": 1, "m": 60, "h": 3600}[unit]
        start = zone.instants(dt.datetime.fromisoformat(anchor))[0] % step if anchor else 0
        return [s for s in range(first_s - first_s % step + start - step, last_s + 1, step) if s > first_s]
    at = dt.datetime.fromisoformat(anchor) if anchor else dt.datetime(1970, 1, 5 if unit == "w" else 1)
    second = (at - dt.datetime.combine(at.date(), dt.time())).seconds
    due = set()
    for date in dates(first_s, last_s):
        if unit in ("d", "w"):
            fires = (date - at.date()).days % (count * (7 if unit == "w" else 1)) == 0
        else:
            months = (date.year - at.year) * 12 + date.month - at.month
            last = (next_month(date) - dt.timedelta(1)).day
            fires = months % (count * (12 if unit == "y" else 1)) == 0 and date.day == min(at.day, last)
        if fires:
            due.update(zone.due(date, [second], False))
    return sorted(s for s in due if first_s < s <= last_s)


def due(entry, first_s, last_s, zones={}):  # noqa: B006: zones are loaded once
    """The due times of a schedule entry after first_s and up to last_s."""
    zone = zones.setdefault(entry["timezone"], Zone(entry["timezone"]))
    if "crontab" in entry:
        return crontab_due(entry["crontab"], zone, first_s, last_s)
    return interval_due(entry["every"], entry.get("anchor"), zone, first_s, last_s)
