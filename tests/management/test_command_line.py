"""The command line as a client of the management API, and as the operator's on the machine's own data."""

import json
import stat

import pytest

from harness.command_line import CommandLine
from harness.factors import enrol
from harness.management import Management, path
from harness.registry import Registry


@pytest.fixture
def cli(server, folder):
    return CommandLine(server, folder)


def test_log_in_and_out(cli, alice):
    assert cli.log_in(alice).stdout == f"alice is logged in to {cli.server.url}\n"
    assert stat.S_IMODE(cli.store.stat().st_mode) == 0o600
    assert alice.password not in cli.store.read_text()
    assert cli.run("whoami").stdout == f"alice at {cli.server.url}\n"
    assert cli.json("whoami")["user"]["name"] == "alice"
    session = json.loads(cli.store.read_text())["servers"][cli.server.url]["session"]
    assert cli.run("logout").stdout == f"alice is logged out of {cli.server.url}\n"
    assert session not in cli.store.read_text()
    assert cli.run("whoami", check=False).returncode == 3
    assert cli.run("logout", check=False).returncode == 1


def test_a_wrong_password_leaves_nothing(cli, alice):
    refused = cli.run("login", cli.server.url, "--name", alice.name, "--password-stdin", stdin="wrong\n", check=False)
    assert refused.returncode == 3
    assert not cli.store.exists()


def sessions(cli, user):
    """The live sessions of somebody, the one that asks for them left out."""
    person = Management(cli.server, user)
    return [each["client"] for each in person.get("/sessions").json()["items"] if not each["current"]]


def test_logging_in_again_ends_the_session_of_before(launch, folder):
    cli = CommandLine(launch(), folder)
    user = cli.server.create_user("alice")
    for _ in range(3):
        cli.log_in(user)
    mine = sessions(cli, user)
    assert len([client for client in mine if client.startswith("bulkhead")]) == 1, mine
    assert cli.run("whoami").returncode == 0
    # Somebody else's log-in on this machine takes the place of the first one's as well.
    other = cli.server.create_user("bob")
    cli.log_in(other)
    assert [client for client in sessions(cli, user) if client.startswith("bulkhead")] == []


def test_a_log_in_that_cannot_be_kept_is_ended(launch, folder):
    cli = CommandLine(launch(), folder)
    user = cli.server.create_user("alice")
    cli.log_in(user)
    refused = cli.run(
        "login", cli.server.url, "--name", "alice", "--password-stdin", stdin=user.password + "\n", home="/proc", check=False
    )
    assert refused.returncode == 1, "nobody keeps files there"
    assert len([client for client in sessions(cli, user) if client.startswith("bulkhead")]) == 1


def test_docker_waits_for_a_second_factor_that_policy_asks_for(launch, folder):
    cli = CommandLine(launch(), folder)
    user = cli.server.create_user("alice")
    cli.server.run("policy", "set", "--mfa-required", "true")
    done = cli.log_in(user, "--docker")
    assert "alice is logged in" in done.stdout and "bulkhead factor enroll" in done.stdout
    assert "--docker" in done.stdout + done.stderr, "and that there is no token yet"
    assert cli.run("factor", "status").returncode == 0
    helper = cli.home / "docker-credential-bulkhead"
    helper.symlink_to(cli.server.binary)
    assert cli.run("get", stdin=cli.server.address + "\n", program=helper, check=False).returncode == 1


def test_a_log_in_that_others_may_read_is_refused(cli, alice):
    cli.log_in(alice)
    cli.store.chmod(0o644)
    refused = cli.run("whoami", check=False)
    assert refused.returncode == 1 and "chmod 600" in refused.stderr


def test_an_ended_session_says_so(cli, alice):
    cli.log_in(alice)
    cli.server.run("user", "password", "alice", "--password-stdin", stdin=alice.password + "\n")
    refused = cli.run("repo", "list", check=False)
    assert refused.returncode == 3 and refused.stderr.startswith("bulkhead: ")


