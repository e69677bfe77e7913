"""A real Debian system to make images of: made once with debootstrap and kept in the build folder."""

import contextlib
import fcntl
import os
import shutil
import tempfile

import pytest

from harness import paths
from harness.mounts import lacks_privileges
from harness.process import run


@contextlib.contextmanager
def _locked(path):
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def mirror():
    """Where this machine's own apt gets Debian from; nothing lets debootstrap choose."""
    listed = run(
        "apt-get", "indextargets", "--format", "$(REPO_URI)", "Codename: bookworm", "Component: main", check=False
    ).stdout.split()
    return listed[:1]


def debian_tarball():
    """The root file system of a minimal Debian 12, about 200 MB, as a tar file."""
    tarball = paths.CACHE / "debian-12-minbase.tar"
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(paths.CACHE / "debian.lock"):
        if not tarball.exists():
            if lacks_privileges():
                pytest.skip(f"debootstrap {lacks_privileges()}")
            folder = tempfile.mkdtemp(dir=paths.CACHE)
            try:
                root = os.path.join(folder, "root")
                run("debootstrap", "--variant=minbase", "bookworm", root, *mirror(), timeout=900)
                made = os.path.join(folder, "made.tar")
                run("tar", "-C", root, "--numeric-owner", "--sort=name", "--exclude=./var/cache/apt/*", "-cf", made, ".")
                os.rename(made, tarball)
            finally:
                shutil.rmtree(folder)
    return tarball
