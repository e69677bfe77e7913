"""What the checks of this folder have in common as programs."""

import sys
from pathlib import Path


def run(usage, check):
    """The program CHECK ROOT: prints what `check` finds wrong below ROOT, and fails when it finds something."""
    if len(sys.argv) != 2:
        sys.exit(usage)
    problems = check(Path(sys.argv[1]))
    for line in problems:
        print("error:", line)
    print(f"{len(problems)} problems")
    sys.exit(1 if problems else 0)
