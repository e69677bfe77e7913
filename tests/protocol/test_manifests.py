"""Manifests and indexes as they are pushed."""

import json

import pytest

from harness import content
from harness.registry import ACCEPT, assert_error


def put_document(registry, repository, document, media_type=content.OCI_MANIFEST, reference="latest"):
    return registry.put_manifest(repository, content.Manifest(content.render(document), media_type), reference)


@pytest.fixture
def config(registry, repository, rng):
    return registry.push_blob(repository, content.config_blob(rng))


@pytest.fixture
def layer(registry, repository, rng):
    return registry.push_blob(repository, content.random_blob(rng, 500))


def document_of(config, layers, **more):
    return json.loads(content.image_manifest(config, layers, **more).data)


def test_push_by_tag(registry, repository, config, layer):
    manifest = content.image_manifest(config, [layer])
    response = registry.put_manifest(repository, manifest, "v1")
    assert response.status_code == 201
    assert response.headers["Docker-Content-Digest"] == manifest.digest
    assert registry.get(response.headers["Location"], headers={"Accept": ACCEPT}).content == manifest.data


def test_push_by_digest(registry, repository, config, layer):
    manifest = content.image_manifest(config, [layer])
    assert registry.put_manifest(repository, manifest).status_code == 201
    assert registry.get_manifest(repository, manifest.digest).content == manifest.data


def test_push_by_wrong_digest(registry, repository, config, layer):
    manifest = content.image_manifest(config, [layer])
    response = registry.put_manifest(repository, manifest, content.digest_of(b"else"))
    assert_error(response, 400, "DIGEST_INVALID")


def test_push_chunk_encoded(registry, repository, config, layer):
    """protocol.md 2."""
    manifest = content.image_manifest(config, [layer])
    response = registry.put(
        f"/v2/{repository}/manifests/streamed",
        data=iter([manifest.data[:10], manifest.data[10:]]),
        headers={"Content-Type": manifest.media_type},
    )
    assert response.status_code == 201
    assert registry.get_manifest(repository, "streamed").content == manifest.data


def test_push_again_is_success(registry, repository, config, layer):
    manifest = content.image_manifest(config, [layer])
    for _ in range(2):
        assert registry.put_manifest(repository, manifest, "v1").status_code == 201


def test_tag_moves(registry, repository, rng):
    first = registry.push_image(repository, rng, "latest")
    second = registry.push_image(repository, rng, "latest")
    assert registry.get_manifest(repository, "latest").content == second.data
    assert registry.get_manifest(repository, first.digest).content == first.data


def test_sha512_manifest(registry, repository, config, layer):
    """protocol.md 7."""
    manifest = content.image_manifest(config, [layer])
    digest = content.digest_of(manifest.data, "sha512")
    response = registry.put_manifest(repository, manifest, digest)
    assert response.status_code == 201
    assert response.headers["Docker-Content-Digest"] == digest
    assert registry.get_manifest(repository, digest).content == manifest.data


def test_sha512_manifest_pulled_by_tag(registry, repository, config, layer):
    """protocol.md 7 and 15: the tag answers with the algorithm of the push."""
    manifest = content.image_manifest(config, [layer])
    digest = content.digest_of(manifest.data, "sha512")
    response = registry.put(
        f"/v2/{repository}/manifests/{digest}?tag=long",
        data=manifest.data,
        headers={"Content-Type": manifest.media_type},
    )
    assert response.status_code == 201
    assert registry.get_manifest(repository, "long").headers["Docker-Content-Digest"] == digest


def test_four_megabytes(registry, repository, config, layer):
    """protocol.md 3."""
    document = document_of(config, [layer], annotations={"filler": "x" * (4 * 1024 * 1024 - 2000)})
    manifest = content.Manifest(content.render(document), content.OCI_MANIFEST)
    assert 4 * 1024 * 1024 - 2000 < len(manifest.data) <= 4 * 1024 * 1024
    assert registry.put_manifest(repository, manifest, "huge").status_code == 201
    assert registry.get_manifest(repository, "huge").content == manifest.data


