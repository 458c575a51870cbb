"""Makes Green Button feeds of invented meters, reproducible from a seed, and the sums that must come of them."""
# The sums use nothing but Python's integers and its own time zone data: they judge meterbeat, so they
# share no code with it.
import collections
import dataclasses
import datetime
import math
import uuid
import zlib
from zoneinfo import ZoneInfo

UTC = datetime.timezone.utc
DAY = 86400
WH, THERM = 72, 169  # units of measure
FORWARD, REVERSE = 1, 19  # flow directions: to the customer, from the customer

Reading = collections.namedtuple("Reading", "start duration value cost")
Sum = collections.namedtuple("Sum", "count value cost")


@dataclasses.dataclass(frozen=True)
class Series:
    """The readings of one usage point with one reading type."""

    usage_point: str
    name: str
    shape: str  # "household", "office", "solar" or "heating": what a value depends on
    service_kind: int = 0  # 0 electricity, 1 gas
    commodity: int = 1
    uom: int = WH
    multiplier: int = 0  # a value v means v * 10^multiplier units
    flow: int = FORWARD
    interval: int = 900  # 0: bills of 28 to 34 days
    price: int = 0  # of a unit (Wh, therm) in 1e-5 dollars, as ESPI writes costs; 0: none
    size: float = 1.0

    @property
    def key(self):
        return (self.usage_point, self.flow)


def noise(seed, series, start):
    """A number in [0, 1) that depends on nothing but its arguments."""
    text = f"{seed}/{series.usage_point}/{series.flow}/{start}".encode()
    return (zlib.crc32(text) * 2654435761 % 2**32) / 2**32


