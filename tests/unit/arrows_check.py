#!/usr/bin/env python3
"""Headers follow the arrows that the libraries are linked by.

A folder may include its own headers and those of folders on its library's own link line, and no folder needs itself
through others. `arrows_check.py --must-fail` shows that a wrong arrow is found.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {f"mb_{f.name}": f"{top}/{f.name}" for top in ("common", "worker") for f in (ROOT / top).iterdir()
           if any(f.glob("*.c"))}
TOPS = ("producer", "ctl", "worker")  # what stands directly in them is above everything, and nothing includes it


def link_lines():
    """Folder -> folders on its link line."""
    arrows = {}
    for cmake in ("common/CMakeLists.txt", "worker/CMakeLists.txt"):
        for name, links in re.findall(r"^meterbeat_(?:worker_)?part\((\w+) LINK ([^)]*)\)", (ROOT / cmake).read_text(), re.M):
            arrows[FOLDERS[f"mb_{name}"]] = {FOLDERS[link] for link in links.split() if link in FOLDERS}
    return arrows


def includes():
    """(file, its folder, the folder it includes from)"""
    for source in sorted(ROOT.glob("common/*/*.[ch]")) + sorted(ROOT.glob("worker/*/*.[ch]")):
        folder = str(source.parent.relative_to(ROOT))
        for header in re.findall(r'^#include "([^"]+)"', source.read_text(), re.M):
            yield source.relative_to(ROOT), folder, str(Path(header).parent)


def faults(arrows, included):
    for source, folder, used in included:
        if used in TOPS:
            yield f"{source} includes from {used}/, which is above it"
        elif used != folder and used not in arrows[folder]:
            yield f"{source} includes from {used}, which is not on the link line of {folder}"
    for folder in arrows:
        seen, ahead = set(), list(arrows[folder])
        while ahead:
            at = ahead.pop()
            if at not in seen:
                seen.add(at)
                ahead += arrows.get(at, ())
        if folder in seen:
            yield f"{folder} needs itself"


arrows, included = link_lines(), list(includes())
if set(arrows) != set(FOLDERS.values()) or len(included) < 100:
    sys.exit(f"cannot read the link lines: {sorted(set(FOLDERS.values()) ^ set(arrows))}")
if sys.argv[1:] == ["--must-fail"]:
    included.append((Path("common/base/err.c"), "common/base", "common/store"))
found = list(faults(arrows, included))
print("\n".join(found))
sys.exit(bool(found))
