"""The same command gives the same answer on the server's machine and from elsewhere."""

import json

import pytest

from harness.command_line import CommandLine
from harness.management import Management, path


@pytest.fixture(scope="module")
def both(server, admin, work_folder):
    """Runs a command remotely, as the administrator, and on the data."""
    home = work_folder / "both"
    home.mkdir()
    cli = CommandLine(server, home)
    cli.log_in(admin)

    class Both:
        def text(self, *command, check=True):
            remote = cli.run(*command, check=check)
            local = cli.run(*command, "--data", server.data, check=check)
            return (remote.returncode, remote.stdout, remote.stderr), (local.returncode, local.stdout, local.stderr)

        def json(self, *command):
            return json.loads(cli.run(*command, "--json").stdout), json.loads(
                cli.run(*command, "--json", "--data", server.data).stdout
            )

        def remotely(self, *command, **options):
            return cli.run(*command, **options)

        def locally(self, *command, **options):
            return cli.run(*command, "--data", server.data, **options)

    return Both()


def test_lists_are_the_same(both, server, admin, rng):
    from harness.registry import Registry

    Registry(server, admin).push_image("root-admin/listed", rng, "v1")
    for command in (("repo", "list"), ("user", "list"), ("namespace", "list"), ("grant", "list", "root-admin/listed"),
                    ("grant", "list", "root-admin/")):  # fmt: skip
        remote, local = both.json(*command)
        assert remote == local, command
        remote, local = both.text(*command)
        assert remote == local, command


def test_everybodys_kind_is_shown(both, server, admin):
    root = Management(server, admin)
    server.create_user("watcher")
    assert root.change(path("users", "watcher"), {"system_role": "auditor"}).status_code == 200
    server.create_user("kept-out")
    assert root.change(path("users", "kept-out"), {"state": "locked"}).status_code == 200
    for listed in both.json("user", "list"):
        of = {each["name"]: each for each in listed}
        assert (of["watcher"]["system_role"], of["watcher"]["state"]) == ("auditor", "active")
        assert of["kept-out"]["state"] == "locked" and not of["kept-out"]["active"]
        assert of["watcher"]["kind"] == "person"
    for _, shown, _ in both.text("user", "list"):
        assert "auditor" in shown and "locked" in shown


@pytest.mark.parametrize("target", ["root-admin", "root-admin/"])
def test_a_namespace_is_meant_with_and_without_its_slash(both, target):
    for outcome in both.text("namespace", "set", target, "--quota", "1GiB"):
        assert outcome[0] == 0, outcome
    both.text("namespace", "set", target, "--quota", "none")


def test_what_is_there_already_is_said(both):
    for number, run in enumerate((both.locally, both.remotely)):
        first = run("repo", "create", f"root-admin/once-{number}")
        assert first.stdout == f"root-admin/once-{number} is created\n"
        again = run("repo", "create", f"root-admin/once-{number}", check=False)
        assert again.returncode == 1
        assert f"there is a repository root-admin/once-{number} already" in again.stderr


def test_a_role_is_not_taken_in_passing(both, server, admin):
    root = Management(server, admin)
    for number, run in enumerate((both.locally, both.remotely)):
        name = f"officer-{number}"
        server.create_user(name)
        assert root.change(path("users", name), {"system_role": "auditor"}).status_code == 200
        for command in ("promote", "demote"):
            refused = run("user", command, name, check=False)
            assert refused.returncode == 1, refused.stdout
            assert "auditor" in refused.stderr
        assert root.get(path("users", name)).json()["system_role"] == "auditor"


def test_pushing_takes_pulling(both):
    both.locally("repo", "create", "root-admin/scoped")
    for run in (both.locally, both.remotely):
        refused = run("token", "create", "root-admin", "t", "--scope", "root-admin/scoped:push", check=False)
        assert refused.returncode == 1 and "pull,push" in refused.stderr
        assert run("token", "create", "root-admin", "t", "--scope", "root-admin/scoped:pull,push").returncode == 0


def test_the_server_and_its_authority_are_remembered(new_server, folder):
    server = new_server({"tls.mode": "auto", "tls.names": "localhost"}).start()
    alice = server.create_user("alice")
    cli = CommandLine(server, folder)
    address = f"localhost:{server.port}"
    login = ("--name", "alice", "--password-stdin")
    first = cli.run("login", address, "--ca", server.authority, *login, stdin=alice.password + "\n")
    assert f"https://{address}" in first.stdout
    for again in ((f"https://{address}",), (address,), ()):
        assert f"https://{address}" in cli.run("login", *again, *login, stdin=alice.password + "\n").stdout
    cli.run("logout")
    assert f"https://{address}" in cli.run("login", *login, stdin=alice.password + "\n").stdout


def test_a_secret_is_not_shown_where_nobody_types(server, alice, folder):
    cli = CommandLine(server, folder)
    cli.log_in(alice)
    refused = cli.run("factor", "enroll", check=False)
    assert refused.returncode == 1
    assert "terminal" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1, "the secret went into the pipe"
