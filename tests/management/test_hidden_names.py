"""Nothing tells a stranger what exists: who is named in a grant is somebody whom one may see."""

import uuid

import pytest

from harness.management import path


def told(answer, name):
    detail = answer.json().get("detail", "")
    return answer.status_code, detail.replace(name, "NAME").replace(name.removeprefix("team:"), "NAME")


@pytest.fixture
def acme(server, root, owner):
    """alice's organization with a team, in which somebody is whom mallory does not know."""
    name = f"acme-{uuid.uuid4().hex[:8]}"
    assert root.post("/organizations", {"name": name, "owner": "alice"}).status_code == 201
    assert owner.post(path("organizations", name, "teams"), {"name": "backend"}).status_code == 201
    server.create_user(member := f"dev-{uuid.uuid4().hex[:8]}")
    server.run("org", "member", "set", name, member)
    server.run("team", "add", f"{name}/backend", member)
    return name, member


@pytest.fixture
def place(outsider):
    name = f"mallory/{uuid.uuid4().hex[:8]}"
    assert outsider.post("/repositories", {"name": name}).status_code == 201
    return name


def test_a_stranger_reads_nobody_through_a_team(outsider, place, acme):
    organization, member = acme
    refused = outsider.put(path("repositories", place, "grants", f"team:{organization}/backend"), {"role": "reader"})
    assert refused.status_code == 404, refused.text
    assert member not in outsider.get(path("repositories", place, "access")).text


@pytest.mark.parametrize("target", ["repository", "namespace"])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_hidden_and_absent_subjects_of_grants_are_told_alike(outsider, place, acme, target, method):
    organization, member = acme
    grants = path("repositories", place, "grants") if target == "repository" else path("namespaces", "mallory", "grants")
    body = {"role": "reader"} if method == "PUT" else None

    def answer(subject):
        return outsider.request(method, f"{grants}/{subject.replace(':', '%3A').replace('/', '%2F')}", json=body)

    for hidden, absent in (
        (f"team:{organization}/backend", f"team:{organization}/nothing"),
        (f"team:{organization}/backend", "team:no-such/backend"),
        (member, "no-such-one"),
        ("alice", "no-such-one"),
        (f"{organization}+ci", "no-such+ci"),
    ):
        hidden_answer, absent_answer = answer(hidden), answer(absent)
        assert hidden_answer.status_code == 404, hidden_answer.text
        assert told(hidden_answer, hidden) == told(absent_answer, absent)


def test_who_shares_an_organization_may_be_named(server, owner, acme, outsider):
    organization, member = acme
    name = f"alice/{uuid.uuid4().hex[:8]}"
    assert owner.post("/repositories", {"name": name}).status_code == 201
    grants = path("repositories", name, "grants")
    assert owner.put(f"{grants}/{member}", {"role": "reader"}).status_code == 200
    assert owner.put(grants + path(f"team:{organization}/backend"), {"role": "reader"}).status_code == 200
    assert member in owner.get(path("repositories", name, "access")).text
    # Whoever has a role already is no secret, and can be given another, or none.
    server.run("grant", "set", "mallory", "reader", name)
    assert owner.put(f"{grants}/mallory", {"role": "writer"}).status_code == 200
    assert owner.delete(f"{grants}/mallory").status_code == 204


def test_who_left_an_organization_reads_no_more_of_its_teams(server, outsider, owner, place, acme):
    organization, member = acme
    outsider.join(organization, owner)
    team = f"team:{organization}/backend"
    assert outsider.put(path("repositories", place, "grants", team), {"role": "reader"}).status_code == 200
    assert member in outsider.get(path("repositories", place, "access")).text
    assert outsider.delete(path("organizations", organization, "members", "mallory")).status_code == 204
    listed = outsider.get(path("repositories", place, "access"))
    assert listed.status_code == 200 and member not in listed.text
    assert team in listed.text  # that the team reaches it is the owner's to know, and to end
    assert outsider.delete(path("repositories", place, "grants", team)).status_code == 204


def test_ones_token_does_not_tell_the_new_name_of_what_one_lost(server, owner, outsider):
    old, new = f"alice/{uuid.uuid4().hex[:8]}", f"alice/secret-{uuid.uuid4().hex[:8]}"
    server.run("repo", "create", old)
    server.run("grant", "set", "mallory", "reader", old)
    body = {"name": "t", "scopes": [{"repository": old, "actions": ["pull"]}, {"namespace": "mallory", "actions": ["pull"]}]}
    made = outsider.post(path("users", "mallory", "tokens"), body).json()
    tokens = path("users", "mallory", "tokens")
    assert old in outsider.get(tokens + f"/{made['token']['id']}").text
    server.run("grant", "remove", "mallory", old)
    assert owner.post(path("repositories", old, "rename"), {"name": new}).status_code == 200
    for target in (tokens, tokens + f"/{made['token']['id']}"):
        answer = outsider.get(target)
        assert answer.status_code == 200
        assert new not in answer.text and old not in answer.text
    # What the token is limited to must not look like no limit.
    scopes = outsider.get(tokens + f"/{made['token']['id']}").json()["token"]["scopes"]
    assert scopes == [{"namespace": "mallory", "actions": ["pull"]}]
