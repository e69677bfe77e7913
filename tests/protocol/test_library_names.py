"""`library/NAME`, as clients of Docker Hub write it, is NAME: the same content, under the same permissions, with one name."""

import pytest

from harness import content
from harness.registry import Registry, assert_error


@pytest.fixture(scope="module")
def owner(server, admin):
    """Who may push to the installation's own repositories."""
    return Registry(server, admin)


def test_it_is_pulled_as_either(server, owner, rng):
    image = owner.push_image("alpine", rng, "v1", layers=1)
    layer = content.digest_of(b"")
    server.run("repo", "set", "alpine", "--visibility", "public")
    for reader in (owner, Registry(server)):
        found = reader.get_manifest("library/alpine", "v1")
        assert found.status_code == 200, found.text
        assert found.content == image.data
        assert reader.get("/v2/library/alpine/tags/list").json() == {"name": "alpine", "tags": ["v1"]}
        assert reader.head(f"/v2/library/alpine/blobs/{layer}").status_code == 404


def test_it_is_pushed_as_either(owner, rng):
    image = owner.push_image("library/busybox", rng, "v1")
    assert owner.get_manifest("busybox", "v1").content == image.data
    catalog = owner.get("/v2/_catalog").json()["repositories"]
    assert "busybox" in catalog
    assert not [name for name in catalog if name.startswith("library")]


def test_permissions_are_those_of_the_name(server, owner, registry, anonymous, rng):
    """alice may do nothing in the installation's own repositories, whatever she calls them."""
    owner.push_image("hidden", rng, "v1")
    for caller in (registry, anonymous):
        for name in ("hidden", "library/hidden"):
            assert caller.get_manifest(name, "v1").status_code in (401, 404), name
            assert caller.post(f"/v2/{name}/blobs/uploads/").status_code == 401, name
            assert caller.delete(f"/v2/{name}/manifests/v1").status_code == 401, name
    server.run("grant", "set", "alice", "reader", "hidden")
    registry.forget_tokens()
    assert registry.get_manifest("library/hidden", "v1").status_code == 200
    assert registry.post("/v2/library/hidden/blobs/uploads/").status_code == 403


def test_a_token_for_one_of_them_is_for_both(server, owner, rng):
    owner.push_image("busybox2", rng, "v1")
    for asked in ("library/busybox2", "busybox2"):
        token = owner.request_token(f"repository:{asked}:pull").json()["token"]
        headers = {"Authorization": f"Bearer {token}", "Accept": content.OCI_MANIFEST}
        for name in ("busybox2", "library/busybox2"):
            answer = owner.get(f"/v2/{name}/manifests/v1", authorized=False, headers=headers)
            assert answer.status_code == 200, (asked, name)
            assert owner.post(f"/v2/{name}/blobs/uploads/", authorized=False, headers=headers).status_code == 401
    # Both in one request are one scope, with what either asked for.
    token = owner.request_token(["repository:library/busybox2:push", "repository:busybox2:pull"]).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert owner.post("/v2/library/busybox2/blobs/uploads/", authorized=False, headers=headers).status_code == 202


def test_blobs_are_mounted_from_either(owner, rng):
    blob = owner.push_blob("mounted-from", content.random_blob(rng))
    for number, name in enumerate(("library/mounted-from", "mounted-from")):
        answer = owner.post(
            f"/v2/mounted-to-{number}/blobs/uploads/?mount={blob.digest}&from={name}", also=["mounted-from"]
        )
        assert answer.status_code == 201, answer.text


def test_a_hidden_blob_is_not_mounted_by_the_other_name(owner, registry, rng):
    blob = owner.push_blob("hidden-from", content.random_blob(rng))
    for name in ("hidden-from", "library/hidden-from"):
        answer = registry.post(f"/v2/alice/taken/blobs/uploads/?mount={blob.digest}&from={name}", also=[name])
        assert answer.status_code in (202, 401), answer.text
    assert registry.get_blob("alice/taken", blob.digest).status_code == 404


def test_names_below_it_are_nobodys(owner, registry):
    for caller in (owner, registry):
        assert_error(caller.get_manifest("library/team/app", "v1"), (401, 404), ("UNAUTHORIZED", "DENIED", "NAME_UNKNOWN", "MANIFEST_UNKNOWN"))
        assert caller.post("/v2/library/team/app/blobs/uploads/").status_code in (401, 403, 404)
    assert owner.get_manifest("library", "v1").status_code == 404


def test_a_challenge_names_the_repository(anonymous):
    answer = anonymous.get("/v2/library/alpine2/manifests/v1", authorized=False)
    assert answer.status_code == 401
    assert 'scope="repository:alpine2:pull"' in answer.headers["WWW-Authenticate"]


def test_the_evidence_has_one_name(server, owner, rng):
    owner.push_image("library/recorded", rng, "v1")
    owner.get_manifest("library/recorded", "v1")
    told = server.run("audit", "query", "--repository", "recorded").stdout
    assert "recorded" in told
    assert "library/recorded" not in told
