"""Every way in which a blob may arrive."""

import pytest

from harness import content
from harness.registry import Upload, assert_error


def assert_stored(registry, repository, blob):
    response = registry.get_blob(repository, blob.digest)
    assert response.status_code == 200
    assert response.content == blob.data


def range_end(response):
    first, _, last = response.headers["Range"].removeprefix("bytes=").partition("-")
    assert first == "0"
    return int(last)


def test_post_then_put(registry, repository, rng):
    blob = content.random_blob(rng, 100_000)
    upload = registry.start_upload(repository)
    response = upload.finish(blob.digest, blob.data)
    assert response.status_code == 201
    assert response.headers["Docker-Content-Digest"] == blob.digest
    assert registry.get(response.headers["Location"]).content == blob.data


def test_single_post(registry, repository, rng):
    blob = content.random_blob(rng, 5000)
    response = registry.post(f"/v2/{repository}/blobs/uploads/?digest={blob.digest}", data=blob.data)
    assert response.status_code == 201
    assert registry.get(response.headers["Location"]).content == blob.data


def test_single_post_with_wrong_digest(registry, repository, rng):
    blob = content.random_blob(rng, 5000)
    response = registry.post(f"/v2/{repository}/blobs/uploads/?digest={blob.digest}", data=blob.data + b"x")
    assert_error(response, 400, "DIGEST_INVALID")
    assert registry.get_blob(repository, blob.digest).status_code == 404


@pytest.mark.parametrize(
    ("range_", "status"), [("0-9", 201), ("bytes 0-9/10", 201), ("5-14", 416), ("0-99", 400), ("0-4", 400), ("x", 416)]
)
def test_single_post_with_a_content_range(registry, repository, rng, range_, status):
    """Held to what it promises, as every chunk is; nothing is left of what does not keep it."""
    blob = content.random_blob(rng, 10)
    response = registry.post(
        f"/v2/{repository}/blobs/uploads/?digest={blob.digest}", data=blob.data, headers={"Content-Range": range_}
    )
    assert response.status_code == status, response.text
    assert registry.get_blob(repository, blob.digest).status_code == (200 if status == 201 else 404)


def test_chunks(registry, repository, rng):
    blob = content.random_blob(rng, 30_000)
    upload = registry.start_upload(repository)
    for start in range(0, 30_000, 10_000):
        response = upload.chunk(blob.data[start : start + 10_000], start)
        assert response.status_code == 202
        assert range_end(response) == start + 9_999
    response = upload.finish(blob.digest)
    assert response.status_code == 201
    assert_stored(registry, repository, blob)


def test_last_chunk_in_the_put(registry, repository, rng):
    blob = content.random_blob(rng, 20_000)
    upload = registry.start_upload(repository)
    upload.chunk(blob.data[:12_000], 0)
    response = upload.finish(blob.digest, blob.data[12_000:], Content_Range="12000-19999")
    assert response.status_code == 201
    assert_stored(registry, repository, blob)


def test_streamed_patch_without_lengths(registry, repository, rng):
    """protocol.md 2: chunk-encoded, no Content-Length, no Content-Range."""
    blob = content.random_blob(rng, 50_000)
    upload = registry.start_upload(repository)
    response = upload.chunk(iter([blob.data[:20_000], blob.data[20_000:]]))
    assert response.status_code == 202
    assert range_end(response) == 49_999
    assert upload.finish(blob.digest).status_code == 201
    assert_stored(registry, repository, blob)


def test_streamed_put(registry, repository, rng):
    blob = content.random_blob(rng, 50_000)
    upload = registry.start_upload(repository)
    assert upload.finish(blob.digest, iter([blob.data[:1], blob.data[1:]])).status_code == 201
    assert_stored(registry, repository, blob)


def test_status_of_a_new_session(registry, repository):
    """protocol.md 8: Range is well formed at zero bytes too."""
    upload = registry.start_upload(repository)
    response = upload.status()
    assert response.status_code == 204
    assert response.headers["Range"] == "0-0"
    assert response.headers["Location"]


