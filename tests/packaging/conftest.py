"""The packages, made once from the program under test, and systems to install them into."""

import pathlib
import re
import shutil
import sys

import pytest

from harness import engines, mounts, paths, process, roots


def make(binary, into, *kinds):
    """The paths of the packages."""
    done = process.run(sys.executable, "-B", paths.ROOT / "packaging" / "make", binary, into, *kinds)
    made = [pathlib.Path(line) for line in done.stdout.splitlines() if line.startswith(str(into))]
    assert len(made) == len(kinds), done.stdout
    return made


@pytest.fixture(scope="session")
def binary(request):
    return request.config.getoption("--bulkhead").resolve()


@pytest.fixture(scope="session")
def version(binary):
    return process.run(binary, "--version").stdout.split()[1]


@pytest.fixture(scope="session")
def deb(binary, work_folder):
    return make(binary, work_folder / "packages", "deb")[0]


@pytest.fixture(scope="session")
def image(binary, work_folder):
    return make(binary, work_folder / "packages", "image")[0]


@pytest.fixture(scope="session")
def tarball(binary, work_folder):
    return make(binary, work_folder / "packages", "tarball")[0]


@pytest.fixture(scope="session")
def older_deb(deb, work_folder):
    """The same program in a package of an earlier version."""
    root = work_folder / "older"
    process.run("dpkg-deb", "--raw-extract", deb, root)
    control = root / "DEBIAN" / "control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 0.0.1", control.read_text(), flags=re.MULTILINE))
    package = work_folder / "bulkhead_0.0.1_amd64.deb"
    process.run("dpkg-deb", "--root-owner-group", "-Znone", "--build", root, package)
    return package


@pytest.fixture(scope="session")
def storage(work_folder):
    """For whole systems and what engines keep, in memory where there is enough: thousands of files each, for seconds."""
    if mounts.lacks_privileges():
        pytest.skip(f"other systems and container engines: {mounts.lacks_privileges()}")
    folder = work_folder / "s"
    folder.mkdir()
    mounts.separate()
    in_memory = mounts.available_memory() > 8 << 30
    if in_memory:
        mounts.tmpfs(folder, 4 << 30)
    yield folder
    if in_memory:
        mounts.unmount(folder)


@pytest.fixture(scope="session")
def debian(deb):
    """An archive of a Debian with what the package depends on, and systemd."""
    if mounts.lacks_privileges():
        pytest.skip(f"installing a package {mounts.lacks_privileges()}")
    depends = process.run("dpkg-deb", "--field", deb, "Depends").stdout
    return roots.debian_with(sorted({"systemd-sysv", "dbus", "ca-certificates", *re.findall(r"(?:^|, )([a-z0-9.+-]+)", depends)}))


@pytest.fixture
def chroot(debian, storage):
    """A Debian in which nothing runs, as in the making of an image of a machine."""
    root = roots.unpack(debian, storage / "chroot")
    yield roots.Root(root)
    shutil.rmtree(root)


@pytest.fixture(scope="session")
def booted(debian, storage):
    """A Debian that systemd has booted."""
    if not any(pathlib.Path(f"/sys/fs/cgroup{group}/cgroup.procs").exists() for group in ("", "/systemd")):
        pytest.skip("no control groups here for a systemd of one's own")
    system = roots.Booted(roots.unpack(debian, storage / "booted"))
    yield system
    system.close()




class RuncPodman(engines.Podman):
    """On runc, which knows every kind of control groups, and with the limits of this process."""

    def __init__(self, folder):
        super().__init__(folder)
        (folder / "auth.json").write_text("{}")
        (folder / "containers.conf").write_text("[containers]\ndefault_ulimits = []\n")

    def environment(self):
        return super().environment() | {"CONTAINERS_CONF": str(self.folder / "containers.conf")}

    def globals(self):
        return [*super().globals(), "--runtime", "runc", "--cgroup-manager", "cgroupfs"]


def _engine_with(kind, image, folder):
    folder.mkdir()
    engine = kind(folder)
    try:
        engine.run("load", "--input", image)
        yield engine
    finally:
        engine.close()


@pytest.fixture(scope="session")
def docker(image, storage):
    yield from _engine_with(engines.Docker, image, storage / "docker")


@pytest.fixture(scope="session")
def podman(image, storage):
    yield from _engine_with(RuncPodman, image, storage / "podman")
