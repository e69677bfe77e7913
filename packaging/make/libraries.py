"""The shared libraries that a program loads, and the Debian packages that they and other files come from."""

import dataclasses
import functools
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
FIELDS = ("Package", "Version", "Architecture", "source:Package", "source:Version", "Homepage")


@dataclasses.dataclass(frozen=True)
class Package:
    name: str
    version: str
    architecture: str
    source: str
    source_version: str
    homepage: str

    def copyright(self):
        """The file that says who wrote it and under which license."""
        return pathlib.Path(f"/usr/share/doc/{self.name}/copyright")

    def status(self):
        """What Debian's package manager would say of it, for who looks for known vulnerabilities."""
        return output_of("dpkg-query", "--status", self.name)


def loaded_by(binary):
    """The path of each library, by the name that it is asked for with; that of the loader is among them."""
    found = {}
    for name, path in LIBRARY.findall(output_of("ldd", binary)):
        found[name or pathlib.Path(path).name] = pathlib.Path(path)
    if not found:
        raise Refused(f"{binary} loads no libraries; is it a program of this machine's kind?")
    return dict(sorted(found.items()))


def _owners(paths):
    """The name of the package that has each of the files."""
    # Debian 12 has /lib as a link to /usr/lib, and packages that say either.
    spelled = {path: (str(path.resolve()), str(path.resolve()).removeprefix("/usr")) for path in paths}
    names = [name for pair in spelled.values() for name in pair]
    # Fails for the spellings that no package has, and still lists the others.
    listed = subprocess.run(["dpkg-query", "--search", *names], capture_output=True, text=True, check=False).stdout
    owners = {path: owner.split(":")[0] for owner, _, path in (line.partition(": ") for line in listed.splitlines())}
    for path, pair in spelled.items():
        if not set(pair) & set(owners):
            raise Refused(f"{path} belongs to no Debian package; build on Debian 12, with its libraries")
    return {path: next(owners[name] for name in pair if name in owners) for path, pair in spelled.items()}


@functools.cache
def _package(name):
    values = output_of("dpkg-query", "--show", "--showformat", "\t".join(f"${{{field}}}" for field in FIELDS) + "\n", name)
    return Package(*values.splitlines()[0].split("\t"))


def packages_of(paths):
    """The packages that the files come from, by name."""
    return [_package(name) for name in sorted(set(_owners(paths).values()))]


def compiled_in():
    return [_package(name) for name in COMPILED_IN]