def test_repositories_grants_and_namespaces(cli, alice, mallory):
    cli.log_in(alice)
    cli.run("repo", "create", "alice/from-the-command-line")
    assert "alice/from-the-command-line" in [each["name"] for each in cli.json("repo", "list")]
    cli.run("repo", "set", "alice/from-the-command-line", "--visibility", "public", "--contact", "a@example.com")
    listed = next(each for each in cli.json("repo", "list") if each["name"] == "alice/from-the-command-line")
    assert (listed["visibility"], listed["contact"], listed["owner"]) == ("public", "a@example.com", "alice")
    # mallory is somebody whom alice sees once they have something in common.
    refused = cli.run("grant", "set", "mallory", "writer", "alice/from-the-command-line", check=False)
    assert refused.returncode == 1 and "yours to see" in refused.stderr
    cli.server.run("grant", "set", "mallory", "reader", "alice/from-the-command-line")
    cli.run("grant", "set", "mallory", "writer", "alice/from-the-command-line")
    roles = {(each["account"], each["role"]) for each in cli.json("grant", "list", "alice/from-the-command-line")}
    assert roles == {("alice", "owner"), ("mallory", "writer")}
    cli.run("grant", "remove", "mallory", "alice/from-the-command-line")
    assert [each["name"] for each in cli.json("namespace", "list")] == ["alice/"]
    cli.run("repo", "rename", "alice/from-the-command-line", "alice/renamed-there")
    cli.run("repo", "delete", "alice/renamed-there", "--yes")
    assert "alice/renamed-there" not in [each["name"] for each in cli.json("repo", "list")]


def test_accounts(cli, admin):
    cli.log_in(admin)
    cli.run("user", "create", "made-remotely", "--password-stdin", stdin="a password of good length\n")
    listed = {each["name"]: each for each in cli.json("user", "list")}
    assert listed["made-remotely"]["active"] and not listed["made-remotely"]["administrator"]
    cli.run("user", "disable", "made-remotely")
    cli.run("user", "promote", "made-remotely")
    listed = {each["name"]: each for each in cli.json("user", "list")}
    assert not listed["made-remotely"]["active"] and listed["made-remotely"]["administrator"]
    cli.run("user", "demote", "made-remotely")
    assert cli.run("user", "role", "made-remotely", "auditor").stdout == "made-remotely has the role auditor\n"
    assert {each["name"]: each for each in cli.json("user", "list")}["made-remotely"]["system_role"] == "auditor"
    assert cli.run("user", "role", "made-remotely", "emperor", check=False).returncode == 2


def test_a_lost_second_factor_is_reset(server, cli, admin):
    """On the machine and from anywhere; the account's log-ins and tokens go with it."""
    user = server.create_user("lost-it")
    for reset in (server.run, cli.run):
        owner = Management(server, user)
        enrol(owner)
        token = owner.post(path("users", user.name, "tokens"), {"name": "t", "scopes": [], "management": "read"})
        cli.log_in(admin)
        done = reset("user", "reset-factors", user.name)
        assert "no second factor" in done.stdout
        assert owner.get("/whoami").status_code == 401
        owner.use(token.json()["secret"])
        assert owner.get("/whoami").status_code == 401
    refused = server.run("user", "reset-factors", user.name, check=False)
    assert refused.returncode == 1 and "no second factor" in refused.stdout
    assert server.run("user", "reset-factors", "nobody-here", check=False).returncode == 1
    lines = server.run("audit", "query", "--json", "--action", "mfa_reset").stdout.splitlines()
    events = [json.loads(line) for line in lines]
    assert [event["account"].partition(":")[0] for event in events] == ["operator", admin.name]


def test_the_last_administrators_lost_factor_is_reset_on_a_stopped_server(launch):
    server = launch()
    only = Management(server, server.create_user("only-admin", admin=True))
    enrol(only)
    server.stop()
    server.run("user", "reset-factors", "only-admin")
    server.start()
    assert Management(server, only.user).get("/whoami").status_code == 200


