"""From the same program at the same commit the same bytes are made."""

import hashlib
import re
import shutil
import sys

import pytest

from harness import paths, process


def sums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", ["deb", "image", "tarball"])
def test_made_twice_a_package_is_the_same(kind, request, binary, folder):
    made = request.getfixturevalue(kind)
    # Another place, another user's habits, and another day for the files that go in.
    elsewhere = folder / "elsewhere"
    shutil.copytree(paths.ROOT, elsewhere, symlinks=True, ignore=shutil.ignore_patterns("build", "data", ".git"))
    for path in elsewhere.rglob("*"):
        path.touch()
    (folder / "made").mkdir()
    program = shutil.copy(binary, folder / "program")
    process.run("sh", "-c", 'umask 077 && exec "$@"', "sh", sys.executable, "-B", elsewhere / "packaging" / "make", program,
                folder / "made", kind, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "Pacific/Auckland", "LC_ALL": "C",
                                            "GIT_DIR": git_folder()})
    first = {name: digest for name, digest in sums(made.parent).items() if (folder / "made" / name).exists()}
    assert first == sums(folder / "made")
    assert made.name in first


def git_folder():
    """Where the commit is looked up, whose time and name the packages bear."""
    return process.run("git", "-C", paths.ROOT, "rev-parse", "--absolute-git-dir").stdout.strip()


def test_the_program_does_not_say_where_it_was_built(binary):
    """Sources are named by their place in the project, so that another folder makes the same program."""
    assert re.findall(rb"/[\w./-]+/src/[a-z_]+/[\w/]+\.(?:cc|h)\b", binary.read_bytes()) == []
