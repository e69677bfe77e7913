"""Hands on what ctest prints, and before its closing lines shows what each suite has to say for itself (counts, skips with
their reasons, the conformance result) and where the time went.

    ctest … | closing.py RESULTS NOW

RESULTS is build/test-results: summaries of suites, and `stages`, whose lines are when a stage of scripts/test began, in
seconds of its own clock, and the stage's name. NOW is that clock's time.
"""

import pathlib
import re
import sys
import time

TEST = re.compile(r"\s*\d+/\d+ Test +#\d+: (\S+) \.*\s*(?:\*{3})?(\w[\w ]*?) +([\d.]+) sec")
CLOSING = re.compile(r"\d+% tests passed, ")
LONGEST = 12


def stage_rows(results, now, running):
    lines = (results / "stages").read_text().splitlines()
    stages = [(int(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in lines]
    ends = [start for start, _ in stages[1:]] + [now + running]
    return [(name, end - start) for (start, name), end in zip(stages, ends)]


def table(title, rows):
    print(title)
    for name, seconds in rows:
        print(f"  {int(seconds) // 60:3d} min {int(seconds) % 60:02d} s  {name}")


def main():
    results, now = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    began = time.monotonic()
    tests = []
    for line in sys.stdin:
        if found := TEST.match(line):
            tests.append((found.group(1), float(found.group(3))))
        if CLOSING.match(line):
            newer = (results / "started").stat().st_mtime
            for summary in sorted(results.glob("*.summary")):
                if summary.stat().st_mtime >= newer:
                    print(summary.read_text(), end="")
            print()
            table("Where the time went:", stage_rows(results, now, time.monotonic() - began))
            table("The longest tests:", sorted(tests, key=lambda row: -row[1])[:LONGEST])
            print()
        print(line, end="", flush=True)


main()
