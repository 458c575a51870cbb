#!/usr/bin/env python3
"""What the C code is made of, in figures; needs universal-ctags. `structure.py [-v]`: -v names what is counted."""
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOPS = ("common", "worker", "producer", "ctl")
VERBOSE = "-v" in sys.argv


def sources():
    names = subprocess.check_output(["git", "ls-files", *TOPS], cwd=ROOT, text=True).split()
    return [name for name in names if name.endswith((".c", ".h"))]


def tags(names):
    lines = subprocess.check_output(["ctags", "--output-format=json", "--fields=+neS", "--kinds-C=fs", "-f", "-", *names],
                                    cwd=ROOT, text=True).splitlines()
    return [json.loads(line) for line in lines]


def without_comments(text):
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\])*"', " ", text, flags=re.S)


def circles(arrows):
    """Strongly connected components of two or more files (Tarjan's algorithm)."""
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for target in arrows.get(node, ()):
            if target not in number:
                visit(target)
            if target in stack:
                low[node] = min(low[node], low[target])
        if low[node] == number[node]:
            group = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(group) > 1:
                found.append(sorted(group))

    for node in list(arrows):
        if node not in number:
            visit(node)
    return found


def main():
    names = sources()
    text = {name: (ROOT / name).read_text() for name in names}
    code = {name: without_comments(text[name]) for name in names}
    c_files = [name for name in names if name.endswith(".c")]
    found = tags(names)
    functions = [t for t in found if t["kind"] == "function" and t["path"].endswith(".c")]
    structs = [t for t in found if t["kind"] == "struct" and not t["name"].startswith("__anon")]
    c_lines = sum(text[name].count("\n") for name in c_files)
    lines = sum(t.count("\n") for t in text.values())
    lengths = sorted(t["end"] - t["line"] + 1 for t in functions)
    statics = [t for t in functions if re.search(rf"^static\b[^;{{]*\b{t['name']}\(", text[t["path"]], re.M)]
    alone = [t for t in statics if len(re.findall(rf"\b{t['name']}\b", code[t["path"]])) == 2]
    owner = {t["name"]: t["path"] for t in functions if t not in statics}
    of_file = defaultdict(set)
    for t in functions:
        of_file[t["path"]].add(t["name"])
    arrows = defaultdict(set)
    for name in c_files:
        for word in set(re.findall(r"(?<![\w.>])([a-z_][a-z0-9_]+)\(", code[name])) - of_file[name]:
            if owner.get(word, name) != name:
                arrows[name].add(owner[word])
    groups = circles(arrows)
    on_codes = [f"{name}:{number}" for name in c_files for number, line in enumerate(text[name].splitlines(), 1)
                if re.search(r"strcmp\([^;]*(->|\.)code\b|strcmp\(code\b", line)]
    basenames = Counter(Path(name).name for name in names)
    double = [base for base, count in basenames.items() if count > 1 and base != "main.c"]
    tests = "\n".join(p.read_text() for p in (ROOT / "tests").rglob("*.c"))
    headless = [name for name in c_files if name[:-1] + "h" not in text and Path(name).name != "main.c"
                and not Path(name).name.startswith(("cmd_", "command_"))]
    untested = [name for name in c_files if name.startswith(("worker/runtime", "worker/ingest", "producer")) and
                not any(re.search(rf"\b{t['name']}\(", tests) for t in functions if t["path"] == name and t not in statics)]
    rows = [
        ("lines (.c and .h)", lines, ()),
        ("functions per 1,000 lines of .c", round(len(functions) * 1000 / c_lines), ()),
        ("structs per 1,000 lines of .c", round(len(structs) * 1000 / c_lines, 1), ()),
        ("function length: median, p90, longest",
         f"{lengths[len(lengths) // 2]}, {lengths[len(lengths) * 9 // 10]}, {lengths[-1]}",
         [f"{t['path']}:{t['line']} {t['name']}" for t in functions if t["end"] - t["line"] + 1 > 60]),
        ("static functions with one caller, %", round(100 * len(alone) / len(statics)), ()),
        ("circles of calls between files", " + ".join(str(len(g)) for g in groups) or 0, groups),
        ("strcmp on error codes", len(on_codes), on_codes),
        ("basenames that stand twice", len(double), double),
        (".c files without a header of their own", len(headless), headless),
        ("modules of runtime, ingest, producer without a unit test", len(untested), untested),
    ]
    for name, value, details in rows:
        print(f"{name:<58} {value}")
        if VERBOSE:
            print("".join(f"    {detail}\n" for detail in details), end="")


main()
