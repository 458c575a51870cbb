#!/usr/bin/env python3
"""Every error code is in the table of common/base/error_codes.c, with its kind, and the table has no other.

`error_codes_check.py --must-fail` shows that a wrong code, a wrong kind and a row without use are found.
"""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "common/base/error_codes.c"
KIND = r"(ERR_[A-Z_]+)"
CODE = r'"([a-z][a-z_0-9]*)"'
# err_set(e, KIND, "code" and rows of tables; either kind or code may be a choice of two
USE = re.compile(rf"\b{KIND}(?:\s*:\s*{KIND})?\s*,\s*(?:true,\s*|false,\s*)?(?:[^\";,()]*\?\s*)?{CODE}(?:\s*:\s*{CODE})?")


def table():
    """Codes in order, and code -> its kinds."""
    rows = re.findall(rf"\{{\.code = {CODE},\s*\.kind = {KIND}(?:,\s*\.also = {KIND})?", TABLE.read_text())
    return [code for code, *_ in rows], {code: set(kinds) - {""} for code, *kinds in rows}


def sources():
    for top in ("common", "ctl", "producer", "worker"):
        for source in sorted((ROOT / top).rglob("*.[ch]")):
            if source != TABLE:
                yield str(source.relative_to(ROOT)), source.read_text()


def problems(texts):
    order, kinds = table()
    if order != sorted(set(order)):
        yield "the table is not sorted, or has a code twice"
    for file, text in texts:
        for use in USE.finditer(text):
            one, other, *codes = use.groups()
            for code in filter(None, codes):
                if code not in kinds:
                    yield f"{file}: {code} is not in the table"
                elif not {one, other} & kinds[code] and len(list(filter(None, codes))) == 1:
                    yield f"{file}: {code} is {one}, in the table {', '.join(sorted(kinds[code]))}"
    whole = "\n".join(text for _, text in texts)
    for code in order:
        if f'"{code}"' not in whole:
            yield f"{code} is in the table and nowhere else"


def main():
    texts = list(sources())
    if "--must-fail" in sys.argv[1:]:
        unused = next(code for code in table()[0] if sum(text.count(f'"{code}"') for _, text in texts) == 1)
        wrong = [("wrong.c", 'err_set(e, ERR_RETRY, "no_such_code", "");')]
        wrong_kind = [("wrong.c", 'err_set(e, ERR_FATAL, "lease_lost", "");')]
        without = [(file, text.replace(f'"{unused}"', "")) for file, text in texts]
        found = [any(problems(texts + wrong)), any(problems(texts + wrong_kind)), any(problems(without))]
        sys.exit(1 if all(found) and not any(problems(texts)) else 0)
    found = list(problems(texts))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
