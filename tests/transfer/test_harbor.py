"""Harbor's projects, members and robots, read through its API from answers as Harbor 2.13 gives them."""

import base64
import json
import urllib.parse

import pytest

from harness import content
from harness.false_registry import Answer
from harness.management import Management, path

PASSWORD = "Harbor12345 of a test"
AUTHORIZATION = "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()

SYSTEM_INFO = {
    "auth_mode": "db_auth", "banner_message": "", "current_time": "2025-07-17T07:50:39.530Z", "has_ca_root": False,
    "notification_enable": True, "oidc_provider_name": "", "primary_auth_mode": False,
    "project_creation_restriction": "everyone", "read_only": False, "registry_storage_provider_name": "filesystem",
    "self_registration": False,
}  # fmt: skip


def project(number, name, public="false"):
    return {
        "creation_time": "2025-07-17T04:16:06.008Z", "current_user_role_id": 1, "current_user_role_ids": [1],
        "cve_allowlist": {"creation_time": "0001-01-01T00:00:00.000Z", "id": number, "items": [], "project_id": number,
                          "update_time": "0001-01-01T00:00:00.000Z"},
        "metadata": {"auto_scan": "false", "prevent_vul": "false", "public": public, "severity": "low"},
        "name": name, "owner_id": 1, "owner_name": "admin", "project_id": number, "repo_count": 1,
        "update_time": "2025-07-17T04:16:06.008Z",
    }  # fmt: skip


def member(number, name, role, kind="u"):
    names = {1: "projectAdmin", 2: "developer", 3: "guest", 4: "maintainer", 5: "limitedGuest"}
    return {"entity_id": number, "entity_name": name, "entity_type": kind, "id": number, "project_id": 2, "role_id": role,
            "role_name": names[role]}  # fmt: skip


def robot(name, *actions):
    return {
        "creation_time": "2025-07-17T05:00:00.000Z", "description": "builds", "disable": False, "duration": 30, "editable": True,
        "expires_at": 1755406800, "id": 7, "level": "project", "name": f"robot$acme+{name}", "secret": "",
        "permissions": [{"kind": "project", "namespace": "acme",
                         "access": [{"action": action, "resource": "repository"} for action in actions]}],
    }  # fmt: skip


def repository(number, name):
    return {"artifact_count": 1, "creation_time": "2025-07-17T04:16:48.259Z", "id": number, "name": name, "project_id": 2,
            "pull_count": 0, "update_time": "2025-07-17T04:16:48.259Z"}  # fmt: skip


@pytest.fixture
def harbor(false_registry, rng):
    """Two projects, acme with more repositories than a page holds, the last of them with an image."""
    repositories = [repository(number, f"acme/app{number:03}") for number in range(101)]
    lists = {
        "/api/v2.0/projects": [project(2, "acme"), project(1, "library", "true")],
        "/api/v2.0/projects/acme/repositories": repositories,
        "/api/v2.0/projects/library/repositories": [],
        "/api/v2.0/projects/2/members": [
            member(1, "admin", 1), member(2, "alice", 1), member(3, "bob", 2), member(4, "carol", 5),
            member(5, "cn=ops,dc=example", 2, "g"),
        ],
        "/api/v2.0/robots": [robot("ci", "pull", "push"), robot("deploy", "pull")],
    }  # fmt: skip

    def page(items):
        def answer(asked):
            if asked.headers.get("Authorization") != AUTHORIZATION:
                return Answer(401, b'{"errors":[{"code":"UNAUTHORIZED","message":"unauthorized: unauthorized"}]}')
            query = dict(urllib.parse.parse_qsl(asked.query))
            if asked.path.endswith("/robots"):
                assert query["q"] == "Level=project,ProjectID=2"
            size, number = int(query["page_size"]), int(query["page"])
            assert size <= 100
            found = items[(number - 1) * size : number * size]
            return Answer(body=json.dumps(found).encode(), headers={"X-Total-Count": str(len(items))})

        return answer

    for name, items in lists.items():
        false_registry.answers[name] = page(items)
    false_registry.answers["/api/v2.0/systeminfo"] = Answer(body=json.dumps(SYSTEM_INFO).encode())
    config, layer = content.config_blob(rng), content.random_blob(rng)
    for each in repositories:
        image = content.image_manifest(config, [layer])
        false_registry.add_blob(each["name"], config)
        false_registry.add_blob(each["name"], layer)
        false_registry.add_manifest(each["name"], image, "v1")
        false_registry.add_tags(each["name"], "v1")
    return false_registry


