"""Whom the owners of an organization reach, and how: what is reached through it, and nothing else of anybody."""

import uuid

import pytest

from harness.factors import enrol
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User

INSIDE, OUTSIDE = {"X-Forwarded-For": "203.0.113.5"}, {"X-Forwarded-For": "198.51.100.7"}
POLICY = {"mfa_required": False, "token_seconds": 90 * 86400, "networks": [], "password_login": True}


def fresh(word):
    return f"{word}-{uuid.uuid4().hex[:8]}"


def from_there(client, where):
    client.session.headers.update(where)
    return client


class Strict:
    """An organization of boss's with a repository, and alice, who is a member that writes in it."""

    def __init__(self, server):
        self.server = server
        server.create_user("root-admin", admin=True)
        self.boss = Management(server, server.create_user("boss"))
        self.alice = Management(server, server.create_user("alice"))
        server.run("org", "create", "acme", "--owner", "boss")
        server.run("org", "member", "set", "acme", "alice")
        server.run("repo", "create", "acme/app")
        server.run("repo", "create", "alice/app")
        server.run("grant", "set", "alice", "writer", "acme/app")
        for client in (self.boss, self.alice):
            from_there(client, INSIDE)

    def set_policy(self, **changes):
        target = path("organizations", "acme", "policy")
        return self.boss.request("PUT", target, json=POLICY | changes, headers={"If-Match": "*"})

    def token(self, client, **more):
        """An access token of the client's own account, which may do everything that it may."""
        body = {"name": "t", "scopes": [{"actions": ["pull", "push", "delete"]}], "management": "write", **more}
        made = client.post(path("users", client.user.name, "tokens"), body)
        assert made.status_code == 201, made.text
        return made.json()["secret"]

    def pulls(self, secret, repository, where, name="alice"):
        """The status of reading the repository's tags, with a bearer token that this secret got."""
        registry = Registry(self.server, User(name, secret))
        registry.session.headers.update(where)
        return registry.get(f"/v2/{repository}/tags/list").status_code


@pytest.fixture
def strict(launch):
    return Strict(launch({"trusted_proxies": "127.0.0.0/8"}))


def test_a_policy_of_networks_is_about_the_organization_alone(strict):
    password, token = strict.alice.user.password, strict.token(strict.alice)
    assert strict.set_policy(networks=["203.0.113.0/24"]).status_code == 200
    elsewhere = from_there(Management(strict.server, None), OUTSIDE)
    elsewhere.user = strict.alice.user
    elsewhere.log_in()
    assert elsewhere.get("/whoami").status_code == 200
    assert from_there(strict.alice, OUTSIDE).get("/whoami").status_code == 200
    for secret in (password, token):
        assert strict.pulls(secret, "alice/app", OUTSIDE) == 200
        assert strict.pulls(secret, "acme/app", OUTSIDE) == 401
        assert strict.pulls(secret, "acme/app", INSIDE) == 200
    assert elsewhere.get(path("organizations", "acme", "members")).status_code == 403
    assert elsewhere.get(path("repositories", "acme/app")).status_code == 403
    assert elsewhere.get(path("namespaces", "alice")).status_code == 200
    assert "acme/app" not in [each["name"] for each in elsewhere.items("/repositories")]
    assert from_there(elsewhere, INSIDE).get(path("organizations", "acme", "members")).status_code == 200
    assert "acme/app" in [each["name"] for each in elsewhere.items("/repositories")]


def test_a_policy_about_passwords_and_the_life_of_tokens_is_about_the_organization_alone(strict):
    password, long, short = (
        strict.alice.user.password,
        strict.token(strict.alice, lifetime_seconds=30 * 86400),
        strict.token(strict.alice, lifetime_seconds=3600),
    )
    assert strict.set_policy(password_login=False, token_seconds=3600).status_code == 200
    for secret in (password, long, short):
        assert strict.pulls(secret, "alice/app", INSIDE) == 200
    assert [strict.pulls(secret, "acme/app", INSIDE) for secret in (password, long, short)] == [401, 401, 200]


