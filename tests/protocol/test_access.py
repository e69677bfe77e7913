"""Who may do what, as seen from outside."""

import itertools
import json

import pytest
import requests

from harness import content
from harness.management import Management, path
from harness.registry import ACCEPT, Registry
from harness.server import User

ROLES = ["none", "reader", "writer", "maintainer"]


def operations(repository, manifest, blob):
    """Name, least role, request."""
    manifests, blobs = f"/v2/{repository}/manifests", f"/v2/{repository}/blobs"
    accept = {"headers": {"Accept": ACCEPT}}
    return [
        ("get manifest", "reader", ("GET", f"{manifests}/latest", accept)),
        ("head manifest", "reader", ("HEAD", f"{manifests}/latest", accept)),
        ("get blob", "reader", ("GET", f"{blobs}/{blob.digest}", {})),
        ("list tags", "reader", ("GET", f"/v2/{repository}/tags/list", {})),
        ("list referrers", "reader", ("GET", f"/v2/{repository}/referrers/{manifest.digest}", {})),
        ("start upload", "writer", ("POST", f"{blobs}/uploads/", {})),
        (
            "put manifest",
            "writer",
            (
                "PUT",
                f"{manifests}/latest",
                {"data": manifest.data, "headers": {"Content-Type": manifest.media_type}},
            ),
        ),
        ("delete tag", "maintainer", ("DELETE", f"{manifests}/absent", {})),
        ("delete blob", "maintainer", ("DELETE", f"{blobs}/{content.digest_of(b'absent')}", {})),
    ]


@pytest.fixture(scope="module")
def members(server, alice):
    del alice
    return {role: server.create_user(f"member-{role}") for role in ROLES}


@pytest.mark.parametrize("kind", ["repository", "namespace"])
def test_roles(server, registry, members, rng, kind):
    repository = f"alice/roles-{kind}"
    blob = registry.push_blob(repository, content.random_blob(rng, 100))
    config = registry.push_blob(repository, content.config_blob(rng))
    manifest = registry.push_manifest(repository, content.image_manifest(config, [blob]), "latest")
    target = repository if kind == "repository" else "alice/"
    for role in ROLES[1:]:
        server.run("grant", "set", members[role].name, role, target)
    clients = {role: Registry(server, members[role]) for role in ROLES}
    wrong = []
    for role, (name, least, (method, path, options)) in itertools.product(
        ROLES, operations(repository, manifest, blob)
    ):
        response = clients[role].request(method, path, **options)
        allowed = ROLES.index(role) >= ROLES.index(least)
        refused = response.status_code in (401, 403) or (role == "none" and response.status_code == 404)
        if allowed == refused and not (name.startswith("delete") and allowed and response.status_code == 404):
            wrong.append(f"{role} may{'' if allowed else ' not'} {name}, but: {response.status_code}")
    for role in ROLES[1:]:
        server.run("grant", "remove", members[role].name, target)
    assert wrong == []


def test_removed_grant_holds_from_the_next_request(server, registry, members, repository, rng):
    """security.md: stale authority. The token stays the same; what it may do is decided anew."""
    registry.push_image(repository, rng, "latest")
    member = Registry(server, members["reader"])
    server.run("grant", "set", members["reader"].name, "reader", repository)
    assert member.get_manifest(repository, "latest").status_code == 200
    server.run("grant", "remove", members["reader"].name, repository)
    assert member.get_manifest(repository, "latest").status_code in (401, 404)


def test_grant_does_not_pass_to_a_repository_of_the_same_name(server, registry, members, repository, rng):
    """security.md: grants bind to ids, not names."""
    registry.push_image(repository, rng, "latest")
    server.run("grant", "set", members["reader"].name, "reader", repository)
    server.run("repo", "delete", repository, "--yes")
    registry.push_image(repository, rng, "latest")
    member = Registry(server, members["reader"])
    assert member.get_manifest(repository, "latest").status_code in (401, 404)


def outward(response):
    """All of an answer that does not differ between any two requests."""
    passing = {"Date", "X-Request-Id", "Docker-Request-Id"}
    headers = {name: value for name, value in response.headers.items() if name not in passing}
    headers.pop("Content-Length", None)
    return response.status_code, headers, response.text


def test_private_and_absent_look_the_same(registry, stranger, anonymous, repository, rng):
    """security.md 17."""
    private, absent = repository + "-aa", repository + "-bb"
    manifest = registry.push_image(private, rng, "latest")
    for client in (stranger, anonymous):
        for end in (
            "manifests/latest",
            f"manifests/{manifest.digest}",
            f"blobs/{manifest.digest}",
            "tags/list",
            f"referrers/{manifest.digest}",
        ):
            answers = []
            for name in (private, absent):
                status, headers, text = outward(client.get(f"/v2/{name}/{end}"))
                text = text.replace(name, "NAME")
                headers = {key: value.replace(name, "NAME") for key, value in headers.items()}
                answers.append((status, headers, text))
            assert answers[0] == answers[1], end
            assert answers[0][0] in (401, 403, 404), end


