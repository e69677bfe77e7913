"""The commands of docs/guide/identity.md set up a small company, and what they set up holds."""

import json
import pathlib
import re
import tempfile

import pytest

from harness import pages, paths, slapd
from harness.registry import Registry
from harness.server import Server, User

GUIDE = (paths.ROOT / "docs" / "guide" / "identity.md").read_text(encoding="utf-8")
ADMIN_PASSWORD = "the password of the administrator"


@pytest.fixture(scope="module")
def directory(work_folder):
    made = slapd.Slapd(
        pathlib.Path(tempfile.mkdtemp(dir=work_folder)) / "ldap",
        {"dora": "what dora alone knows"},
        {"developers": ["dora"]},
    )
    made.start()
    yield made
    made.close()


@pytest.fixture(scope="module")
def company(request, work_folder, directory):
    """The server on which the guide was followed, and the outputs of its blocks."""
    server = Server(
        request.config.getoption("--bulkhead").resolve(),
        pathlib.Path(tempfile.mkdtemp(dir=work_folder)),
        {"outbound.authorities": str(directory.authorities)},
    )
    server.start()
    server.create_user("admin", admin=True, password=ADMIN_PASSWORD)
    for name, text in (
        ("admin.password", ADMIN_PASSWORD),
        ("searcher.password", slapd.SEARCHER_PASSWORD),
        ("dora.password", "what dora alone knows"),
    ):
        (server.folder / name).write_text(text + "\n")
    replacements = {"ldaps://ldap.example.com": directory.tls_url}
    yield server, pages.carry_out(GUIDE, server, pages.reader_environment(server), replacements)
    server.close()


def test_every_tested_block_is_carried_out(company):
    _, outputs = company
    assert len(outputs) == GUIDE.count("<!-- test -->") == 6


def test_the_team_reaches_the_repository(company):
    server, outputs = company
    listed = next(output for output in outputs.values() if "team:acme/backend is writer" in output)
    assert re.search(r"^bob +writer +team namespace grant to acme/backend", listed, re.MULTILINE), listed
    bob = Registry(server, User("bob", (server.folder / "bob.password").read_text().strip()))
    assert bob.get("/v2/acme/app/tags/list").status_code == 200


def test_the_directorys_person_has_the_team_of_her_group(company):
    server, outputs = company
    assert any(output.splitlines()[-2:-1] == [f"dora at {server.url}"] for output in outputs.values()), outputs
    members = json.loads(server.run("team", "members", "acme/backend", "--json").stdout)
    assert {each["account"]: each["from_directory"] for each in members} == {"bob": False, "dora": True}


def test_the_robot_pulls_and_does_not_push(company):
    server, _ = company
    token = json.loads((server.folder / "deploy.token").read_text())["token"]
    robot = Registry(server, User("acme+deploy", token))
    assert robot.get("/v2/acme/app/tags/list").status_code == 200
    refused = robot.post("/v2/acme/app/blobs/uploads/")
    assert refused.status_code in (401, 403), refused.text


def test_the_administrator_has_no_part_in_it(company):
    server, _ = company
    admin = Registry(server, User("admin", ADMIN_PASSWORD))
    assert admin.get("/v2/acme/app/tags/list").status_code in (401, 403, 404)
