"""Lists say what still works: what has ended with a password, an account or a key is not shown as if it were good."""

import json

import pytest

from harness.factors import enrol
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User


@pytest.fixture
def server(launch):
    return launch({"limits.access_tokens": 2})


@pytest.fixture
def root(server):
    return Management(server, server.create_user("root-admin", admin=True))


@pytest.fixture
def bob(server, root):
    del root
    return server.create_user("bob")


def listed(server, account="bob"):
    return {each["name"]: each["state"] for each in json.loads(server.run("token", "list", account, "--json").stdout)}


def sessions(client):
    return client.get("/sessions").json()["items"]


def make(server, name, check=True):
    return server.run("token", "create", "bob", name, "--scope", "*:pull", "--json", check=check)


def retire_token_hash(server):
    server.run("keys", "rotate", "token-hash")
    return server.run("keys", "retire", "token-hash", "1", "--force").stdout


def event(server, action):
    return json.loads(server.run("audit", "query", "--action", action, "--json").stdout.splitlines()[-1])


def new_password(server):
    server.run("user", "password", "bob", "--password-stdin", stdin="another password of his\n")
    return User("bob", "another password of his")


def disable_and_enable(server):
    server.run("user", "disable", "bob")
    server.run("user", "enable", "bob")
    return User("bob", "correct horse bob staple")


def lose_the_key(server):
    retire_token_hash(server)
    return User("bob", "correct horse bob staple")


@pytest.mark.parametrize("act", [new_password, disable_and_enable, lose_the_key])
def test_a_session_that_has_ended_is_not_listed(server, bob, act):
    for _ in range(3):
        Management(server, bob)
    now = Management(server, act(server))
    assert [(each["current"], each["state"]) for each in sessions(now)] == [(True, "active")]


def test_a_session_that_a_policy_refuses_is_listed_as_suspended(server, bob):
    one, other = Management(server, bob), Management(server, bob)
    server.run("policy", "set", "--mfa-required", "true")
    assert other.get("/sessions").status_code == 403
    assert other.get("/sessions/current").json()["state"] == "suspended"
    enrol(one)
    assert [each["state"] for each in sessions(one)] == ["active"]


def test_tokens_of_a_retired_key_are_dead_and_take_no_room(server, root, bob):
    for name in ("one", "two"):
        make(server, name)
    assert make(server, "three", check=False).returncode == 1
    said = retire_token_hash(server)
    assert "ended with it: access tokens (2), sessions (1)" in said, said
    assert json.loads(event(server, "key_retired")["detail"]) == {
        "version": 1, "forced": True, "ended": {"access_tokens": 2, "sessions": 1}}  # fmt: skip
    assert listed(server) == {"one": "dead", "two": "dead"}
    make(server, "three")
    assert listed(server)["three"] == "active"
    root.log_in()
    assert [each["state"] for each in root.items(path("users", "bob", "tokens"))] == ["dead", "dead", "active"]


def test_what_has_ended_before_does_not_count_among_what_a_key_ends(server, bob):
    Management(server, bob)
    make(server, "one")
    Management(server, new_password(server))
    assert "ended with it: sessions (2)\n" in retire_token_hash(server), "root's, and bob's since the new password"


def test_a_token_that_a_policy_refuses_is_suspended(server, bob):
    made = json.loads(make(server, "long").stdout)["token"]
    server.run("policy", "set", "--token-life", "1h")
    assert listed(server) == {"long": "suspended"}
    assert Registry(server, User("bob", made)).request_token("").status_code == 401
    server.run("policy", "set", "--token-life", "90d")
    assert listed(server) == {"long": "active"}
    assert Registry(server, User("bob", made)).request_token("").status_code == 200


def test_an_invitation_of_a_retired_key_is_gone_for_everybody(server, root, bob):
    root.post("/organizations", {"name": "acme"})
    root.put(path("organizations", "acme", "members", "root-admin"), {"role": "owner"})
    owner, invited = root, Management(server, bob)
    target = path("organizations", "acme", "invitations")
    number = owner.post(target, {"account": "bob"}).json()["invitation"]["id"]
    assert "invitations (1)" in retire_token_hash(server)
    owner.log_in()
    invited.log_in()
    assert owner.items(target) == []
    assert invited.get("/invitations").json()["items"] == []
    assert invited.post(path("invitations", number, "acceptance")).status_code == 404
    assert owner.post(target, {"account": "bob"}).status_code == 201, "there is room for a new one"


def test_recovery_codes_of_a_retired_key_are_not_counted(server, root, bob):
    client = Management(server, bob)
    enrol(client)
    assert client.post(path("users", "bob", "factors", "recovery-codes")).status_code in (200, 201)

    def left():
        root.log_in()
        return root.get(path("users", "bob", "factors")).json()["recovery_codes"]

    assert left() == 10
    retire_token_hash(server)
    assert left() == 0
