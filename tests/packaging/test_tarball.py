"""The tar file: on a bare Debian 12 and on Ubuntu 24.04, with none of the libraries that it was built with."""

import ctypes
import re
import tarfile

import pytest

from harness import images, process, roots


@pytest.fixture(scope="module", params=["debian", "ubuntu"])
def installed(request, tarball, storage):
    """A root with the tar file unpacked in /opt and the program linked into /usr/local/bin, as its README says."""
    archive = {"debian": images.debian_tarball, "ubuntu": roots.ubuntu}[request.param]()
    root = roots.Root(roots.unpack(archive, storage / request.param))
    # The loader asks /proc where the program is.
    process.run("mount", "-t", "proc", "proc", root.folder / "proc")
    for folder in ("opt", "srv", "usr/local/bin"):  # not all of them are there before a system is set up
        (root.folder / folder).mkdir(parents=True, exist_ok=True)
    process.run("tar", "-C", root.folder / "opt", "--no-same-owner", "-xf", tarball)
    name = tarball.name.removesuffix(".tar.gz")
    (root.folder / "usr/local/bin/bulkhead").symlink_to(f"/opt/{name}/bin/bulkhead")
    yield root
    process.run("umount", "--lazy", root.folder / "proc")


def as_nobody(root, *command, **options):
    return root.run(*command, user="65534:65534", **options)


def test_it_says_its_version(installed, version):
    assert as_nobody(installed, "bulkhead", "--version").stdout == f"bulkhead {version}\n"


def test_it_keeps_accounts(installed):
    """With everything that a start needs: keys, hashed passwords, the database."""
    data = installed.folder / "srv" / "data"
    data.mkdir(mode=0o700)
    process.run("chown", "65534:65534", data)
    as_nobody(installed, "bulkhead", "user", "create", "alice", "--admin", "--password-stdin", "--data", "/srv/data",
              input="correct horse battery staple\n")
    assert "alice" in as_nobody(installed, "bulkhead", "user", "list", "--data", "/srv/data").stdout


def test_its_libraries_are_its_own_but_for_the_c_library(installed, tarball):
    name = tarball.name.removesuffix(".tar.gz")
    listed = as_nobody(installed, "ldd", f"/opt/{name}/bin/bulkhead").stdout
    elsewhere = {line.split()[0] for line in listed.splitlines() if " => " in line and f"/opt/{name}/" not in line}
    of_the_c_library = re.compile(r"(libc|libm|libpthread|libresolv|libdl)\.so\.\d$")
    assert elsewhere and all(of_the_c_library.match(library) for library in elsewhere), listed


def test_it_says_which_c_library_it_needs(tarball):
    """The one that it was built with can be no older than what it needs."""
    with tarfile.open(tarball) as archive:
        text = next(archive.extractfile(entry).read().decode() for entry in archive if entry.name.endswith("/README"))
    stated = tuple(map(int, re.search(r"GNU C library (\d+)\.(\d+) or newer", text).groups()))
    version = ctypes.CDLL(None).gnu_get_libc_version
    version.restype = ctypes.c_char_p
    assert (2, 34) <= stated <= tuple(map(int, version().decode().split(".")))
