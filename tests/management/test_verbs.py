"""Commands for what the management API alone could do: accounts, sessions, factors, teams, invitations, tags."""

import json

import pytest

from harness.command_line import CommandLine
from harness.factors import enrol
from harness.management import Management, path
from harness.registry import Registry


@pytest.fixture
def cli(server, folder):
    return CommandLine(server, folder)


def test_an_account_is_shown_and_called_something(server, cli, alice):
    cli.log_in(alice)
    assert cli.run("user", "display-name", "alice", "Alice Adams").stdout == 'alice is called "Alice Adams"\n'
    shown = cli.run("user", "show", "alice").stdout
    assert "display name:" in shown and "Alice Adams" in shown and "system role:" in shown
    assert cli.json("user", "show", "alice") == json.loads(server.run("user", "show", "alice", "--json").stdout)
    refused = cli.run("user", "show", "nobody-here", check=False)
    assert refused.returncode == 1 and "users/nobody-here" in refused.stderr


def test_somebody_is_locked_and_let_in_again(server, cli, admin):
    user = server.create_user("under-suspicion")
    person = Management(server, user)
    cli.log_in(admin)
    assert "sessions and tokens have ended" in cli.run("user", "lock", user.name).stdout
    assert person.get("/whoami").status_code == 401
    assert cli.json("user", "show", user.name)["state"] == "locked"
    cli.run("user", "enable", user.name)
    assert Management(server, user).get("/whoami").status_code == 200
    assert cli.run("user", "lock", "nobody-here", check=False).returncode == 1


def test_sessions_are_listed_and_ended(server, cli, admin):
    user = server.create_user("logged-in-twice")
    first, second = Management(server, user), Management(server, user)
    cli.log_in(user)
    mine = cli.json("user", "sessions")
    assert len(mine) == 3 and [each["current"] for each in mine].count(True) == 1
    number = first.get("/sessions/current").json()["id"]
    assert f"session {number} has ended" in cli.run("user", "sessions", "--end", str(number)).stdout
    assert first.get("/whoami").status_code == 401 and second.get("/whoami").status_code == 200
    # Whoever watches over the installation, and its operator, do so for others.
    cli.log_in(admin)  # in place of the one of before, which ends
    assert len(cli.json("user", "sessions", user.name)) == 1
    number = second.get("/sessions/current").json()["id"]
    cli.run("user", "sessions", user.name, "--end", str(number))
    assert second.get("/whoami").status_code == 401
    refused = cli.run("user", "sessions", user.name, "--end", str(number), check=False)
    assert refused.returncode == 1, "it has ended"
    server.run("user", "sessions", user.name, "--all")
    assert cli.json("user", "sessions", user.name) == []
    ended = server.run("audit", "query", "--action", "session_ended", "--json").stdout.splitlines()
    assert {json.loads(each)["account"] for each in ended} >= {user.name, admin.name}


def test_nobody_ends_a_strangers_session(cli, alice, mallory, server):
    victim = Management(server, alice)
    number = victim.get("/sessions/current").json()["id"]
    cli.log_in(mallory)
    for words in (("sessions", "alice"), ("sessions", "alice", "--end", str(number)), ("sessions", "alice", "--all")):
        assert cli.run("user", *words, check=False).returncode == 1
    assert cli.run("user", "sessions", "--end", str(number), check=False).returncode == 1
    assert victim.get("/whoami").status_code == 200


def test_factors_are_listed_also_for_others(server, cli, admin):
    user = server.create_user("with-factor")
    enrol(Management(server, user))
    cli.log_in(admin)
    assert "authenticator app: yes" in cli.run("factor", "status", user.name).stdout
    assert cli.json("factor", "keys", user.name) == []
    refused = cli.run("factor", "remove", "--key", "7", check=False)
    assert refused.returncode == 1 and "no security key number 7" in refused.stderr


def test_a_team_moves(server, alice):
    del alice
    server.run("org", "create", "moving", "--owner", "alice")
    for team in ("all", "dev"):
        server.run("team", "create", f"moving/{team}")
    assert server.run("team", "move", "moving/dev", "--parent", "all").stdout == "moving/dev is below all\n"
    assert json.loads(server.run("team", "show", "moving/dev", "--json").stdout)["parent"] == "all"
    server.run("team", "move", "moving/dev")
    assert "parent:        none" in server.run("team", "show", "moving/dev").stdout
    assert server.run("team", "move", "moving/dev", "--parent", "no-such", check=False).returncode == 1


def test_an_invitation_is_declined(server, cli, alice, mallory):
    owner = Management(server, alice)
    server.run("org", "create", "inviting", "--owner", "alice")
    invited = owner.post(path("organizations", "inviting", "invitations"), {"account": mallory.name})
    number = invited.json()["invitation"]["id"]
    cli.log_in(mallory)
    assert cli.run("org", "decline", str(number)).stdout == f"invitation {number} is declined\n"
    assert cli.json("org", "invitations") == []
    assert cli.run("org", "decline", str(number), check=False).returncode == 1


def test_tags_are_listed_with_what_they_stand_for(server, cli, alice, mallory, repository, rng):
    registry = Registry(server, alice)
    manifest = registry.push_image(repository, rng, "v1")
    cli.log_in(alice)
    tags = cli.json("repo", "tags", repository)
    assert [(each["name"], each["digest"]) for each in tags] == [("v1", manifest.digest)]
    assert tags == json.loads(server.run("repo", "tags", repository, "--json").stdout)
    assert "v1" in cli.run("repo", "tags", repository).stdout
    assert cli.json("repo", "show", repository)["visibility"] == "private"
    cli.log_in(mallory)
    for command in ("tags", "show"):
        assert cli.run("repo", command, repository, check=False).returncode == 1


def test_all_roles_are_listed_the_same_everywhere(server, cli, admin, alice, mallory):
    server.run("repo", "create", "alice/shared")
    server.run("grant", "set", "mallory", "reader", "alice/shared")
    server.run("grant", "set", "mallory", "writer", "alice/")
    cli.log_in(admin)
    local = json.loads(server.run("grant", "list", "--json").stdout)
    assert cli.json("grant", "list") == local
    assert {("alice/", "writer"), ("alice/shared", "reader")} <= {
        (each["target"], each["role"]) for each in local if each["subject"] == "mallory"
    }
    for run in (cli.json, lambda *words: json.loads(server.run(*words, "--json").stdout)):
        assert [each["role"] for each in run("grant", "list", "alice/shared", "--given")] == ["reader"]
    cli.log_in(mallory)
    refused = cli.run("grant", "list", check=False)
    assert refused.returncode == 1 and "auditor" in refused.stderr
    del alice


def test_a_token_and_a_trust_are_shown(server, cli, alice):
    cli.log_in(alice)
    made = cli.json("token", "create", "alice", "to-show", "--scope", "alice/:pull")
    shown = cli.run("token", "show", "alice", str(made["id"])).stdout
    assert "alice/:pull" in shown and made["token"] not in shown
    cli.run("token", "leaked", stdin=f"key = {made['token']}\n")
    assert "revoked at:" in cli.run("token", "show", "alice", str(made["id"])).stdout
    assert cli.run("token", "leaked", stdin="", check=False).returncode == 1
    assert cli.run("token", "show", "alice", "999999", check=False).returncode == 1
    assert "used:" in cli.run("namespace", "show", "alice/").stdout
    del server
