"""What a person's own things take: a log-in, not a token that acts for them, and no more changes than a person makes."""

import pytest

from harness.management import Management, path


pytestmark = pytest.mark.usefixtures("admin")  # the first account is an administrator


class Person:
    """An account with a log-in and with an access token that may do all that it may."""

    def __init__(self, server, name):
        self.server = server
        self.user = server.create_user(name)
        self.there = Management(server, self.user)
        made = self.make_token()
        self.token = Management(server)
        self.token.user = self.user
        self.token.use(made["secret"])
        self.token_id = made["token"]["id"]

    def make_token(self):
        body = {"name": "t", "scopes": [{"actions": ["pull", "push", "delete"]}], "management": "write"}
        made = self.there.post(path("users", self.user.name, "tokens"), body)
        assert made.status_code == 201, made.text
        return made.json()

    def mine(self, *more):
        return path("users", self.user.name, *more)


def refused(answer):
    assert answer.status_code == 403, f"{answer.status_code} {answer.text}"
    assert "a log-in, not an access token" in answer.json()["detail"]


def test_a_token_ends_none_of_its_accounts_sessions(server):
    alice = Person(server, "alice-sessions")
    session = alice.there.get("/sessions/current").json()["id"]
    refused(alice.token.delete(alice.mine("sessions")))
    refused(alice.token.delete(path("sessions", str(session))))
    assert alice.there.get("/sessions/current").status_code == 200
    assert alice.there.delete(alice.mine("sessions")).status_code == 204


def test_a_token_changes_nothing_about_its_account(server):
    alice = Person(server, "alice-address")
    before = alice.there.get(alice.mine()).json()
    refused(alice.token.change(alice.mine(), {"email": "thief@example.com"}))
    refused(alice.token.change(alice.mine(), {"display_name": "Somebody else"}))
    assert alice.there.get(alice.mine()).json() == before


def test_a_token_revokes_itself_and_none_beside_it(server):
    alice = Person(server, "alice-tokens")
    other = alice.make_token()
    refused(alice.token.delete(alice.mine("tokens", str(other["token"]["id"]))))
    refused(alice.token.delete(alice.mine("tokens")))
    assert alice.token.delete(alice.mine("tokens", str(alice.token_id))).status_code == 204
    assert alice.token.get("/whoami").status_code == 401
    left = [item["id"] for item in alice.there.items(alice.mine("tokens")) if not item.get("revoked_at")]
    assert left == [other["token"]["id"]]


def test_a_token_answers_no_invitation(server):
    boss, alice = Person(server, "boss-invites"), Person(server, "alice-invited")
    server.run("org", "create", "inviting", "--owner", "boss-invites")
    invited = boss.there.post("/organizations/inviting/invitations", {"account": "alice-invited", "role": "member"})
    assert invited.status_code == 201, invited.text
    invitation = str(invited.json()["invitation"]["id"])
    refused(alice.token.post(path("invitations", invitation, "acceptance")))
    refused(alice.token.delete(path("invitations", invitation)))
    assert alice.there.post(path("invitations", invitation, "acceptance")).status_code == 204


def test_a_robot_changes_nothing_about_itself(server):
    alice = Person(server, "alice-robots")
    server.run("repo", "create", "alice-robots/app")
    made = alice.there.post("/repositories/alice-robots%2Fapp/robots", {"name": "ci"})
    assert made.status_code == 201, made.text
    name = made.json()["name"]
    body = {"name": "t", "scopes": [{"actions": ["pull"]}], "management": "write"}
    token = alice.there.post(path("users", name, "tokens"), body)
    robot = Management(server)
    robot.use(token.json()["secret"])
    refused(robot.change(path("users", name), {"email": "robot@example.com"}))


def test_a_token_starts_no_robot_that_was_stopped(server):
    """It takes a recent proof, which tokens never have."""
    alice = Person(server, "alice-starts")
    server.run("repo", "create", "alice-starts/app")
    made = alice.there.post("/repositories/alice-starts%2Fapp/robots", {"name": "ci"})
    target = path("robots", made.json()["name"])
    assert alice.token.change(target, {"enabled": False}).status_code == 200
    refused = alice.token.change(target, {"enabled": True})
    assert refused.status_code == 401 and refused.json()["code"] == "proof_required", refused.text
    assert alice.there.change(target, {"enabled": True}).status_code == 200


def test_a_refused_change_of_ones_own_leaves_evidence(server):
    alice = Person(server, "alice-evidence")
    refused(alice.token.delete(alice.mine("sessions")))
    events = server.run("audit", "query", "--action", "request_denied", "--account", "alice-evidence", "--json").stdout
    assert '"endSessions"' in events


def test_changes_come_to_an_end_within_the_hour_and_say_when_they_go_on(launch):
    server = launch({"limits.changes_per_hour": 400})
    server.create_user("root-admin", admin=True)
    alice, bob = Person(server, "alice-busy"), Person(server, "bob-busy")
    answers = [alice.there.change(alice.mine(), {"display_name": f"Alice {i}"}) for i in range(420)]
    codes = [answer.status_code for answer in answers]
    first = codes.index(429)
    assert set(codes[:first]) == {200} and 390 <= first <= 400, "one was the token"
    refusal = answers[first]
    assert 1 <= int(refusal.headers["Retry-After"]) <= 9
    assert "400 changes within an hour" in refusal.json()["detail"]
    assert alice.there.get(alice.mine()).status_code == 200, "reading goes on"
    assert bob.there.change(bob.mine(), {"display_name": "Bob"}).status_code == 200, "and so do others"
    assert alice.there.delete(alice.mine("tokens", str(alice.token_id))).status_code == 204, "and what ends something"


@pytest.mark.parametrize("owner", [False, True], ids=["a member", "an owner"])
def test_robots_come_to_another_namespace_with_its_owner_only(server, owner):
    who = f"mover-{'owner' if owner else 'member'}"
    mover, organization = Person(server, who), f"org-{who}"
    Person(server, f"boss-{who}")
    server.run("org", "create", organization, "--owner", f"boss-{who}")
    server.run("org", "member", "set", organization, who, *(["owner"] if owner else []))
    server.run("org", "set", organization, "--member-role", "writer")
    server.run("repo", "create", f"{who}/app")
    made = mover.there.post(path("repositories", f"{who}/app", "robots"), {"name": "spy"})
    assert made.status_code == 201, made.text
    rename = path("repositories", f"{who}/app", "rename")
    moved = mover.there.post(rename, {"name": f"{organization}/app"})
    if owner:
        assert moved.status_code == 201 or moved.status_code == 200, moved.text
        return
    assert moved.status_code == 409, moved.text
    assert f"the robot {who}+spy belongs to {who}/app" in moved.json()["detail"]
    assert mover.there.delete(path("robots", f"{who}+spy")).status_code == 204
    assert mover.there.post(rename, {"name": f"{organization}/app"}).status_code in (200, 201)
