"""What is taken away is gone at the next request: on a connection that was open before, with a credential that was good
a moment ago and that every cache knows."""

import base64
import json
import threading
import time

import pytest

from breach import attempts, crypto
from breach.management import Management
from harness import raw
from harness.registry import ALL_ACTIONS, Registry
from harness.server import User

REFUSED = (401, 403, 404)  # 404: what a caller may not see is not there
TOKEN = "/token?service=bulkhead&scope=repository:alice/app:pull"
MANIFEST = "/v2/alice/app/manifests/latest"
BASE = "/v2/"


@pytest.fixture
def server(launch, rng):
    """A server with an image of alice's that bob and bob's team may read."""
    started = launch({"auth.login_attempts_per_account": 100_000, "auth.login_attempts_per_network": 100_000})
    started.users = {name: started.create_user(name) for name in ("root-admin", "alice", "bob")}
    started.run("user", "promote", "root-admin")
    Registry(started, started.users["alice"]).push_image("alice/app", rng, "latest")
    started.run("grant", "set", "bob", "reader", "alice/app")
    return started


class Caller:
    """One request that is asked again and again on one connection, and by others at the same time."""

    def __init__(self, server, path, headers):
        self.server, self.path, self.headers = server, path, headers
        self.connection = raw.Connection(server)
        self._stop = threading.Event()
        self._others = [threading.Thread(target=self._keep_asking) for _ in range(2)]

    def _keep_asking(self):
        with raw.Connection(self.server) as connection:
            while not self._stop.is_set():
                connection.request("GET", self.path, self.headers)

    def __enter__(self):
        for other in self._others:
            other.start()
        for _ in range(3):
            assert self.ask() == 200
        return self

    def __exit__(self, *_):
        self._stop.set()
        for other in self._others:
            other.join()
        self.connection.close()

    def ask(self):
        return self.connection.request("GET", self.path, self.headers).status


def bearer(server, name, repository="alice/app", password=None):
    user = server.users[name] if password is None else User(name, password)
    return {"Authorization": f"Bearer {Registry(server, user).token(f'repository:{repository}:{ALL_ACTIONS}')}"}


def basic(server, name):
    return {"Authorization": attempts.basic(name, server.users[name].password.encode())}


def refused_after(server, path, headers, *command, stdin=""):
    """Good until the command has returned, and refused from then on."""
    with Caller(server, path, headers) as caller:
        server.run(*command, stdin=stdin)
        assert [caller.ask() for _ in range(3)][0] in REFUSED
        assert caller.ask() in REFUSED


NEW_PASSWORD = "another password of his\n"
ENDINGS = {
    "disabled": (("user", "disable", "bob"), ""),
    "new password": (("user", "password", "bob", "--password-stdin"), NEW_PASSWORD),
}


@pytest.mark.parametrize("path", [BASE, MANIFEST])
@pytest.mark.parametrize("ending", ENDINGS)
def test_bearer_token_ends_with(server, ending, path):
    command, stdin = ENDINGS[ending]
    refused_after(server, path, bearer(server, "bob"), *command, stdin=stdin)


@pytest.mark.parametrize("ending", ENDINGS)
def test_password_ends_with(server, ending):
    command, stdin = ENDINGS[ending]
    refused_after(server, TOKEN, basic(server, "bob"), *command, stdin=stdin)


def test_enabled_again_old_tokens_stay_dead(server):
    headers = bearer(server, "bob")
    with Caller(server, MANIFEST, headers) as caller:
        server.run("user", "disable", "bob")
        server.run("user", "enable", "bob")
        assert caller.ask() == 401
    assert Registry(server, server.users["bob"]).get_manifest("alice/app", "latest").status_code == 200


@pytest.mark.parametrize("target", ["alice/app", "alice/"])
def test_role_ends_with_its_removal(server, target):
    server.run("grant", "remove", "bob", "alice/app")
    server.run("grant", "set", "bob", "reader", target)
    refused_after(server, MANIFEST, bearer(server, "bob"), "grant", "remove", "bob", target)


def test_lesser_role_is_lesser_at_once(server, rng):
    server.run("grant", "set", "bob", "writer", "alice/app")
    headers = bearer(server, "bob")
    with raw.Connection(server) as connection:
        assert connection.request("POST", "/v2/alice/app/blobs/uploads/", headers).status == 202
        server.run("grant", "set", "bob", "reader", "alice/app")
        assert connection.request("POST", "/v2/alice/app/blobs/uploads/", headers).status in REFUSED
        assert connection.request("GET", MANIFEST, headers).status == 200


def test_public_repository_made_private(server):
    server.run("repo", "set", "alice/app", "--visibility", "public")
    token = Registry(server).token("repository:alice/app:pull")
    refused_after(
        server, MANIFEST, {"Authorization": f"Bearer {token}"}, "repo", "set", "alice/app", "--visibility", "private"
    )


