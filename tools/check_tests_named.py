#!/usr/bin/env python3
"""Checks that the tests which docs/aggregation.md names exist, and that each line of its tables of
who can cheat how names one.

A test is written `Suite.Name` as --gtest_filter='*Suite.Name*' finds it, with stars where several
are meant; `peer: test_name` or `notice: test_name` of a Python program; or the path of a program.
"""

import fnmatch
import re
import sys

from house_report import ROOT

PAGE = "docs/aggregation.md"
SECTION = re.compile(r"^## Who learns what.*?(?=^## )", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"^TEST(_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
INSTANCE = re.compile(r"^INSTANTIATE_TEST_SUITE_P\(\s*(\w+),\s*(\w+),", re.MULTILINE)
PROGRAMS = {"peer": "tests/integration/aggregate_peer_test.py",
            "notice": "tests/integration/aggregate_notice_test.py"}


def cpp_tests():
    """Every test under the name that googletest gives it, without its parameter."""
    found = set()
    for path in sorted([*(ROOT / "src").rglob("*_test.cc"), *(ROOT / "tests").rglob("*_test.cc")]):
        text = path.read_text()
        prefixes = {}
        for prefix, suite in INSTANCE.findall(text):
            prefixes.setdefault(suite, []).append(prefix + "/")
        for kind, suite, name in TEST.findall(text):
            for prefix in prefixes.get(suite, []) if kind == "_P" else [""]:
                found.add(f"{prefix}{suite}.{name}")
    return found


def is_there(name, tests):
    program, _, case = name.partition(": ")
    if program in PROGRAMS:
        return f"def {case}(" in (ROOT / PROGRAMS[program]).read_text()
    if name.startswith(("tests/", "fuzz/")):
        return (ROOT / name).exists()
    return "." in name and any(fnmatch.fnmatchcase(test, name) for test in tests)


def findings(page, tests):
    section = SECTION.search(page)
    if not section:
        return [f"{PAGE}: its section of who learns what is gone"]
    found = []
    for line in section.group().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|") or line.startswith("|---") or cells[0] == "who":
            continue
        names = re.findall(r"`([^`]+)`", cells[-1])
        if not names:
            found.append(f"{PAGE}: no test is named for: {line[:70]}...")
        found += [f"{PAGE}: there is no test {name}" for name in names
                  if not is_there(name, tests)]
    return found


def main():
    found = findings((ROOT / PAGE).read_text(), cpp_tests())
    for finding in found:
        print(finding)
    print(f"{int(not found)} passed, {len(found)} failed, 0 skipped")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
