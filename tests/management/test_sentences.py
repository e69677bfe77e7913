"""What somebody is told who mistyped a name, a command or a flag, or who may not."""

import pytest

from harness.command_line import CommandLine
from harness.factors import enrol
from harness.management import Management


@pytest.fixture
def cli(server, folder):
    return CommandLine(server, folder)


@pytest.mark.parametrize(
    "command, named",
    [
        (("team", "list", "acm"), "organizations/acm/teams"),
        (("org", "delete", "acm"), "organizations/acm"),
        (("robot", "delete", "acme/ci"), "robots/acme/ci"),
        (("robot", "list", "--repo", "nope/app"), "repositories/nope/app/robots"),
        (("token", "list", "nobody-here"), "users/nobody-here/tokens"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_named(cli, alice, command, named):
    cli.log_in(alice)
    refused = cli.run(*command, check=False)
    assert refused.returncode == 1 and f"nothing at {named}, or it is not yours to see" in refused.stderr


@pytest.mark.parametrize("command", [("grant", "set", "alice", "writer", "acme-z"), ("grant", "list", "acme-z")], ids=" ".join)
def test_a_namespace_without_its_slash_is_guessed(cli, alice, server, command):
    cli.log_in(alice)
    for refused in (cli.run(*command, check=False).stderr, server.run(*command, check=False).stdout):
        assert refused.endswith("if the namespace is meant, write acme-z/\n")


@pytest.mark.parametrize(
    "command, named",
    [
        (("user", "creat", "x"), 'no command "user creat"; did you mean "bulkhead user create"? "bulkhead user --help"'),
        (("org", "member", "lst"), 'no command "org member lst"; did you mean "bulkhead org member list"? "bulkhead org member --help"'),
        (("foo",), 'no command "foo"; "bulkhead --help"'),
    ],
    ids=" ".join,
)
def test_a_command_that_there_is_not_is_named(cli, command, named):
    refused = cli.run(*command, check=False)
    assert refused.returncode == 2 and named in refused.stderr


def test_a_refusal_says_which_role_it_takes(cli, alice, mallory, server):
    del mallory
    cli.log_in(alice)
    refused = cli.run("org", "create", "mine", check=False)
    assert "it takes the system role administrator" in refused.stderr
    refused = cli.run("user", "list", check=False)
    assert "auditor or security_officer or administrator" in refused.stderr
    server.run("repo", "create", "mallory/app")
    server.run("grant", "set", "alice", "reader", "mallory/app")
    assert "a maintainer of the repository" in cli.run("repo", "set", "mallory/app", "--contact", "x", check=False).stderr


def test_a_second_factor_is_asked_for_by_its_flag(cli, server):
    user = server.create_user("has-a-factor")
    enrol(Management(server, user))
    refused = cli.run("login", server.url, "--name", user.name, "--password-stdin", stdin=user.password + "\n", check=False)
    assert refused.returncode == 3 and "--code" in refused.stderr


def test_a_mapping_that_is_not_there_is_named(cli, alice, server):
    server.run("org", "create", "mapped", "--owner", "alice")
    server.run("team", "create", "mapped/backend")
    server.run(
        "sso", "provider", "create", "some-corp", "--url", "ldaps://ldap.example.com", "--user-base", "dc=example", "--no-secret"
    )
    cli.log_in(alice)
    refused = cli.run("sso", "map", "remove", "some-corp", "nogroup", "mapped/backend", check=False)
    assert refused.returncode == 1 and '"mapped/backend"' in refused.stderr, refused.stderr


@pytest.mark.parametrize(
    "flags, said",
    [
        (("--scope", "alice/app:pulll"), '"pulll" is no action'),
        (("--scope", "alice/app:push"), "pull,push"),
        (("--scope", "*:pull", "--lifetime", "400d"), '"400d" is no life'),
        (("--scope", "*:pull", "--lifetime", "30s"), "between 1m and 365d"),
    ],
)
def test_a_token_that_cannot_be_is_told_in_the_words_of_its_flags(cli, alice, flags, said):
    cli.log_in(alice)
    refused = cli.run("token", "create", "alice", "t", *flags, check=False)
    assert refused.returncode == 1 and said in refused.stderr


def test_what_the_server_says_of_a_field_names_the_flag(cli, alice):
    cli.log_in(alice)
    made = cli.json("token", "create", "alice", "to-rotate", "--scope", "*:pull")
    refused = cli.run("token", "rotate", "alice", str(made["id"]), "--overlap", "30d", check=False)
    assert refused.returncode == 1 and "--overlap must be between 0s and " in refused.stderr
    assert "_seconds" not in refused.stderr
    # Whoever types JSON is answered in its words.
    refused = cli.run("api", "POST", "/users/alice/tokens", "--json", '{"name": "x", "scopes": [], "y": 1}', check=False)
    assert refused.returncode == 1 and "/y " in refused.stderr


def test_no_password_is_no_guess(cli, alice, server):
    before = server.run("audit", "query", "--action", "login_failed", "--json").stdout
    refused = cli.run("login", server.url, "--name", alice.name, "--password-stdin", stdin="\n", check=False)
    assert refused.returncode == 1 and "no password" in refused.stderr
    assert server.run("audit", "query", "--action", "login_failed", "--json").stdout == before


def test_a_name_that_can_be_no_namespace_is_not_told_to_be_made(server, admin):
    del admin
    said = server.run("repo", "create", "library/debian", check=False).stdout
    assert "'library' is reserved" in said and "makes it" not in said, said


def test_an_organizations_wrong_name_is_called_one(root):
    refused = root.post("/organizations", {"name": "Acme"})
    assert refused.status_code == 400 and "an organization's name" in refused.json()["detail"], refused.text


def test_the_limit_of_tokens_says_how_many_there_are(new_server):
    server = new_server({"limits.access_tokens": 3})
    server.create_user("alice")
    for name in ("one", "two", "three"):
        server.run("token", "create", "alice", name, "--scope", "*:pull")
    server.settings["limits.access_tokens"] = 2
    said = server.run("token", "create", "alice", "four", "--scope", "*:pull", check=False).stdout
    assert "have 3 access tokens, and may have 2" in said, said
