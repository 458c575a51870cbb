"""Compares what `inspect` finds in the public Green Button corpus with its reference, series by series.

    corpus_check.py INSPECT… CORPUS     e.g.  corpus_check.py build/dev/tests/inspect_files ../shared/greenbutton
"""
import csv
import json
import pathlib
import subprocess
import sys

# column of REFERENCE.tsv -> key of inspect
COLUMNS = {
    "usage_point": "usage_point", "service_kind": "service_kind", "reading_type": "reading_type",
    "uom": "uom", "powerOfTenMultiplier": "power_of_ten_multiplier", "commodity": "commodity",
    "flowDirection": "flow_direction", "accumulationBehaviour": "accumulation_behaviour",
    "intervalLength": "interval_length", "kind": "kind", "currency": "currency", "readings": "readings",
    "first_start": "first_start", "last_start": "last_start", "sum_raw": "sum_raw",
    "sum_cost_raw": "sum_cost_raw",
}
ORPHAN = "(orphan) "


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def inspect(command, files):
    """The JSON lines of `inspect` by file name: (series, file object)."""
    done = subprocess.run([*command, "--json", *map(str, files)], capture_output=True, text=True, timeout=300)
    found = {path.name: ([], None) for path in files}
    for line in done.stdout.splitlines():
        thing = json.loads(line)
        name = pathlib.Path(thing["file"]).name
        series, _ = found[name]
        if "series" in thing:
            found[name] = (series, thing)
        else:
            series.append(thing)
    return found, done


def key_of_reference(row):
    reading = row["meter_reading"]
    return (None, reading[len(ORPHAN):]) if reading.startswith(ORPHAN) else (reading or None, None)


def differences(row, series):
    """What differs between a line of the reference and a series, as texts. Sums of nothing may be empty."""
    for column, key in COLUMNS.items():
        want, have = row[column], series[key]
        have = "" if have is None else str(have)
        if want != have:
            yield f"{column}: {want!r} in the reference, {have!r} here"


def well_formed_differs(row, thing):
    return (row["well_formed"] == "yes") != thing["well_formed"]


def measurement(value, multiplier, uom):
    """As REFERENCE_SUMMARIES.tsv writes one: "1152000e0 uom 72"."""
    return "" if value is None else f"{value}e{multiplier or 0}" + ("" if uom is None else f" uom {uom}")


def bill_of_inspect(name, bill):
    text = ["" if bill[key] is None else str(bill[key]) for key in (
        "resource", "self", "usage_point", "period_start", "period_duration", "bill_last_period", "bill_to_date",
        "cost_additional_last_period", "currency", "quality", "status_time", "commodity")]
    return (name, *text,
            measurement(bill["consumption"], bill["consumption_power_of_ten_multiplier"], bill["consumption_uom"]),
            measurement(bill["current_consumption"], bill["current_consumption_power_of_ten_multiplier"],
                        bill["current_consumption_uom"]))


def bill_of_reference(row):
    return (row["file"], *(row[column] for column in (
        "resource", "self", "usage_point", "period_start", "period_duration", "billLastPeriod", "billToDate",
        "costAdditionalLastPeriod", "currency", "quality", "statusTimeStamp", "commodity",
        "overallConsumptionLastPeriod", "currentBillingPeriodOverAllConsumption")))


def compare_bills(command, shared):
    """(bills of inspect, bills of the reference), each a set."""
    reference, files = rows(shared / "REFERENCE_SUMMARIES.tsv"), rows(shared / "REFERENCE_FILES.tsv")
    found, _ = inspect(command, [shared / "corpus" / row["file"] for row in files])
    return ({bill_of_inspect(name, bill) for name, (_, thing) in found.items() for bill in thing["summaries"]},
            {bill_of_reference(row) for row in reference})


def compare(command, shared):
    """(series that agree, series of the reference, files, complaints)"""
    reference, files = rows(shared / "REFERENCE.tsv"), rows(shared / "REFERENCE_FILES.tsv")
    found, done = inspect(command, [shared / "corpus" / row["file"] for row in files])
    complaints, agree = [], 0
    for row in files:
        series, thing = found[row["file"]]
        if thing is None:
            complaints.append(f"{row['file']}: no answer")
        elif well_formed_differs(row, thing):
            complaints.append(f"{row['file']}: well-formed {row['well_formed']}, here {thing['problems']}")
        elif (int(row["series"]), int(row["readings"])) != (len(series), thing["readings"]):
            complaints.append(f"{row['file']}: {row['series']} series, {row['readings']} readings in the "
                              f"reference, {len(series)}, {thing['readings']} here")
    for row in reference:
        candidates = [s for s in found[row["file"]][0]
                      if (s["meter_reading"], s["blocks_href"]) == key_of_reference(row)]
        wrong = list(differences(row, candidates[0])) if len(candidates) == 1 else ["no such series"]
        agree += not wrong
        complaints += [f"{row['file']} series {row['series']}: {text}" for text in wrong]
    ill_formed = any(row["well_formed"] != "yes" for row in files)
    if done.returncode != (1 if ill_formed else 0):
        complaints.append(f"exit status {done.returncode}: {done.stderr[-500:]}")
    return agree, len(reference), len(files), complaints


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    agree, total, files, complaints = compare(sys.argv[1:-1], pathlib.Path(sys.argv[-1]))
    print(f"{agree} of {total} series agree; {files} files")
    print("\n".join(complaints))
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
