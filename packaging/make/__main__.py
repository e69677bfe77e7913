"""Makes packages of a program that was built; scripts/package calls it.

    python3 -B packaging/make BINARY FOLDER deb|image|tarball...

Prints the path of each package in FOLDER. The same program, time (SOURCE_DATE_EPOCH, or the commit's) and installed Debian
packages make the same bytes.
"""

import importlib
import pathlib
import sys

from errors import Refused
from release import Release

KINDS = ("deb", "image", "tarball")


def main():
    if len(sys.argv) < 4 or set(sys.argv[3:]) - set(KINDS):
        sys.exit(__doc__)
    into = pathlib.Path(sys.argv[2])
    try:
        release = Release.of(pathlib.Path(sys.argv[1]).resolve())
        into.mkdir(parents=True, exist_ok=True)
        for kind in sys.argv[3:]:
            print(importlib.import_module(kind).make(release, into))
    except Refused as refused:
        sys.exit(f"packaging/make: {refused}")


main()
