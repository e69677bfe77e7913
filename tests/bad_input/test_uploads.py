"""Uploads that go wrong on purpose (security.md 4, 10 to 12, 18)."""

import time

import pytest

from harness import content
from harness.registry import Registry, assert_error


def test_range_that_disagrees_with_the_body(registry, repository, rng):
    """security.md 10."""
    upload = registry.start_upload(repository)
    response = upload.chunk(rng.randbytes(100), Content_Range="0-199")
    assert_error(response, 400, "SIZE_INVALID")
    assert upload.offset() == 0


@pytest.mark.parametrize("value", ["x", "0", "-1-5", "5-0", "0-99999999999999999999", "bytes 0-99/100"])
def test_malformed_range(registry, repository, rng, value):
    upload = registry.start_upload(repository)
    response = upload.chunk(rng.randbytes(100), Content_Range=value)
    # RFC 9110's own form, which some clients send; a server may take it.
    if response.status_code == 202:
        assert "/" in value
    else:
        assert response.status_code in (400, 416)
        assert upload.offset() == 0


def test_put_replayed(registry, repository, rng):
    """security.md 11."""
    blob = content.random_blob(rng, 1000)
    upload = registry.start_upload(repository)
    assert upload.finish(blob.digest, blob.data).status_code == 201
    again = upload.finish(blob.digest, blob.data)
    assert again.status_code in (201, 404)
    if again.status_code == 404:
        assert_error(again, 404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("session", ["x", "0" * 36, "..%2f..%2fetc", "a" * 5000, "%00"])
def test_session_that_never_was(registry, repository, session):
    for method in ("GET", "PATCH", "DELETE"):
        response = registry.request(method, f"/v2/{repository}/blobs/uploads/{session}")
        assert response.status_code in (400, 404, 414)


def test_expired_session(launch, rng):
    """security.md 12."""
    server = launch({"limits.upload_idle": "1s"})
    registry = Registry(server, server.create_user("alice"))
    upload = registry.start_upload("alice/app")
    time.sleep(2.5)
    assert_error(upload.chunk(rng.randbytes(10)), 404, "BLOB_UPLOAD_UNKNOWN")


def test_more_sessions_than_an_account_may_have(launch):
    """security.md 12. The longest idle gives way; tests/hostile has the rest."""
    server = launch({"limits.upload_sessions_per_account": 3})
    registry = Registry(server, server.create_user("alice"))
    uploads = [registry.start_upload("alice/app") for _ in range(3)]
    other = Registry(server, server.create_user("bob")).start_upload("bob/app")
    registry.start_upload("alice/app")
    assert_error(uploads[0].status(), 404, "BLOB_UPLOAD_UNKNOWN")
    assert uploads[1].status().status_code == other.status().status_code == 204


def test_blob_over_the_limit(launch, rng):
    server = launch({"limits.upload_bytes": "100KiB"})
    registry = Registry(server, server.create_user("alice"))
    registry.push_blob("alice/app", content.random_blob(rng, 100 * 1024))
    blob = content.random_blob(rng, 100 * 1024 + 1)
    assert registry.start_upload("alice/app").finish(blob.digest, blob.data).status_code == 413
    streamed = registry.start_upload("alice/app").chunk(iter([blob.data]))
    assert streamed.status_code == 413
    assert registry.get_blob("alice/app", blob.digest).status_code == 404


def bytes_below(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_quota_crossed_in_the_middle(launch, rng):
    """security.md 18: refused, and the bytes are given back."""
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    registry.push_blob("alice/app", content.random_blob(rng, 1_000_000))
    server.run("namespace", "set", "alice", "--quota", "3MiB")
    before = bytes_below(server.data)
    upload = registry.start_upload("alice/app")
    first = upload.chunk(rng.randbytes(1_500_000), 0)
    assert first.status_code == 202
    blob = content.random_blob(rng, 4_000_000)
    response = registry.start_upload("alice/app").finish(blob.digest, blob.data)
    assert_error(response, 403, "DENIED")
    assert registry.get_blob("alice/app", blob.digest).status_code == 404
    upload.cancel()
    assert bytes_below(server.data) - before < 1_000_000
    # What is left of the quota can be used.
    registry.push_blob("alice/app", content.random_blob(rng, 1_000_000))


def test_quota_is_freed_by_deleting(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    server.run("namespace", "set", "alice", "--quota", "1500KiB")
    blob = registry.push_blob("alice/app", content.random_blob(rng, 1_000_000))
    other = content.random_blob(rng, 1_000_000)
    assert_error(registry.start_upload("alice/app").finish(other.digest, other.data), 403, "DENIED")
    assert registry.delete(f"/v2/alice/app/blobs/{blob.digest}").status_code == 202
    registry.push_blob("alice/app", other)
