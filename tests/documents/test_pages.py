"""Pages of the guide whose commands stand for themselves: each is carried out on a server with bob and alice."""

import pathlib
import re

import pytest
import yaml

from harness import pages, paths
from harness.factors import enrol
from harness.management import Management
from harness.server import User

GUIDE = paths.ROOT / "docs" / "guide"


def page(name):
    return (GUIDE / name).read_text(encoding="utf-8")


@pytest.fixture
def follow(launch):
    server = launch()
    for name, admin in (("admin", True), ("alice", False), ("bob", False)):
        password = f"correct horse {name} staple"
        server.create_user(name, admin=admin, password=password)
        (server.folder / f"{name}.password").write_text(password + "\n")

    def carry_out(name):
        text = page(name)
        outputs = pages.carry_out(text, server, pages.reader_environment(server))
        assert len(outputs) == len(set(pages.TESTED.findall(text))), "two blocks begin with the same line"
        return "".join(outputs.values())

    carry_out.server = server
    return carry_out


def test_who_lost_something_gets_back_in(follow):
    enrol(Management(follow.server, User("bob", "correct horse bob staple")))
    said = follow("recovery.md")
    assert "bob has a new password" in said and "bob has no second factor" in said
    assert "second factor required: no" in said


def test_the_api_works_as_its_examples_say(launch):
    server = launch()
    server.create_user("admin", admin=True)
    server.create_user("alice", password="correct horse alice staple")
    (server.folder / "alice.password").write_text("correct horse alice staple")
    text = page("api.md")
    # Blocks begin with the same line; each is carried out for itself.
    said = [
        "".join(pages.carry_out(f"<!-- test -->\n```sh\n{block}```\n", server, pages.reader_environment(server)).values())
        for block in pages.TESTED.findall(text)
    ]
    assert len(said) == text.count("<!-- test -->") == 5
    assert said == ["alice\n", "alice/app\nalice/app\n", "public\n", "alice/app\n", "ci\n"]


def test_recipes_are_whole_files():
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page("ci.md"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        assert isinstance(yaml.safe_load(block), dict)


def test_rights_on_the_installation_are_those_of_the_program():
    source = (paths.ROOT / "src/access/system.cc").read_text()
    lines = re.findall(r'"(\w+)",\s*\{(true|false),\s*(true|false),\s*(true|false),\s*(true|false)\}', source)
    assert lines
    table = page("roles.md").partition("## On the installation")[2]
    for name, nobody, *allowed in lines:
        cells = " | ".join("yes" if each == "true" else "" for each in allowed)
        assert nobody == "false"
        assert re.sub(" +", " ", f"| `{name}` | {cells} |") in re.sub(" +", " ", table), name


def test_what_the_server_is_quoted_with_it_says():
    """Each quotation on the page, in the parts between its dots, stands in the sources; those of clients do not."""
    text = page("troubleshooting.md")
    ours = text.partition("## docker and other clients")[0] + text.partition("## The command line")[2]
    sources = "".join(path.read_text(errors="replace") for path in sorted(pathlib.Path(paths.ROOT / "src").rglob("*.cc")))
    sources = re.sub(r'"\s*\n\s*"', "", sources).replace("{}", "…")
    quoted = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", ours, re.MULTILINE)
    assert len(quoted) > 10
    for cell in quoted:
        for words in re.findall(r"`([^`]+)`", cell):
            for part in filter(None, (each.strip(" :;,") for each in words.split("…"))):
                if part != "Address already in use":  # the system's own
                    assert part in sources, words
