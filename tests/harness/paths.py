"""Where things are in the source tree and in its build folder."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"
RELEASE_BINARY = BUILD / "release" / "bulkhead"
# Made once and kept: the Debian image, the conformance program.
CACHE = BUILD / "test-cache"
RESULTS = BUILD / "test-results"
