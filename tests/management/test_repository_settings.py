"""Who changes what of a repository, all of it or nothing."""

import uuid

import pytest

from harness.management import Management, path
from harness.registry import Registry


@pytest.fixture
def maintained(server, owner, repository):
    """alice's repository, and somebody who maintains it."""
    user = server.create_user(f"m-{uuid.uuid4().hex[:8]}")
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    server.run("grant", "set", user.name, "maintainer", repository)
    return path("repositories", repository), Management(server, user)


@pytest.mark.parametrize("kind", ["immutable_tags", "protected_tags"])
def test_what_is_fixed_is_let_go_by_owners(owner, maintained, kind):
    target, maintainer = maintained
    assert maintainer.change(target, {kind: "v*"}).status_code == 200
    assert maintainer.change(target, {kind: "v*"}).status_code == 200  # no change
    for pattern in ("", "v1*", "w*", "*v*"):
        refused = maintainer.change(target, {kind: pattern})
        assert refused.status_code == 403, f"{pattern}: {refused.text}"
        assert owner.get(target).json()[kind] == "v*"
    assert maintainer.change(target, {kind: "*"}).status_code == 200  # fixes more
    assert maintainer.change(target, {kind: ""}).status_code == 403
    assert owner.change(target, {kind: ""}).status_code == 200


def test_letting_go_leaves_what_was_fixed_as_evidence(server, owner, maintained, repository):
    target, maintainer = maintained
    assert maintainer.change(target, {"immutable_tags": "v*"}).status_code == 200
    assert owner.change(target, {"immutable_tags": "release-*"}).status_code == 200
    events = server.run("audit", "query", "--json", "--repository", repository).stdout
    assert r"\"immutable_tags\":\"release-*\"" in events and r"\"before\":\"v*\"" in events


def test_a_maintainer_does_not_move_an_immutable_tag(server, owner, maintained, repository, rng):
    target, maintainer = maintained
    registry = Registry(server, maintainer.user)
    registry.push_image(repository, rng, "v1")
    assert maintainer.change(target, {"immutable_tags": "v*"}).status_code == 200
    assert maintainer.change(target, {"immutable_tags": ""}).status_code == 403
    moved = registry.put_manifest(repository, registry.push_image(repository, rng), "v1")
    assert moved.status_code == 409


SETTINGS = ("visibility", "immutable_tags", "protected_tags", "contact")


def test_a_command_that_fails_has_changed_nothing(server, owner, repository):
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    before = owner.get(path("repositories", repository)).json()
    for wrong in (("--owner", "nobody1"), ("--contact", "\t"), ("--protected-tags", "no spaces")):
        done = server.run("repo", "set", repository, "--visibility", "public", "--immutable-tags", "v*", *wrong, check=False)
        assert done.returncode == 1, done.stdout
        assert owner.get(path("repositories", repository)).json() == before


def test_several_settings_are_changed_at_once_or_not_at_all(owner, repository):
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    target = path("repositories", repository)
    before = owner.get(target).json()
    refused = owner.change(target, {"visibility": "public", "contact": "us@example.com", "owner": "no-such-one"})
    assert refused.status_code == 404, refused.text
    assert owner.get(target).json() == before
    wanted = {"visibility": "public", "contact": "us@example.com", "immutable_tags": "v*", "protected_tags": "r*"}
    assert owner.change(target, wanted).status_code == 200
    assert {name: owner.get(target).json()[name] for name in SETTINGS} == wanted


def test_an_owner_who_does_not_exist_makes_no_repository(server, owner, repository):
    done = server.run("repo", "create", repository, "--owner", "nobody1", check=False)
    assert done.returncode == 1
    server.create_user("lockedone")
    server.run("user", "disable", "lockedone")
    done = server.run("repo", "create", repository, "--owner", "lockedone", check=False)
    assert done.returncode == 1
    assert owner.get(path("repositories", repository)).status_code == 404


def test_an_auditor_reads_the_names_of_all(server, root, owner, repository):
    """And what stands in the repositories no more than before."""
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    scopes = [{"repository": repository, "actions": ["pull"]}]
    owner.post(path("users", "alice", "tokens"), {"name": "seen", "scopes": scopes})
    user = server.create_user("auditor-of-names")
    assert root.change(path("users", user.name), {"system_role": "auditor"}).status_code == 200
    auditor = Management(server, user)
    assert repository in [each["name"] for each in auditor.items("/repositories")]
    assert auditor.get(path("repositories", repository)).json()["owner"] == "alice"
    tokens = auditor.items(path("users", "alice", "tokens"))
    assert [each["scopes"][0].get("repository") for each in tokens if each["name"] == "seen"] == [repository]
    assert auditor.get(path("users", "alice", "tokens", tokens[0]["id"])).status_code == 200
    assert auditor.delete(path("users", "alice", "tokens", tokens[0]["id"])).status_code == 404
    assert Registry(server, user).get(f"/v2/{repository}/tags/list").status_code == 401
    catalog = Registry(server, user).get("/v2/_catalog?n=1000").json()["repositories"]
    assert repository not in catalog
