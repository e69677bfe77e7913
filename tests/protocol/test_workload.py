"""A CI that stores no secret and knows only `docker login`: what it got in exchange stands for a password."""

import json

import pytest
import requests

from harness.ci_issuer import CiIssuer
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User

AUDIENCE = "https://registry.example.com"
ROBOT = "acme+ci"


@pytest.fixture(scope="module")
def issuer():
    made = CiIssuer()
    yield made
    made.close()


@pytest.fixture
def ci(launch, issuer, rng):
    """A server on which acme+ci trusts the issuer's jobs of project 7, with images in acme/app and acme/other."""
    server = launch(issuer.settings)
    root = Management(server, server.create_user("root", admin=True))
    alice = server.create_user("alice")
    owner = Management(server, alice)
    assert root.post("/organizations", {"name": "acme", "owner": "alice"}).status_code == 201
    for name in ("acme/app", "acme/other"):
        Registry(server, alice).push_image(name, rng, "latest")
    assert owner.post("/organizations/acme/robots", {"name": "ci"}).status_code == 201
    server.run("grant", "set", ROBOT, "maintainer", "acme/")
    trust = {
        "name": "main branch",
        "issuer": issuer.url,
        "audience": AUDIENCE,
        "claims": {"project_id": "7", "sub": "job"},
        "scopes": [{"repository": "acme/app", "actions": ["pull", "push"]}],
    }
    made = owner.post(path("robots", ROBOT) + "/trusts", trust)
    assert made.status_code == 201, made.text
    return server, owner, made.json()["id"]


def exchange(server, issuer, **claims):
    body = {"robot": ROBOT, "token": issuer.token(AUDIENCE, project_id="7", **claims)}
    return requests.post(server.url + "/api/v1/workload/token", json=body, timeout=30)


