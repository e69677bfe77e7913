"""Who may do what, as seen from outside."""

import itertools

import pytest

from harness import content
from harness.registry import ACCEPT, Registry

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