LOG_IN = ("--source-username", "admin", "--source-password-stdin")


def test_a_mapping_is_written_and_then_made(cli, target, harbor, folder):
    mapping = folder / "harbor.toml"
    for name in ("bob", "carol"):
        target.create_user(name)
    cli.log_in(target.root)
    said = cli.import_(harbor.address, "--write-mapping", mapping, *LOG_IN, stdin=PASSWORD + "\n").stdout
    assert "--mapping" in said
    text = mapping.read_text()
    assert 'owners = ["admin", "alice"]' in text
    assert "cn=ops" in text.partition("[names]")[0], "a group is a remark"
    assert PASSWORD not in text
    mapping.write_text(text.replace('"admin", ', ""))
    dry = cli.import_(harbor.address, "--mapping", mapping, "--dry-run", *LOG_IN, stdin=PASSWORD + "\n").stdout
    assert "organization acme: to be made" in dry
    root = Management(target, target.root)
    assert root.get(path("organizations", "acme")).status_code == 404
    said = cli.import_(harbor.address, "--mapping", mapping, *LOG_IN, stdin=PASSWORD + "\n").stdout
    assert "101 repositories: 101 tags copied" in said
    assert {each["name"] for each in root.items(path("organizations", "acme", "teams"))} == {"developers", "guests"}
    assert {each["name"] for each in root.items(path("organizations", "acme", "robots"))} == {"acme+ci", "acme+deploy"}
    grants = {each["subject"]: each["role"] for each in root.items(path("namespaces", "acme", "grants"))}
    assert grants == {
        "team:acme/developers": "writer", "team:acme/guests": "reader", "acme+ci": "writer", "acme+deploy": "reader",
    }  # fmt: skip
    invited = {(each["account"], each["role"], each.get("team", "")) for each in root.items(path("organizations", "acme", "invitations"))}
    assert invited == {("alice", "owner", ""), ("bob", "member", "developers"), ("carol", "member", "guests")}
    again = cli.import_(harbor.address, "--mapping", mapping, *LOG_IN, stdin=PASSWORD + "\n").stdout
    assert "101 repositories: 0 tags copied, 101 there already" in again
    assert "made" not in again and ": invited" not in again


def test_a_mapping_that_is_wrong_is_refused_with_its_line(cli, harbor, folder):
    mapping = folder / "wrong.toml"
    for text, said in (
        ('[names]\n"a" = 1\n', "line 2"),
        ('[[organizations]]\nname = "acme"\nrole = "x"\n', 'line 3: there is no "role" here'),
        ('[[organizations]]\nname = "acme"\n[[organizations.teams]]\nname = "x"\nrole = "king"\n', "line 5"),
        ('[[organizations]]\ndisplay_name = "x"\n', "a name is missing"),
        ("[names\n", "line 1"),
    ):
        mapping.write_text(text)
        done = cli.import_(harbor.address, "--mapping", mapping, check=False)
        assert done.returncode == 1
        assert said in done.stderr, done.stderr


def test_a_failure_in_the_setup_is_told_and_the_rest_made(cli, target, harbor, folder):
    mapping = folder / "partly.toml"
    mapping.write_text(
        '[names]\n"acme" = "acme"\n[[organizations]]\nname = "acme"\nowners = ["alice"]\n'
        '[[organizations.robots]]\nname = "Not a name"\n[[organizations.robots]]\nname = "ci"\nrole = "writer"\n'
    )
    cli.log_in(target.root)
    done = cli.import_(f"{harbor.address}/acme/app000", "--mapping", mapping, check=False)
    assert done.returncode == 1
    assert "failed: robot acme+Not a name:" in done.stderr
    root = Management(target, target.root)
    assert [each["name"] for each in root.items(path("organizations", "acme", "robots"))] == ["acme+ci"]
    assert "1 repository: 1 tag copied" in done.stdout


def test_no_mapping_is_written_of_what_is_no_harbor(cli, peer, folder):
    done = cli.import_(peer.address, "--write-mapping", folder / "x.toml", check=False)
    assert done.returncode == 1
    assert "is no Harbor" in done.stderr
    assert not (folder / "x.toml").exists()