def test_administrator_no_more(server):
    headers = bearer(server, "root-admin", repository="official")
    with raw.Connection(server) as connection:
        assert connection.request("POST", "/v2/official/blobs/uploads/", headers).status == 202
        server.run("user", "demote", "root-admin", check=False)
        server.run("user", "promote", "alice")
        server.run("user", "demote", "root-admin")
        assert connection.request("POST", "/v2/official/blobs/uploads/", headers).status in REFUSED


def test_nothing_old_reaches_a_new_repository_of_the_same_name(server, rng):
    headers = bearer(server, "bob")
    with Caller(server, MANIFEST, headers) as caller:
        server.run("repo", "delete", "alice/app", "--yes")
        Registry(server, server.users["alice"]).push_image("alice/app", rng, "latest")
        assert caller.ask() in REFUSED
    assert Registry(server, server.users["bob"]).get_manifest("alice/app", "latest").status_code in REFUSED


# -- what comes with the management API


@pytest.fixture
def management(server):
    client = Management(server)
    client.sessions = {name: client.log_in(user) for name, user in server.users.items()}
    return client


@pytest.fixture
def access_token(server, management):
    """bob's: its number, and what it logs in with."""
    number, secret = management.create_token(
        management.sessions["bob"], "bob", [{"actions": ["pull"]}], management="read"
    )
    return number, secret


def ways_to_use(server, secret):
    """Log-in with the token, a bearer token that it got, and the token itself in the management API."""
    made = Registry(server, User("bob", secret)).token("repository:alice/app:pull")
    return {
        "log-in": (TOKEN, {"Authorization": attempts.basic("bob", secret.encode())}),
        "bearer": (MANIFEST, {"Authorization": f"Bearer {made}"}),
        "management": ("/api/v1/whoami", {"Authorization": f"Bearer {secret}"}),
    }


TOKEN_ENDINGS = {
    "revoked": lambda server, client, number, secret: client.call(
        "revokeToken", client.sessions["bob"], user="bob", token=number
    ),
    "all revoked": lambda server, client, number, secret: client.call(
        "revokeTokens", client.sessions["root-admin"], user="bob"
    ),
    "rotated": lambda server, client, number, secret: client.call(
        "rotateToken", client.sessions["bob"], user="bob", token=number, body={}
    ),
    "leaked": lambda server, client, number, secret: client.call("reportLeaked", body={"text": f"found: {secret}"}),
    "account disabled": lambda server, client, number, secret: server.run("user", "disable", "bob"),
    "policy of networks": lambda server, client, number, secret: set_policy(server, "--network", "192.0.2.0/24"),
}


def retire_token_key(server):
    """What is stored under the first version of the key, and was not used since there is a second, is over."""
    server.run("keys", "rotate", "token-hash")
    server.run("keys", "retire", "token-hash", 1, "--force")


def enrol(client, session, name):
    """An authenticator app, in that session."""
    shown = client.call("beginTotp", session, user=name).json()["secret"]
    seed = base64.b32decode(shown + "=" * (-len(shown) % 8))
    client.call("confirmTotp", session, user=name, body={"code": crypto.one_time_code(seed, time.time())})


def set_policy(server, *options):
    """By the operator, who may also keep out whoever asks for it."""
    server.run("policy", "set", *options)


@pytest.mark.parametrize("way", ["log-in", "bearer", "management"])
@pytest.mark.parametrize("ending", TOKEN_ENDINGS)
def test_access_token_ends(server, management, access_token, ending, way):
    number, secret = access_token
    path, headers = ways_to_use(server, secret)[way]
    with Caller(server, path, headers) as caller:
        TOKEN_ENDINGS[ending](server, management, number, secret)
        assert caller.ask() in REFUSED
        assert caller.ask() in REFUSED


def test_bearer_ends_with_the_key_of_its_access_token(server, management, access_token):
    """A token that is used meanwhile is stored under the new key; what was made with it before does not do that."""
    with Caller(server, *ways_to_use(server, access_token[1])["bearer"]) as caller:
        retire_token_key(server)
        assert caller.ask() in REFUSED
    assert Registry(server, User("bob", access_token[1])).request_token("").status_code == 401


SESSION_ENDINGS = {
    "logged out": lambda server, client: client.call("endCurrentSession", client.sessions["bob"]),
    "all ended": lambda server, client: client.call("endSessions", client.sessions["root-admin"], user="bob"),
    "new password": lambda server, client: server.run(*ENDINGS["new password"][0], stdin=NEW_PASSWORD),
    "account disabled": lambda server, client: server.run("user", "disable", "bob"),
    "leaked": lambda server, client: client.call("reportLeaked", body={"text": client.sessions["bob"]}),
    "second factor in another session": lambda server, client: enrol(client, client.log_in(server.users["bob"]), "bob"),
    "key retired": lambda server, client: retire_token_key(server),
}


