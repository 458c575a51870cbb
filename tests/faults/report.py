"""The results of many rounds as one table, in Markdown."""
import collections
import json


def lines_of(results):
    """All lines of a file of results; none when it is not there yet."""
    try:
        with open(results, encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except FileNotFoundError:
        return []


def table(results, families):
    """fault, rounds, faults, lost, doubled, stuck, longest recovery; then seeds, versions and commits."""
    lines = lines_of(results)
    by_family = collections.defaultdict(list)
    for line in lines:
        by_family[line["family"]].append(line)
    rows = ["| fault | rounds | faults | lost | doubled | stuck | longest recovery |",
            "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, family in families.items():
        of = by_family.get(name)
        if not of:
            continue
        sums = {key: sum(line[key] for line in of) for key in ("faults", "lost", "doubled", "stuck")}
        rows.append(f"| {family.title} (`{name}`) | {len(of)} | {sums['faults']:,} | {sums['lost']} |"
                    f" {sums['doubled']} | {sums['stuck']} | {max(line['recovery_s'] for line in of):.1f} s |")
    versions = sorted({f"{name} {version}" for line in lines for name, version in line["versions"].items()})
    return "\n".join([*rows, "",
                      f"Seeds: {', '.join(sorted({str(line['seed']) for line in lines}))}. Servers: {', '.join(versions)}."
                      f" Commits: {', '.join(sorted({line['commit'] for line in lines}))}."
                      f" Work meanwhile: {sum(line['records'] for line in lines):,} records,"
                      f" {sum(line['tasks'] for line in lines):,} tasks of clients."])
