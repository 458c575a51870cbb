"""Static analysis of single files, as build/dev compiles them: clang-tidy on all of the programs' sources, gcc's
-fanalyzer on those that talk to nobody. What was clean is remembered by what the preprocessor makes of it."""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CLEAN = ROOT / ".dev/analysis"
SOURCES = re.compile(r"(common|producer|worker|ctl)/.*\.c")
# No I/O: memory that these mishandle, a fuzzer's input can mishandle too.
PURE = re.compile(r"common/(base|celery|espi|schedule)/.*\.c"
                  r"|common/(greenbutton/(window|date_pattern|\w+_url)|kairosdb/(kairosdb_json|kairosdb_cut|series_tags)).c")
# Ownership that passes through an out-parameter or a cleanup attribute is a leak to it.
ANALYZER = ["-fanalyzer", "-Werror", "-Wno-analyzer-malloc-leak", "-Wno-analyzer-file-leak", "-Wno-unused-value"]
UNKNOWN_TO_CLANG = {"-ftrivial-auto-var-init=zero", "-fno-delete-null-pointer-checks"}


def compilations():
    """The command of each source, without its output: as a list of words that compile nothing."""
    for entry in json.loads((ROOT / "build/dev/compile_commands.json").read_text()):
        name = os.path.relpath(entry["file"], ROOT)
        if SOURCES.fullmatch(name) and "tests/" not in entry.get("output", ""):
            words = shlex.split(entry["command"])
            yield name, [w for w in words[:words.index("-o")] if not w.endswith("ccache") and w != "-D_FORTIFY_SOURCE=3"]


def analyzer(name, words):
    options = [w for w in words[1:] if w != "-O2"]
    return ["gcc", *options, "-O0", "-DMETERBEAT_ANALYSIS", *ANALYZER, "-o", "/dev/null", "-c", name]


def tidy(name, words):
    options = [w for w in words[1:] if w not in UNKNOWN_TO_CLANG]
    return ["clang-tidy", "--quiet", name, "--", *options, "-DMETERBEAT_ANALYSIS", "-Wno-unused-value"]


def state(name, words, command):
    """What the verdict depends on: the file as the compiler sees it, the tool and its settings."""
    seen = subprocess.run([*words, "-DMETERBEAT_ANALYSIS", "-E", "-o", "-", name], cwd=ROOT, stdout=subprocess.PIPE)
    tool = subprocess.run([command[0], "--version"], stdout=subprocess.PIPE)
    made = hashlib.sha256(seen.stdout + tool.stdout + repr(command).encode())
    made.update((ROOT / ".clang-tidy").read_bytes())
    made.update((ROOT / name).read_bytes())  # with its comments: NOLINT
    return made.hexdigest() if seen.returncode == 0 else None


def check(job):
    name, words, command = job
    known = state(name, words, command)
    if known and (CLEAN / known).exists():
        return name, ""
    ran = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if ran.returncode == 0 and known:
        (CLEAN / known).touch()
    return name, "" if ran.returncode == 0 else (ran.stdout + ran.stderr).strip() or f"{command[0]} failed"


def main():
    CLEAN.mkdir(parents=True, exist_ok=True)
    jobs = [(name, words, tidy(name, words)) for name, words in compilations()]
    pure = [(name, words, analyzer(name, words)) for name, words, _ in jobs if PURE.fullmatch(name)]
    if len(jobs) < 100 or len(pure) < 20:
        sys.exit(f"only {len(jobs)} sources, {len(pure)} of them pure: the patterns of packaging/analysis.py are out of date")
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, said in pool.map(check, jobs + pure):
            failed += bool(said)
            if said:
                print(f"{name}:\n{said}", flush=True)
    print(f"{len(jobs)} sources by clang-tidy, {len(pure)} by gcc -fanalyzer: {failed or 'no'} findings")
    sys.exit(failed > 0)


main()