def load(series, seed, start, duration):
    """What flows in [start, start + duration), in units of the series (a float, only ever rounded once)."""
    hour = (start / 3600 - 5) % 24  # about local: the shape of a day needs no time zone
    year = (start % (365.25 * DAY)) / (365.25 * DAY)
    chance = noise(seed, series, start)
    hours = duration / 3600
    if series.shape == "solar":
        height = math.sin((hour - 6) / 12 * math.pi) * (0.7 - 0.3 * math.cos(2 * math.pi * year))
        return max(0.0, height) * (0.4 + 0.6 * chance) * 4000 * series.size * hours
    if series.shape == "office":
        busy = 9 <= hour < 18 and (start // DAY) % 7 not in (2, 3)  # 1970-01-01 was a Thursday
        return (6000 if busy else 900) * (0.8 + 0.4 * chance) * series.size * hours
    if series.shape == "heating":  # therms in a bill
        cold = 0.55 + 0.45 * math.cos(2 * math.pi * year)
        return (5 + 110 * cold + 10 * chance) * series.size
    evening = math.exp(-((hour - 19) / 3) ** 2)
    cooling = max(0.0, math.cos(2 * math.pi * (year - 0.55)))
    return (300 + 900 * evening + 600 * cooling + 500 * chance) * series.size * hours


class Feed:
    """One subscription: some series over [begin, end), epoch seconds at local midnights."""

    def __init__(self, sub_id, title, series, begin, end, zone="America/New_York", seed=1,
                 date_pattern="%m/%d/%Y", min_parameter="min", max_parameter="max"):
        self.sub_id, self.title, self.series = sub_id, title, list(series)
        self.begin, self.end = begin, end
        self.zone, self.seed = ZoneInfo(zone), seed
        self.date_pattern = date_pattern
        self.min_parameter, self.max_parameter = min_parameter, max_parameter
        self.corrections = {}  # (series key, start) -> value: what a utility mends later
        self._bills = {}

    def _spans(self, series, begin, end):
        """(start, duration) of the readings that overlap [begin, end) and are over by self.end."""
        if series.interval:
            first = begin + (self.begin - begin) % series.interval
            return [(start, series.interval)
                    for start in range(max(first, self.begin), min(end, self.end), series.interval)]
        if series not in self._bills:
            self._bills[series] = self._make_bills(series)
        return [(start, duration) for start, duration in self._bills[series]
                if start < end and start + duration > begin]

    def _make_bills(self, series):
        day = datetime.datetime.fromtimestamp(self.begin, self.zone).date()
        bills = []
        while True:
            days = 28 + int(7 * noise(self.seed, series, -len(bills) - 1))
            start, day = self.midnight(day), day + datetime.timedelta(days=days)
            if self.midnight(day) > self.end:
                return bills
            bills.append((start, self.midnight(day) - start))

    def midnight(self, day):
        return int(datetime.datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())

    def readings(self, series, begin=None, end=None):
        """The readings of one series that overlap [begin, end); by default all of them."""
        begin = self.begin if begin is None else begin
        end = self.end if end is None else end
        for start, duration in self._spans(series, begin, end):
            units = load(series, self.seed, start, duration)
            value = round(units * 10 ** -series.multiplier)
            value = self.corrections.get((series.key, start), value)
            cost = None
            if series.price:
                exponent = series.multiplier
                cost = value * series.price * 10 ** max(exponent, 0) // 10 ** max(-exponent, 0)
            yield Reading(start, duration, value, cost)

    def months(self, series, zone=None):
        """{(year, month): Sum} of a series, by the local month in which each reading starts."""
        zone = ZoneInfo(zone) if zone else self.zone
        sums = {}
        for reading in self.readings(series):
            local = datetime.datetime.fromtimestamp(reading.start, zone)
            old = sums.get((local.year, local.month), Sum(0, 0, 0))
            sums[local.year, local.month] = Sum(old.count + 1, old.value + reading.value,
                                                old.cost + (reading.cost or 0))
        return sums

    def correct(self, series, start, value):
        """From now on the reading of `series` at `start` is `value`, in the feed and in the sums."""
        self.corrections[series.key, start] = value

    def document(self, begin=None, end=None, base="/espi/1_1/resource"):
        """The Atom feed of the readings overlapping [begin, end), as bytes."""
        return "".join(self._parts(begin, end, base)).encode()

    def _parts(self, begin, end, base):
        place = f"{base}/RetailCustomer/1/UsagePoint"
        updated = stamp(self.end)
        yield ('<?xml version="1.0" encoding="UTF-8"?>\n'
               '<feed xmlns="http://www.w3.org/2005/Atom">\n'
               f"<id>{self._urn('feed')}</id>\n<title>{self.title}</title>\n"
               f"<updated>{updated}</updated>\n"
               f'<link rel="self" href="{base}/Batch/Subscription/{self.sub_id}"/>\n')
        yield self._entry(updated, "LocalTimeParameters", f"{base}/LocalTimeParameters/1", "", [], TIME_ZONE)
        points = {}
        for series in self.series:
            points.setdefault(series.usage_point, []).append(series)
        for point, members in points.items():
            own = f"{place}/{point}"
            yield self._entry(updated, "UsagePoint", own, place,
                              [f"{own}/MeterReading", f"{base}/LocalTimeParameters/1"],
                              f"<ServiceCategory><kind>{members[0].service_kind}</kind></ServiceCategory>")
            for series in members:
                yield from self._series(series, f"{own}/MeterReading", base, updated, begin, end)
        yield "</feed>\n"

    def _series(self, series, collection, base, updated, begin, end):
        own = f"{collection}/{series.flow}"
        kind = f"{base}/ReadingType/{series.usage_point}-{series.flow}"
        yield self._entry(updated, "MeterReading", own, collection, [f"{own}/IntervalBlock", kind], "")
        yield self._entry(updated, "ReadingType", kind, f"{base}/ReadingType", [], reading_type(series))
        for number, block in enumerate(self._blocks(series, begin, end)):
            yield self._entry(updated, "IntervalBlock", f"{own}/IntervalBlock/{block[0].start}-{number}",
                              f"{own}/IntervalBlock", [], interval_block(block))

    def _blocks(self, series, begin, end):
        """Readings by local day, as utilities send them."""
        block, day = [], None
        for reading in self.readings(series, begin, end):
            this_day = datetime.datetime.fromtimestamp(reading.start, self.zone).date()
            if this_day != day and block:
                yield block
                block = []
            day = this_day
            block.append(reading)
        if block:
            yield block

    def _urn(self, what):
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{self.sub_id}/{what}')}"

    def _entry(self, updated, resource, own, up, related, content):
        links = f'<link rel="self" href="{own}"/>'
        if up:
            links += f'<link rel="up" href="{up}"/>'
        links += "".join(f'<link rel="related" href="{href}"/>' for href in related)
        return (f"<entry><id>{self._urn(own)}</id>{links}<title>{resource}</title>\n"
                f'<content><{resource} xmlns="http://naesb.org/espi">{content}</{resource}></content>\n'
                f"<published>{updated}</published><updated>{updated}</updated></entry>\n")


TIME_ZONE = ("<dstEndRule>B40E2000</dstEndRule><dstOffset>3600</dstOffset>"
             "<dstStartRule>360E2000</dstStartRule><tzOffset>-18000</tzOffset>")


def stamp(seconds):
    return datetime.datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def reading_type(series):
    length = f"<intervalLength>{series.interval}</intervalLength>" if series.interval else ""
    return ("<accumulationBehaviour>4</accumulationBehaviour>"
            f"<commodity>{series.commodity}</commodity><currency>840</currency>"
            f"<dataQualifier>12</dataQualifier><flowDirection>{series.flow}</flowDirection>{length}"
            f"<kind>12</kind><powerOfTenMultiplier>{series.multiplier}</powerOfTenMultiplier>"
            f"<timeAttribute>0</timeAttribute><uom>{series.uom}</uom>")


def interval_block(readings):
    duration = readings[-1].start + readings[-1].duration - readings[0].start
    parts = [f"<interval><duration>{duration}</duration><start>{readings[0].start}</start></interval>\n"]
    for reading in readings:
        cost = "" if reading.cost is None else f"<cost>{reading.cost}</cost>"
        parts.append(f"<IntervalReading>{cost}<timePeriod><duration>{reading.duration}</duration>"
                     f"<start>{reading.start}</start></timePeriod>"
                     f"<value>{reading.value}</value></IntervalReading>\n")
    return "".join(parts)


def local_midnight(year, month, day, zone="America/New_York"):
    return int(datetime.datetime(year, month, day, tzinfo=ZoneInfo(zone)).timestamp())


def thirteen_months(now, zone="America/New_York"):
    """[begin, end): from the first of the month thirteen months back to the last local midnight."""
    today = datetime.datetime.fromtimestamp(now, ZoneInfo(zone)).date()
    month = today.year * 12 + today.month - 1 - 13
    return (local_midnight(month // 12, month % 12 + 1, 1, zone),
            local_midnight(today.year, today.month, today.day, zone))


def demo_feeds(begin, end, seed=1, zone="America/New_York"):
    """The four feeds of the demo: a house, its gas, a roof with panels, an office with two meters."""
    return [
        Feed("electricity", "Electricity, every 15 minutes", [
            Series("E1", "house", "household", price=16),
        ], begin, end, zone, seed),
        Feed("gas", "Gas, bills of 28 to 34 days", [
            Series("G1", "heating", "heating", service_kind=1, commodity=7, uom=THERM,
                   multiplier=-2, interval=0, price=120_000),
        ], begin, end, zone, seed),
        Feed("solar", "A roof with panels: both directions", [
            Series("S1", "from the grid", "household", multiplier=-3),
            Series("S1", "to the grid", "solar", multiplier=-3, flow=REVERSE),
        ], begin, end, zone, seed),
        Feed("office", "An office: two meters in one feed", [
            Series("O1", "ground floor", "office", price=14),
            Series("O2", "upper floors", "office", multiplier=3, interval=3600, size=4.0),
        ], begin, end, zone, seed),
    ]
