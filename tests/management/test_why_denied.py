"""Whoever lacks a token's scope is told that and not a role, and evidence says which it was: role, token or policy."""

import json

import pytest
import requests

from harness.management import Management, path
from harness.registry import Registry
from harness.server import User


@pytest.fixture
def server(launch):
    server = launch()
    server.create_user("root-admin", admin=True)
    return server


@pytest.fixture
def world(server):
    """acme with a repository, both alice's."""
    root = Management(server, User("root-admin", "correct horse root-admin staple"))
    alice = server.create_user("alice")
    server.create_user("bob")
    assert root.post("/organizations", {"name": "acme", "owner": "alice"}).status_code == 201
    owner = Management(server, alice)
    assert owner.post("/repositories", {"name": "acme/app"}).status_code == 201
    return owner


def with_token(server, account, *scopes, management="write"):
    scopes = [each for scope in scopes for each in ("--scope", scope)]
    made = server.run("token", "create", account, "t", *scopes, "--management", management, "--json").stdout
    client = Management(server)
    client.token = json.loads(made)["token"]
    client.use(client.token)
    return client


def reason(server, target):
    lines = server.run("audit", "query", "--action", "request_denied", "--json").stdout.splitlines()
    event = [each for each in map(json.loads, lines) if each["target"] == target][-1]
    return json.loads(event["detail"])["reason"]


CHANGES = {
    "changeRepository": lambda client: client.change(path("repositories", "acme/app"), {"contact": "us"}),
    "changeOrganization": lambda client: client.change(path("organizations", "acme"), {"display_name": "Acme"}),
    "createTeam": lambda client: client.post(path("organizations", "acme", "teams"), {"name": "devs"}),
}


@pytest.mark.parametrize("operation", CHANGES)
def test_an_owner_whose_token_lacks_delete_is_told_so(server, world, operation):
    client = with_token(server, "alice", "acme/:pull")
    refused = CHANGES[operation](client)
    assert refused.status_code == 403, refused.text
    said = refused.json()["detail"]
    assert "an access token whose scopes hold" in said and "with delete" in said and "maintainer" not in said, said
    assert reason(server, operation) == "token"
    allowed = CHANGES[operation](with_token(server, "alice", "acme/:pull,push,delete"))
    assert allowed.status_code in (200, 201), allowed.text


def test_a_token_without_push_makes_no_repository_and_is_told_why(server, world):
    refused = with_token(server, "alice", "acme/:pull").post("/repositories", {"name": "acme/new"})
    assert refused.status_code == 403 and "access token whose scopes" in refused.json()["detail"], refused.text
    assert reason(server, "createRepository") == "token"


def test_a_token_for_reading_that_would_change_something_is_the_reason(server, world):
    refused = with_token(server, "alice", "*:pull,push,delete", management="read").post("/repositories", {"name": "acme/new"})
    assert refused.status_code == 403
    assert reason(server, "createRepository") == "token"


def test_who_has_no_role_is_told_of_roles(server, world):
    server.run("grant", "set", "bob", "writer", "acme/app")
    bob = Management(server, User("bob", "correct horse bob staple"))
    refused = bob.change(path("repositories", "acme/app"), {"contact": "us"})
    assert refused.status_code == 403 and "a maintainer of the repository" in refused.json()["detail"]
    assert reason(server, "changeRepository") == "role"
    # A token that could do more does not make it one of the token's.
    refused = with_token(server, "bob", "*:pull,push,delete").change(path("repositories", "acme/app"), {"contact": "us"})
    assert "a maintainer of the repository" in refused.json()["detail"]
    assert reason(server, "changeRepository") == "role"


def pull_bearer(server, name, secret):
    return Registry(server, User(name, secret)).token("repository:acme/app:pull,push")


def upload(server, bearer):
    return requests.post(server.url + "/v2/acme/app/blobs/uploads/", headers={"Authorization": f"Bearer {bearer}"}, timeout=60)


def test_a_push_says_whether_it_was_the_role_the_token_or_the_policy(server, world):
    token = with_token(server, "alice", "acme/:pull").token
    refused = upload(server, pull_bearer(server, "alice", token))
    assert refused.status_code == 403 and "with this access token" in refused.text, refused.text
    assert reason(server, "push") == "token"

    server.run("grant", "set", "bob", "reader", "acme/app")
    refused = upload(server, pull_bearer(server, "bob", "correct horse bob staple"))
    assert refused.status_code == 403 and "role" in refused.text
    assert reason(server, "push") == "role"

    bearer = Registry(server, world.user).token("repository:acme/app:pull")
    assert upload(server, bearer).status_code == 401
    assert reason(server, "push") == "bearer"

    server.run("policy", "set", "--org", "acme", "--network", "203.0.113.0/24")
    upload(server, pull_bearer(server, "alice", world.user.password))
    assert reason(server, "push") == "policy"
    CHANGES["createTeam"](world)
    assert reason(server, "createTeam") == "policy"
