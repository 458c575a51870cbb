"""Runs rounds one after the other on private servers, tells a line of each, keeps the evidence of those that failed."""
import contextlib
import json
import pathlib
import platform
import shutil
import subprocess
import tempfile
import time
import traceback

from producing import SteppedClock
from servers import Server, Servers

from . import ROOT, report
from .families import FAMILIES
from .proxy import Loop
from .round import SMALL_DISK, Round


def commit():
    done = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=7"],
                          capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def versions(servers):
    return {"RabbitMQ": servers.rabbitmq.api("GET", "/overview")["rabbitmq_version"],
            "PostgreSQL": servers.postgresql.sql("SHOW server_version")[0][0].split()[0],
            "KairosDB": "1.3.0", "Python": platform.python_version(), "Linux": platform.release()}


def run_round(family, seed, number, servers, build, loop, keep, verbose=False):
    """One round; its line. Logs and tables of one that failed go into a folder of their own below `keep`."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="meterbeat-faults-"))

    def stepped_clock(path):
        path.mkdir()
        return SteppedClock(build, path)

    for server in servers.all:  # as a round that broke off may have left it
        if server.running():
            server.resume()
        else:
            server.start()
    round_ = Round(family, seed, number, servers, folder, build, loop, stepped_clock, verbose)
    try:
        round_.run()
    except Exception as error:  # of the harness itself, or a server that did not come back
        round_.ledger.add("other", f"{type(error).__name__}: {error}\n{traceback.format_exc(limit=-4)}")
    finally:
        if not round_.ledger.clean():
            round_.keep_evidence(keep / f"{family.name}-{seed}-{number}-{int(time.time())}")
        round_.end()
        shutil.rmtree(folder, ignore_errors=True)
    return round_.line()


def say(line):
    print(f"{line['family']:15} round {line['round']:3} seed {line['seed']} faults {line['faults']:3}"
          f" lost {line['lost']} doubled {line['doubled']} stuck {line['stuck']} recovery {line['recovery_s']:5.1f} s"
          f" ({line['duration_s']:.0f} s, {line['records']} records, {line['tasks']} tasks) {line['verdict']}", flush=True)
    for note in line["notes"]:
        print("    " + note.replace("\n", "\n    "), flush=True)


def small_servers():
    """Servers that are not started yet, each on a small disk; the disks end with this process's mount namespace."""
    servers = Servers()
    for name, size in SMALL_DISK.items():
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(servers.folder / name)], check=True)
    return servers


def run(arguments):
    """All rounds of the chosen families; the number of those that failed."""
    chosen = [FAMILIES[name] for name in arguments.family or FAMILIES]
    for family in [family for family in chosen if family.needs()]:
        print(f"{family.name:15} left out: {family.needs()}", flush=True)
        chosen.remove(family)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    failed, about, loop = 0, {"commit": commit()}, Loop()
    Server.start_limit = 900  # a loaded machine is no fault
    with Servers() as servers:
        about["versions"] = versions(servers)
        for family, number in agenda(chosen, arguments):
            with small_servers() if family.small_disks else contextlib.nullcontext(servers) as own:
                line = run_round(family, arguments.seed, number, own, arguments.build, loop,
                                 arguments.results.parent, arguments.verbose)
            failed += line["verdict"] != "ok"
            say(line)
            with open(arguments.results, "a", encoding="utf-8") as results:
                results.write(json.dumps({**line, **about, "at": int(time.time())}) + "\n")
    return failed


def agenda(chosen, arguments):
    """(family, number) of each round: so many of each, or what is missing in the results until there is enough."""
    if not arguments.complete:
        for number in range(arguments.first, arguments.first + arguments.rounds):
            yield from ((family, number) for family in chosen)
        return
    while chosen:
        for family in list(chosen):
            lines = [line for line in report.lines_of(arguments.results) if line["family"] == family.name]
            if len(lines) >= family.enough_rounds and sum(line["faults"] for line in lines) >= family.enough_faults:
                chosen.remove(family)
                continue
            yield family, 1 + max((line["round"] for line in lines if line["seed"] == arguments.seed), default=0)
