"""The installation's policy: nobody locks themselves out with it, and its operator undoes one that keeps everybody out."""

import json

import pytest

from harness.command_line import CommandLine
from harness.management import Management, path
from harness.server import User

POLICY = {"mfa_required": False, "token_seconds": 90 * 86400, "networks": [], "password_login": True}
ELSEWHERE = "203.0.113.0/24"


def set_policy(client, **changes):
    return client.put("/policy", POLICY | changes, headers={"If-Match": "*"})


@pytest.fixture
def server(launch):
    return launch()


@pytest.fixture
def root(server):
    return Management(server, server.create_user("root-admin", admin=True))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"networks": [ELSEWHERE]}, "127.0.0.1"),
        ({"networks": ["::/0"]}, "127.0.0.1"),
        ({"mfa_required": True}, "second factor"),
        ({"password_login": False}, "password"),
    ],
)
def test_nobody_sets_an_installations_policy_that_keeps_them_out(root, changes, said):
    refused = set_policy(root, **changes)
    assert refused.status_code == 409, refused.text
    assert "keep you out" in refused.json()["detail"] and said in refused.json()["detail"]
    assert root.get("/policy").json() == POLICY


def test_a_token_sets_no_policy(root):
    """It cannot prove who uses it."""
    body = {"name": "t", "scopes": [], "management": "write", "lifetime_seconds": 7200}
    made = root.post(path("users", "root-admin", "tokens"), body)
    machine = Management(root.server)
    machine.use(made.json()["secret"])
    refused = set_policy(machine, token_seconds=3600)
    assert refused.status_code == 401 and refused.json()["code"] == "proof_required"
    assert set_policy(root, token_seconds=3600).status_code == 200


def test_the_operator_lets_everybody_in_again(server, root, folder):
    server.run("policy", "set", "--network", ELSEWHERE, "--mfa-required", "true", "--token-life", "30d")
    assert root.get("/whoami").status_code == 401
    shown = json.loads(server.run("policy", "show", "--json").stdout)
    assert shown == POLICY | {"networks": [ELSEWHERE], "mfa_required": True, "token_seconds": 30 * 86400}
    server.run("policy", "set", "--network", "")
    assert root.get("/users").status_code == 403, "the second factor is asked for as before"
    server.run("policy", "set", "--mfa-required", "false")
    assert root.get("/users").status_code == 200
    server.stop()
    server.run("policy", "set", "--network", ELSEWHERE, "--network", "127.0.0.0/8")
    server.start()
    assert Management(server, root.user).get("/policy").json()["networks"] == [ELSEWHERE, "127.0.0.0/8"]
    lines = server.run("audit", "query", "--json", "--action", "policy_changed").stdout.splitlines()
    assert {json.loads(line)["account"].partition(":")[0] for line in lines} == {"operator"}
    cli = CommandLine(server, folder)
    cli.log_in(root.user)
    assert "any" not in cli.run("policy", "show").stdout
    assert cli.run("policy", "set", check=False).returncode == 1, "nothing was said to change"
    assert cli.run("policy", "set", "--token-life", "1d").stdout.splitlines()[1].endswith(": 24h")


def test_an_organizations_policy(server, folder):
    owner = server.create_user("alice")
    server.run("org", "create", "acme", "--owner", "alice")
    cli = CommandLine(server, folder)
    cli.log_in(User("alice", owner.password))
    assert "keep you out" in cli.run("policy", "set", "--org", "acme", "--network", ELSEWHERE, check=False).stderr
    assert "127.0.0.1" in cli.run("policy", "set", "--org", "acme", "--network", "127.0.0.1/32").stdout
    assert "networks: any\n" in cli.run("policy", "show").stdout