def test_what_has_ended_is_said(server, cli, admin):
    cli.log_in(admin)
    server.create_user("told")
    for words, about in (
        (("password", "told", "--password-stdin"), "told has a new password"),
        (("disable", "told"), "told is disabled"),
    ):
        for run in (server.run, cli.run):
            done = run("user", *words, stdin="a password of good length\n")
            assert about in done.stdout and "sessions and tokens have ended" in done.stdout
            server.run("user", "enable", "told")


def test_tokens(cli, alice, server, repository):
    cli.log_in(alice)
    cli.run("repo", "create", repository)
    made = cli.json("token", "create", "alice", "ci", "--scope", f"{repository}:pull,push", "--scope", "alice/:pull")
    assert made["token"].startswith("bhpat_")
    assert made["scopes"] == [f"{repository}:pull,push", "alice/:pull"]
    machine = Registry(server, type(alice)("alice", made["token"]))
    assert machine.get(f"/v2/{repository}/tags/list").status_code == 200
    rotated = cli.json("token", "rotate", "alice", str(made["id"]), "--overlap", "1h")
    assert rotated["id"] != made["id"]
    states = {each["id"]: each["state"] for each in cli.json("token", "list", "alice")}
    assert states[made["id"]] == "rotated" and states[rotated["id"]] == "active"
    cli.run("token", "revoke", "alice", str(rotated["id"]))
    cli.run("token", "revoke", "alice", "--all")
    assert {each["state"] for each in cli.json("token", "list", "alice")} <= {"revoked", "expired"}


def exercise_organizations(run, as_json, name):
    run("org", "create", name, "--display-name", "The Org", "--owner", "alice")
    assert name in [each["name"] for each in as_json("org", "list")]
    run("org", "set", name, "--member-role", "reader")
    run("org", "member", "set", name, "mallory")
    assert [(each["account"], each["role"]) for each in as_json("org", "member", "list", name)] == [
        ("alice", "owner"),
        ("mallory", "member"),
    ]
    run("team", "create", f"{name}/all")
    run("team", "create", f"{name}/dev", "--parent", "all")
    run("team", "add", f"{name}/dev", "mallory")
    assert [each["account"] for each in as_json("team", "members", f"{name}/dev")] == ["mallory"]
    assert [(each["name"], each["parent"]) for each in as_json("team", "list", name)] == [("all", None), ("dev", "all")]
    run("grant", "set", f"team:{name}/dev", "writer", f"{name}/")
    run("robot", "create", "ci", "--org", name, "--description", "builds")
    assert [each["name"] for each in as_json("robot", "list", "--org", name)] == [f"{name}+ci"]
    run("robot", "disable", f"{name}+ci")
    assert as_json("robot", "list", "--org", name)[0]["state"] == "disabled"
    run("robot", "enable", f"{name}+ci")
    made = as_json("token", "create", f"{name}+ci", "x", "--scope", f"{name}/:pull,push")
    assert made["token"].startswith("bhrobot_")
    run("repo", "create", f"{name}/app")
    run(
        "robot", "trust", "add", f"{name}+ci", "builds", "--preset", "github", "--audience", "https://registry.example",
        "--claim", "repository_id=123", "--claim", "repository_owner_id=7", "--scope", f"{name}/app:pull,push",
    )  # fmt: skip
    trust = as_json("robot", "trust", "list", f"{name}+ci")[0]
    assert trust["issuer"] == "https://token.actions.githubusercontent.com"
    run("robot", "trust", "remove", f"{name}+ci", str(trust["id"]))
    run("robot", "delete", f"{name}+ci")
    run("team", "remove", f"{name}/dev", "mallory")
    run("team", "delete", f"{name}/dev")
    run("org", "member", "remove", name, "mallory")
    run("repo", "delete", f"{name}/app", "--yes")
    run("org", "rename", name, f"{name}-b")
    run("org", "delete", f"{name}-b")
    assert f"{name}-b" not in [each["name"] for each in as_json("org", "list")]


def test_organizations_over_the_network(cli, admin, alice, mallory):
    del mallory
    cli.log_in(admin)
    # Administrators make organizations; what is in them is their owners' business.
    cli.run("org", "create", "remote", "--owner", "alice")
    refused = cli.run("org", "member", "set", "remote", "mallory", check=False)
    assert refused.returncode == 1 and "owner" in refused.stderr
    cli.run("org", "delete", "remote")
    cli.server.run("user", "promote", "alice")
    cli.log_in(alice)
    exercise_organizations(cli.run, cli.json, "remote-org")
    cli.server.run("user", "demote", "alice")


