"""Whole systems to install packages into: folders to change root into, and a Debian that systemd has booted.

Each is unpacked anew from an archive that is made once and kept in the build folder.
"""

import contextlib
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from harness import images, paths, process
from harness.mounts import lacks_privileges
from harness.process import run

# Nothing of this machine's settings reaches what runs inside.
ENVIRONMENT = [
    *("env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8"),
    "DEBIAN_FRONTEND=noninteractive",
]
# In namespaces of its own, so that all of it ends with its first process; the network is its own, too, with loopback alone.
# The root is moved to, not changed to: in a chroot no user namespaces are made, which the service asks for.
BOOT = r"""
for group in "" /systemd /unified; do
  if [ -e /sys/fs/cgroup$group/cgroup.procs ]; then
    mkdir /sys/fs/cgroup$group/$2 && echo $$ >/sys/fs/cgroup$group/$2/cgroup.procs || exit 1
  fi
done
exec unshare --mount --pid --cgroup --ipc --uts --net --fork --kill-child sh -ec '
ip link set lo up
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
if [ -e /sys/fs/cgroup/cgroup.procs ]; then
  mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
else
  mount -t tmpfs tmpfs "$1/sys/fs/cgroup"
  mkdir "$1/sys/fs/cgroup/systemd" "$1/sys/fs/cgroup/unified"
  mount -t cgroup -o none,name=systemd cgroup "$1/sys/fs/cgroup/systemd"
  mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup/unified"
fi
mount -t tmpfs tmpfs "$1/run"
mount -t tmpfs tmpfs "$1/tmp"
mount --rbind /dev "$1/dev"
cd "$1"
mkdir -p before
pivot_root . before
umount -l /before
exec env -i container=bulkhead-tests PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --show-status=no
' sh "$1"
"""


class Root:
    """A folder to change root into."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, *command, user="root", **options):
        return run("chroot", f"--userspec={user}", self.folder, *ENVIRONMENT, *command, **options)

    def dpkg(self, action, what, **options):
        """`what` is a package's name, or the path of one outside."""
        if isinstance(what, pathlib.Path):
            shutil.copy(what, self.folder / "root")
            what = f"/root/{what.name}"
        return self.run("dpkg", action, what, stdin=subprocess.DEVNULL, **options)


class Booted(Root):
    """A Debian whose first process is systemd."""

    def __init__(self, folder):
        super().__init__(folder)
        self._group = folder.name
        self._daemon = process.Daemon(["sh", "-c", BOOT, "sh", folder, self._group], folder.with_suffix(".log"))
        try:
            process.wait_until(self._is_up, "systemd to be up", 60)
        except BaseException:
            self.close()
            raise

    def _is_up(self):
        assert self._daemon.running(), f"the system ended:\n{self._daemon.log()[-3000:]}"
        return self._first() and self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def _first(self):
        """The number of its first process, or nothing."""
        children = pathlib.Path(f"/proc/{self._daemon.pid}/task/{self._daemon.pid}/children").read_text(encoding="ascii")
        return children.split()[0] if children.split() else ""

    def run(self, *command, user="root", **options):
        as_user = ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"] if user != "root" else []
        return run("nsenter", "-t", self._first(), "-a", "-r", "-w", *ENVIRONMENT, *as_user, *command, **options)

    def close(self):
        """With its first process all others are killed; their control groups can be removed when the last is gone."""
        self._daemon.kill()
        process.wait_until(lambda: not self._groups_left(), "the control groups to be empty")

    def _groups_left(self):
        tops = [pathlib.Path(f"/sys/fs/cgroup{group}/{self._group}") for group in ("", "/systemd", "/unified")]
        for top in tops:
            for below, _, _ in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(below)
        return any(top.exists() for top in tops)


def unpack(archive, into):
    into.mkdir()
    run("tar", "-C", into, "--numeric-owner", "-xpf", archive)
    return into


def _pack(root, archive):
    made = archive.with_suffix(".new")
    run("tar", "-C", root, "--numeric-owner", "--sort=name", "--exclude=./var/cache/apt/*", "--exclude=./dev/*", "-cf", made, ".")
    os.rename(made, archive)


def debian_with(packages):
    """An archive of a minimal Debian 12 with these packages, whose services are not started."""
    base = images.debian_tarball()
    name = hashlib.sha256(" ".join(packages).encode()).hexdigest()[:12]
    archive = paths.CACHE / f"debian-12-with-{name}.tar"
    if archive.exists():
        return archive
    folder = pathlib.Path(tempfile.mkdtemp(dir=paths.CACHE))
    try:
        root = Root(unpack(base, folder / "root"))
        # Without one, debootstrap has written down where it took the root from.
        if mirror := images.mirror():
            (root.folder / "etc/apt/sources.list").write_text(f"deb {mirror[0]} bookworm main\n")
        shutil.copy("/etc/resolv.conf", root.folder / "etc/resolv.conf")
        proxies = run("apt-config", "dump", "Acquire::http").stdout + run("apt-config", "dump", "Acquire::https").stdout
        (root.folder / "etc/apt/apt.conf.d/90tests").write_text(proxies)
        policy = root.folder / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        root.run("apt-get", "update", "-q")
        root.run("apt-get", "install", "-y", "-q", "--no-install-recommends", *packages, timeout=600)
        policy.unlink()
        # From here on without a mirror: what apt installs has all it depends on.
        (root.folder / "etc/apt/sources.list").write_text("")
        for old in paths.CACHE.glob("debian-12-with-*.tar"):
            old.unlink()
        _pack(root.folder, archive)
    finally:
        shutil.rmtree(folder)
    return archive


def ubuntu():
    """An archive of the packages of a minimal Ubuntu 24.04, unpacked and not set up: its libraries are what it is for.

    Debian has no keys to check it with, so nothing of it is run but by nobody.
    """
    archive = paths.CACHE / "ubuntu-24.04.tar"
    if archive.exists():
        return archive
    if lacks_privileges():
        pytest.skip(f"debootstrap {lacks_privileges()}")
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    folder = pathlib.Path(tempfile.mkdtemp(dir=paths.CACHE))
    try:
        # Debian 12 knows no release as new as that; the steps are those of its forerunner.
        made = run("debootstrap", "--foreign", "--no-check-gpg", "--variant=minbase", "noble", folder / "root",
                   "", "/usr/share/debootstrap/scripts/jammy", check=False, timeout=300)
        if made.returncode != 0:
            pytest.skip(f"no Ubuntu 24.04 to be had here: {made.stdout.strip().splitlines()[-1]}")
        if (folder / "root/proc").is_symlink():  # to this machine's, until its setting up is over
            (folder / "root/proc").unlink()
            (folder / "root/proc").mkdir()
        _pack(folder / "root", archive)
    finally:
        shutil.rmtree(folder)
    return archive
