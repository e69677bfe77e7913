"""A request that is under way when its right goes changes nothing: it is asked again before it is carried out."""

import uuid

import pytest

from harness import content, raw
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User

REFUSED = (401, 403, 404)


@pytest.fixture
def bob(server, alice, repository, registry, rng):
    """A writer in the repository, which has an image on `latest`."""
    del alice
    user = server.create_user(f"w-{uuid.uuid4().hex[:8]}")
    registry.push_image(repository, rng, "latest")
    server.run("grant", "set", user.name, "writer", repository)
    return user


class Slow:
    """A request whose last bytes are kept back."""

    def __init__(self, server, method, target, headers, body):
        self.connection = raw.Connection(server)
        self.rest = body[-5:]
        self.connection.send_head(method, target, {**headers, "Content-Length": len(body)})
        self.connection.send(body[:-5])

    def finish(self):
        self.connection.send(self.rest)
        answer = self.connection.read_response()
        self.connection.close()
        return answer


def bearer(server, user, repository, actions="pull,push"):
    return {"Authorization": f"Bearer {Registry(server, user).token(f'repository:{repository}:{actions}')}"}


def manifest_push(server, user, repository, rng):
    registry = Registry(server, user)
    config, layer = content.config_blob(rng), content.random_blob(rng)
    for blob in (config, layer):
        registry.push_blob(repository, blob)
    manifest = content.image_manifest(config, [layer])
    headers = bearer(server, user, repository) | {"Content-Type": manifest.media_type}
    return Slow(server, "PUT", f"/v2/{repository}/manifests/latest", headers, manifest.data), manifest.digest


def blob_push(server, user, repository, rng):
    blob = content.random_blob(rng)
    upload = Registry(server, user).start_upload(repository)
    headers = bearer(server, user, repository) | {"Content-Type": "application/octet-stream"}
    return Slow(server, "PUT", upload.path_with_query(f"digest={blob.digest}"), headers, blob.data), blob.digest


def single_push(server, user, repository, rng):
    blob = content.random_blob(rng)
    headers = bearer(server, user, repository) | {"Content-Type": "application/octet-stream"}
    return Slow(server, "POST", f"/v2/{repository}/blobs/uploads/?digest={blob.digest}", headers, blob.data), blob.digest


PUSHES = {"manifest": manifest_push, "blob": blob_push, "blob in one request": single_push}
ENDINGS = {
    "the grant is removed": lambda server, user, repository: server.run("grant", "remove", user.name, repository),
    "the role is less": lambda server, user, repository: server.run("grant", "set", user.name, "reader", repository),
    "the account is disabled": lambda server, user, repository: server.run("user", "disable", user.name),
    "there is a new password": lambda server, user, repository: server.run(
        "user", "password", user.name, "--password-stdin", stdin="another password of his\n"
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("kind", PUSHES)
def test_a_push_under_way_ends_with_the_right_to_it(server, registry, repository, bob, rng, kind, ending):
    before = registry.get_manifest(repository, "latest").headers["Docker-Content-Digest"]
    push, digest = PUSHES[kind](server, bob, repository, rng)
    ENDINGS[ending](server, bob, repository)
    answer = push.finish()
    assert answer.status in REFUSED, f"{answer.status} {answer.body}"
    assert registry.get_manifest(repository, "latest").headers["Docker-Content-Digest"] == before
    where = "manifests" if kind == "manifest" else "blobs"
    assert registry.get(f"/v2/{repository}/{where}/{digest}").status_code == 404
    if answer.status == 401:
        assert "www-authenticate" in answer.headers


@pytest.mark.parametrize("kind", PUSHES)
def test_a_push_under_way_whose_right_stays_is_taken(server, registry, repository, bob, rng, kind):
    push, digest = PUSHES[kind](server, bob, repository, rng)
    server.run("grant", "set", bob.name, "maintainer", repository)
    assert push.finish().status == 201
    where = "manifests" if kind == "manifest" else "blobs"
    assert registry.get(f"/v2/{repository}/{where}/{digest}").status_code == 200


@pytest.mark.parametrize("kind", PUSHES)
def test_a_push_under_way_ends_with_its_access_token(server, registry, repository, bob, rng, kind):
    owner = Management(server, bob)
    body = {"name": "t", "scopes": [{"repository": repository, "actions": ["pull", "push"]}]}
    made = owner.post(path("users", bob.name, "tokens"), body).json()
    push, digest = PUSHES[kind](server, User(bob.name, made["secret"]), repository, rng)
    assert owner.delete(path("users", bob.name, "tokens", made["token"]["id"])).status_code == 204
    assert push.finish().status in REFUSED
    where = "manifests" if kind == "manifest" else "blobs"
    assert registry.get(f"/v2/{repository}/{where}/{digest}").status_code == 404


def test_a_tag_that_becomes_protected_meanwhile_is_not_moved(server, registry, repository, bob, rng):
    before = registry.get_manifest(repository, "latest").headers["Docker-Content-Digest"]
    push, _ = manifest_push(server, bob, repository, rng)
    server.run("repo", "set", repository, "--protected-tags", "latest")
    assert push.finish().status == 403
    assert registry.get_manifest(repository, "latest").headers["Docker-Content-Digest"] == before


def test_a_change_under_way_ends_with_its_session(server, repository, bob):
    client = Management(server, bob)
    body = b'{"name":"intruder","scopes":[{"actions":["pull"]}]}'
    headers = {"Authorization": client.session.headers["Authorization"], "Content-Type": "application/json"}
    target = "/api/v1" + path("users", bob.name, "tokens")
    change = Slow(server, "POST", target, headers, body)
    assert client.delete("/sessions/current").status_code == 204
    assert change.finish().status == 401
    assert Management(server, bob).items(path("users", bob.name, "tokens")) == []
