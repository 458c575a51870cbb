"""What becomes of documents as portals give them out: by import and by a parse, down to the months and bills."""
import gzip
import io
import json
import subprocess
import zipfile

import pytest

import documents as d
import metering as m
from conftest import ROOT
from test_by_hand import by_hand, lines, write
from test_corpus import BUILD
from test_parse import kairosdb, meters  # noqa: F401  (fixtures)
from test_readings import HOUR, JUNE, MAY, hours, house  # noqa: F401  (house: a fixture)

CASES = ROOT.parent / "shared" / "cases" / "greenbutton"


def packed(**files):
    """A ZIP archive; names with "__" for a dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in files.items():
            archive.writestr(name.replace("__", "."), body)
    return out.getvalue()


def meter(name, readings, **kind):
    point = f"UsagePoint/{name}"
    return d.usage_point(point) + d.meter_reading(point, 1, [readings], **kind)


@pytest.fixture
def building(house):  # noqa: F811
    house.rows("INSERT INTO seed_canonicalbuilding (id, active) VALUES (1, true)")
    return house


def refused(house, code, *arguments):  # noqa: F811
    *_, line = [line for line in lines(house.meters.meterbeat.ctl("import", "--json", *arguments, status=1))
                if "ok" in line]
    assert (line["ok"], line["code"]) == (False, code), line
    return line["error"]


def test_decimals_beside_whole_numbers_are_summed_exactly_with_their_costs(building, tmp_path):
    path = write(tmp_path, "decimals.xml", d.feed(meter("D", [
        d.reading(MAY, "0.62", cost="1050.5"), d.reading(MAY + HOUR, 2, cost=20000),
        d.reading(MAY + 2 * HOUR, "1.38", cost="78949.5")], powerOfTenMultiplier=3)))
    done, _ = by_hand(building, "--building", 1, path)
    assert (done["readings"], done["points"]) == (3, 3)
    assert building.sums(1) == {("D", 2, 3): [(MAY, JUNE, 4000, 1)]}
    assert building.meters.meterbeat.ctl("audit").endswith("all agree\n")
    *plan, _ = by_hand(building, "--building", 1, "--dry-run", path)
    assert [line["equal"] for line in plan] == [3]


def test_a_registers_differences_are_exact_whatever_the_places_of_its_readings(building, tmp_path):
    register = ["50000.1", "50000.35", "50001", "50003.125", "50003.125", "50010"]
    path = write(tmp_path, "register.xml", d.feed(meter("R", [
        d.reading(MAY + i * HOUR, value, 0) for i, value in enumerate(register)], accumulationBehaviour=1)))
    by_hand(building, "--building", 1, path)
    assert building.sums(1) == {("R", 2, 3): [(MAY, JUNE, 9.9, None)]}
    later = write(tmp_path, "later.xml", d.feed(meter("R", [
        d.reading(MAY + 6 * HOUR, "50010.5", 0), d.reading(MAY + 7 * HOUR, "50011.25", 0)], accumulationBehaviour=1)))
    by_hand(building, "--building", 1, later)
    assert building.sums(1) == {("R", 2, 3): [(MAY, JUNE, 11.15, None)]}


def test_a_register_from_one_end_of_64_bits_to_the_other_is_no_undefined_amount(building, tmp_path):
    most = 2**63 - 1
    values = [-most, -most, -most + 1, most - 1, most, most]
    path = write(tmp_path, "ends.xml", d.feed(meter("X", [
        d.reading(MAY + i * HOUR, value, 0) for i, value in enumerate(values)], accumulationBehaviour=1)))
    assert "register_or_amounts" in refused(building, "nothing_stored", "--building", 1, path)
    record, = lines(building.meters.meterbeat.ctl("record", "list", "--json"))
    building.meters.meterbeat.ctl("record", "set", record["id"], "registers=differences")
    done, _ = by_hand(building, "--building", 1, path)
    assert done["fallen"] == 1
    assert building.sums(1)["X", 2, 3] == [(MAY, JUNE, 2, None)]


def test_a_power_of_ten_of_64_bits_beside_decimals_is_refused_and_nothing_else(building, tmp_path):
    for power in (2**63 - 1, 1 - 2**63):
        path = write(tmp_path, "power.xml", d.feed(meter("P", [d.reading(MAY, "0.5")], powerOfTenMultiplier=power),
                                                   meter("W", [d.reading(MAY, 7)])))
        done, _ = by_hand(building, "--building", 1, path)
        assert done["not_stored"] == "bad_multiplier: 1 series, 1 readings" and done["points"] == 1


def test_values_that_cannot_be_read_leave_no_month_of_the_others(building, tmp_path):
    path = write(tmp_path, "commas.xml", d.feed(meter("C", [
        d.reading(MAY, "0,62"), d.reading(MAY + HOUR, 2), d.reading(MAY + 2 * HOUR, "1,38")])))
    said = refused(building, "nothing_stored", "--building", 1, path)
    assert "unreadable_values: 1 series, 3 readings" in said and "no_value: 2, first at line" in said
    assert building.sums(1) == {}


def test_tier_and_critical_peak_are_kept_beside_the_readings_that_have_them(building, tmp_path, servers, place):
    more = d.reading(MAY, 5, tou=3).replace("</IntervalReading>",
                                            "<consumptionTier>2</consumptionTier><cpp>1</cpp></IntervalReading>")
    by_hand(building, "--building", 1, write(tmp_path, "tier.xml", d.feed(meter("T", [
        more, d.reading(MAY + HOUR, 6)]))))

    def stored(suffix):
        results, = servers.kairosdb.query(place.measurement + suffix)["results"]
        return {stamp // 1000: value for stamp, value in results["values"]}

    assert (stored(".tier"), stored(".cpp"), stored(".tou")) == ({MAY: 2}, {MAY: 1}, {MAY: 3})
    assert building.sums(1) == {("T", 2, 3): [(MAY, JUNE, 11, None)]}


def test_hours_of_3599_seconds_cover_their_days_without_a_gap(building, tmp_path):
    start = MAY + 24 * HOUR
    by_hand(building, "--building", 1, write(tmp_path, "short.xml", d.feed(meter("H", [
        d.reading(start + i * HOUR, 10, 3599) for i in range(48)], intervalLength=3599))))
    assert building.rows("SELECT readings, covered_s, gaps FROM meterbeat.day ORDER BY day_start") == \
        [(24, 24 * HOUR, 0)] * 2


def test_a_bill_that_has_only_lines_is_what_they_charge(building, tmp_path):
    point = "UsagePoint/L"
    line = "<costAdditionalDetailLastPeriod><amount>{}</amount><note>{}</note></costAdditionalDetailLastPeriod>".format
    bill = d.summary(point, 1, MAY, 31, cost=0).replace("</UsageSummary>", "".join([
        line(5_000_000, "Energy"), line(650_000, "HST"), line(900_000, "Balance forward"),
        line(-900_000, "Payment, thank you"), line(5_650_000, "Total amount due")]) + "</UsageSummary>")
    by_hand(building, "--building", 1, write(tmp_path, "bill.xml", d.feed(d.usage_point(point), bill)))
    (row,), = building.sums(1).values()
    assert row[3] == 56.5


def own_blocks(*readings):
    return ("<entry xmlns='http://www.w3.org/2005/Atom' xmlns:e='http://naesb.org/espi'><link rel='self' href='x/usage'/>"
            "<content><e:IntervalBlock><e:interval><e:servicePointId>70077</e:servicePointId><e:serviceType>ELECTRIC"
            "</e:serviceType><e:unitOfMeasure>kWH</e:unitOfMeasure><e:secondsPerInterval>1800</e:secondsPerInterval>"
            "</e:interval>" + "".join(
                f"<e:IntervalReading><e:timePeriod><e:start>{start}</e:start></e:timePeriod><e:value>{value}</e:value>"
                "</e:IntervalReading>" for start, value in readings)
            + "</e:IntervalBlock></content></entry>").encode()


def test_a_block_that_says_itself_what_it_holds_is_a_meter(building, tmp_path):
    by_hand(building, "--building", 1, write(tmp_path, "own.xml", own_blocks(
        (MAY, "0.25"), (MAY + 1800, 2), (MAY + 3600, "1.125"), (MAY + 5400, "0.125"))))
    assert building.sums(1) == {("70077", 2, 3): [(MAY, JUNE, 3500, None)]}
    assert building.rows("SELECT DISTINCT tags->>'interval' FROM meterbeat.series") == [("1800",)]


def test_archives_and_gzip_are_read_whatever_they_are_called(building, tmp_path):
    first, second = (d.feed(meter(name, hours(MAY, MAY + 5 * HOUR))) for name in "AB")
    body = packed(first__xml=first, second__xml=second, readme__txt="hello")
    done, _ = by_hand(building, "--building", 1, write(tmp_path, "data.bin", body))
    assert done["readings"] == 10 and set(building.sums(1)) == {("A", 2, 3), ("B", 2, 3)}
    seen = lines(building.meters.meterbeat.ctl("inspect", "--json", tmp_path / "data.bin"))
    assert {"code": "file_not_read", "place": "readme.txt", "count": 1} in seen[-1]["problems"]


@pytest.mark.parametrize("pack", [packed, gzip.compress], ids=["zip", "gzip"])
def test_a_feed_that_answers_with_an_archive_is_parsed(house, pack):  # noqa: F811
    body = d.feed(meter("Z", hours(MAY, MAY + 5 * HOUR)))
    house.add(1, pack(feed__xml=body) if pack is packed else pack(body))
    house.meters.start()
    house.meters.do("parse")
    house.meters.do("aggregate")
    assert house.sums(1) == {("Z", 2, 3): [(MAY, JUNE, 50, None)]}


OTHERS = {
    "csv": b"Date,Start,kWh\n2025-07-01,00:00,0.62\n",
    "json": b'{"usage": [1, 2]}',
    "pdf": b"%PDF-1.7\n",
    "xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    "html": b"<!doctype html><html></html>",
    "batch_list": b'<BatchList xmlns="http://naesb.org/espi"><resources>https://h/1</resources></BatchList>',
    "customer_data": b'<feed xmlns="http://www.w3.org/2005/Atom"><entry><content><CustomerAccount '
                     b'xmlns="http://naesb.org/espi/customer"/></content></entry></feed>',
}


def test_what_is_no_meter_data_is_called_what_it_is_and_fails(building, tmp_path):
    archives = {"xlsx": packed(**{"[Content_Types]__xml": "<Types/>", "xl/workbook__xml": "<workbook/>"}),
                "zip_without_feed": packed(usage__csv=OTHERS["csv"]),
                "nested_archive": packed(more__zip=packed(a__xml="<a/>"))}
    for code, body in {**OTHERS, **archives}.items():
        said = refused(building, code, "--building", 1, write(tmp_path, "what", body))
        assert "fetch" in said or "instead" in said or code in ("html", "nested_archive"), said
        seen = lines(building.meters.meterbeat.ctl("inspect", "--json", tmp_path / "what",
                                                   status=0 if code in ("batch_list", "customer_data") else 1))
        assert code in [problem["code"] for problem in seen[-1]["problems"]]


def test_a_file_whose_readings_none_could_be_stored_ends_with_1_and_says_why(building, tmp_path):
    unlinked = b"<IntervalBlock xmlns='http://naesb.org/espi'>" + d.reading(MAY, 1).encode() + b"</IntervalBlock>"
    assert "no_meter_reading" in refused(building, "nothing_stored", "--building", 1,
                                         write(tmp_path, "unlinked.xml", unlinked))
    late = d.feed(meter("M", [d.reading(f"{MAY}000", 5), d.reading(f"{MAY + HOUR}000", 6)]))
    said = refused(building, "nothing_stored", "--building", 1, write(tmp_path, "milliseconds.xml", late))
    assert "start_in_milliseconds: 2, first at line" in said
    lost = b"<Usage xmlns='http://naesb.org/espi'>" + d.reading(MAY, 1).encode() * 3 + b"</Usage>"
    assert "misplaced_reading: 3, first at line 1" in refused(
        building, "nothing_stored", "--building", 1, "--dry-run", write(tmp_path, "lost.xml", lost))
    assert building.rows("SELECT count(*) FROM seed_timeseries") == [(0,)]


def test_inspect_counts_what_comes_twice_contradicts_or_overlaps(meters, tmp_path):  # noqa: F811
    path = write(tmp_path, "twice.xml", d.feed(meter("O", [
        d.reading(MAY, 1), d.reading(MAY, 1), d.reading(MAY + HOUR, 2), d.reading(MAY + HOUR, 3),
        d.reading(MAY + HOUR + 60, 4), d.reading(5, 9), d.reading(MAY + 9 * HOUR, 1, 3599),
        d.reading(MAY + 10 * HOUR, 1)])))
    series, file = lines(meters.meterbeat.ctl("inspect", "--json", path))
    assert [series[key] for key in ("readings", "repeated", "contradicted", "overlapping", "outside", "unplaced")] == \
        [8, 1, 1, 1, 1, 0]
    text = meters.meterbeat.ctl("inspect", path)
    assert "1 readings come twice with another value" in text and "1 readings begin before the one" in text


has_cases = pytest.mark.skipif(not CASES.exists(), reason="the cases are not beside the repository (../shared/cases)")


def inspected(name):
    """As test_corpus does: no server."""
    done = subprocess.run([BUILD / "tests" / "inspect_files", "--json", CASES / name], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode == 0, done.stdout
    return lines(done.stdout)


@has_cases
@pytest.mark.parametrize("name, readings, sums", [
    ("14-tier-and-cpp-per-reading.xml", 2, ["11"]), ("17-duke-decimal-kwh.xml", 4, ["3.5"]),
    ("18-duke-summary-root.xml", 2, ["6.18"]), ("20-opower-3599-seconds.xml", 6, ["5640", "5640"]),
    ("24-feed-in-espi-namespace.xml", 2, ["1994000"]), ("26-bare-type-and-blocks.xml", 2, ["610"]),
    ("27-zip-from-the-portal.zip", 1, ["500"]), ("35-decimals-beside-whole-numbers.xml", 3, ["4"])])
def test_the_cases_beside_the_repository_are_read_whole(name, readings, sums):
    *series, file = inspected(name)
    assert file["readings"] == readings and file["misplaced"] == 0
    assert [json.dumps(one["sum_raw"]) for one in series] == sums


@has_cases
def test_the_cases_of_bills_and_milliseconds_are_told():
    file, = inspected("15-bill-only-in-line-items.xml")
    assert [bill["amount"] for bill in file["summaries"]] == [11667000]
    *_, file = inspected("31-milliseconds.xml")
    assert [(p["code"], p["count"]) for p in file["problems"]] == [("start_in_milliseconds", 2)]
