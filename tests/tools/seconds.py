"""Writes how long each system test took, for the order they are run in: seconds.py JUNIT.xml... >tests/system/seconds.tsv"""
import sys
import xml.etree.ElementTree

LEAST_S = 8  # those that take less need no order

seconds = {}
for name in sys.argv[1:]:
    for case in xml.etree.ElementTree.parse(name).iter("testcase"):
        group = f"@{case.get('classname')}.py"
        test = f"{case.get('classname')}.py::{case.get('name').removesuffix(group)}"
        seconds[test] = max(seconds.get(test, 0), float(case.get("time")))
for test, took in sorted(seconds.items(), key=lambda item: (-round(item[1]), item[0])):
    if took >= LEAST_S:
        print(round(took), test, sep="\t")