def test_a_token_for_several_audiences_is_for_each_of_them(ci, issuer):
    """GitLab's `id_tokens: {aud: [a, b]}` (RFC 7519 section 4.1.3)."""
    server, _, _ = ci
    for audience in ([AUDIENCE], ["https://other.example", AUDIENCE]):
        body = {"robot": ROBOT, "token": issuer.token(audience, project_id="7")}
        answer = requests.post(server.url + "/api/v1/workload/token", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
    for wrong in (["https://other.example", "https://another.example"], []):
        body = {"robot": ROBOT, "token": issuer.token(wrong, project_id="7")}
        assert requests.post(server.url + "/api/v1/workload/token", json=body, timeout=30).status_code == 401


def test_a_refused_exchange_leaves_what_to_compare(ci, issuer):
    server, _, _ = ci
    assert exchange(server, issuer, sub="another job").status_code == 401
    stranger = {"robot": ROBOT, "token": issuer.token("https://another.example", project_id="7")}
    assert requests.post(server.url + "/api/v1/workload/token", json=stranger, timeout=30).status_code == 401
    unknown = CiIssuer()
    try:
        foreign = {"robot": ROBOT, "token": unknown.token(AUDIENCE)}
        assert requests.post(server.url + "/api/v1/workload/token", json=foreign, timeout=30).status_code == 401
    finally:
        unknown.close()
    lines = server.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()
    first, second, third = [json.loads(json.loads(line)["detail"]) for line in lines]
    assert first["reason"] == second["reason"] == "workload_no_trust_matches"
    assert (first["issuer"], first["subject"], first["audience"]) == (issuer.url, "another job", [AUDIENCE])
    assert second["audience"] == ["https://another.example"]
    assert (third["reason"], third["issuer"]) == ("workload_issuer_unknown", unknown.url)


def bearer_of(server, issuer):
    answer = exchange(server, issuer)
    assert answer.status_code == 200, answer.text
    return answer.json()["secret"]


def test_a_jobs_token_pushes_by_what_it_is_exchanged_for(ci, issuer):
    server, _, _ = ci
    bearer = {"Authorization": f"Bearer {bearer_of(server, issuer)}"}
    url = f"{server.url}/v2/acme/app"
    assert requests.get(url + "/tags/list", headers=bearer, timeout=30).status_code == 200
    assert requests.post(url + "/blobs/uploads/", headers=bearer, timeout=30).status_code == 202
    assert requests.get(f"{server.url}/v2/acme/other/tags/list", headers=bearer, timeout=30).status_code == 401
    assert exchange(server, issuer, sub="another").status_code == 401


def test_it_stands_for_the_robots_password(ci, issuer, rng):
    server, _, _ = ci
    job = Registry(server, User(ROBOT, bearer_of(server, issuer)))
    job.push_image("acme/app", rng, "built")
    assert job.get_manifest("acme/app", "built").status_code == 200
    assert job.delete("/v2/acme/app/manifests/built").status_code == 403, "the trust does not say delete"
    assert job.get_manifest("acme/other", "latest").status_code == 401
    form = {"grant_type": "password", "username": ROBOT, "password": job.user.password, "service": "bulkhead"}
    assert requests.post(server.url + "/token", data=form, timeout=30).status_code == 200
    events = [json.loads(line) for line in server.run("audit", "tail", "--count", "1000", "--json").stdout.splitlines()]
    pushed = next(event for event in events if event["action"] == "tag_set" and event["target"] == "built")
    assert pushed["account"] == ROBOT
    assert pushed["credential"].startswith("bearer:")


def test_nothing_else_does(ci, issuer):
    server, _, _ = ci
    good = bearer_of(server, issuer)
    derived = Registry(server, User(ROBOT, good)).token("repository:acme/app:pull")
    alices = Registry(server, server.create_user("carol")).token("repository:carol/app:pull")
    head, payload, signature = good.split(".")
    for name, password in [
        (ROBOT, derived),
        (ROBOT, alices),
        ("carol", alices),
        ("carol", good),
        ("acme+other", good),
        ("nobody+ci", good),
        (ROBOT, issuer.token(AUDIENCE, project_id="7")),
        (ROBOT, f"{head}.{payload}."),
        (ROBOT, f"{head}.{payload}.{signature[::-1]}"),
        (ROBOT, "eyJ"),
    ]:
        answer = Registry(server).request_token("repository:acme/app:pull", user=User(name, password))
        assert answer.status_code == 401, name


@pytest.mark.parametrize("end", ["trust", "disable", "delete"])
def test_it_ends_with_the_trust_and_the_robot(ci, issuer, end):
    server, owner, trust = ci
    job = Registry(server, User(ROBOT, bearer_of(server, issuer)))
    derived = {"Authorization": f"Bearer {job.token('repository:acme/app:pull')}"}
    url = f"{server.url}/v2/acme/app/tags/list"
    assert requests.get(url, headers=derived, timeout=30).status_code == 200
    if end == "trust":
        done = owner.delete(path("robots", ROBOT, "trusts", trust))
    elif end == "disable":
        done = owner.change(path("robots", ROBOT), {"enabled": False})
    else:
        done = owner.delete(path("robots", ROBOT))
    assert done.status_code in (200, 204), done.text
    assert requests.get(url, headers=derived, timeout=30).status_code == 401
    assert job.request_token("repository:acme/app:pull").status_code == 401


def test_a_token_that_would_open_nothing_is_not_given(ci, issuer):
    server, owner, _ = ci

    def asking(scopes):
        body = {"robot": ROBOT, "token": issuer.token(AUDIENCE, project_id="7")} | ({"scopes": scopes} if scopes else {})
        return requests.post(server.url + "/api/v1/workload/token", json=body, timeout=30)

    some = asking(["repository:acme/app:pull,push,delete", "repository:acme/other:pull"])
    assert some.status_code == 200, some.text
    assert some.json()["scopes"] == ["repository:acme/app:pull,push"]
    assert asking(None).json()["scopes"] == ["repository:acme/app:pull,push"]
    none = asking(["repository:acme/other:pull"])
    assert none.status_code == 403 and "reaches none of what is asked for" in none.json()["detail"], none.text
    server.run("grant", "remove", ROBOT, "acme/")
    nothing = asking(None)
    assert nothing.status_code == 403 and "names no repository" in nothing.json()["detail"], nothing.text


def test_what_a_stranger_trusts_bears_on_nobodys_exchange(ci, issuer):
    server, _, _ = ci
    mallory = Management(server, server.create_user("mallory"))
    server.run("repo", "create", "mallory/x")
    assert mallory.post("/repositories/mallory%2Fx/robots", {"name": "evil"}).status_code == 201
    trust = {
        "name": "theirs",
        "issuer": issuer.url,
        "audience": AUDIENCE,
        "claims": {"project_id": "7"},
        "scopes": [{"repository": "mallory/x", "actions": ["pull", "push"]}],
    }
    assert mallory.post(path("robots", "mallory+evil") + "/trusts", trust).status_code == 201
    assert exchange(server, issuer).json()["robot"] == ROBOT
    unnamed = {"token": issuer.token(AUDIENCE, project_id="7")}
    answer = requests.post(server.url + "/api/v1/workload/token", json=unnamed, timeout=30)
    assert answer.status_code == 400 and "robot" in answer.text, answer.text