@pytest.mark.parametrize("ending", SESSION_ENDINGS)
def test_session_ends(server, management, ending):
    headers = {"Authorization": f"Bearer {management.sessions['bob']}"}
    with Caller(server, "/api/v1/whoami", headers) as caller:
        SESSION_ENDINGS[ending](server, management)
        assert caller.ask() == 401


def test_password_alone_ends_with_a_second_factor(server, management):
    session = management.sessions["bob"]
    with Caller(server, TOKEN, basic(server, "bob")) as caller:
        management.call("beginTotp", session, user="bob")
        assert caller.ask() == 200
        enrol(management, session, "bob")
        assert caller.ask() in REFUSED


def test_what_a_password_got_ends_with_a_second_factor(server, management):
    """And what a factor got, with its reset; only the session that enrols goes on."""
    session = management.sessions["bob"]
    bearer = {"Authorization": f"Bearer {Registry(server, server.users['bob']).token('repository:alice/app:pull')}"}
    with Caller(server, MANIFEST, bearer) as caller:
        enrol(management, session, "bob")
        assert caller.ask() in REFUSED
    with Caller(server, "/api/v1/whoami", {"Authorization": f"Bearer {session}"}) as caller:
        management.call("makeRecoveryCodes", session, user="bob")
        management.call("resetFactors", management.sessions["root-admin"], user="bob")
        assert caller.ask() == 401


def test_passwords_turned_off_by_policy(server, management):
    with Caller(server, TOKEN, basic(server, "bob")) as caller:
        set_policy(server, "--password-login", "false")
        assert caller.ask() in REFUSED


@pytest.fixture
def team(server, management):
    """bob reads alice's image as a member of acme/readers, and in no other way."""
    alice = management.sessions["alice"]
    server.run("grant", "remove", "bob", "alice/app")
    management.call("createOrganization", management.sessions["root-admin"], body={"name": "acme", "owner": "alice"})
    server.run("org", "member", "set", "acme", "bob")
    management.call("createTeam", alice, organization="acme", body={"name": "readers"})
    management.call("addTeamMember", alice, organization="acme", team="readers", member="bob")
    management.call(
        "setRepositoryGrant", alice, repository="alice/app", subject="team:acme/readers", body={"role": "reader"}
    )


TEAM_ENDINGS = {
    "left the team": ("removeTeamMember", {"organization": "acme", "team": "readers", "member": "bob"}),
    "left the organization": ("removeMember", {"organization": "acme", "member": "bob"}),
    "the team's role taken": ("removeRepositoryGrant", {"repository": "alice/app", "subject": "team:acme/readers"}),
    "no such team any more": ("deleteTeam", {"organization": "acme", "team": "readers"}),
}


@pytest.mark.parametrize("ending", TEAM_ENDINGS)
def test_role_through_a_team_ends(server, management, team, ending):
    operation, path = TEAM_ENDINGS[ending]
    with Caller(server, MANIFEST, bearer(server, "bob")) as caller:
        management.call(operation, management.sessions["alice"], **path)
        assert caller.ask() in REFUSED


ROBOT_ENDINGS = {
    "disabled": lambda client, alice: client.call(
        "changeRobot", alice, robot="acme+ci", body={"enabled": False}, headers={"If-Match": "*"}
    ),
    "deleted": lambda client, alice: client.call("deleteRobot", alice, robot="acme+ci"),
}


@pytest.mark.parametrize("ending", ROBOT_ENDINGS)
def test_robot_ends(server, management, ending):
    alice = management.sessions["alice"]
    management.call("createOrganization", management.sessions["root-admin"], body={"name": "acme", "owner": "alice"})
    management.call("createOrganizationRobot", alice, organization="acme", body={"name": "ci"})
    _, secret = management.create_token(alice, "acme+ci", [{"actions": ["pull"]}])
    made = Registry(server, User("acme+ci", secret)).token("registry:catalog:*")
    with Caller(server, BASE, {"Authorization": f"Bearer {made}"}) as caller:
        ROBOT_ENDINGS[ending](management, alice)
        assert caller.ask() in REFUSED
    log_in = Registry(server, User("acme+ci", secret)).request_token("registry:catalog:*")
    assert log_in.status_code == 401


def test_system_role(server, management):
    headers = {"Authorization": f"Bearer {management.sessions['root-admin']}"}
    with Caller(server, "/api/v1/users", headers) as caller:
        server.run("user", "promote", "alice")
        server.run("user", "demote", "root-admin")
        assert caller.ask() in REFUSED


def test_evidence_names_what_ended_it(server):
    server.run("user", "disable", "bob")
    lines = server.run("audit", "query", "--json", "--account", "bob").stdout.splitlines()
    lines += server.run("audit", "query", "--json").stdout.splitlines()
    assert any("disabled" in json.loads(line)["action"] for line in lines)
