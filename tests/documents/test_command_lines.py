"""Every `bulkhead …` command line of the README and of the guides names a subcommand that exists and flags that it knows."""

import functools
import re
import shlex
import subprocess

import pytest

from harness import paths, process

PAGES = [paths.ROOT / "README.md", *sorted((paths.ROOT / "docs" / "guide").glob("*.md"))]
FENCE = re.compile(r"^(```|~~~)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
# Not paths such as /etc/bulkhead/bulkhead.toml, nor units and folders.
COMMAND = re.compile(r"(?<![\w./-])bulkhead(?= +[a-z-])(?: +[^\n|;&<>#]*)")
SECTION = re.compile(r"^([A-Z][\w ]*):\n((?:  .*\n)+)", re.MULTILINE)
NO_COMMANDS = {"Usage", "Arguments", "Flags", "Where it works", "Output", "Settings", "Example", "Examples"}
FLAG = re.compile(r"(?<![\w-])(--?[a-z][a-z0-9-]*)")


def command_lines():
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        blocks = [body for _, body in FENCE.findall(text)]
        # A command that goes on in the next line is one command.
        pieces = [re.sub(r"\\\n\s*", " ", body) for body in blocks]
        pieces += [code for code in INLINE.findall(FENCE.sub("", text)) if code.startswith("bulkhead ")]
        lines = {match.group().strip() for piece in pieces for match in COMMAND.finditer(piece)}
        found += [pytest.param(line, id=f"{page.name}: {line}") for line in sorted(lines)]
    return found


@pytest.fixture(scope="module")
def explain(request):
    binary = request.config.getoption("--bulkhead").resolve()

    @functools.cache
    def of(*subcommands):
        done = process.run(binary, *subcommands, "--help", check=False, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, f"bulkhead {' '.join(subcommands)} --help fails:\n{done.stdout}"
        return done.stdout

    return of


def names_of_subcommands(help_text):
    listed = "".join(body for title, body in SECTION.findall(help_text) if title not in NO_COMMANDS)
    return set(re.findall(r"^  ([a-z-]+)(?: |$)", listed, re.MULTILINE))


@pytest.mark.parametrize("line", command_lines())
def test_the_command_line_is_understood(explain, line):
    words = shlex.split(line)[1:]
    path = []
    while words and words[0] in names_of_subcommands(explain(*path)):
        path.append(words.pop(0))
    assert path or words[0].startswith("-"), f"there is no command {words[0]}"
    assert not (words and names_of_subcommands(explain(*path)) and not words[0].startswith("-")), (
        f"bulkhead {' '.join(path)} has no subcommand {words[0]}"
    )
    known = set(FLAG.findall(explain(*path)))
    unknown = [word for word in words if word.startswith("-") and word.partition("=")[0] not in known]
    assert not unknown, f"bulkhead {' '.join(path)} does not know {unknown}"


def test_there_are_command_lines_to_check():
    assert len(command_lines()) > 30
