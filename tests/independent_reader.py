"""A Green Button reader that shares nothing with meterbeat: the sums of months that a feed should come to.

Readings by series, links by a few plain rules, exact arithmetic. What it cannot link or has no unit for is left out.
"""
import collections
import datetime
import fractions
import re
import xml.etree.ElementTree
import zoneinfo

ESPI, ATOM = "{http://naesb.org/espi}", "{http://www.w3.org/2005/Atom}"
BILL_S = 25 * 86400

# ESPI's uom -> (SEED's unit, factor): watt-hours and therms; what else is an amount keeps its unit
WH, THERMS = 3, 2
ENERGY = {72: (WH, 1), 31: (WH, fractions.Fraction(1, 3600)),
          169: (THERMS, 1), 132: (THERMS, fractions.Fraction(1, 100000))}
AMOUNTS = {42, 71, 73, 106, 119, 120, 128, 130, 134, 156, 157, 166, 167}

Series = collections.namedtuple("Series", "usage_point unit factor exponent readings")
Bill = collections.namedtuple("Bill", "usage_point unit start duration value cost")


def path(href):
    """An href without scheme, host and outer slashes."""
    if "://" in href:
        href = href.split("://", 1)[1].partition("/")[2]
    return href.strip("/ \n")


def number(element, name):
    found = element.find(ESPI + name)
    text = (found.text or "").strip() if found is not None else ""
    return int(text) if text else None


def seconds(text):
    return int(text.split(".")[0])


def instant(text):
    return datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00")).timestamp() if text else 0


class Resource:
    def __init__(self, element, entry, order):
        self.element, self.order = element, order
        self.self = self.up = None
        self.related = set()
        self.updated = 0
        if entry is None:
            return
        for link in entry.findall(ATOM + "link"):
            href = path(link.get("href", ""))
            if link.get("rel") == "self":
                self.self = self.self or href
            elif link.get("rel") == "up":
                self.up = self.up or href
            elif link.get("rel") == "related":
                self.related.add(href)
        self.updated = instant(next((e.text for e in entry.iter(ATOM + "updated")), ""))


def resources(root):
    """{kind: [Resource]} of a document, whatever its root is."""
    found, order = collections.defaultdict(list), 0
    entries = [root] if root.tag == ATOM + "entry" else root.findall(ATOM + "entry")
    for entry in entries:
        for content in entry.findall(ATOM + "content"):
            for element in content:
                order += 1
                found[element.tag.removeprefix(ESPI)].append(Resource(element, entry, order))
    return found


def linked(child, parents):
    """The parents whose `related` names the child or its collection, else by `up`, else by path."""
    rules = (lambda p: {child.up, child.self} & p.related,
             lambda p: p.self and child.up == p.self,
             lambda p: p.self and f"{child.up or child.self or ''}/".startswith(p.self + "/"))
    for rule in rules:
        fit = [p for p in parents if rule(p)]
        if fit:
            return fit[0]
    return None


def meaning(kind):
    return [number(kind.element, name) for name in ("uom", "powerOfTenMultiplier", "kind", "flowDirection")]


def unit_of(uom):
    return ENERGY.get(uom) or (1000 + (uom or 0), 1)


def kind_of_service(usage_point):
    category = usage_point.element.find(ESPI + "ServiceCategory") if usage_point else None
    return None if category is None else number(category, "kind")


def readings_of(blocks, interval):
    """{start: (duration, value, cost)}; of two the one updated later, then the one that came later."""
    best = {}
    for block in blocks:
        for order, reading in enumerate(block.element.iter(ESPI + "IntervalReading")):
            period, value = reading.find(ESPI + "timePeriod"), number(reading, "value")
            if value is None or period is None:
                continue
            start = seconds(period.find(ESPI + "start").text)
            length = period.find(ESPI + "duration")
            length = int(length.text) if length is not None else 0
            rank = block.updated, block.order, order
            if start not in best or best[start][0] <= rank:
                best[start] = rank, (length or interval or 0, value, number(reading, "cost"))
    return {start: reading for start, (_, reading) in best.items()}


