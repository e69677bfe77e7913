"""What a log-in leaves on the machine and on the server: also of several terminals at once, and after the next one."""

import concurrent.futures
import json

import pytest

from harness.command_line import CommandLine
from harness.management import Management


def active_tokens(server, name):
    return [each["id"] for each in json.loads(server.run("token", "list", name, "--json").stdout) if each["state"] == "active"]


def kept_sessions(server, user):
    items = Management(server, user).get("/sessions").json()["items"]
    return [each for each in items if each["client"].startswith("bulkhead")]


def kept(cli):
    return json.loads(cli.store.read_text())


@pytest.fixture
def server(launch):
    return launch()


@pytest.fixture
def bob(server):
    return server.create_user("bob")


@pytest.fixture
def cli(server, folder):
    cli = CommandLine(server, folder)
    cli.helper = folder / "docker-credential-bulkhead"
    cli.helper.symlink_to(server.binary)
    return cli


def test_dockers_token_ends_with_the_next_one_and_with_the_log_out(server, bob, cli):
    assert "access token 1" in cli.log_in(bob, "--docker").stdout
    assert active_tokens(server, "bob") == [1]
    cli.log_in(bob, "--docker")
    assert active_tokens(server, "bob") == [2]
    cli.log_in(bob)
    assert active_tokens(server, "bob") == [2], "docker goes on"
    cli.log_in(server.create_user("alice"), "--docker")
    assert active_tokens(server, "bob") == [], "alice's takes the place of bob's"
    assert active_tokens(server, "alice") == [3]
    done = cli.run("logout")
    assert done.stderr == "" and active_tokens(server, "alice") == []
    assert kept(cli)["registries"] == {}


def test_dockers_token_ends_with_dockers_log_out(server, bob, cli):
    cli.log_in(bob, "--docker")
    cli.run("erase", stdin=server.address + "\n", program=cli.helper)
    assert active_tokens(server, "bob") == []
    cli.log_in(bob, "--docker")
    same = cli.run("get", stdin=server.address + "\n", program=cli.helper).stdout
    cli.run("store", stdin=same, program=cli.helper)
    assert active_tokens(server, "bob") == [2], "docker logs in with what it was given, and keeps that"
    given = json.dumps({"ServerURL": server.address, "Username": "bob", "Secret": "another"})
    cli.run("store", stdin=given, program=cli.helper)
    assert active_tokens(server, "bob") == []
    cli.run("logout")


def test_a_token_that_cannot_be_ended_is_named(server, bob, cli):
    cli.log_in(bob, "--docker")
    server.run("user", "disable", "bob")
    server.run("user", "enable", "bob")
    made = json.loads(server.run("token", "create", "bob", "t", "--scope", "*:pull", "--json").stdout)["id"]
    contents = kept(cli)
    contents["registries"][server.address]["token"] = made
    cli.store.write_text(json.dumps(contents))
    done = cli.run("logout")
    assert f"bulkhead token revoke bob {made}" in done.stderr
    assert "bob is logged out" in done.stdout


def test_a_log_out_says_where_commands_go_from_there(launch, bob, cli):
    other = launch()
    alice = other.create_user("alice")
    cli.log_in(bob)
    cli.run("login", other.url, "--name", "alice", "--password-stdin", stdin=alice.password + "\n")
    assert cli.run("logout").stdout.splitlines() == [
        f"alice is logged out of {other.url}",
        f"commands go to {cli.server.url} as bob from here on",
    ]
    assert cli.run("logout").stdout == f"bob is logged out of {cli.server.url}\n"


def test_terminals_at_once_keep_all_that_they_are_given(launch, server, bob, cli):
    other = launch()
    alice = other.create_user("alice")

    def log_in(to, user):
        return cli.run("login", to.url, "--name", user.name, "--docker", "--password-stdin", stdin=user.password + "\n")

    def store(number):
        given = json.dumps({"ServerURL": f"{number}.example.com", "Username": "u", "Secret": "s"})
        return cli.run("store", stdin=given, program=cli.helper)

    with concurrent.futures.ThreadPoolExecutor(12) as terminals:
        work = [terminals.submit(store, number) for number in range(6)]
        work += [terminals.submit(log_in, *each) for each in ((server, bob), (other, alice)) for _ in range(3)]
        for each in work:
            each.result()
    assert set(kept(cli)["servers"]) == {server.url, other.url}
    assert set(kept(cli)["registries"]) == {server.address, other.address, *(f"{n}.example.com" for n in range(6))}
    for place, user in ((server, bob), (other, alice)):
        assert active_tokens(place, user.name) == [kept(cli)["registries"][place.address]["token"]]
        assert len(kept_sessions(place, user)) == 1
        assert cli.run("whoami", "--server", place.url).returncode == 0
