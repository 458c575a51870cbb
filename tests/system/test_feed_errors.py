"""What feeds get wrong: told by a code, by `inspect` and by `import` alike, and corrected where a person says so."""
import datetime
import json

import pytest

import documents as d
import metering as m
from conftest import ROOT
from test_parse import kairosdb, meters  # noqa: F401  (fixtures)

CASES = ROOT.parent / "shared/cases/greenbutton"
HOUR = 3600
JULY = int(datetime.datetime(2025, 7, 1, 4, tzinfo=datetime.timezone.utc).timestamp())  # midnight of New York
POINT = "UsagePoint/7"


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def write(folder, document, name="feed.xml"):
    path = folder / name
    path.write_bytes(document)
    return path


def inspected(meterbeat, path):
    """(series, {code: first place} of the file's problems)"""
    *series, file = lines(meterbeat.ctl("inspect", "--json", path))
    return series, {p["code"]: p["place"] for p in reversed(file["problems"])}


def case(name):
    """One of the documents beside the repository that people reported; skips without them."""
    found = sorted(CASES.glob(f"{name}-*")) if CASES.is_dir() else []
    if not found:
        pytest.skip("the cases are not beside the repository (../shared/cases)")
    return found[0]


def hours(*values, start=JULY, **of_reading):
    return [d.reading(start + i * HOUR, value, **of_reading) for i, value in enumerate(values)]


# --- local time -------------------------------------------------------------------------------------

def odd_summer():
    return d.feed(d.usage_point(POINT, local_time=(-18000, -18000, "360E2000", "B40E2000")),
                  d.meter_reading(POINT, 1, [hours(500, 510)]))


def test_an_offset_that_no_summer_adds_is_told_and_the_zone_found_by_the_rules(meters, tmp_path, rows):  # noqa: F811
    path = write(tmp_path, odd_summer())
    series, problems = inspected(meters.meterbeat, path)
    assert [s["time_zone"] for s in series] == ["America/New_York"] and set(problems) == {"dst_offset_odd"}
    meters.meterbeat.ctl("import", "--building", "42", "--zone", "feed", path)
    assert rows("SELECT time_zone FROM meterbeat.series") == [("America/New_York",)]


def test_con_edisons_offsets_are_those_of_new_york(meterbeat):
    series, problems = inspected(meterbeat, case("22"))
    assert {s["time_zone"] for s in series} == {"America/New_York"} and set(problems) == {"dst_offset_odd"}


# --- what is metered --------------------------------------------------------------------------------

def gas_below_electricity(**kind):
    return d.feed(d.usage_point(POINT, service=0),
                  d.meter_reading(POINT, 1, [hours(5, 6)], uom=169, **{"commodity": 7, **kind}))


@pytest.mark.parametrize("commodity", [7, None], ids=["a gas type", "only its unit"])
def test_gas_below_electricity_is_told_and_named_by_its_type(meters, tmp_path, rows, commodity):  # noqa: F811
    path = write(tmp_path, gas_below_electricity(commodity=commodity))
    series, problems = inspected(meters.meterbeat, path)
    assert set(problems) == {"service_conflict"} and "MeterReading/1" in problems["service_conflict"]
    assert [s["service"] for s in series] == ["gas"]
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT name, energy_type, energy_units FROM seed_meter") == \
        [("GreenButton gas forward therm 3600 s", 1, 2)]
    assert rows("SELECT tags->>'energy_type', tags->>'energy_type_int' FROM meterbeat.series") == [("gas", "1")]
    report = json.loads(meters.meterbeat.ctl("report", "42", "--json"))
    assert [(one["service"], one["unit"]) for one in report["meters"]] == [("gas", "therms")]


def test_a_series_begun_under_the_categorys_name_keeps_it(meters, tmp_path, rows, kairosdb):  # noqa: F811
    path = write(tmp_path, gas_below_electricity())
    meters.meterbeat.ctl("import", "--building", "42", path)
    rows("UPDATE meterbeat.series SET tags = tags || '{\"energy_type\":\"electricity\",\"energy_type_int\":\"0\"}',"
         " tag_key = replace(replace(tag_key, 'energy_type=gas', 'energy_type=electricity'), '_int=1,flow', '_int=0,flow')")
    meters.meterbeat.ctl("import", "--building", "42", path)
    assert rows("SELECT count(*) FROM meterbeat.series") == [(1,)]


def test_the_custodians_sample_of_gas_below_electricity_is_gas(meterbeat):
    series, problems = inspected(meterbeat, case("11"))
    assert set(problems) == {"service_conflict"} and [s["service"] for s in series] == ["gas"]