def test_organizations_on_the_running_servers_data(server, alice, mallory):
    del alice, mallory
    exercise_organizations(
        server.run, lambda *arguments: json.loads(server.run(*arguments, "--json").stdout), "local-org"
    )


def test_organizations_on_a_stopped_servers_data(launch):
    server = launch()
    for name in ("alice", "mallory"):
        server.create_user(name, admin=name == "alice")
    server.stop()
    exercise_organizations(
        server.run, lambda *arguments: json.loads(server.run(*arguments, "--json").stdout), "stopped-org"
    )


def test_invitations_by_e_mail(server, admin, folder):
    carol, erin = server.create_user("carol-invited"), server.create_user("erin-invites")
    server.run("org", "create", "by-mail", "--owner", erin.name)
    for name in ("erin", "carol", "admin"):
        (folder / name).mkdir()
    owner, invited, root = (CommandLine(server, folder / name) for name in ("erin", "carol", "admin"))
    for who, user in ((owner, erin), (invited, carol), (root, admin)):
        who.log_in(user)
    said = owner.run("org", "invite", "by-mail", "--email", "carol@example.com").stdout
    token = said.split()[0]
    assert token.startswith("bhinvite_") and "org accept" in said and "user email NAME carol@example.com --verified" in said
    listed = owner.json("org", "invitations", "by-mail")
    assert [each["email"] for each in listed] == ["carol@example.com"]
    assert "withdraw" in owner.run("org", "invite", "by-mail", "--email", "carol@example.com", check=False).stderr
    owner.run("org", "withdraw", "by-mail", str(listed[0]["id"]))
    assert invited.run("org", "accept", token, check=False).returncode == 1
    token = owner.run("org", "invite", "by-mail", "--email", "carol@example.com").stdout.split()[0]
    for act, missing in (((), "has none"), (("carol@example.org",), "another one"), (("carol@example.com",), "verified")):
        if act:
            invited.run("user", "email", carol.name, *act)
        refused = invited.run("org", "accept", token, check=False)
        assert refused.returncode == 1 and missing in refused.stderr and "user email" in refused.stderr
    assert invited.run("user", "email", carol.name, "carol@example.com", "--verified", check=False).returncode == 1
    root.run("user", "email", carol.name, "carol@example.com", "--verified")
    assert [each["organization"] for each in invited.json("org", "invitations")] == ["by-mail"]
    assert invited.run("org", "accept", token).stdout == "welcome\n"
    assert [each["name"] for each in invited.json("org", "list")] == ["by-mail"]


def test_the_machines_own_commands_stay_there(cli, alice):
    cli.log_in(alice)
    refused = cli.run("audit", "tail", "--server", cli.server.url, check=False)
    assert refused.returncode == 1 and "own machine" in refused.stderr


def test_docker_gets_its_credential(cli, alice, server, repository):
    helper = cli.home / "docker-credential-bulkhead"
    helper.symlink_to(server.binary)
    missing = cli.run("get", stdin=server.address + "\n", program=helper, check=False)
    assert missing.returncode == 1 and missing.stdout == "credentials not found in native keychain\n"
    cli.log_in(alice, "--docker")
    given = json.loads(cli.run("get", stdin=server.address + "\n", program=helper).stdout)
    assert given["Username"] == "alice" and given["Secret"].startswith("bhpat_")
    client = Registry(server, type(alice)("alice", given["Secret"]))
    client.start_upload(repository)
    assert json.loads(cli.run("list", program=helper).stdout) == {server.address: "alice"}
    cli.run("store", stdin=json.dumps({"ServerURL": "x.example", "Username": "u", "Secret": "s"}), program=helper)
    cli.run("erase", stdin=server.address, program=helper)
    assert json.loads(cli.run("list", program=helper).stdout) == {"x.example": "u"}
