"""./dev faults: rounds of faults against the real servers, a ledger after each; ./dev faults --table: what they add up to."""
import argparse
import os
import pathlib
import signal
import sys

sys.path[0] = str(pathlib.Path(__file__).resolve().parents[1])

from faults import ROOT, report  # noqa: E402
from faults.families import FAMILIES  # noqa: E402
from faults.runner import run  # noqa: E402

RESULTS = ROOT / ".dev/faults/results.jsonl"


def main():
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__)
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="only this one; again for more")
    parser.add_argument("--rounds", type=int, default=1, help="of each family")
    parser.add_argument("--first", type=int, default=1, help="number of the first round: the schedule hangs on it too")
    parser.add_argument("--seed", type=int, default=1, help="of the schedule of faults")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/dev")
    parser.add_argument("--results", type=pathlib.Path, default=RESULTS, help="JSON lines, appended")
    parser.add_argument("--complete", action="store_true",
                        help="go on until the results have as many rounds and faults of each family as the page asks for")
    parser.add_argument("--table", action="store_true", help="only write the table of the results")
    parser.add_argument("--list", action="store_true", help="only name the families")
    parser.add_argument("--verbose", action="store_true", help="say what is left to do while it is waited for")
    arguments = parser.parse_args()
    arguments.results, arguments.build = arguments.results.resolve(), arguments.build.resolve()
    if arguments.list:
        print("\n".join(f"{family.name:15} {family.title}" for family in FAMILIES.values()))
        return 0
    if arguments.table:
        print(report.table(arguments.results, FAMILIES))
        return 0
    wants_disks = any(FAMILIES[name].small_disks and not FAMILIES[name].needs() for name in arguments.family or FAMILIES)
    if wants_disks and "METERBEAT_FAULTS_MOUNTS" not in os.environ:
        os.execvpe("unshare", ["unshare", "-m", sys.executable, *sys.argv], {**os.environ, "METERBEAT_FAULTS_MOUNTS": "1"})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    failed = run(arguments)
    print(f"{failed} rounds failed" if failed else "every round was clean", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
