"""Manifests that are not, or that say two things (security.md 13, 14 and the failures listed there)."""

import json

import pytest

from harness import content, raw
from harness.registry import assert_error

MANY_NINES = "9" * 40


@pytest.fixture
def config(registry, repository, rng):
    return registry.push_blob(repository, content.config_blob(rng))


def put(registry, repository, body, media_type=content.OCI_MANIFEST):
    return registry.put_manifest(repository, content.Manifest(body, media_type), "latest")


def refused(registry, repository, body, code="MANIFEST_INVALID", media_type=content.OCI_MANIFEST):
    assert_error(put(registry, repository, body, media_type), 400, code)
    assert registry.get_manifest(repository, "latest").status_code == 404


def with_config(config, text):
    """A manifest's JSON by hand: CONFIG stands for the descriptor of a pushed config."""
    return text.replace("CONFIG", json.dumps(config.descriptor())).encode()


BROKEN = {
    "empty": "",
    "not JSON": "hello",
    "null": "null",
    "array": "[]",
    "cut off": '{"schemaVersion": 2, "config": CONFIG, "layers": [',
    "trailing text": '{"schemaVersion": 2, "config": CONFIG, "layers": []} {}',
    "no schemaVersion": '{"config": CONFIG, "layers": []}',
    "schemaVersion 3": '{"schemaVersion": 3, "config": CONFIG, "layers": []}',
    "schemaVersion as text": '{"schemaVersion": "2", "config": CONFIG, "layers": []}',
    "no config": '{"schemaVersion": 2, "layers": []}',
    "config of the wrong type": '{"schemaVersion": 2, "config": [], "layers": []}',
    "layers of the wrong type": '{"schemaVersion": 2, "config": CONFIG, "layers": {}}',
    "null layer": '{"schemaVersion": 2, "config": CONFIG, "layers": [null]}',
    "layers and manifests": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "manifests": []}',
    "duplicate key": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "layers": []}',
    "duplicate key deep down": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": {"y": [{"a": 1, "a": 2}]}}',
    "duplicate key by escape": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "lay\\u0065rs": []}',
    "NaN": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": NaN}',
    "Infinity": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": Infinity}',
    "comment": '{"schemaVersion": 2, /* no */ "config": CONFIG, "layers": []}',
    "trailing comma": '{"schemaVersion": 2, "config": CONFIG, "layers": [],}',
    "too deep": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": ' + "[" * 65 + "]" * 65 + "}",
    "far too deep": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "body type differs": '{"schemaVersion": 2, "mediaType": "%s", "config": CONFIG, "layers": []}' % content.OCI_INDEX,
    "descriptor without size": '{"schemaVersion": 2, "config": {"mediaType": "x/y", "digest": "%s"}, "layers": []}'
    % content.digest_of(b""),
    "descriptor without digest": '{"schemaVersion": 2, "config": {"mediaType": "x/y", "size": 2}, "layers": []}',
    "annotation that is no text": '{"schemaVersion": 2, "config": CONFIG, "layers": [], "annotations": {"a": 1}}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_broken(registry, repository, config, text):
    refused(registry, repository, with_config(config, text))


def test_invalid_utf8(registry, repository, config):
    body = with_config(config, '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": "?"}').replace(b"?", b"\xff")
    refused(registry, repository, body)


def test_depth_of_64_is_accepted(registry, repository, config):
    text = '{"schemaVersion": 2, "config": CONFIG, "layers": [], "x": ' + "[" * 60 + "]" * 60 + "}"
    assert put(registry, repository, with_config(config, text)).status_code == 201


@pytest.mark.parametrize("size", ["-1", "1.5", '"2"', "9223372036854775808", "1e30", MANY_NINES, "null"])
def test_size_of_a_descriptor(registry, repository, config, size):
    text = json.dumps({"schemaVersion": 2, "config": config.descriptor(), "layers": []})
    body = text.replace(f'"size": {len(config.data)}', f'"size": {size}').encode()
    assert body.decode() != text
    refused(registry, repository, body)


@pytest.mark.parametrize("difference", [-1, 1])
def test_size_that_differs_from_what_is_stored(registry, repository, config, difference):
    """security.md 14."""
    descriptor = config.descriptor()
    descriptor["size"] += difference
    refused(
        registry,
        repository,
        content.render({"schemaVersion": 2, "config": descriptor, "layers": []}),
        "SIZE_INVALID",
    )


@pytest.mark.parametrize("digest", ["", "sha256:short", "sha256:" + "A" * 64, "../../etc/passwd", "md5:" + "a" * 32])
def test_digest_of_a_descriptor(registry, repository, config, digest):
    descriptor = {**config.descriptor(), "digest": digest}
    body = content.render({"schemaVersion": 2, "config": descriptor, "layers": []})
    refused(registry, repository, body, ("MANIFEST_INVALID", "DIGEST_INVALID", "UNSUPPORTED"))


@pytest.mark.parametrize("media_type", ["text/plain", "application/json", "application/vnd.oci.image.index.v1+json"])
def test_header_type_that_does_not_fit(registry, repository, config, media_type):
    response = put(registry, repository, content.image_manifest(config, []).data, media_type)
    assert_error(response, (400, 415), ("MANIFEST_INVALID", "UNSUPPORTED"))


def test_over_the_limit(registry, repository, config):
    """security.md 13."""
    document = json.loads(content.image_manifest(config, []).data)
    body = content.render({**document, "annotations": {"filler": "x" * (4 << 20)}})
    assert_error(put(registry, repository, body), 413, "SIZE_INVALID")


def test_over_the_limit_chunk_encoded(server, registry, repository):
    head = {**registry.authorization(repository), "Content-Type": content.OCI_MANIFEST}
    with raw.Connection(server) as connection:
        connection.send_head(
            "PUT", f"/v2/{repository}/manifests/latest", {**head, "Transfer-Encoding": "chunked"}
        )
        assert connection.send_until_answered(b"10000\r\n" + b" " * 65536 + b"\r\n", times=500).status == 413


def test_index_that_holds_itself_many_times_is_linear_work(registry, repository, rng):
    """security.md: graph blow-up. 30 levels of two references each would be 2^30 visits."""
    child = registry.push_image(repository, rng)
    for level in range(30):
        index = content.index([child, child], annotations={"level": str(level)})
        child = registry.push_manifest(repository, index, f"level-{level}")
    assert registry.get_manifest(repository, "level-29").status_code == 200
    assert registry.delete(f"/v2/{repository}/manifests/level-29").status_code == 202