def test_stranger_cannot_push(stranger, repository):
    assert stranger.post(f"/v2/{repository}/blobs/uploads/").status_code in (401, 403, 404)


def test_public_repository_is_pulled_by_anybody(server, registry, stranger, anonymous, repository, rng):
    manifest = registry.push_image(repository, rng, "latest")
    assert anonymous.get_manifest(repository, "latest").status_code in (401, 404)
    server.run("repo", "set", repository, "--visibility", "public")
    for client in (stranger, anonymous):
        assert client.get_manifest(repository, "latest").content == manifest.data
        assert client.post(f"/v2/{repository}/blobs/uploads/").status_code in (401, 403)
    server.run("repo", "set", repository, "--visibility", "private")
    for client in (stranger, anonymous):
        assert client.get_manifest(repository, "latest").status_code in (401, 404)


def test_anonymous_pull_can_be_turned_off(launch, rng):
    server = launch({"auth.anonymous_pull": "false"})
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "latest")
    server.run("repo", "set", "alice/app", "--visibility", "public")
    # The anonymous client gets no token at all, or one that opens nothing.
    assert Registry(server).get("/v2/alice/app/manifests/latest", authorized=False).status_code == 401


def test_official_names_are_the_administrators(server, admin, registry, rng):
    assert registry.post("/v2/officialapp/blobs/uploads/").status_code in (401, 403, 404)
    manifest = Registry(server, admin).push_image("officialapp", rng, "latest")
    server.run("repo", "set", "officialapp", "--visibility", "public")
    assert registry.get_manifest("officialapp", "latest").content == manifest.data
    server.run("grant", "set", "alice", "writer", "/")
    registry.push_image("officialapp", rng, "next")
    server.run("grant", "remove", "alice", "/")


def test_protected_tags_are_moved_by_maintainers(server, registry, members, repository, rng):
    first = registry.push_image(repository, rng, "v1")
    second = registry.push_image(repository, rng, "latest")
    server.run("repo", "set", repository, "--protected-tags", "v*")
    for role in ("writer", "maintainer"):
        server.run("grant", "set", members[role].name, role, repository)
    path = f"/v2/{repository}/manifests/"
    body = {"data": second.data, "headers": {"Content-Type": second.media_type}}
    writer, maintainer = Registry(server, members["writer"]), Registry(server, members["maintainer"])
    refused = writer.put(path + "v1", **body)
    assert refused.status_code == 403
    assert refused.json()["errors"][0]["code"] == "DENIED"
    assert "protected" in refused.json()["errors"][0]["message"]
    assert registry.get_manifest(repository, "v1").content == first.data
    assert writer.put(path + "v2", **body).status_code == 201
    assert maintainer.put(path + "v1", **body).status_code == 201
    assert registry.get_manifest(repository, "v1").content == second.data


def test_owner_by_a_first_push_goes_with_the_grant(server, registry, members, alice, rng):
    del registry
    server.run("grant", "set", members["writer"].name, "writer", f"{alice.name}/")
    member = Registry(server, members["writer"])
    name = f"{alice.name}/pushed-by-a-writer"
    member.push_image(name, rng, "latest")
    assert member.delete(f"/v2/{name}/manifests/absent").status_code == 404, "its owner"
    server.run("grant", "remove", members["writer"].name, f"{alice.name}/")
    assert member.get_manifest(name, "latest").status_code in (401, 404)


def test_renamed_repository_leaves_nothing_under_its_old_name(server, registry, members, repository, rng):
    manifest = registry.push_image(repository, rng, "latest")
    server.run("grant", "set", members["reader"].name, "reader", repository)
    member = Registry(server, members["reader"])
    assert member.get_manifest(repository, "latest").status_code == 200
    server.run("repo", "rename", repository, repository + "-renamed")
    assert member.get_manifest(repository + "-renamed", "latest").content == manifest.data
    assert registry.get_manifest(repository, "latest").status_code == 404
    registry.push_image(repository, rng, "latest")
    assert member.get_manifest(repository, "latest").status_code in (401, 404)


def test_namespace_of_nobody(registry, admin):
    del admin
    assert registry.post("/v2/no-such-account/app/blobs/uploads/").status_code in (401, 403, 404)


