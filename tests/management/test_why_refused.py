"""Whoever shows the right password or token in the wrong network is told so, and evidence says why a token was not taken."""

import json

import pytest

from harness.management import Management
from harness.registry import Registry
from harness.server import User

ELSEWHERE = "203.0.113.0/24"


@pytest.fixture
def server(launch):
    server = launch({"auth.login_attempts_per_account": 3})
    server.create_user("root-admin", admin=True)
    return server


@pytest.fixture
def bob(server):
    return server.create_user("bob")


def make(server, *more):
    return json.loads(server.run("token", "create", "bob", "ci", "--scope", "*:pull", *more, "--json").stdout)


def at_token(server, secret, name="bob"):
    answer = Registry(server, User(name, secret)).request_token("")
    assert answer.status_code == 401, answer.text
    return answer.text


def failure(server):
    event = json.loads(server.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()[-1])
    return event["target"], event["detail"]


def log_in(server, password):
    return Management(server).post("/sessions", {"name": "bob", "password": password})


def test_a_right_password_from_a_network_that_a_policy_keeps_out_is_told_so(server, bob):
    server.run("policy", "set", "--network", ELSEWHERE)
    for _ in range(4):
        answer = log_in(server, bob.password)
        assert answer.status_code == 403 and "lets nobody in from 127.0.0.1" in answer.text, answer.text
        assert "lets nobody in from 127.0.0.1" in at_token(server, bob.password)
    assert failure(server) == ("bob", "wrong_network")
    assert "lets nobody in" not in log_in(server, "not the password").text
    assert "lets nobody in" not in at_token(server, "not the password")
    server.run("policy", "set", "--network", "")
    assert log_in(server, bob.password).status_code == 201, "it was no guess"


def test_a_session_that_a_policy_keeps_out_is_told_so(server, bob):
    client = Management(server, bob)
    server.run("policy", "set", "--network", ELSEWHERE)
    answer = client.get("/whoami")
    assert answer.status_code == 401 and "lets nobody in from 127.0.0.1" in answer.text
    server.run("policy", "set", "--network", "")
    assert client.get("/whoami").status_code == 200


@pytest.mark.parametrize("whose", ["token", "policy"])
def test_a_right_token_from_a_wrong_network_is_told_so(server, bob, whose):
    made = make(server, "--management", "read", *(["--network", ELSEWHERE] if whose == "token" else []))["token"]
    if whose == "policy":
        server.run("policy", "set", "--network", ELSEWHERE)
    assert "not taken from 127.0.0.1" in at_token(server, made)
    assert failure(server) == ("bob", "wrong_network")
    answer = Registry(server, User("alice", made)).request_token("")
    assert answer.status_code == 401 and "not taken from" not in answer.text, "nor is it of that account"
    client = Management(server)
    client.use(made)
    answer = client.get("/whoami")
    assert answer.status_code == 401 and "not taken from 127.0.0.1" in answer.text
    assert "not taken from" not in at_token(server, "bhpat_" + "0" * 36)


def revoke(server, made):
    server.run("token", "revoke", "bob", made["id"])


def rotate(server, made):
    server.run("token", "rotate", "bob", made["id"], "--overlap", "0s")


def shorten(server, made):
    del made
    server.run("policy", "set", "--token-life", "1h")


def disable(server, made):
    del made
    server.run("user", "disable", "bob")


@pytest.mark.parametrize(
    ("act", "why"),
    [(revoke, "token_revoked"), (rotate, "token_expired"), (shorten, "token_suspended"), (disable, "token_revoked")],
)  # fmt: skip
def test_evidence_says_why_a_token_was_not_taken(server, bob, act, why):
    made = make(server)
    act(server, made)
    at_token(server, made["token"])
    assert failure(server) == ("bob", why)


def test_evidence_says_of_what_is_none_and_of_anothers_that_it_is_wrong(server, bob):
    server.create_user("alice")
    made = make(server)
    revoke(server, made)
    at_token(server, "bhpat_" + "0" * 36)
    assert failure(server) == ("bob", "wrong_token")
    at_token(server, made["token"], "alice")
    assert failure(server) == ("alice", "wrong_token")