def test_a_policy_about_second_factors_is_about_the_organization_alone(strict):
    token = strict.token(strict.alice)
    enrol(strict.boss)
    assert strict.set_policy(mfa_required=True).status_code == 200
    assert strict.alice.get(path("namespaces", "alice")).status_code == 200
    refused = strict.alice.get(path("organizations", "acme"))
    assert refused.status_code == 403 and "second factor" in refused.json()["detail"]
    for secret in (strict.alice.user.password, token):
        assert strict.pulls(secret, "alice/app", INSIDE) == 200
        assert strict.pulls(secret, "acme/app", INSIDE) == 401
    enrol(strict.alice)
    assert strict.alice.get(path("organizations", "acme")).status_code == 200
    assert strict.pulls(strict.token(strict.alice), "acme/app", INSIDE) == 200
    # What was made without a second factor stays that.
    assert strict.pulls(token, "acme/app", INSIDE) == 401


def test_a_policy_governs_the_organizations_robots_everywhere(strict):
    robots = path("organizations", "acme", "robots")
    assert strict.boss.post(robots, {"name": "ci"}).status_code == 201
    strict.server.run("grant", "set", "acme+ci", "reader", "acme/app")
    body = {"name": "t", "scopes": [{"actions": ["pull"]}], "management": "read"}
    secret = strict.boss.post(path("users", "acme+ci", "tokens"), body).json()["secret"]
    assert strict.pulls(secret, "acme/app", OUTSIDE, "acme+ci") == 200
    assert strict.set_policy(networks=["203.0.113.0/24"]).status_code == 200
    robot = from_there(Management(strict.server), OUTSIDE)
    robot.use(secret)
    assert robot.get("/whoami").status_code == 401
    assert from_there(robot, INSIDE).get("/whoami").status_code == 200
    assert strict.pulls(secret, "acme/app", INSIDE, "acme+ci") == 200


def test_what_anybody_may_pull_a_policy_takes_from_nobody(strict):
    strict.server.run("repo", "set", "acme/app", "--visibility", "public")
    assert strict.set_policy(networks=["203.0.113.0/24"]).status_code == 200
    assert strict.pulls(strict.alice.user.password, "acme/app", OUTSIDE) == 200


def test_nobody_sets_a_policy_that_keeps_them_out(strict):
    for policy in ({"networks": ["198.51.100.0/24"]}, {"mfa_required": True}):
        refused = strict.set_policy(**policy)
        assert refused.status_code == 409, refused.text
    assert strict.boss.get(path("organizations", "acme", "policy")).json() == POLICY


def test_a_token_made_without_a_second_factor_ends_with_the_policy_that_asks_for_one(strict):
    """The installation's policy; and not one that was made with a factor."""
    weak = strict.token(strict.alice)
    enrol(strict.boss)
    strong = strict.token(strict.boss)
    root = Management(strict.server, User("root-admin", "correct horse root-admin staple"))
    enrol(root)
    assert root.request("PUT", "/policy", json=POLICY | {"mfa_required": True}, headers={"If-Match": "*"}).status_code == 200
    machine = Management(strict.server)
    for secret, status in ((weak, 401), (strong, 200)):
        machine.use(secret)
        assert machine.get("/whoami").status_code == status
    for name, secret, status in (("alice", weak, 401), ("boss", strong, 200)):
        answer = Registry(strict.server, User(name, secret)).request_token(f"repository:{name}/app:pull")
        assert answer.status_code == status, answer.text


# -- membership and ownership take consent


def test_nobody_becomes_a_member_unasked(owner, outsider, root, organization):
    del root
    told = set()
    for name in ("mallory", "root-admin", "no-such-one"):
        refused = owner.put(path("organizations", organization, "members", name), {"role": "member"})
        assert refused.status_code == 409, refused.text
        told.add(refused.json()["detail"].replace(name, "NAME"))
    assert len(told) == 1, told
    assert [each["account"] for each in owner.items(path("organizations", organization, "members"))] == ["alice"]
    assert organization not in [each["name"] for each in outsider.items("/organizations")]
    outsider.join(organization, owner)
    assert organization in [each["name"] for each in outsider.items("/organizations")]


