"""What a refused, abandoned or merely begun push leaves: nothing. A repository is made by the first thing stored in it."""

import pytest

from harness import content
from harness.registry import Registry, Upload, assert_error


def exists(registry, repository):
    """Whether there is such a repository, asked of three places that have to agree."""
    tags = registry.get(f"/v2/{repository}/tags/list").status_code
    listed = repository in registry.get("/v2/_catalog?n=1000").json()["repositories"]
    known = registry.server.run("repo", "list", "--json").stdout
    assert tags in (200, 404)
    assert (tags == 200) == listed == (f'"{repository}"' in known)
    return listed


def test_a_session_alone_makes_no_repository(registry, repository, rng):
    """kaniko and crane begin an upload and cancel it, to see whether they may push."""
    upload = registry.start_upload(repository)
    assert not exists(registry, repository)
    assert upload.status().status_code == 204
    assert upload.chunk(rng.randbytes(1000), 0).status_code == 202
    assert upload.offset() == 1000
    assert not exists(registry, repository)
    assert upload.cancel().status_code == 204
    assert upload.status().status_code == 404
    assert not exists(registry, repository)


def test_a_blob_makes_it(registry, repository, rng):
    blob = content.random_blob(rng, 1000)
    upload = registry.start_upload(repository)
    assert upload.chunk(blob.data[:400], 0).status_code == 202
    assert upload.chunk(blob.data[400:], 400).status_code == 202
    assert upload.finish(blob.digest).status_code == 201
    assert exists(registry, repository)
    assert registry.get_blob(repository, blob.digest).content == blob.data


def test_a_session_goes_on_when_the_repository_has_come_meanwhile(registry, repository, rng):
    """Clients upload several layers at once: all sessions begin before the first blob is there."""
    blobs = [content.random_blob(rng, 1000) for _ in range(3)]
    uploads = [registry.start_upload(repository) for _ in blobs]
    assert uploads[1].chunk(blobs[1].data[:500], 0).status_code == 202
    for upload, blob in zip(uploads, blobs, strict=True):
        rest = blob.data[500:] if upload is uploads[1] else blob.data
        assert upload.finish(blob.digest, rest).status_code == 201
    for blob in blobs:
        assert registry.get_blob(repository, blob.digest).content == blob.data


def test_a_session_that_began_before_the_repository_survives_a_restart(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    blob = content.random_blob(rng, 1000)
    upload = registry.start_upload("alice/app")
    assert upload.chunk(blob.data[:700], 0).status_code == 202
    server.restart()
    assert upload.offset() == 700
    assert upload.finish(blob.digest, blob.data[700:]).status_code == 201
    assert registry.get_blob("alice/app", blob.digest).content == blob.data


def test_such_a_session_is_for_its_name_and_its_account(server, registry, repository, rng):
    """Nobody else's, and no other repository's, whether that is there or not."""
    blob = content.random_blob(rng, 100)
    upload = registry.start_upload(repository)
    registry.push_blob(repository + "-there", blob)
    for other in (repository + "-absent", repository + "-there"):
        elsewhere = upload.path_with_query(f"digest={blob.digest}").replace(repository, other)
        assert_error(registry.put(elsewhere, data=blob.data), 404, "BLOB_UPLOAD_UNKNOWN")
    writer = Registry(server, server.create_user("second-writer"))
    server.run("grant", "set", "second-writer", "writer", "alice/")
    assert_error(writer.put(upload.with_query(f"digest={blob.digest}"), data=blob.data), 404, "BLOB_UPLOAD_UNKNOWN")
    server.run("grant", "remove", "second-writer", "alice/")
    assert not exists(registry, repository)


REFUSED = {
    "content of another digest": lambda r, name, blob: r.start_upload(name).finish(blob.digest, b"something else"),
    "the same in one POST": lambda r, name, blob: r.post(f"/v2/{name}/blobs/uploads/?digest={blob.digest}", data=b"x"),
    "no digest": lambda r, name, blob: r.put(r.start_upload(name).location, data=blob.data),
    "a digest that is none": lambda r, name, blob: r.start_upload(name).finish("sha256:zz", blob.data),
    "a chunk that starts elsewhere": lambda r, name, blob: r.start_upload(name).chunk(blob.data, 5),
    "a manifest of what is not there": lambda r, name, blob: r.put_manifest(
        name, content.image_manifest(content.EMPTY_CONFIG, [blob]), "v1"
    ),
    "an index of what is not there": lambda r, name, blob: r.put_manifest(
        name, content.index([content.image_manifest(content.EMPTY_CONFIG, [])]), "v1"
    ),
    "a manifest of another digest": lambda r, name, blob: r.put_manifest(
        name, content.index([]), content.digest_of(b"else")
    ),
    "no manifest": lambda r, name, blob: r.put_manifest(name, content.Manifest(b"{}", content.OCI_MANIFEST), "v1"),
    "a manifest under a condition": lambda r, name, blob: r.put(
        f"/v2/{name}/manifests/v1",
        data=content.index([]).data,
        headers={"Content-Type": content.OCI_INDEX, "If-Match": "*"},
    ),
}


@pytest.mark.parametrize("push", REFUSED.values(), ids=REFUSED)
def test_a_refused_push_makes_no_repository(registry, repository, rng, push):
    response = push(registry, repository, content.random_blob(rng, 100))
    assert 400 <= response.status_code < 500, response.text
    assert not exists(registry, repository)


def test_a_blob_over_the_quota_makes_no_repository(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    server.run("namespace", "set", "alice", "--quota", "1KiB")
    blob = content.random_blob(rng, 2000)
    assert registry.start_upload("alice/app").finish(blob.digest, blob.data).status_code == 403
    assert not exists(registry, "alice/app")


@pytest.mark.parametrize("source", ["absent", "without the blob", "of nobody's", None])
def test_a_mount_that_cannot_be_made_makes_no_repository(registry, repository, rng, source):
    blob = content.random_blob(rng, 100)
    registry.push_blob(repository + "-source", content.random_blob(rng, 100))
    name = {"absent": repository + "-absent", "without the blob": repository + "-source", "of nobody's": "mallory/x"}
    query = f"mount={blob.digest}" + (f"&from={name[source]}" if source else "")
    response = registry.post(f"/v2/{repository}/blobs/uploads/?{query}", also=[name[source]] if source else [])
    assert response.status_code == 202
    assert not exists(registry, repository)
    assert Upload(registry, response).finish(blob.digest, blob.data).status_code == 201
    assert exists(registry, repository)


def test_a_mount_makes_it(registry, repository, rng):
    blob = registry.push_blob(repository + "-source", content.random_blob(rng, 100))
    query = f"mount={blob.digest}&from={repository}-source"
    response = registry.post(f"/v2/{repository}/blobs/uploads/?{query}", also=[repository + "-source"])
    assert response.status_code == 201
    assert exists(registry, repository)


def test_an_index_of_nothing_makes_it(registry, repository):
    """The one manifest that refers to nothing."""
    index = registry.push_manifest(repository, content.index([]), "empty")
    assert exists(registry, repository)
    assert registry.get_manifest(repository, "empty").content == index.data


def test_sparse_manifests_make_it_too(launch, rng):
    server = launch({"storage.sparse_manifests": "true"})
    registry = Registry(server, server.create_user("alice"))
    absent = content.random_blob(rng, 10)
    registry.push_manifest("alice/app", content.image_manifest(content.config_blob(rng), [absent]), "v1")
    assert exists(registry, "alice/app")
