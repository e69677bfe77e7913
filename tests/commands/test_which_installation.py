"""Which server, or which data, a command works on, and as whom."""

import json
import threading

import pytest

from harness.command_line import CommandLine


@pytest.fixture
def other(launch, folder):
    """Another server, with an account of its own."""
    server = launch()
    server.create_user("carol", admin=True)
    return server


def test_a_terminal_is_told_where_a_change_went(cli, alice, server):
    cli.log_in(alice)
    shown = cli.at_terminal("repo", "create", "alice/told")
    assert shown.returncode == 0 and shown.lines == [f"on {server.url}", "alice/told is created"]
    shown = cli.at_terminal("repo", "set", "alice/told", "--contact", "x")
    assert shown.lines[0] == f"on {server.url}"
    here = cli.at_terminal("repo", "create", "alice/told-here", "--data", server.data)
    assert here.lines == [f"on the data in {server.data}", "alice/told-here is created"]


def test_reading_and_scripts_are_told_nothing(cli, alice, server):
    cli.log_in(alice)
    assert not any(line.startswith("on ") for line in cli.at_terminal("repo", "list").lines)
    assert not any(line.startswith("on ") for line in cli.at_terminal("user", "list", "--data", server.data).lines)
    made = cli.run("repo", "create", "alice/untold")
    assert made.stdout == "alice/untold is created\n" and made.stderr == ""


def test_the_log_ins_are_listed_and_switched(cli, alice, server, other):
    cli.log_in(alice)
    remote = CommandLine(other, cli.home)
    remote.run("login", other.url, "--name", "carol", "--password-stdin", stdin="correct horse carol staple\n")
    listed = {each["server"]: each for each in cli.json("servers")}
    assert {url: each["account"] for url, each in listed.items()} == {server.url: "alice", other.url: "carol"}
    assert [each["server"] for each in listed.values() if each["current"]] == [other.url]
    assert all(each["expires_at"].endswith("Z") for each in listed.values())
    assert cli.run("use", server.address).stdout == f"commands go to {server.url} as alice from here on\n"
    assert cli.run("whoami").stdout == f"alice at {server.url}\n"
    assert f"* {server.url}" in " ".join(cli.run("servers").stdout.split())
    cli.run("use", other.url)
    assert cli.run("whoami").stdout.endswith(f"at {other.url}\n")


def test_a_server_without_a_log_in_cannot_be_used(cli, alice, server, other):
    cli.log_in(alice)
    for name in (other.url, "registry.example.com"):
        refused = cli.run("use", name, check=False)
        assert refused.returncode == 1 and "bulkhead servers" in refused.stderr
    CommandLine(other, cli.home).run("login", other.url, "--name", "carol", "--password-stdin", stdin="correct horse carol staple\n")
    refused = cli.run("use", "127.0.0.1", check=False)
    assert refused.returncode == 1 and server.url in refused.stderr and other.url in refused.stderr