def test_an_absent_account_and_one_that_is_no_member_are_told_alike(owner, outsider, organization):
    del outsider
    team = path("organizations", organization, "teams")
    assert owner.post(team, {"name": "devs"}).status_code == 201

    def told(answer, name):
        return answer.status_code, answer.json().get("detail", "").replace(name, "NAME")

    members = path("organizations", organization, "members")
    for method, target, body in (
        ("PUT", members + "/{}", {"role": "member"}),
        ("DELETE", members + "/{}", None),
        ("PUT", team + "/devs/members/{}", None),
        ("DELETE", team + "/devs/members/{}", None),
        ("POST", path("organizations", organization, "invitations"), "account"),
    ):
        answers = set()
        for name in ("mallory", "no-such-one"):
            sent = {"account": name} if body == "account" else body
            answer = owner.request(method, target.format(name), json=sent)
            answers.add(told(answer, name))
        assert len(answers) == 1, f"{method} {target}: {answers}"
    invited = owner.items(path("organizations", organization, "invitations"))
    assert [each["account"] for each in invited] == ["mallory", "no-such-one"]


def test_an_owner_is_made_by_acceptance(owner, outsider, organization):
    outsider.join(organization, owner)
    members = path("organizations", organization, "members")
    assert owner.put(members + "/mallory", {"role": "owner"}).status_code == 409
    assert outsider.get(members + "/mallory").json()["role"] == "member"
    outsider.join(organization, owner, role="owner")
    assert outsider.get(members + "/mallory").json()["role"] == "owner"
    # Taking it back asks nobody.
    assert owner.put(members + "/mallory", {"role": "member"}).status_code == 200


def test_a_repository_is_given_to_a_member_and_pushed_on_nobody(owner, outsider, root, organization, repository):
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    told = set()
    for name in ("mallory", "root-admin", "no-such-one"):
        refused = owner.change(path("repositories", repository), {"owner": name})
        assert refused.status_code in (400, 404), refused.text
        told.add((refused.status_code, refused.json()["detail"].replace(name, "NAME")))
    assert len(told) == 1, told
    shared = f"{organization}/app"
    assert owner.post("/repositories", {"name": shared}).status_code == 201
    assert owner.change(path("repositories", shared), {"owner": "mallory"}).status_code in (400, 404)
    outsider.join(organization, owner)
    assert owner.change(path("repositories", shared), {"owner": "mallory"}).status_code == 200
    # A member of a shared organization does not answer for somebody's own repositories.
    assert owner.change(path("repositories", repository), {"owner": "mallory"}).status_code in (400, 404)
    assert owner.get(path("repositories", repository)).json()["owner"] == "alice"
    root.server.run("org", "member", "remove", organization, "mallory")


def test_an_invitation_ends_with_whoever_sent_it(server, root, owner, outsider, organization):
    server.create_user(name := fresh("inviter"))
    server.run("org", "member", "set", organization, name, "owner")
    inviter = Management(server, User(name, f"correct horse {name} staple"))
    invited = inviter.post(path("organizations", organization, "invitations"), {"account": "mallory", "role": "owner"}).json()
    assert root.change(path("users", name), {"state": "locked"}).status_code == 200
    assert outsider.post(path("invitations", invited["invitation"]["id"], "acceptance")).status_code == 404
    assert outsider.post("/invitations/acceptance", {"token": invited["secret"]}).status_code == 404
    assert owner.items(path("organizations", organization, "invitations")) == []


# -- the last owner


@pytest.mark.parametrize("state", ["disabled", "locked"])
def test_the_last_active_owner_is_not_stopped(server, root, alice, state):
    del alice
    server.create_user(name := fresh("erin"))
    server.run("org", "create", f"{name}-org", "--owner", name)
    refused = root.change(path("users", name), {"state": state})
    assert refused.status_code == 409 and f"{name}-org" in refused.json()["detail"]
    assert root.get(path("users", name)).json()["state"] == "active"
    refused = server.run("user", "disable", name, check=False)
    assert refused.returncode == 1 and f"{name}-org" in refused.stdout
    server.run("org", "member", "set", f"{name}-org", "alice", "owner")
    assert root.change(path("users", name), {"state": state}).status_code == 200


# -- a token's scopes


@pytest.fixture
def narrow(server, owner, organization):
    """A token of alice's for one repository, which may change settings; and one for the whole organization."""
    assert owner.post("/repositories", {"name": f"{organization}/app"}).status_code == 201

    def make(scopes):
        body = {"name": "narrow", "scopes": scopes, "management": "write"}
        client = Management(server)
        client.user = owner.user
        client.use(owner.post(path("users", "alice", "tokens"), body).json()["secret"])
        return client

    every = ["pull", "push", "delete"]
    return (
        make([{"repository": f"{organization}/app", "actions": every}]),
        make([{"namespace": organization, "actions": every}]),
    )


