#!/usr/bin/env python3
"""The pages name files, sections and settings that are there.

Checked in every .md file and in the comments of config/*.conf:
- a path or file name in backticks or in a drawing: relative to the repository's root, to the page, or to one of ROOTS;
  a name without a folder has to be the name of some file;
- a link to a file of the repository, and the section behind its `#`;
- a setting in backticks (`broker.queue`): a row of docs/settings.md, which is made from the settings table;
- any other name in backticks that has an underscore (a column, an error code, a log event, a function): some source,
  script or table has it. Not in CHANGELOG.md, which names what is gone.
`docs_check.py --must-fail` shows that a wrong one of each kind is found.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOTS = ("", "worker", "common", "tests", "ctl")
SKIPPED = {".git", ".dev", "build", ".cache", "__pycache__", ".pytest_cache", "node_modules"}
# files that a reader makes by following a page, or that a build or a server makes
MADE = {"more.conf", "schedule.conf", "dump.json", "beat_dump.py", "secret.txt", "answer.json", "results.jsonl",
        "sbom.cdx.json"}
NAME = re.compile(r"(?<![\w/.$\\<-])((?:[\w.*-]+/)*[\w*-][\w.*-]*\.(?:c|h|py|sh|md|conf|sql|txt|cmake|json|xml|yaml|ini|xsd))(?![\w/-])")
FOLDER = re.compile(r"(?<![\w/.$\\<-])((?:common|worker|producer|ctl|tests|packaging|config|bench|docs|cmake)/[\w./*-]*)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SETTING = re.compile(r"^(broker|database|kairosdb|feed|credentials|worker|producer)\.([a-z][a-z0-9_]+)$")


def every_file():
    ahead = [ROOT]
    while ahead:
        for entry in ahead.pop().iterdir():
            if entry.is_dir():
                if entry.name not in SKIPPED:
                    ahead.append(entry)
            else:
                yield entry


FILES = list(every_file())
NAMES = {f.name for f in FILES}
WORD = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)+")
WORDS = {w for f in FILES if f.suffix in (".c", ".h", ".sql", ".py", ".sh", ".yaml", ".txt", ".cmake")
         for w in WORD.findall(f.read_text(errors="replace"))}
# names of other programs that stand in no file of ours
OTHERS = {"authorization_code", "max_tasks_per_child", "search_path", "task_routes"}
SETTINGS = set(re.findall(r"^\| `([a-z_]+\.[a-z0-9_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.M))


def exists(name, page):
    name = name.rstrip(".").replace("NAME", "*").replace("<table>", "*")
    if "/" not in name:
        return name in NAMES or name in MADE or ("*" in name and any(Path(n).match(name) for n in NAMES))
    places = [page.parent] + [ROOT / root for root in ROOTS]
    return any(any(place.glob(name)) if "*" in name else (place / name).exists() for place in places)


def sections(page):
    """The anchors that a forge makes of a page's headings."""
    for heading in re.findall(r"^#+ (.*)$", page.read_text(), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def faults(page, text):
    fenced, language = False, ""
    for number, line in enumerate(text.splitlines(), 1):
        where = f"{page.relative_to(ROOT)}:{number}"
        if line.startswith("```"):
            fenced, language = not fenced, line[3:].strip()
            continue
        if page.suffix == ".conf":
            quoted = [c.split("#", 1)[1] for c in [line] if "#" in c]
        else:
            quoted = [line] if fenced and not language else re.findall(r"`([^`]+)`", line)
        for piece in quoted:
            for name in set(NAME.findall(piece)) | set(FOLDER.findall(piece)):
                if not exists(name, page) and Path(name).name not in MADE:
                    yield f"{where}: there is no {name}"
            if not fenced and page.name != "CHANGELOG.md" and WORD.fullmatch(piece) and piece not in WORDS | OTHERS:
                yield f"{where}: nothing is called {piece}"
            setting = SETTING.match(piece)
            if setting and not fenced and piece not in SETTINGS and setting[2] not in ("sql", "c", "h", "conf"):
                yield f"{where}: there is no setting {piece}"
        for link in [] if fenced else LINK.findall(line):
            if re.match(r"[a-z]+:", link):
                continue
            target, _, anchor = link.partition("#")
            to = page if not target else page.parent / target
            if not to.exists():
                yield f"{where}: the link {link} leads nowhere"
            elif anchor and anchor not in sections(to):
                yield f"{where}: {to.name} has no section #{anchor}"


pages = [f for f in FILES if f.suffix == ".md"] + sorted((ROOT / "config").glob("*.conf"))
if len(pages) < 20 or len(SETTINGS) < 50:
    sys.exit("cannot find the pages or the settings")
if sys.argv[1:] == ["--must-fail"]:
    wrong = ["`common/base/no_such.c`", "[page](no_such.md)", "[here](#no-such-section)", "`worker.no_such`", "`no_such.c`",
             "`no_such_thing_" + "anywhere`"]
    found = [list(faults(ROOT / "README.md", text)) for text in wrong]
    print("\n".join(f"not found: {text}" for text, its in zip(wrong, found) if len(its) != 1))
    sys.exit(all(len(its) == 1 for its in found))
found = [fault for page in sorted(pages) for fault in faults(page, page.read_text())]
print("\n".join(found))
sys.exit(bool(found))
