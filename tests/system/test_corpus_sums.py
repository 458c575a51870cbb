"""The whole public corpus through parse and aggregate: what is in seed_timeseries is what another program sums."""
import http.server
import pathlib
import sys
import threading
import xml.etree.ElementTree

import pytest

HERE = pathlib.Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))
import independent_reader  # noqa: E402
import metering as m  # noqa: E402

CORPUS = HERE.parents[3] / "shared" / "greenbutton" / "corpus"
ZONES = "UTC", "America/New_York"


@pytest.fixture
def meters(meterbeat, rows):
    with m.metering(meterbeat, rows) as made:
        yield made


class Files(http.server.BaseHTTPRequestHandler):
    """/corpus/<number> is the file of that number."""
    files = []

    def do_GET(self):
        body = self.files[int(self.path.rpartition("/")[2])].read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def add(meters, url, zones):
    """A record of each file in each zone; {building: (file, zone)}. Record and building have one number."""
    buildings = {i + 1: (i // len(zones), zones[i % len(zones)]) for i in range(len(Files.files) * len(zones))}
    meters.rows("INSERT INTO seed_canonicalbuilding (id, active) SELECT unnest(%s::integer[]), true", (list(buildings),))
    meters.rows(
        "INSERT INTO seed_ts_parser_record (id, url, sub_id, building_id, active, time_type, date_pattern, last_date,"
        " min_date_parameter, max_date_parameter, last_ts) SELECT b, %s, n, b, 'Y', 'date', '', '', '', '', 0"
        " FROM unnest(%s::integer[], %s::text[]) AS of (b, n)",
        (url, list(buildings), [str(number) for number, _ in buildings.values()]))
    meters.rows("INSERT INTO meterbeat.record_option (record_id, time_zone) SELECT * FROM"
                " unnest(%s::integer[], %s::text[]) AS of (b, zone)",
                (list(buildings), [zone for _, zone in buildings.values()]))
    return {building: (Files.files[number], zone) for building, (number, zone) in buildings.items()}


def stored(rows):
    """{building: [(unit, {(begin, end): (reading, cost)})]}, one a meter."""
    found = {}
    for building, meter, unit, begin, end, reading, cost in rows(
            "SELECT l.canonicalbuilding_id, m.id, m.energy_units, extract(epoch FROM begin_time)::bigint,"
            " extract(epoch FROM end_time)::bigint, t.reading, t.cost FROM seed_timeseries t"
            " JOIN seed_meter m ON m.id = t.meter_id JOIN seed_meter_canonical_building l ON l.meter_id = m.id"):
        of = found.setdefault(building, {}).setdefault((meter, unit), {})
        assert (begin, end) not in of, f"two rows of meter {meter} for {begin}"
        of[begin, end] = reading, cost
    return {building: [(unit, periods) for (_, unit), periods in of.items()] for building, of in found.items()}


def same(have, want, places):
    if have is None or want is None:
        return have is None and want is None
    return abs(float(have) - float(want)) <= max(places, 1e-9 * abs(float(want)))


def is_meter(have, want):
    (unit, periods), (wanted_unit, wanted) = have, want
    return unit == wanted_unit and periods.keys() == wanted.keys() and all(
        same(periods[key][0], wanted[key][0], 0) and same(periods[key][1], wanted[key][1], 1e-4) for key in wanted)


def complaints(name, have, want):
    """What is wrong with the meters of one building, in any order of them."""
    left = list(have)
    for meter in want:
        fit = next((other for other in left if is_meter(other, meter)), None)
        if fit is None:
            yield f"{name}: no meter has {meter[0]} {describe(meter[1])}; there are " + \
                "; ".join(f"{unit} {describe(periods)}" for unit, periods in left)
        else:
            left.remove(fit)
    for unit, periods in left:
        yield f"{name}: a meter too many: {unit} {describe(periods)}"


def describe(periods):
    return {key: tuple(None if v is None else float(v) for v in pair) for key, pair in sorted(periods.items())[:3]}


@pytest.mark.skipif(not CORPUS.exists(), reason="the Green Button corpus is not beside the repository")
def test_the_sums_of_the_corpus_are_those_of_an_independent_reader_month_by_month_in_two_zones(meters, rows):
    Files.files = sorted(CORPUS.glob("*.xml"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    meters.meterbeat.configure(feed={"path": "/corpus/"})
    buildings = add(meters, f"http://127.0.0.1:{server.server_port}", ZONES)
    for _ in range(2):
        meters.start()
    meters.do("parse")
    meters.do("aggregate")
    have, wrong, compared = stored(rows), [], 0
    for building, (file, zone) in buildings.items():
        try:
            want = independent_reader.rows(file, zone)
        except xml.etree.ElementTree.ParseError:
            want = []  # two files are no XML
        wrong += complaints(f"{file.name} in {zone}", have.get(building, []), want)
        compared += sum(len(periods) for _, periods in want)
    server.shutdown()
    assert not wrong, "\n".join(wrong)
    assert compared > 300
    assert rows("SELECT count(*) FROM meterbeat.dirty_month WHERE month_end < now()") == [(0,)]