def test_scopes_bound_what_a_token_does_to_organizations(owner, outsider, organization, narrow):
    one_repository, whole = narrow
    org = path("organizations", organization)
    outsider.join(organization, owner)
    assert owner.post(org + "/teams", {"name": "devs"}).status_code == 201
    assert owner.post(org + "/robots", {"name": "ci"}).status_code == 201
    robot = path("robots", f"{organization}+ci")
    condition = {"If-Match": "*"}
    tries = [
        ("PUT", org + "/members/mallory", {"role": "member"}),
        ("DELETE", org + "/members/alice", None),
        ("PUT", org + "/policy", POLICY),
        ("PATCH", org, {"display_name": "mine"}),
        ("POST", org + "/rename", {"name": organization + "-x"}),
        ("DELETE", org, None),
        ("POST", org + "/teams", {"name": "others"}),
        ("PATCH", org + "/teams/devs", {"name": "others"}),
        ("PUT", org + "/teams/devs/members/alice", None),
        ("DELETE", org + "/teams/devs", None),
        ("POST", org + "/invitations", {"account": "guest"}),
        ("POST", org + "/robots", {"name": "other"}),
        ("PATCH", robot, {"enabled": False}),
        ("DELETE", robot, None),
        ("GET", org + "/members", None),
        ("GET", org + "/teams", None),
        ("GET", org + "/policy", None),
        ("GET", org + "/invitations", None),
        ("GET", path("users", f"{organization}+ci", "tokens"), None),
        ("DELETE", path("users", f"{organization}+ci", "tokens"), None),
    ]
    let_through = [
        (method, target)
        for method, target, body in tries
        if one_repository.request(method, target, json=body, headers=condition).status_code
        not in (401, 403, 404)
    ]
    assert not let_through
    assert organization not in [each["name"] for each in one_repository.items("/organizations")]
    assert whole.get(org + "/members").status_code == 200
    assert organization in [each["name"] for each in whole.items("/organizations")]
    assert whole.post(org + "/teams", {"name": "more"}).status_code == 201
    assert whole.request("PATCH", robot, json={"enabled": False}, headers=condition).status_code == 200


def test_a_narrow_token_accepts_nothing_for_its_account(server, owner, outsider, root, organization):
    body = {"name": "narrow", "scopes": [{"namespace": "mallory", "actions": ["pull"]}], "management": "write"}
    machine = Management(server)
    machine.use(outsider.post(path("users", "mallory", "tokens"), body).json()["secret"])
    invited = owner.post(path("organizations", organization, "invitations"), {"account": "mallory"}).json()
    acceptance = path("invitations", invited["invitation"]["id"], "acceptance")
    assert machine.post(acceptance).status_code in (403, 404)
    assert machine.post("/invitations/acceptance", {"token": invited["secret"]}).status_code in (403, 404)
    assert outsider.post(acceptance).status_code == 204


def test_a_narrow_token_lists_what_it_may_pull(server, owner, organization, narrow):
    """And no less than anybody without an account."""
    one_repository, whole = narrow
    public, private = f"alice/{fresh('public')}", f"alice/{fresh('private')}"
    for name in (public, private):
        assert owner.post("/repositories", {"name": name}).status_code == 201
    assert owner.change(path("repositories", public), {"visibility": "public"}).status_code == 200
    assert owner.post("/repositories", {"name": f"{organization}/other"}).status_code == 201
    for client, wanted in (
        (one_repository, {f"{organization}/app"}),
        (whole, {f"{organization}/app", f"{organization}/other"}),
    ):
        listed = {each["name"] for each in client.items("/repositories")}
        assert public in listed and private not in listed
        assert {name for name in listed if name.startswith(organization)} == wanted
        secret = client.session.headers["Authorization"].partition(" ")[2]
        catalog = Registry(server, User("alice", secret)).get("/v2/_catalog?n=1000")
        assert catalog.status_code == 200, catalog.text
        assert {name for name in catalog.json()["repositories"] if name.startswith(organization)} == wanted
        assert public in catalog.json()["repositories"] and private not in catalog.json()["repositories"]
