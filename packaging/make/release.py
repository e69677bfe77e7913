"""What is packaged: the program that was built, its version, the time that everything is dated, its changes."""

import dataclasses
import os
import pathlib
import re
import subprocess
import tempfile

from errors import Refused

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PACKAGING = ROOT / "packaging"
DESCRIPTION = "Container registry with accounts, roles and a record of who did what"
HEADING = re.compile(r"^## (\d+\.\d+\.\d+)$", re.MULTILINE)


def output_of(*command, env=None):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, env=env)
    if done.returncode != 0:
        raise Refused(f"{' '.join(map(str, command))} failed with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def commit():
    """What is checked out, or "" where this is no checkout."""
    done = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def epoch():
    """SOURCE_DATE_EPOCH (reproducible-builds.org), or the time of the commit."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given:
        return int(given)
    if not commit():
        raise Refused("this is no git checkout: say in SOURCE_DATE_EPOCH what time the packages are to bear")
    return int(output_of("git", "-C", ROOT, "log", "-1", "--format=%ct"))


def changes():
    """(version, lines) of each section of CHANGELOG.md that has a number, the newest first."""
    parts = HEADING.split((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))[1:]
    return [(version, body.strip()) for version, body in zip(parts[::2], parts[1::2], strict=True)]


@dataclasses.dataclass(frozen=True)
class Release:
    binary: pathlib.Path
    version: str
    epoch: int

    @staticmethod
    def of(binary):
        # The version's one place is CMakeLists.txt, and the program says which it was built with.
        version = output_of(binary, "--version").split()[1]
        if version not in dict(changes()):
            raise Refused(f"{binary} is version {version}, of which CHANGELOG.md says nothing: add a section ## {version}")
        return Release(binary, version, epoch())

    def run(self, *arguments):
        # Without the settings of whoever makes the package.
        env = {name: value for name, value in os.environ.items() if not name.startswith("BULKHEAD_")}
        return output_of(self.binary, *arguments, env=env)

    def stripped(self):
        """The program's bytes without what debuggers need."""
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "bulkhead"
            output_of("strip", "--strip-unneeded", "-o", out, self.binary)
            return out.read_bytes()

    def completions(self):
        """By shell."""
        return {shell: self.run("completion", shell) for shell in ("bash", "zsh", "fish")}

    def manual_pages(self):
        """By file name."""
        with tempfile.TemporaryDirectory() as folder:
            self.run("man", folder)
            return {page.name: page.read_bytes() for page in sorted(pathlib.Path(folder).iterdir())}
