"""Values that a script's unset variable leaves empty, flags that are given twice, and flags that contradict each other."""

import json

import pytest

from harness.command_line import CommandLine


@pytest.fixture
def alices(cli, server, alice):
    cli.run("login", server.url, "--name", alice.name, "--password-stdin", stdin=alice.password + "\n")
    return cli


@pytest.mark.parametrize(
    ("command", "named"),
    [
        (("policy", "set", "--org", "", "--mfa-required", "true"), "--org"),
        (("namespace", "set", "", "--quota", "1GiB"), "name"),
        (("token", "create", "alice", "t", "--scope", "*:pull", "--network", ""), "--network"),
        (("token", "create", "alice", "t", "--scope", "*:pull", "--lifetime", ""), "--lifetime"),
        (("user", "list", "--config", ""), "--config"),
        (("user", "list", "--server", ""), "--server"),
        (("grant", "set", "", "reader", "alice/app"), "subject"),
        (("audit", "query", "--account", ""), "--account"),
        (("login", ""), "server"),
    ],
    ids=lambda value: " ".join(each or "''" for each in value) if isinstance(value, tuple) else "",
)
def test_an_empty_value_is_refused_and_nothing_is_done(server, alice, command, named):
    before = server.run("policy", "show").stdout, server.run("token", "list", alice.name).stdout
    refused = server.run(*command, check=False)
    assert refused.returncode == 2
    assert "its value is empty" in refused.stdout and named in refused.stdout.lower(), refused.stdout
    assert (server.run("policy", "show").stdout, server.run("token", "list", alice.name).stdout) == before


def test_what_an_empty_value_is_documented_to_clear_it_clears(server, alice):
    server.run("repo", "create", f"{alice.name}/cleared")
    for pattern in ("v*", ""):
        server.run("repo", "set", f"{alice.name}/cleared", "--immutable-tags", pattern)
        listed = json.loads(server.run("repo", "list", "--json").stdout)
        assert [each["immutable_tags"] for each in listed if each["name"] == f"{alice.name}/cleared"] == [pattern]


def test_settings_that_are_lists_add_up_and_of_others_the_last_counts(server):
    printed = server.run(
        "config", "print", "--trusted-proxies", "10.0.0.1/32", "--trusted-proxies", "10.0.0.2/32",
        "--limits-page-size", "5", "--limits-page-size", "7",
    ).stdout  # fmt: skip
    assert 'trusted_proxies = ["10.0.0.1/32", "10.0.0.2/32"]' in printed
    assert "page_size = 7 " in printed


@pytest.mark.parametrize("here", [("--data", "somewhere"), ("--config", "some.toml")], ids=lambda value: value[0])
def test_a_server_and_data_of_this_machine_are_not_named_together(alices, server, here):
    refused = alices.run("user", "list", "--server", server.url, *here, check=False)
    assert refused.returncode == 2 and "--server" in refused.stderr and here[0] in refused.stderr, refused.stderr


def test_a_team_is_named_with_or_without_its_organization(server, alice):
    server.run("org", "create", "naming", "--owner", alice.name)
    server.run("team", "create", "naming/backend")
    server.run("team", "create", "naming/short", "--parent", "backend")
    server.run("team", "create", "naming/long", "--parent", "naming/backend")
    server.run("team", "rename", "naming/long", "naming/longer")
    teams = {each["name"]: each.get("parent") for each in json.loads(server.run("team", "list", "naming", "--json").stdout)}
    assert teams == {"backend": None, "short": "backend", "longer": "backend"}
    stranger = server.run("team", "create", "naming/other", "--parent", "elsewhere/backend", check=False)
    assert stranger.returncode == 1


def test_who_trusts_an_authority_sends_nothing_in_the_clear(launch, folder):
    server = launch({"tls.mode": "auto"})
    refused = CommandLine(server, folder).run(
        "setup", "admin", "--server", server.address, "--ca", server.data / "tls/ca.pem", "--token", "bhsetup_wrong",
        "--password-stdin", stdin="a password of good length\n", check=False,
    )  # fmt: skip
    assert refused.returncode != 0 and "the setup token is wrong" in refused.stderr, refused.stderr
