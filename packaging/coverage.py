"""Prints gcovr's summary by folder: lines and branches that the tests ran, of those that there are."""
import collections
import json
import os
import sys

COUNTS = "line_covered", "line_total", "branch_covered", "branch_total"
folders = collections.defaultdict(collections.Counter)
for file in json.load(open(sys.argv[1]))["files"]:
    for folder in (os.path.dirname(file["filename"]), "all"):
        folders[folder].update({count: file[count] for count in COUNTS})
print(f"{'folder':20} {'lines':>7} {'run':>6} {'branches':>9} {'run':>6}")
for folder, c in sorted(folders.items(), key=lambda item: (item[0] == "all", item[0])):
    print(f"{folder:20} {c['line_total']:7} {c['line_covered'] / max(c['line_total'], 1):6.0%} "
          f"{c['branch_total']:9} {c['branch_covered'] / max(c['branch_total'], 1):6.0%}")
