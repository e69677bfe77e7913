#!/usr/bin/env python3
"""Refuse a test of the whole program that nothing runs: a suite is a folder of tests/ that whole.cmake registers, that
pytest.ini lists for a run by hand, and of which tests/README.md says what it holds. Unit tests are check_modules.py's.

usage: check_tests.py ROOT
"""

import re
from pathlib import Path

from reporting import run

SUITE = re.compile(r"^bulkhead_suite\(\S+ (\S+) ", re.MULTILINE)
NOT_SUITES = {"harness", "layout"}


def check(root):
    problems = []
    tests = root / "tests"
    registered = set(SUITE.findall((tests / "whole.cmake").read_text()))
    listed = set(re.search(r"^testpaths =(.*)", (tests / "pytest.ini").read_text(), re.MULTILINE).group(1).split())
    described = set(re.findall(r"^\| `([a-z_]+)` \|", (tests / "README.md").read_text(), re.MULTILINE))
    holding = {}
    for path in sorted(tests.rglob("*.py")):
        place = path.relative_to(tests).parts
        if place[0] in NOT_SUITES:
            continue
        has_tests = re.search(r"^def test_|^class Test", path.read_text(), re.MULTILINE)
        if path.name.startswith("test_"):
            if len(place) != 2:
                problems.append(f"{path}: is in no suite; a suite is a folder of tests/")
            holding.setdefault(place[0], path)
        elif has_tests:
            problems.append(f"{path}: has tests, and pytest looks into files called test_*.py only")
    for suite, path in holding.items():
        for where, names in (("whole.cmake registers", registered), ("pytest.ini lists", listed),
                             ("README.md describes", described)):
            if suite not in names:
                problems.append(f"{path}: is in the folder {suite}, which none of the suites is that tests/{where}")
    for suite in sorted(registered - holding.keys()):
        problems.append(f"{tests / 'whole.cmake'}: registers {suite}, which has no test_*.py")
    return problems


if __name__ == "__main__":
    run(__doc__, check)
