"""The referrers of a manifest (protocol.md 1 and 11)."""

import pytest

from harness import content

SIGNATURE = "application/vnd.example.signature"
BILL = "application/vnd.example.sbom"


def referrers(client, repository, digest, query=""):
    response = client.get(f"/v2/{repository}/referrers/{digest}{query}")
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == content.OCI_INDEX
    answer = response.json()
    assert (answer["schemaVersion"], answer["mediaType"]) == (2, content.OCI_INDEX)
    return response, answer["manifests"]


@pytest.fixture
def subject(registry, repository, rng):
    return registry.push_image(repository, rng, "subject")


def attach(registry, repository, subject, rng, artifact_type=None, **more):
    """Pushes an artifact with a subject; the answer and the manifest."""
    layer = registry.push_blob(repository, content.random_blob(rng, 50))
    config = registry.push_blob(repository, content.EMPTY_CONFIG)
    if artifact_type:
        more["artifactType"] = artifact_type
    manifest = content.image_manifest(config, [layer], subject=subject.descriptor(), **more)
    return registry.put_manifest(repository, manifest), manifest


def test_of_a_repository_that_never_was(registry, repository):
    _, found = referrers(registry, repository, content.digest_of(b"nothing"))
    assert found == []


def test_of_a_manifest_without_any(registry, repository, subject):
    _, found = referrers(registry, repository, subject.digest)
    assert found == []


def test_descriptor(registry, repository, subject, rng):
    response, manifest = attach(registry, repository, subject, rng, SIGNATURE, annotations={"who": "alice"})
    assert response.status_code == 201
    assert response.headers["OCI-Subject"] == subject.digest
    _, found = referrers(registry, repository, subject.digest)
    assert found == [
        {
            "mediaType": content.OCI_MANIFEST,
            "digest": manifest.digest,
            "size": len(manifest.data),
            "artifactType": SIGNATURE,
            "annotations": {"who": "alice"},
        }
    ]


def test_artifact_type_falls_back_to_the_media_type_of_the_config(registry, repository, subject, rng):
    config = registry.push_blob(repository, content.config_blob(rng, "application/vnd.example.config"))
    manifest = content.image_manifest(config, [], subject=subject.descriptor())
    registry.push_manifest(repository, manifest)
    _, found = referrers(registry, repository, subject.digest)
    assert [entry["artifactType"] for entry in found] == ["application/vnd.example.config"]


def test_index_with_a_subject(registry, repository, subject):
    index = content.index([], subject=subject.descriptor(), artifactType=BILL, annotations={"kind": "index"})
    response = registry.put_manifest(repository, index)
    assert response.status_code == 201
    assert response.headers["OCI-Subject"] == subject.digest
    _, found = referrers(registry, repository, subject.digest)
    assert found[0]["mediaType"] == content.OCI_INDEX
    assert found[0]["artifactType"] == BILL
    assert found[0]["annotations"] == {"kind": "index"}


def test_filter(registry, repository, subject, rng):
    for artifact_type in (SIGNATURE, BILL, SIGNATURE):
        attach(registry, repository, subject, rng, artifact_type)
    response, found = referrers(registry, repository, subject.digest, f"?artifactType={SIGNATURE}")
    assert response.headers["OCI-Filters-Applied"] == "artifactType"
    assert [entry["artifactType"] for entry in found] == [SIGNATURE, SIGNATURE]
    response, found = referrers(registry, repository, subject.digest)
    assert "OCI-Filters-Applied" not in response.headers
    assert len(found) == 3


def test_missing_subject_is_accepted(registry, repository, rng):
    """protocol.md 6."""
    absent = content.Manifest(b'{"not": "pushed"}', content.OCI_MANIFEST)
    response, manifest = attach(registry, repository, absent, rng, SIGNATURE)
    assert response.status_code == 201
    assert response.headers["OCI-Subject"] == absent.digest
    _, found = referrers(registry, repository, absent.digest)
    assert [entry["digest"] for entry in found] == [manifest.digest]


def test_deleted_referrer_is_gone_at_once(registry, repository, subject, rng):
    _, manifest = attach(registry, repository, subject, rng, SIGNATURE)
    assert registry.delete(f"/v2/{repository}/manifests/{manifest.digest}").status_code == 202
    _, found = referrers(registry, repository, subject.digest)
    assert found == []


def test_referrers_outlive_their_subject(registry, repository, subject, rng):
    _, manifest = attach(registry, repository, subject, rng, SIGNATURE)
    assert registry.delete(f"/v2/{repository}/manifests/{subject.digest}").status_code == 202
    _, found = referrers(registry, repository, subject.digest)
    assert [entry["digest"] for entry in found] == [manifest.digest]


def test_of_another_repository_are_not_shown(registry, repository, subject, rng):
    other = repository + "-other"
    attach(registry, other, subject, rng, SIGNATURE)
    _, found = referrers(registry, repository, subject.digest)
    assert found == []


def test_pages(registry, repository, subject, rng):
    pushed = {attach(registry, repository, subject, rng, SIGNATURE)[1].digest for _ in range(5)}
    found, path = [], f"/v2/{repository}/referrers/{subject.digest}?n=2"
    for _ in range(5):
        response = registry.get(path)
        assert response.status_code == 200
        found += [entry["digest"] for entry in response.json()["manifests"]]
        if "next" not in response.links:
            break
        path = response.links["next"]["url"]
    assert len(found) == 5
    assert set(found) == pushed