def test_log_ins_at_once_lose_none(cli, server, alice, other):
    """Each keeps what the other has kept, whichever writes last."""
    ends = []

    def log_in(to, name):
        line = CommandLine(to, cli.home)
        for _ in range(3):
            done = line.run("login", to.url, "--name", name, "--password-stdin", stdin=f"correct horse {name} staple\n", check=False)
            ends.append(done)

    threads = [threading.Thread(target=log_in, args=args) for args in ((server, alice.name), (other, "carol"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [done.stderr for done in ends if done.returncode] == []
    assert {each["server"] for each in cli.json("servers")} == {server.url, other.url}


def test_a_token_and_a_server_in_the_environment_are_all_that_a_script_needs(cli, server, access_token):
    env = {"BULKHEAD_SERVER": server.url, "BULKHEAD_TOKEN": access_token() + "\r\n"}
    cli.run("repo", "create", "alice/by-script", env=env)
    assert "alice/by-script" in [each["name"] for each in json.loads(cli.run("repo", "list", "--json", env=env).stdout)]
    assert json.loads(cli.run("whoami", "--json", env=env).stdout)["credential"].startswith("token:")
    assert not cli.store.parent.exists(), "nothing is kept"
    # Nor does it take a home directory.
    assert cli.run("repo", "list", env=env | {"HOME": ""}).returncode == 0


def test_a_token_is_sent_to_no_server_that_was_not_named_with_it(cli, alice, access_token):
    cli.log_in(alice)
    refused = cli.run("repo", "list", env={"BULKHEAD_TOKEN": access_token()}, check=False)
    assert refused.returncode == 1 and "BULKHEAD_SERVER" in refused.stderr and "--server" in refused.stderr
    assert cli.run("repo", "list", "--server", cli.server.url, env={"BULKHEAD_TOKEN": access_token()}).returncode == 0


def test_a_token_reaches_as_far_as_it_says(cli, server, access_token):
    env = {"BULKHEAD_SERVER": server.url, "BULKHEAD_TOKEN": access_token(management="read")}
    assert cli.run("repo", "list", env=env).returncode == 0
    refused = cli.run("repo", "create", "alice/not-by-a-reader", env=env, check=False)
    assert refused.returncode == 1 and refused.stderr.startswith("bulkhead: ")


@pytest.mark.parametrize(
    "token, said",
    [
        ("bhsession_" + "a" * 36, "a session's"),
        ("bhinvite_" + "a" * 36, "bulkhead org accept"),
        ("bhsetup_" + "a" * 36, "bulkhead setup"),
        ("eyJhbGciOiJFZERTQSJ9.e30.c2ln", "pulling and pushing"),
        ("bhpat_" + "a" * 36, "mistyped or cut"),
        ("secret", "begins with bhpat_ or bhrobot_"),
        (" \n", "no token was given"),
    ],
    ids=["session", "invitation", "setup", "bearer", "mistyped", "foreign", "empty"],
)
def test_another_kind_of_token_is_named(cli, server, token, said):
    refused = cli.run("login", server.url, "--token-stdin", stdin=token + "\n", check=False)
    assert refused.returncode == 1 and said in refused.stderr, refused.stderr
    assert "secret" not in refused.stderr or token != "secret"
    if token.strip():
        refused = cli.run("repo", "list", env={"BULKHEAD_SERVER": server.url, "BULKHEAD_TOKEN": token}, check=False)
        assert refused.returncode == 1 and said in refused.stderr and token not in refused.stderr


def test_an_access_token_can_be_the_log_in(cli, server, access_token):
    token = access_token()
    done = cli.run("login", server.url, "--token-stdin", stdin=f"  {token} \r\n\r\n")
    assert done.stdout == f"alice is logged in to {server.url} with an access token (write)\n"
    listed = cli.json("servers")
    assert [each["credential"] for each in listed] == ["access_token"] and listed[0]["expires_at"].endswith("Z")
    cli.run("repo", "create", "alice/by-token")
    # It was there before, and it stays when it is forgotten here.
    cli.run("logout")
    assert token not in cli.store.read_text()
    assert cli.run("login", server.url, "--token-stdin", stdin=token).returncode == 0


def test_a_server_and_data_in_the_environment_are_not_guessed_between(cli, server, alice):
    env = {"BULKHEAD_SERVER": server.url, "BULKHEAD_DATA": str(server.data)}
    refused = cli.run("repo", "list", env=env, check=False)
    assert refused.returncode == 1 and "BULKHEAD_SERVER" in refused.stderr and "BULKHEAD_DATA" in refused.stderr
    assert cli.run("repo", "list", "--data", server.data, env=env).returncode == 0
    refused = cli.run("repo", "list", "--server", server.url, env=env, check=False)
    assert f"bulkhead login {server.url}" in refused.stderr


def test_a_mistyped_variable_is_no_setting(cli, server):
    refused = cli.run("repo", "list", "--data", server.data, env={"BULKHEAD_SERVR": "x"}, check=False)
    assert refused.returncode == 2 and "BULKHEAD_SERVR" in refused.stderr
    # Those that are the command line's own do not keep a server from starting, nor from being checked.
    assert cli.run("config", "check", env={"BULKHEAD_SERVER": "x", "BULKHEAD_TOKEN": "y", "BULKHEAD_CA": "z"}).returncode == 0


def test_an_authority_is_named_for_a_server_without_a_log_in(launch, folder):
    server = launch({"tls.mode": "auto", "tls.names": "localhost"})
    server.create_user("alice", admin=True)
    token = server.run("token", "create", "alice", "t", "--scope", "*:pull", "--management", "read").stdout.split()[0]
    cli = CommandLine(server, folder)
    env = {"BULKHEAD_SERVER": f"https://localhost:{server.port}", "BULKHEAD_TOKEN": token}
    refused = cli.run("repo", "list", env=env, check=False)
    assert refused.returncode == 1 and "--ca FILE" in refused.stderr
    assert cli.run("repo", "list", env=env | {"BULKHEAD_CA": str(server.authority)}).returncode == 0
