"""Runs a command unless it passed before with the same inputs.

    once.py NAME INPUT... -- COMMAND...

What counts as the inputs: the command line, the contents of each INPUT (a file, or a folder with all that is in it),
the versions of all installed packages, and which Go there is. A pass is remembered in build/passed/NAME; a failure never
is. With BULKHEAD_TEST_AGAIN in the environment the command runs in any case.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build"
PASSED = BUILD / "passed"
RESULTS = BUILD / "test-results"
IGNORED = {"__pycache__", ".pytest_cache"}


def files_of(path):
    if path.is_file():
        return [path]
    if not path.exists():
        sys.exit(f"once.py: {path} does not exist; scripts/test builds it")
    return sorted(p for p in path.rglob("*") if p.is_file() and not IGNORED & set(p.parts))


def fingerprint(inputs, command):
    key = hashlib.sha256(repr(command).encode())
    for path in (file for entry in inputs for file in files_of(pathlib.Path(entry))):
        with path.open("rb") as file:
            key.update(f"{path} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    key.update(subprocess.run(["dpkg-query", "-W"], capture_output=True, check=False).stdout)
    key.update(repr(shutil.which("go")).encode())
    return key.hexdigest()


def main():
    split = sys.argv.index("--")
    name, *inputs = sys.argv[1:split]
    command = sys.argv[split + 1 :]
    record = PASSED / name
    key = fingerprint(inputs, command)
    if not os.environ.get("BULKHEAD_TEST_AGAIN") and record.exists() and record.read_text() == key:
        print(f"{name} passed before with the same program and tests; --again runs it anyway")
        if (summary := RESULTS / f"{name}.summary").exists():
            summary.touch()  # it is what this run has to say, too
        return 0
    record.unlink(missing_ok=True)
    status = subprocess.run(command, check=False).returncode
    if status == 0:
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(key)
    return 1 if status else 0


sys.exit(main())