def read(file):
    """(series that are summed, bills) of a feed."""
    found = resources(xml.etree.ElementTree.parse(file).getroot())
    points = list({p.self: p for p in reversed(found["UsagePoint"])}.values())
    types = {t.self: t for t in reversed(found["ReadingType"])}
    for again in found["ReadingType"]:  # one name, two meanings: what it measures is not known
        if types[again.self] and meaning(again) != meaning(types[again.self]):
            types[again.self] = None
    meters = {m.self: m for m in reversed(found["MeterReading"])}
    for again in found["MeterReading"]:
        meters[again.self].related |= again.related
    blocks = collections.defaultdict(list)
    for block in found["IntervalBlock"]:
        meter = linked(block, meters.values())
        if meter:
            blocks[meter.self].append(block)
    series = []
    for name, of in blocks.items():
        meter = meters[name]
        names = [h for h in sorted(meter.related) if h in types] or (list(types) if len(types) == 1 else [])
        kind = types[names[0]] if names else None
        point = linked(meter, points) or (points[0] if len(points) == 1 else None)
        uom = number(kind.element, "uom") if kind else None
        if uom not in ENERGY and uom not in AMOUNTS or kind_of_service(point) is None:
            continue
        unit, factor = unit_of(uom)
        series.append(Series(point.self, unit, factor, number(kind.element, "powerOfTenMultiplier") or 0,
                             readings_of(of, number(kind.element, "intervalLength"))))
    return series, list(bills(found, points))


# Notes of lines that are no charge of this bill, in the languages of docs/reading-feeds.md; a late payment's fee is one.
TOTAL = re.compile("total|amount (due|owing)|please pay|(current|new) charges|montant dû|[àa] payer|a pagar|rechnungsbetrag|"
                   "gesamt|zahlbetrag", re.IGNORECASE)
BALANCE = re.compile("balance|payment|forward|previous|received|solde|paiement|saldo|pago|zahlung|vortrag|arrears|past due|"
                     "overdue|outstanding", re.IGNORECASE)
FEE = re.compile("late |fee|interest|penalty|payment charge", re.IGNORECASE)


def is_charge(line):
    """ESPI's ItemKind 9 is a payment, 10 information; 1 to 8 but 4 and 8 are energy, delivery, taxes and their credits."""
    kind, note = number(line, "itemKind"), line.findtext(ESPI + "note", "")
    if kind in (9, 10) or TOTAL.search(note):
        return False
    return kind in (1, 2, 3, 5, 6, 7) or not BALANCE.search(note) or bool(FEE.search(note))


def sum_of_lines(summary):
    """What a bill that names no amount, or 0, charges line by line; None without lines."""
    charges = [number(line, "amount") for line in summary.findall(ESPI + "costAdditionalDetailLastPeriod") if is_charge(line)]
    return sum(charges) if charges else number(summary, "billLastPeriod")


def bills(found, points):
    for summary in found["UsageSummary"] + found["ElectricPowerUsageSummary"]:
        point = linked(summary, points) or (points[0] if len(points) == 1 else None)
        period, used = (summary.element.find(ESPI + name) for name in
                        ("billingPeriod", "overallConsumptionLastPeriod"))
        cost = number(summary.element, "billLastPeriod") or sum_of_lines(summary.element)
        value = number(used, "value") if used is not None else None
        if point is None or kind_of_service(point) is None or (value is None and cost is None):
            continue
        unit, factor = unit_of(number(used, "uom") if value is not None else None)
        yield Bill(point.self, unit, number(period, "start"), number(period, "duration"),
                   None if value is None else scaled(value, number(used, "powerOfTenMultiplier") or 0) * factor,
                   None if cost is None else fractions.Fraction(cost, 100000))


def scaled(value, exponent):
    return value * fractions.Fraction(10) ** exponent


def month_of(start, zone):
    local = datetime.datetime.fromtimestamp(start, zone)
    return tuple(int(datetime.datetime(year, month, 1, tzinfo=zone).timestamp()) for year, month in
                 ((local.year, local.month), (local.year + local.month // 12, local.month % 12 + 1)))


def rows(file, zone_name):
    """What seed_timeseries should hold: a list of (unit, {(begin, end): (reading, cost)}), one a meter."""
    zone, meters = zoneinfo.ZoneInfo(zone_name), []
    series, summaries = read(file)
    for one in series:
        periods = {}
        for start, (length, value, cost) in one.readings.items():
            key = (start, start + length) if length >= BILL_S else month_of(start, zone)
            reading, costs = periods.get(key, (0, None))
            cost = costs if cost is None else (costs or 0) + fractions.Fraction(cost, 100000)
            periods[key] = reading + scaled(value, one.exponent) * one.factor, cost
        if periods:
            meters.append((one.unit, periods))
    by_meter = collections.defaultdict(dict)
    for bill in summaries:
        by_meter[bill.usage_point, bill.unit][bill.start, bill.start + bill.duration] = bill.value, bill.cost
    return meters + [(unit, periods) for (_, unit), periods in by_meter.items()]