def test_unknown_fields_and_data_are_kept(registry, repository, config, layer):
    """protocol.md 5."""
    document = document_of(config, [layer], **{"org.example.unknown": {"deep": [1, 2.50, None]}, "zero": 1e0})
    document["config"]["data"] = "e30="
    document["layers"][0]["unknown"] = "kept"
    manifest = content.Manifest(content.render(document), content.OCI_MANIFEST)
    assert registry.put_manifest(repository, manifest, "unknown").status_code == 201
    assert registry.get_manifest(repository, "unknown").content == manifest.data


def test_no_layers(registry, repository, config):
    """protocol.md 5."""
    manifest = registry.push_manifest(repository, content.image_manifest(config, []), "bare")
    assert registry.get_manifest(repository, "bare").content == manifest.data


def test_no_manifests(registry, repository):
    """protocol.md 5."""
    manifest = registry.push_manifest(repository, content.index([]), "bare")
    assert registry.get_manifest(repository, "bare").content == manifest.data


@pytest.mark.parametrize(("field", "media_type"), [("layers", content.OCI_MANIFEST), ("manifests", content.OCI_INDEX)])
def test_null_is_a_list_without_entries(registry, repository, config, field, media_type):
    """Programs in Go write an empty slice so."""
    document = {"schemaVersion": 2, "mediaType": media_type, field: None}
    if field == "layers":
        document["config"] = config.descriptor()
    manifest = content.Manifest(content.render(document), media_type)
    assert registry.put_manifest(repository, manifest, "null").status_code == 201
    assert registry.get_manifest(repository, "null").content == manifest.data
    # Absent is something else for an index, of which the field makes what it is.
    without = content.Manifest(content.render({"schemaVersion": 2, "mediaType": content.OCI_INDEX}), content.OCI_INDEX)
    assert_error(registry.put_manifest(repository, without, "none"), 400, "MANIFEST_INVALID")


@pytest.mark.parametrize(
    "written",
    [
        "Application/vnd.oci.image.manifest.v1+JSON",
        "APPLICATION/VND.OCI.IMAGE.MANIFEST.V1+JSON; charset=utf-8",
    ],
)
def test_a_media_type_is_the_same_in_any_case(registry, repository, config, layer, written):
    """RFC 9110 section 8.3.1. It is served as the specification writes it."""
    manifest = content.image_manifest(config, [layer])
    response = registry.put(
        f"/v2/{repository}/manifests/cased", data=manifest.data, headers={"Content-Type": written}
    )
    assert response.status_code == 201, response.text
    assert registry.get_manifest(repository, "cased").headers["Content-Type"] == content.OCI_MANIFEST


def test_a_media_type_in_the_body_is_as_clients_compare_it(registry, repository, config, layer):
    """Clients compare it byte by byte, and would take another spelling for a type that they do not know."""
    document = document_of(config, [layer], mediaType=content.OCI_MANIFEST.upper())
    assert_error(put_document(registry, repository, document), 400, "MANIFEST_INVALID")


def test_non_distributable_layer_may_be_absent(registry, repository, config):
    """protocol.md 6; security.md 15: its urls are kept and never fetched."""
    document = document_of(config, [])
    document["layers"] = [
        {
            "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "digest": content.digest_of(b"elsewhere"),
            "size": 9,
            "urls": ["http://127.0.0.1:1/never-fetched"],
        }
    ]
    assert put_document(registry, repository, document).status_code == 201
    assert registry.get_manifest(repository, "latest").json() == document


@pytest.mark.parametrize("part", ["config", "layer"])
def test_missing_blob(registry, repository, config, layer, rng, part):
    """protocol.md 6; security.md 14."""
    absent = content.random_blob(rng, 10)
    manifest = content.image_manifest(*((absent, [layer]) if part == "config" else (config, [layer, absent])))
    response = registry.put_manifest(repository, manifest, "latest")
    assert_error(response, (400, 404), "MANIFEST_BLOB_UNKNOWN")
    assert registry.get_manifest(repository, "latest").status_code == 404


