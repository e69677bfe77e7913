"""Access tokens in the password's place, as seen from outside: what they reach, and that they end at once."""

import datetime
import json
import time

import pytest
import requests

from harness.registry import Registry
from harness.server import User


def create(server, account, *arguments):
    """A token as `bulkhead token create --json` prints it."""
    return json.loads(server.run("token", "create", account.name, "test", *arguments, "--json").stdout)


def tokens_of(server, account):
    return {each["id"]: each for each in json.loads(server.run("token", "list", account.name, "--json").stdout)}


def with_token(server, account, made):
    return Registry(server, User(account.name, made["token"]))


@pytest.fixture
def pushed(registry, repository, rng):
    registry.push_image(repository, rng, "latest")
    return repository


def test_a_token_logs_in_and_reaches_what_its_scopes_say(server, registry, alice, pushed, rng):
    other = pushed + "-other"
    registry.push_image(other, rng, "latest")
    reader = with_token(server, alice, create(server, alice, "--scope", f"{pushed}:pull"))
    assert reader.get_manifest(pushed, "latest").status_code == 200
    assert reader.post(f"/v2/{pushed}/blobs/uploads/").status_code == 403
    assert reader.get_manifest(other, "latest").status_code == 401
    listed = reader.get("/v2/_catalog?n=1000").json()["repositories"]
    assert pushed in listed and other not in listed

    whole = with_token(server, alice, create(server, alice, "--scope", "alice/:pull,push"))
    assert whole.get_manifest(other, "latest").status_code == 200
    whole.push_image(pushed + "-new", rng, "latest")
    assert whole.delete(f"/v2/{pushed}/manifests/latest").status_code == 403

    everything = with_token(server, alice, create(server, alice, "--scope", "*:pull"))
    assert pushed in everything.get("/v2/_catalog").json()["repositories"]


def test_what_everybody_may_pull_a_token_may_too(server, registry, alice, pushed, rng):
    private = pushed + "-private"
    registry.push_image(private, rng, "latest")
    server.run("repo", "set", pushed, "--visibility", "public")
    limited = with_token(server, alice, create(server, alice, "--scope", f"{private}:pull"))
    assert limited.get_manifest(pushed, "latest").status_code == 200
    assert limited.post(f"/v2/{pushed}/blobs/uploads/").status_code == 403


@pytest.mark.parametrize("end", ["revoke", "revoke --all", "rotate", "disable"])
def test_an_ended_token_is_refused_at_the_next_request(server, rng, end, request):
    user = server.create_user(f"ends-{request.node.callspec.indices['end']}")
    repository = f"{user.name}/app"
    Registry(server, user).push_image(repository, rng, "latest")
    made = create(server, user, "--scope", "*:pull")
    client = with_token(server, user, made)
    scope = f"repository:{repository}:pull"
    bearer = {"Authorization": f"Bearer {client.token(scope)}"}

    def pull():
        return requests.get(f"{server.url}/v2/{repository}/manifests/latest", headers=bearer, timeout=10).status_code

    assert pull() == 200
    if end == "revoke":
        server.run("token", "revoke", user.name, made["id"])
    elif end == "revoke --all":
        server.run("token", "revoke", user.name, "--all")
    elif end == "rotate":
        server.run("token", "rotate", user.name, made["id"], "--overlap", "0s")
    else:
        server.run("user", "disable", user.name)
    assert pull() == 401, "the bearer token that was made with it"
    assert client.request_token(scope).status_code == 401, "the token itself"


def test_a_rotated_token_and_its_successor_overlap(server, alice, pushed):
    old = create(server, alice, "--scope", f"{pushed}:pull")
    new = json.loads(server.run("token", "rotate", alice.name, old["id"], "--json").stdout)
    assert new["token"] != old["token"]
    for made in (old, new):
        assert with_token(server, alice, made).get_manifest(pushed, "latest").status_code == 200
    listed = tokens_of(server, alice)
    assert listed[old["id"]]["state"] == "rotated"
    assert listed[old["id"]]["successor"] == new["id"]
    assert listed[new["id"]]["state"] == "active"


def test_a_token_expires(server, alice, pushed):
    made = create(server, alice, "--scope", "*:pull,push")
    life = datetime.datetime.fromisoformat(made["expires_at"]) - datetime.datetime.fromisoformat(made["created_at"])
    assert life == datetime.timedelta(days=7)
    refused = server.run("token", "create", "alice", "x", "--scope", "*:pull", "--lifetime", "91d", check=False)
    assert refused.returncode != 0
    assert "90 days" in refused.stdout


def test_a_token_is_bound_to_its_networks(server, alice, pushed):
    here = create(server, alice, "--scope", "*:pull", "--network", "127.0.0.0/8")
    elsewhere = create(server, alice, "--scope", "*:pull", "--network", "192.0.2.0/24", "--network", "2001:db8::/32")
    assert with_token(server, alice, here).get_manifest(pushed, "latest").status_code == 200
    assert with_token(server, alice, elsewhere).request_token("").status_code == 401


def test_a_token_is_its_accounts_alone_and_all_refusals_are_one(server, alice, mallory):
    made = create(server, alice, "--scope", "*:pull")
    mistyped = made["token"][:-1] + ("a" if made["token"][-1] != "a" else "b")
    refusals = []
    for name, token in [
        (mallory.name, made["token"]),
        ("nobody-here", made["token"]),
        (alice.name, mistyped),
        (alice.name, "bhpat_"),
        (alice.name, "bhrobot_" + made["token"][6:]),
        (alice.name, "bhpat_" + "a" * 100_000),
    ]:
        response = Registry(server).request_token("", user=User(name, token[:20_000]))
        assert response.status_code == 401
        refusals.append(response.json()["errors"])
    assert all(each == refusals[0] for each in refusals)


def test_the_form_takes_tokens_too(server, alice):
    made = create(server, alice, "--scope", "*:pull")
    form = {"grant_type": "password", "username": "alice", "password": made["token"], "service": "bulkhead"}
    answer = requests.post(server.url + "/token", data=form, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["access_token"]
    form["password"] = made["token"][:-1]
    answer = requests.post(server.url + "/token", data=form, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_grant"


def test_what_a_token_did_is_evidence_and_its_secret_is_nowhere(launch, rng):
    server = launch()
    alice = server.create_user("alice", admin=True)
    made = create(server, alice, "--scope", "alice/:pull,push")
    secret = made["token"][len("bhpat_") :]
    client = with_token(server, alice, made)
    client.push_image("alice/app", rng, "latest")
    assert client.get_manifest("alice/app", "latest").status_code == 200
    time.sleep(0.1)
    events = [json.loads(line) for line in server.run("audit", "tail", "--count", "1000", "--json").stdout.splitlines()]
    by_action = {event["action"]: event for event in events}
    assert by_action["access_token_created"]["target"] == "alice"
    assert by_action["login_succeeded"]["credential"] == f"token:{made['id']}"
    for action in ("tag_set", "manifest_pulled"):
        assert by_action[action]["credential"].startswith(f"token:{made['id']}/")
    listed = tokens_of(server, alice)[made["id"]]
    assert listed["last_used_address"] == "127.0.0.1"
    assert listed["last_used_at"]
    server.stop()
    for path in server.folder.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
    listed = tokens_of(server, alice)[made["id"]]
    assert listed["last_used_address"] == "127.0.0.1", "kept over the end of the server"
