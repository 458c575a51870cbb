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


# --- amounts and prices -----------------------------------------------------------------------------

def kilo_beside_watts(watt_multiplier=3):
    watts, energy = hours(2400, 1300, 700), hours(2400, 1300, 700)
    return d.feed(d.usage_point(POINT), d.meter_reading(POINT, 1, [watts], uom=38, kind=8, powerOfTenMultiplier=watt_multiplier),
                  d.meter_reading(POINT, 2, [energy], powerOfTenMultiplier=3))


def test_what_no_house_uses_is_told_with_its_figure(meters, tmp_path):  # noqa: F811
    path = write(tmp_path, kilo_beside_watts())
    _, problems = inspected(meters.meterbeat, path)
    assert set(problems) == {"implausible_amount"}, "watts agree: both are wrong by a thousand"
    assert problems["implausible_amount"].endswith("MeterReading/2, 1467 kW on average")
    assert problems["implausible_amount"].startswith("line ")


def test_watts_that_are_not_the_watt_hours_beside_them_are_told(meterbeat, tmp_path):
    _, problems = inspected(meterbeat, write(tmp_path, kilo_beside_watts(watt_multiplier=0)))
    assert set(problems) == {"implausible_amount", "power_disagrees"}
    assert problems["power_disagrees"].endswith("MeterReading/2")


def cheap():
    return d.feed(d.usage_point(POINT), d.meter_reading(
        POINT, 1, [hours(1500, 800, cost=130)], currency=124))


def test_a_price_that_cannot_be_is_told_with_its_figure(meterbeat, tmp_path):
    _, problems = inspected(meterbeat, write(tmp_path, cheap()))
    assert set(problems) == {"implausible_price"} and problems["implausible_price"].endswith("0.0011 a kWh")


@pytest.mark.parametrize("name, code", [("19", "implausible_amount"), ("34", "implausible_price")])
def test_the_amounts_and_prices_that_people_reported_are_told(meterbeat, name, code):
    assert set(inspected(meterbeat, case(name))[1]) == {code}
