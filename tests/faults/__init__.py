"""Faults against a small installation on the real servers, and the ledger that is held against it: ./dev faults."""
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
for folder in ("packaging/demo", "packaging", "tests/system"):
    if str(ROOT / folder) not in sys.path:
        sys.path.append(str(ROOT / folder))
