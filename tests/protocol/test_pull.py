"""Blobs and manifests as they are read."""

import re

import pytest

from harness import content
from harness.registry import ACCEPT, assert_error


@pytest.fixture
def blob(registry, repository, rng):
    return registry.push_blob(repository, content.random_blob(rng, 1000))


def test_blob_comes_back_byte_for_byte(registry, repository, blob):
    response = registry.get_blob(repository, blob.digest)
    assert response.status_code == 200
    assert response.content == blob.data
    assert response.headers["Content-Length"] == "1000"
    assert response.headers["Docker-Content-Digest"] == blob.digest


def test_blob_head(registry, repository, blob):
    response = registry.head(f"/v2/{repository}/blobs/{blob.digest}")
    assert response.status_code == 200
    assert response.headers["Content-Length"] == "1000"
    assert response.headers["Docker-Content-Digest"] == blob.digest
    assert response.content == b""


def test_nothing_is_compressed_on_the_fly(registry, repository):
    """protocol.md 4."""
    blob = registry.push_blob(repository, content.Blob(b"a" * 10_000))
    response = registry.get_blob(repository, blob.digest, headers={"Accept-Encoding": "gzip, zstd"})
    assert "Content-Encoding" not in response.headers
    assert response.headers["Content-Length"] == "10000"
    assert response.content == blob.data


def test_empty_blob(registry, repository):
    blob = registry.push_blob(repository, content.Blob(b""))
    response = registry.get_blob(repository, blob.digest)
    assert (response.status_code, response.headers["Content-Length"], response.content) == (200, "0", b"")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-499", (0, 500)),
        ("bytes=500-", (500, 1000)),
        ("bytes=-500", (500, 1000)),
        ("bytes=-5000", (0, 1000)),
        ("bytes=500-5000", (500, 1000)),
        ("bytes=999-999", (999, 1000)),
    ],
)
def test_range(registry, repository, blob, header, expected):
    """protocol.md 10."""
    first, end = expected
    response = registry.get_blob(repository, blob.digest, headers={"Range": header})
    assert response.status_code == 206
    assert response.headers["Content-Range"] == f"bytes {first}-{end - 1}/1000"
    assert response.headers["Content-Length"] == str(end - first)
    assert response.content == blob.data[first:end]


@pytest.mark.parametrize("header", ["bytes=1000-", "bytes=1000-2000", "bytes=500-0", "bytes=-0"])
def test_unsatisfiable_range(registry, repository, blob, header):
    """protocol.md 10."""
    response = registry.get_blob(repository, blob.digest, headers={"Range": header})
    assert response.status_code == 416
    assert response.headers.get("Content-Range", "bytes */1000") == "bytes */1000"


def test_unknown_range_unit_is_passed_over(registry, repository, blob):
    response = registry.get_blob(repository, blob.digest, headers={"Range": "lines=1-2"})
    assert response.status_code == 200
    assert response.content == blob.data


def test_unknown_blob(registry, repository, blob):
    response = registry.get_blob(repository, content.digest_of(b"never pushed"))
    assert_error(response, 404, "BLOB_UNKNOWN")


@pytest.mark.parametrize("media_type", [content.OCI_MANIFEST, content.DOCKER_MANIFEST])
def test_manifest_by_tag_and_digest(registry, repository, rng, media_type):
    """protocol.md 4 and 16."""
    manifest = registry.push_image(repository, rng, "latest", media_type=media_type)
    for reference in ("latest", manifest.digest):
        response = registry.get_manifest(repository, reference)
        assert response.status_code == 200
        assert response.content == manifest.data
        assert response.headers["Content-Type"] == media_type
        assert response.headers["Content-Length"] == str(len(manifest.data))
        assert response.headers["Docker-Content-Digest"] == manifest.digest
        head = registry.head(f"/v2/{repository}/manifests/{reference}", headers={"Accept": ACCEPT})
        assert head.status_code == 200
        for name in ("Content-Type", "Content-Length", "Docker-Content-Digest"):
            assert head.headers[name] == response.headers[name]


@pytest.mark.parametrize("accept", [None, "application/json", content.OCI_INDEX, "*/*, text/html;q=0.1"])
def test_manifest_is_served_whatever_is_accepted(registry, repository, rng, accept):
    """Bytes cannot be converted, so the client gets what was pushed and its true type."""
    manifest = registry.push_image(repository, rng, "latest")
    response = registry.get(f"/v2/{repository}/manifests/latest", headers={"Accept": accept})
    assert response.status_code == 200
    assert response.headers["Content-Type"] == manifest.media_type


@pytest.mark.parametrize("reference", ["absent", content.digest_of(b"absent")])
def test_unknown_manifest(registry, repository, rng, reference):
    registry.push_image(repository, rng, "latest")
    assert_error(registry.get_manifest(repository, reference), 404, "MANIFEST_UNKNOWN")
    assert registry.head(f"/v2/{repository}/manifests/{reference}").status_code == 404


IMPOSSIBLE = [".INVALID_MANIFEST_NAME", "-x", "t" * 129, "a+b", "%20", "sha256:zz", "sha256:" + "A" * 64, "md5:abc"]


@pytest.mark.parametrize("reference", IMPOSSIBLE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_what_cannot_be_there_is_not_there(registry, repository, rng, reference, method):
    """The released conformance suites look for ".INVALID_MANIFEST_NAME". Why it cannot be there is in the message."""
    registry.push_image(repository, rng, "latest")
    response = registry.request(method, f"/v2/{repository}/manifests/{reference}")
    assert_error(response, 404, "MANIFEST_UNKNOWN")
    if method == "GET":
        assert re.search("tag|digest|algorithm", response.json()["errors"][0]["message"])
    put = registry.put(
        f"/v2/{repository}/manifests/{reference}", data=b"{}", headers={"Content-Type": content.OCI_MANIFEST}
    )
    assert put.status_code == 400


def test_what_cannot_be_there_tells_a_stranger_nothing(registry, stranger, anonymous, repository, rng):
    registry.push_image(repository, rng, "latest")
    for client in (stranger, anonymous):
        for name in (repository, repository + "-absent"):
            assert client.get_manifest(name, ".INVALID_MANIFEST_NAME").status_code == 401


def test_own_absent_repository(registry, repository):
    response = registry.get_manifest(repository, "latest")
    assert_error(response, 404, ("NAME_UNKNOWN", "MANIFEST_UNKNOWN"))


def test_head_has_no_side_effects(registry, repository):
    """protocol.md 18."""
    registry.head(f"/v2/{repository}/manifests/latest")
    registry.head(f"/v2/{repository}/blobs/{content.digest_of(b'x')}")
    names = registry.get("/v2/_catalog?n=1000").json()["repositories"]
    assert repository not in names


def test_location_does_not_follow_the_host_header(registry, repository):
    """protocol.md 18: a forged Host must not decide where the client sends its bytes."""
    response = registry.post(f"/v2/{repository}/blobs/uploads/", headers={"Host": "attacker.example"})
    assert "attacker.example" not in response.headers.get("Location", "")


def test_keep_alive(registry, repository, blob):
    for _ in range(20):
        response = registry.get_blob(repository, blob.digest)
        assert response.status_code == 200
    pools = registry.session.adapters["http://"].poolmanager.pools
    assert sum(pools[key].num_connections for key in pools.keys()) == 1