def test_missing_child_manifest(registry, repository, rng):
    child = registry.push_image(repository, rng)
    absent = content.Manifest(b"{}", content.OCI_MANIFEST)
    response = registry.put_manifest(repository, content.index([child, absent]), "latest")
    assert_error(response, (400, 404), "MANIFEST_BLOB_UNKNOWN")


@pytest.mark.parametrize(
    ("image_type", "index_type"),
    [(content.OCI_MANIFEST, content.OCI_INDEX), (content.DOCKER_MANIFEST, content.DOCKER_LIST)],
)
def test_index(registry, repository, rng, image_type, index_type):
    """protocol.md 16."""
    children = [registry.push_image(repository, rng, media_type=image_type) for _ in range(2)]
    index = registry.push_manifest(repository, content.index(children, index_type), "multi")
    response = registry.get_manifest(repository, "multi")
    assert response.content == index.data
    assert response.headers["Content-Type"] == index_type


def test_nested_index(registry, repository, rng):
    inner = registry.push_manifest(repository, content.index([registry.push_image(repository, rng)]))
    outer = registry.push_manifest(repository, content.index([inner]), "outer")
    assert registry.get_manifest(repository, "outer").content == outer.data


def test_schema_1_is_refused_in_words(registry, repository):
    """protocol.md 16."""
    document = {"schemaVersion": 1, "name": repository, "tag": "old", "fsLayers": [], "history": []}
    response = put_document(registry, repository, document, content.DOCKER_SCHEMA_1, "old")
    assert_error(response, (400, 415), ("MANIFEST_INVALID", "UNSUPPORTED"))
    assert "schema" in response.json()["errors"][0]["message"].lower()


def put_with_tags(registry, repository, manifest, tags):
    reference = f"{manifest.digest}?" + "&".join(f"tag={tag}" for tag in tags)
    return registry.put_manifest(repository, manifest, reference)


def test_many_tags_in_one_push(registry, repository, config, layer):
    """protocol.md 15."""
    manifest = content.image_manifest(config, [layer])
    tags = [f"v1.{minor}" for minor in range(5)]
    response = put_with_tags(registry, repository, manifest, tags)
    assert response.status_code == 201
    accepted = [tag.strip() for tag in response.headers["OCI-Tag"].split(",")]
    assert accepted == tags
    # One line, however many: clients and proxies take only so many headers.
    assert len(response.raw.headers.getlist("OCI-Tag")) == 1
    for tag in tags:
        assert registry.get_manifest(repository, tag).content == manifest.data


def test_as_many_tags_in_one_push_as_are_allowed(registry, repository, config, layer):
    """http.client, for one, takes no more than 100 headers."""
    manifest = content.image_manifest(config, [layer])
    tags = [f"{'t' * 100}-{number}" for number in range(100)]
    response = put_with_tags(registry, repository, manifest, tags)
    assert response.status_code == 201
    assert response.headers["OCI-Tag"].split(", ") == tags


def test_too_many_tags_in_one_push(registry, repository, config, layer):
    """protocol.md 15."""
    manifest = content.image_manifest(config, [layer])
    response = registry.put(
        f"/v2/{repository}/manifests/{manifest.digest}?" + "&".join(f"tag=t{number}" for number in range(101)),
        data=manifest.data,
        headers={"Content-Type": manifest.media_type},
    )
    assert response.status_code == 414
    assert registry.get_manifest(repository, manifest.digest).status_code == 404


def test_artifact(registry, repository, layer):
    registry.push_blob(repository, content.EMPTY_CONFIG)
    manifest = content.image_manifest(content.EMPTY_CONFIG, [layer], artifactType="application/vnd.example.thing")
    registry.push_manifest(repository, manifest, "artifact")
    assert registry.get_manifest(repository, "artifact").content == manifest.data
