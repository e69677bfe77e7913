"""The shared libraries that a program loads, and the Debian packages that they and other files come from."""

import collections
import dataclasses
import pathlib
import re
import subprocess

from errors import Refused
from release import output_of

LIBRARY = re.compile(r"^\s*(?:(\S+) => )?(/\S+) \(0x[0-9a-f]+\)$", re.MULTILINE)
# Code that is compiled into the program, and no library that is loaded.
COMPILED_IN = ("libboost1.81-dev", "libcli11-dev", "libp11-kit-dev")
# Belong to the C library, and work with the kernel and the other parts of it that a machine has.
C_LIBRARY = re.compile(r"^(ld-linux-x86-64|libc|libm|libpthread|libresolv|libdl|librt)\.so\.\d+$")
FIELDS = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Maintainer", "Homepage")


@dataclasses.dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    maintainer: str
    homepage: str

    def copyright(self):
        """The file that says who wrote it and under which license."""
        return pathlib.Path(f"/usr/share/doc/{self.name}/copyright")

    def status(self):
        """What Debian's package manager would say of it, for who looks for known vulnerabilities."""
        return output_of("dpkg-query", "--status", f"{self.name}:{self.architecture}" if self.architecture != "all" else self.name)


def loaded_by(binary):
    """The path of each library, by the name that it is asked for with; that of the loader is among them."""
    found = {}
    for name, path in LIBRARY.findall(output_of("ldd", binary)):
        found[name or pathlib.Path(path).name] = pathlib.Path(path)
    if not found:
        raise Refused(f"{binary} loads no libraries; is it a program of this machine's kind?")
    return dict(sorted(found.items()))


def _owner(path):
    # Debian 12 has /lib as a link to /usr/lib, and packages that say either.
    resolved = str(path.resolve())
    for name in (resolved, resolved.removeprefix("/usr")):
        done = subprocess.run(["dpkg-query", "--search", name], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    raise Refused(f"{path} belongs to no Debian package; build on Debian 12, with its libraries")


def _package(name):
    values = output_of("dpkg-query", "--show", "--showformat", "\t".join(f"${{{field}}}" for field in FIELDS) + "\n", name)
    return Package(*values.splitlines()[0].split("\t"))


def packages_of(paths):
    """Which packages the files come from: {Package: [path]}, by name."""
    by_name = collections.defaultdict(list)
    for path in paths:
        by_name[_owner(path)].append(path)
    return {_package(name): files for name, files in sorted(by_name.items())}


def compiled_in():
    return [_package(name) for name in COMPILED_IN]
