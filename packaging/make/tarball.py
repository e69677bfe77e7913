"""A tar file for other Linux distributions: the program with its libraries beside it, and what a machine has of its own,
the C library."""

import pathlib
import re
import tempfile

from libraries import C_LIBRARY, loaded_by, packages_of
from release import PACKAGING, ROOT, output_of
from sbom import document
from tree import Tree, zipped

NEEDED_VERSION = re.compile(r"GLIBC_(\d+)\.(\d+)")
COMPLETIONS = {"bash": "bulkhead.bash", "zsh": "_bulkhead", "fish": "bulkhead.fish"}

README = """Bulkhead {version} for Linux on x86-64

Needs the GNU C library {floor} or newer (`ldd --version` says which there is); everything else is here. To install it:

    cp -a {name} /opt/
    ln -s /opt/{name}/bin/bulkhead /opt/{name}/bin/docker-credential-bulkhead /usr/local/bin/

Keep bin and lib beside each other. `bulkhead serve` serves ./data on 127.0.0.1:5000; share/ has a configuration file that
explains every setting, and a service for systemd. LICENSE is Bulkhead's, licenses/ those of the libraries, and
bulkhead.spdx.json says which these are.
"""


def glibc_needed(files):
    """The newest version of the C library that one of the files asks for, as (2, 36)."""
    asked = (NEEDED_VERSION.findall(output_of("objdump", "--dynamic-syms", path)) for path in files)
    return max((int(major), int(minor)) for found in asked for major, minor in found)


def program(release):
    """The program, which looks for its libraries in ../lib. For theirs, too: DT_RPATH, unlike DT_RUNPATH, is for all."""
    with tempfile.TemporaryDirectory() as folder:
        at = pathlib.Path(folder) / "bulkhead"
        at.write_bytes(release.stripped())
        output_of("patchelf", "--force-rpath", "--set-rpath", "$ORIGIN/../lib", at)
        return at.read_bytes()


def make(release, into):
    """The path of the tar file."""
    name = f"bulkhead-{release.version}-linux-amd64"
    libraries = {asked: path for asked, path in loaded_by(release.binary).items() if not C_LIBRARY.match(asked)}
    floor = ".".join(map(str, glibc_needed([release.binary, *libraries.values()])))
    tree = Tree(release.epoch)
    binary = program(release)
    tree.file(f"{name}/bin/bulkhead", binary, 0o755)
    tree.link(f"{name}/bin/docker-credential-bulkhead", "bulkhead")
    for asked, path in libraries.items():
        tree.file(f"{name}/lib/{asked}", path.read_bytes(), 0o755)
    for package in packages_of(libraries.values()):
        tree.copy(f"{name}/licenses/{package.name}", package.copyright())
    tree.copy(f"{name}/LICENSE", ROOT / "LICENSE")
    tree.file(f"{name}/README", README.format(version=release.version, floor=floor, name=name))
    tree.file(f"{name}/bulkhead.spdx.json", document(release, binary, libraries.values()))
    tree.file(f"{name}/share/bulkhead.toml", release.run("config", "example", "--data", "/var/lib/bulkhead"))
    unit = (PACKAGING / "systemd" / "bulkhead.service").read_text(encoding="utf-8")
    tree.file(f"{name}/share/bulkhead.service", unit.replace("=/usr/bin/", "=/usr/local/bin/"))
    for file in sorted((PACKAGING / "monitoring").iterdir()):
        tree.copy(f"{name}/share/monitoring/{file.name}", file)
    tree.copy(f"{name}/share/bulkhead.sysusers", PACKAGING / "systemd" / "bulkhead.sysusers")
    for shell, text in release.completions().items():
        tree.file(f"{name}/share/completion/{COMPLETIONS[shell]}", text)
    for page, content in release.manual_pages().items():
        tree.file(f"{name}/share/man/man{page.rpartition('.')[2]}/{page}", content)
    archive = into / f"{name}.tar.gz"
    archive.write_bytes(zipped(tree.tar()))
    return archive
