"""What begins like a token is no guess at a password, wherever a password is asked for: it is refused with where it goes."""

import json

import pytest

from harness.command_line import CommandLine
from harness.management import Management
from harness.registry import Registry

# An access token that works is made in the test; the others have the shape alone.
SECRETS = {
    "access token": "bhpat_" + "0" * 36,
    "of a robot": "bhrobot_" + "0" * 36,
    "cut off": "bhpat_0000",
    "session": "bhsession_" + "0" * 36,
    "invitation": "bhinvite_" + "0" * 36,
    "setup token": "bhsetup_" + "0" * 36,
}
ATTEMPTS = 3


@pytest.fixture
def server(launch):
    server = launch({"auth.login_attempts_per_account": ATTEMPTS})
    server.create_user("root-admin", admin=True)
    return server


@pytest.fixture
def bob(server):
    return server.create_user("bob")


def last_failure(server):
    return json.loads(server.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()[-1])


def no_guess(answer, *said):
    assert answer.status_code == 400, answer.text
    for each in said:
        assert each in answer.json()["detail"], answer.text


@pytest.mark.parametrize("kind", SECRETS)
def test_a_token_given_at_the_log_in_is_said_to_be_one_and_closes_nothing(server, bob, kind):
    client = Management(server)
    for target in ("/sessions", "/sessions/challenge"):
        for _ in range(ATTEMPTS):
            no_guess(client.post(target, {"name": "bob", "password": SECRETS[kind]}), "given as the password")
    failure = last_failure(server)
    assert (failure["target"], failure["detail"]) == ("bob", "token_as_password")
    assert Management(server, bob).get("/whoami").status_code == 200
    assert Registry(server, bob).request_token("").status_code == 200


def test_a_token_that_works_is_said_to_go_elsewhere(server, bob, folder):
    made = json.loads(server.run("token", "create", "bob", "ci", "--scope", "*:pull", "--json").stdout)["token"]
    cli = CommandLine(server, folder)
    for _ in range(ATTEMPTS + 1):
        said = cli.run("login", server.url, "--name", "bob", "--password-stdin", stdin=made + "\n", check=False)
        assert said.returncode != 0 and "access token" in said.stderr and "--token-stdin" in said.stderr, said.stderr
    cli.log_in(bob)


def test_a_token_given_as_a_proof_is_no_guess(server, bob):
    client = Management(server, bob)
    for _ in range(ATTEMPTS + 1):
        no_guess(client.post("/sessions/current/proof", {"password": SECRETS["session"]}), "secret of a session")
    assert client.post("/sessions/current/proof", {"password": bob.password}).status_code == 204


def test_tokens_given_as_passwords_are_limited_as_wrong_tokens_are(launch):
    server = launch({"auth.login_attempts_per_network": ATTEMPTS})
    bob = server.create_user("bob")
    client = Management(server)
    body = {"name": "bob", "password": SECRETS["access token"]}
    assert [client.post("/sessions", body).status_code for _ in range(ATTEMPTS + 1)] == [400] * ATTEMPTS + [429]
    assert Management(server, bob).get("/whoami").status_code == 200