def test_upload_session_of_another_user(server, registry, members, repository, rng):
    """security.md: Quay CVE-2026-32589."""
    registry.push_blob(repository, content.random_blob(rng, 100))
    upload = registry.start_upload(repository)
    server.run("grant", "set", members["writer"].name, "writer", repository)
    other = Registry(server, members["writer"])
    blob = content.random_blob(rng, 100)
    for response in (
        other.get(upload.location),
        other.patch(upload.location, data=blob.data),
        other.put(upload.with_query(f"digest={blob.digest}"), data=blob.data),
        other.delete(upload.location),
    ):
        assert response.status_code == 404
        assert response.json()["errors"][0]["code"] == "BLOB_UPLOAD_UNKNOWN"
    assert upload.finish(blob.digest, blob.data).status_code == 201


def test_upload_session_of_another_repository(registry, repository, rng):
    upload = registry.start_upload(repository)
    blob = content.random_blob(rng, 100)
    elsewhere = upload.path_with_query(f"digest={blob.digest}").replace(repository, repository + "-other")
    response = registry.put(elsewhere, data=blob.data)
    assert response.status_code == 404


def refused_everywhere(server, bearer, repository, manifest, source):
    """What a bearer token still reaches of the repository, by any path."""
    blob = content.digest_of(b"absent")
    reached = []
    for method, end in [
        ("GET", "manifests/latest"),
        ("HEAD", f"manifests/{manifest.digest}"),
        ("GET", f"blobs/{manifest.digest}"),
        ("GET", "tags/list"),
        ("GET", f"referrers/{manifest.digest}"),
        ("POST", "blobs/uploads/"),
        ("POST", f"blobs/uploads/?mount={blob}&from={source}"),
        ("PUT", "manifests/latest"),
        ("DELETE", "manifests/latest"),
        ("DELETE", f"blobs/{manifest.digest}"),
    ]:
        answer = requests.request(
            method,
            f"{server.url}/v2/{repository}/{end}",
            headers={"Authorization": f"Bearer {bearer}", "Accept": ACCEPT, "Content-Type": manifest.media_type},
            data=manifest.data if method == "PUT" else None,
            timeout=30,
        )
        if answer.status_code != 401:
            reached.append(f"{method} {end}: {answer.status_code}")
    return reached


@pytest.mark.parametrize("renamed", ["repository", "organization"])
def test_a_bearer_token_reaches_nothing_new_of_an_old_name(server, admin, alice, rng, renamed):
    """Bearer tokens hold names, for five minutes; what a name means is asked anew at each request."""
    root, owner = Management(server, admin), Management(server, alice)
    space = f"renamed-{renamed}"
    assert root.post("/organizations", {"name": space, "owner": alice.name}).status_code == 201
    repository = f"{space}/app"
    Registry(server, alice).push_image(repository, rng, "latest")
    user = server.create_user(f"bearer-{renamed}")
    server.run("grant", "set", user.name, "maintainer", repository)
    server.run("grant", "set", user.name, "writer", f"{space}/")
    made = server.run("token", "create", user.name, "t", "--scope", f"{repository}:*", "--scope", f"{space}/:*", "--json")
    own = f"{user.name}/own"
    Registry(server, user).push_image(own, rng, "latest")

    def bearer(password):
        return Registry(server, User(user.name, password)).token(
            (f"repository:{repository}:pull,push,delete", f"repository:{own}:pull,push", "registry:catalog:*")
        )

    bearers = [bearer(user.password), bearer(json.loads(made.stdout)["token"])]
    tags = f"{server.url}/v2/{repository}/tags/list"
    for each in bearers:
        assert requests.get(tags, headers={"Authorization": f"Bearer {each}"}, timeout=30).status_code == 200

    if renamed == "repository":
        # In the same namespace it would still be the user's to write: theirs is the namespace's grant as well.
        server.run("grant", "remove", user.name, f"{space}/")
        server.run("repo", "rename", repository, f"{space}/old")
    else:
        assert owner.post(path("organizations", space, "rename"), {"name": f"{space}-old"}).status_code == 200
        assert root.post("/organizations", {"name": space, "owner": alice.name}).status_code == 201
    manifest = Registry(server, alice).push_image(repository, rng, "latest")
    for each in bearers:
        assert refused_everywhere(server, each, repository, manifest, own) == []
        # Nor as what a mount takes from.
        mount = f"{server.url}/v2/{own}/blobs/uploads/?mount={manifest.digest}&from={repository}"
        answer = requests.post(mount, headers={"Authorization": f"Bearer {each}"}, timeout=30)
        assert answer.status_code in (202, 401), "an upload like any other, or none"
        catalog = requests.get(f"{server.url}/v2/_catalog", headers={"Authorization": f"Bearer {each}"}, timeout=30)
        assert catalog.status_code == 401 or repository not in catalog.json()["repositories"]
