"""What the command line says of itself, from one table: help at any width, examples, near misses, the reference and the manual."""

import re
import shlex
import shutil
import subprocess

import pytest

from harness import paths, process

SECTION = re.compile(r"^([A-Z][\w ]*):\n((?:  .*\n)+)", re.MULTILINE)
NO_COMMANDS = {"Usage", "Arguments", "Flags", "Where it works", "Output", "Settings", "Example", "Examples"}
FLAG = re.compile(r"(?<![\w-])(--?[a-z][a-z0-9-]*)")
WIDTHS = (20, 40, 80, 200)


@pytest.fixture(scope="module")
def bulkhead(request):
    binary = request.config.getoption("--bulkhead").resolve()

    def run(*words, columns=None, status=0):
        env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"} | ({"COLUMNS": str(columns)} if columns else {})
        done = subprocess.run([binary, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              check=False, env=env, preexec_fn=process.die_with_parent)  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done

    return run


def sections(text):
    return {title: body for title, body in SECTION.findall(text)}


def below(bulkhead, path):
    listed = "".join(body for title, body in sections(bulkhead(*path, "--help").stdout).items() if title not in NO_COMMANDS)
    return re.findall(r"^  ([a-z-]+)(?: |$)", listed, re.MULTILINE)


@pytest.fixture(scope="module")
def leaves(bulkhead):
    """Every command that has none below it, with its help."""
    found, open_paths = {}, [()]
    while open_paths:
        path = open_paths.pop()
        names = below(bulkhead, path)
        if not names:
            found[path] = bulkhead(*path, "--help").stdout
        open_paths += [(*path, name) for name in names]
    assert len(found) > 60
    return found


def test_every_command_has_an_example_whose_flags_it_knows(leaves):
    for path, text in leaves.items():
        told = sections(text)
        lines = (told.get("Example", "") + told.get("Examples", "")).split("\n")
        examples = [line.strip() for line in lines if line.strip()]
        assert examples, f"{' '.join(path)} has no example"
        known = set(FLAG.findall(text.split("\nExample")[0]))
        for example in examples:
            words = shlex.split(example)
            assert words[: len(path) + 1] == ["bulkhead", *path], example
            flags = [word.partition("=")[0] for word in words if word.startswith("-")]
            assert set(flags) <= known, f"{example}: {flags}"


def test_every_example_is_understood(leaves, bulkhead):
    """Their words and values, too: with one flag more that there is not, that flag is all there is to complain of."""
    for path, text in leaves.items():
        told = sections(text)
        for line in (told.get("Example", "") + told.get("Examples", "")).strip().split("\n"):
            refused = bulkhead(*shlex.split(line)[1:], "--no-such-flag", status=2)
            assert 'has no flag "--no-such-flag"' in refused.stderr, line


def test_the_commands_stand_below_their_headings(bulkhead):
    told = sections(bulkhead().stdout)
    headings = ["People", "Images", "Access", "Evidence", "Server"]
    assert [title for title in told if title not in NO_COMMANDS] == headings, "a command is in no heading: cli.cc, headings()"
    assert "user" in told["People"] and "repo" in told["Images"] and "grant" in told["Access"] and "serve" in told["Server"]


@pytest.mark.parametrize("columns", WIDTHS)
def test_help_fits_the_width(bulkhead, leaves, columns):
    for path in [(), ("user",), ("serve",), ("token", "create"), ("sso", "provider", "create")]:
        text = bulkhead("help", *path, columns=columns).stdout
        prose = re.sub(r"\nExamples?:\n(?:  .*\n)+", "\n", text)
        for line in prose.split("\n"):
            # A name with its value, or a word, may be longer than the line, and the root's notes have drawn lines.
            fits = len(line) <= min(columns, 100) or len(line.split()) <= 2 or line.startswith("  bulkhead")
            assert fits, f"{columns}: {line!r}"


def test_a_pipe_has_80_columns(bulkhead):
    assert bulkhead("help", "serve").stdout == bulkhead("help", "serve", columns=80).stdout


def test_defaults_and_choices_are_shown(bulkhead):
    told = bulkhead("token", "create", "--help").stdout
    assert "none, read" in told and "(default: none)" in told
    assert "(default: 20)" in bulkhead("audit", "tail", "--help").stdout
    assert "(default: 127.0.0.1:5000)" in bulkhead("serve", "--help", columns=100).stdout


def test_help_is_asked_for_in_each_way(bulkhead):
    text = bulkhead("help", "user", "create").stdout
    assert bulkhead("user", "create", "--help").stdout == bulkhead("user", "create", "-h").stdout == text
    assert bulkhead().stdout == bulkhead("help").stdout == bulkhead("--help").stdout
    group = bulkhead("user", status=2)
    assert group.stdout == "" and group.stderr == bulkhead("user", "--help").stdout


@pytest.mark.parametrize(
    "line, said",
    [
        ("usre list", 'did you mean "bulkhead user"?'),
        ("repo lst", 'did you mean "bulkhead repo list"?'),
        ("repo list --jsn", 'did you mean "--json"?'),
        ("token create a b --manegement read", 'did you mean "--management"?'),
        ("--versoin", 'there is no flag "--versoin"'),
        ("user create", "NAME is missing; write: bulkhead user create NAME"),
        ("grant set a owner b/c", '"owner" is none of reader, writer, maintainer'),
        ("repo list x", '"x" is one word too many'),
        ("audit tail --count many", "--count"),
        ("help usr", "bulkhead help"),
    ],
)
def test_what_is_mistyped_is_named_with_what_was_meant(bulkhead, line, said):
    status = 1 if line.startswith("help") else 2
    refused = bulkhead(*line.split(), status=status)
    assert said in refused.stderr and refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1


def test_a_name_may_be_that_of_a_command(bulkhead):
    """Parsers that look for commands everywhere take it for one."""
    refused = bulkhead("grant", "set", "team", "repo", "user", status=2)
    assert '"repo" is none of reader' in refused.stderr


@pytest.mark.parametrize(
    "older, newer",
    [
        (("sso", "provider", "change"), ("sso", "provider", "set")),
        (("grant", "remove"), ("grant", "delete")),
        (("robot", "trust", "add"), ("robot", "trust", "create")),
        (("org", "member", "remove"), ("org", "member", "delete")),
    ],
    ids=" ".join,
)
def test_older_names_work_and_are_told_of(bulkhead, older, newer):
    text = bulkhead(*newer, "--help").stdout
    assert bulkhead(*older, "--help").stdout == text and f"older name: {older[-1]}" in text
    assert older[-1] not in below(bulkhead, newer[:-1])


def test_the_reference_is_current(bulkhead):
    """After a change: bulkhead help --reference > docs/guide/cli.md"""
    assert bulkhead("help", "--reference").stdout == (paths.ROOT / "docs" / "guide" / "cli.md").read_text(encoding="utf-8")


def test_the_reference_has_every_command(bulkhead, leaves):
    told = set(re.findall(r"^### bulkhead (.*)$", bulkhead("help", "--reference").stdout, re.MULTILINE))
    assert told == {" ".join(path) for path in leaves}


@pytest.fixture(scope="module")
def manual(bulkhead, work_folder):
    folder = work_folder / "man1"
    folder.mkdir()
    bulkhead("man", str(folder))
    return folder


def test_every_command_is_in_the_manual(manual, leaves):
    assert {page.name for page in manual.iterdir()} == {"bulkhead.1"} | {f"bulkhead-{path[0]}.1" for path in leaves}
    shown = {page.stem: page.read_text(encoding="utf-8") for page in manual.iterdir()}
    for path in leaves:
        assert rf".B bulkhead {' '.join(path)}".replace("-", r"\-") in shown[f"bulkhead-{path[0]}"]


@pytest.mark.parametrize("tool", ["man", "mandoc"])
def test_the_manual_is_well_formed(manual, tool):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    for page in sorted(manual.iterdir()):
        # mandoc would have a date; a page that is made is as new as its program.
        arguments = ["--warnings", "-l", page] if tool == "man" else ["-T", "lint", "-W", "warning", page]
        done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60, check=False,
                              env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})  # fmt: skip
        complaints = [line for line in (done.stdout if tool == "mandoc" else done.stderr).splitlines() if "missing date" not in line]
        assert complaints == [], page.name


def test_a_directory_that_is_not_there_gets_no_manual(bulkhead):
    assert "make it first" in bulkhead("man", "/nonexistent/man1", status=1).stderr