def test_status_and_resume(registry, repository, rng):
    blob = content.random_blob(rng, 20_000)
    upload = registry.start_upload(repository)
    upload.chunk(blob.data[:7_000], 0)
    resumed = Upload(registry, upload.status())
    assert range_end(resumed.status()) == 6_999
    assert resumed.chunk(blob.data[7_000:], 7_000).status_code == 202
    assert resumed.finish(blob.digest).status_code == 201
    assert_stored(registry, repository, blob)


@pytest.mark.parametrize("start", [0, 4_999, 5_001, 10_000])
def test_out_of_order_chunk_is_416_and_the_session_survives(registry, repository, rng, start):
    """protocol.md 8."""
    blob = content.random_blob(rng, 10_000)
    upload = registry.start_upload(repository)
    upload.chunk(blob.data[:5_000], 0)
    response = upload.chunk(blob.data[:5_000], start)
    assert response.status_code == 416
    assert range_end(upload.status()) == 4_999
    assert upload.chunk(blob.data[5_000:], 5_000).status_code == 202
    assert upload.finish(blob.digest).status_code == 201


def test_out_of_order_put_is_416_and_the_session_survives(registry, repository, rng):
    """protocol.md 8."""
    blob = content.random_blob(rng, 10_000)
    upload = registry.start_upload(repository)
    upload.chunk(blob.data[:5_000], 0)
    response = upload.finish(blob.digest, blob.data[5_000:], Content_Range="6000-10999")
    assert response.status_code == 416
    assert upload.finish(blob.digest, blob.data[5_000:], Content_Range="5000-9999").status_code == 201


def test_cancel(registry, repository, rng):
    """protocol.md 8."""
    upload = registry.start_upload(repository)
    upload.chunk(rng.randbytes(100), 0)
    assert upload.cancel().status_code == 204
    assert_error(upload.status(), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_error(upload.cancel(), 404, "BLOB_UPLOAD_UNKNOWN")


def test_wrong_content_leaves_no_blob(registry, repository, rng):
    blob = content.random_blob(rng, 1000)
    response = registry.start_upload(repository).finish(blob.digest, rng.randbytes(1000))
    assert_error(response, 400, "DIGEST_INVALID")
    assert registry.get_blob(repository, blob.digest).status_code == 404


@pytest.mark.parametrize("announced", [True, False])
def test_sha512(registry, repository, rng, announced):
    """protocol.md 7."""
    blob = content.random_blob(rng, 30_000, algorithm="sha512")
    query = "?digest-algorithm=sha512" if announced else ""
    response = registry.post(f"/v2/{repository}/blobs/uploads/{query}")
    upload = Upload(registry, response)
    upload.chunk(blob.data[:10_000], 0)
    response = upload.finish(blob.digest, blob.data[10_000:])
    assert response.status_code == 201
    assert response.headers["Docker-Content-Digest"] == blob.digest
    read = registry.get_blob(repository, blob.digest)
    assert read.content == blob.data
    assert read.headers["Docker-Content-Digest"] == blob.digest


def test_the_same_blob_twice(registry, repository, rng):
    blob = content.random_blob(rng, 1000)
    for _ in range(2):
        registry.push_blob(repository, blob)
    assert_stored(registry, repository, blob)


def test_the_same_blob_into_two_repositories(registry, repository, rng):
    blob = content.random_blob(rng, 1000)
    for name in (repository, repository + "-too"):
        registry.push_blob(name, blob)
        assert_stored(registry, name, blob)


def test_large_blob_in_flat_memory(registry, repository, server):
    """64 MiB through chunk encoding and as one body; memory must not follow the size."""
    if server.sanitized:
        pytest.skip("memory says nothing under a sanitizer")
    size = 64 << 20
    piece = bytes(range(256)) * 4096
    pieces = [piece] * (size // len(piece))
    digest = content.digest_of(b"".join(pieces))
    before = server.memory()
    upload = registry.start_upload(repository)
    assert upload.chunk(iter(pieces)).status_code == 202
    assert upload.finish(digest).status_code == 201
    assert server.memory() - before < 24 << 20
    with registry.get_blob(repository, digest, stream=True) as response:
        assert sum(len(part) for part in response.iter_content(1 << 20)) == size
    assert server.memory() - before < 24 << 20
