"""Writes a first corpus for fuzz_answers, some of each parser: seeds_answers.py DIRECTORY."""
import json
import pathlib
import sys

TAGS = {"meter": ["E"], "record": ["1"]}
QUERY = {"queries": [{"sample_size": 2, "results": [
    {"name": "m", "tags": TAGS, "values": [[1709269200000, 1.5], [1709355600000, 2e3]]}]}] * 2}
SEEDS = [
    b"\0\0" + json.dumps({"access_token": "a", "refresh_token": "r", "token_type": "Bearer", "expires_in": 3600}).encode(),
    b"\0\0" + json.dumps({"access_token": "a", "refresh_token": "", "expires_in": "25", "error": None}).encode(),
    b"\0\3" + json.dumps({"error": "invalid_grant", "error_description": "used up"}).encode(),
    b"\1" + json.dumps(QUERY).encode(),
    b"\2" + json.dumps({"queries": QUERY["queries"][:1]}).encode(),
    b"\3" + json.dumps({"errors": ["metric[0].name may not be empty."]}).encode(),
    *(b"\4" + text.encode() for text in ("%m/%d/%Y\n03/01/2024", "month/day/year\n3/1/2024", "%Y-%m-%dT%H:%M:%S\n"
                                         "2024-02-29T00:00:00", "%d %b %y\n29 Feb 24", "%j %Y\n366 2024", "yyyymmdd\n20240229")),
    *(b"\5" + text.encode() for text in ("10.1.0.0/16 fd00::/8", "1037 Btu/ft3", "38.3 MJ/m3", json.dumps({"a": "b"}))),
]

for number, seed in enumerate(SEEDS):
    (pathlib.Path(sys.argv[1]) / f"seed_{number}").write_bytes(seed)
