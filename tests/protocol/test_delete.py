"""Deletes are 202 and at once 404; a push right after works (protocol.md 13)."""

from harness import content
from harness.registry import assert_error


def test_tag(registry, repository, rng):
    manifest = registry.push_image(repository, rng, "latest")
    assert registry.delete(f"/v2/{repository}/manifests/latest").status_code == 202
    assert registry.get_manifest(repository, "latest").status_code == 404
    assert registry.get_manifest(repository, manifest.digest).content == manifest.data
    assert registry.put_manifest(repository, manifest, "latest").status_code == 201


def test_manifest_takes_its_tags_along(registry, repository, rng):
    manifest = registry.push_image(repository, rng, "one")
    registry.put_manifest(repository, manifest, "two")
    assert registry.delete(f"/v2/{repository}/manifests/{manifest.digest}").status_code == 202
    for reference in ("one", "two", manifest.digest):
        assert registry.get_manifest(repository, reference).status_code == 404
    assert not registry.get(f"/v2/{repository}/tags/list").json()["tags"]


def test_manifest_pushed_again(registry, repository, rng):
    manifest = registry.push_image(repository, rng, "latest")
    for _ in range(3):
        assert registry.delete(f"/v2/{repository}/manifests/{manifest.digest}").status_code == 202
        assert registry.get_manifest(repository, manifest.digest).status_code == 404
        assert registry.put_manifest(repository, manifest, "latest").status_code == 201
        assert registry.get_manifest(repository, "latest").content == manifest.data


def test_blob(registry, repository, rng):
    blob = registry.push_blob(repository, content.random_blob(rng, 1000))
    other = repository + "-other"
    registry.push_blob(other, blob)
    assert registry.delete(f"/v2/{repository}/blobs/{blob.digest}").status_code == 202
    assert registry.get_blob(repository, blob.digest).status_code == 404
    assert registry.head(f"/v2/{repository}/blobs/{blob.digest}").status_code == 404
    assert registry.get_blob(other, blob.digest).content == blob.data


def test_blob_pushed_again(registry, repository, rng):
    blob = registry.push_blob(repository, content.random_blob(rng, 1000))
    for _ in range(3):
        assert registry.delete(f"/v2/{repository}/blobs/{blob.digest}").status_code == 202
        registry.push_blob(repository, blob)
        assert registry.get_blob(repository, blob.digest).content == blob.data


def test_what_is_not_there(registry, repository, rng):
    registry.push_image(repository, rng, "latest")
    digest = content.digest_of(b"absent")
    assert_error(registry.delete(f"/v2/{repository}/manifests/absent"), 404, "MANIFEST_UNKNOWN")
    assert_error(registry.delete(f"/v2/{repository}/manifests/{digest}"), 404, "MANIFEST_UNKNOWN")
    assert_error(registry.delete(f"/v2/{repository}/blobs/{digest}"), 404, "BLOB_UNKNOWN")
