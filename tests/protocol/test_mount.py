"""Cross-repository mount, and that it tells nothing (protocol.md 9)."""

import pytest

from harness import content
from harness.registry import Upload


def mount(client, target, digest, source=None):
    query = f"mount={digest}" + (f"&from={source}" if source else "")
    # Clients that mount ask for a token that covers the source too.
    return client.post(f"/v2/{target}/blobs/uploads/?{query}", also=[source] if source else [])


def test_mount_from_own_repository(registry, repository, rng):
    source = repository + "-source"
    blob = registry.push_blob(source, content.random_blob(rng, 1000))
    response = mount(registry, repository, blob.digest, source)
    assert response.status_code == 201
    assert response.headers["Docker-Content-Digest"] == blob.digest
    assert registry.get(response.headers["Location"]).content == blob.data


def test_mount_without_source_finds_what_the_caller_can_read(registry, repository, rng):
    blob = registry.push_blob(repository + "-source", content.random_blob(rng, 1000))
    response = mount(registry, repository, blob.digest)
    assert response.status_code in (201, 202)
    if response.status_code == 201:
        assert registry.get_blob(repository, blob.digest).content == blob.data


def test_an_empty_source_is_none(registry, repository, rng):
    blob = registry.push_blob(repository + "-source", content.random_blob(rng, 1000))
    answers = [
        registry.post(f"/v2/{repository}/blobs/uploads/?mount={blob.digest}{end}", also=[repository + "-source"])
        for end in ("&from=", "")
    ]
    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize("source", ["alice/there-is-no-such-repository", "bad//name", "mallory/other"])
def test_mount_from_where_it_is_not_becomes_an_upload(registry, repository, rng, source):
    blob = content.random_blob(rng, 1000)
    response = mount(registry, repository, blob.digest, source)
    assert response.status_code == 202
    assert Upload(registry, response).finish(blob.digest, blob.data).status_code == 201


def test_mount_of_an_unreadable_blob_looks_like_one_of_an_absent_blob(registry, stranger, repository, rng):
    """security.md: a private blob read through deduplication or mount."""
    blob = registry.push_blob(repository, content.random_blob(rng, 1000))
    absent = content.digest_of(b"pushed nowhere")
    for source in (repository, None):
        answers = [mount(stranger, "mallory/target", digest, source) for digest in (blob.digest, absent)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert set(answers[0].headers) == set(answers[1].headers)
        assert all("Docker-Content-Digest" not in answer.headers for answer in answers)
    assert stranger.get_blob("mallory/target", blob.digest).status_code == 404


def test_digest_known_without_bytes_gains_nothing(registry, stranger, repository, rng):
    """security.md: head, mount, empty upload, manifest reference."""
    blob = registry.push_blob(repository, content.random_blob(rng, 1000))
    config = stranger.push_blob("mallory/probe", content.config_blob(rng))
    assert stranger.head(f"/v2/mallory/probe/blobs/{blob.digest}").status_code == 404
    assert stranger.start_upload("mallory/probe").finish(blob.digest).status_code == 400
    manifest = content.image_manifest(config, [blob])
    assert stranger.put_manifest("mallory/probe", manifest, "latest").status_code in (400, 404)
    assert stranger.head(f"/v2/mallory/probe/blobs/{blob.digest}").status_code == 404


def test_mounted_blob_survives_its_source(registry, repository, rng):
    source = repository + "-source"
    blob = registry.push_blob(source, content.random_blob(rng, 1000))
    mount(registry, repository, blob.digest, source)
    assert registry.delete(f"/v2/{source}/blobs/{blob.digest}").status_code == 202
    assert registry.get_blob(source, blob.digest).status_code == 404
    assert registry.get_blob(repository, blob.digest).content == blob.data
