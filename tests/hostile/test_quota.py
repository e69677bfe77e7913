"""A namespace's quota bounds what it has on the disk, frees what is deleted, and lets pass what is there."""

import concurrent.futures
import json

import pytest

from harness import content
from harness.raw import Connection
from harness.registry import Registry, assert_error
from hostile.conftest import Place, used_bytes

MIB = 1 << 20
# What a file and a reference of a manifest count for at the least (docs/formats/database.md).
BLOCK, REFERENCE = 4096, 256


def bytes_below(folder):
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def content_bytes(server):
    return bytes_below(server.data / "blobs")


@pytest.fixture
def place(launch):
    return Place(launch())


@pytest.fixture
def registry(place):
    made = Registry(place.server, place.alice)
    made.make_repository("alice/app")
    return made


def set_quota(place, quota):
    place.server.run("namespace", "set", "alice", "--quota", quota)


def padded(size):
    """A manifest of that many bytes."""
    text = content.render({"schemaVersion": 2, "manifests": []})
    return content.Manifest(text + b" " * (size - len(text)), content.OCI_INDEX)


def test_manifests_count(place, registry, rng):
    set_quota(place, "10MiB")
    registry.push_manifest("alice/app", padded(3 * MIB), "v1")
    assert used_bytes(place.server, "alice") == 3 * MIB
    registry.push_manifest("alice/app", padded(3 * MIB), "v2")
    assert used_bytes(place.server, "alice") == 3 * MIB, "the same manifest counts once"
    registry.push_manifest("alice/app", padded(3 * MIB + 1), "v3")
    registry.push_manifest("alice/app", padded(3 * MIB + 2), "v4")
    before = content_bytes(place.server)
    assert_error(registry.put_manifest("alice/app", padded(3 * MIB + 3), "v5"), 403, "DENIED")
    assert content_bytes(place.server) == before
    assert registry.delete("/v2/alice/app/manifests/" + padded(3 * MIB).digest).status_code == 202
    registry.push_manifest("alice/app", padded(3 * MIB + 3), "v5")


def test_small_blobs_and_manifests_count_as_what_they_take_on_the_disk(place, registry, rng):
    set_quota(place, str(10 * BLOCK))
    for _ in range(5):
        registry.push_blob("alice/app", content.random_blob(rng, 10))
    registry.push_manifest("alice/app", content.index([]), "v1")
    assert used_bytes(place.server, "alice") == 6 * BLOCK
    for _ in range(4):
        registry.push_blob("alice/app", content.random_blob(rng, 10))
    blob = content.random_blob(rng, 10)
    assert_error(registry.start_upload("alice/app").finish(blob.digest, blob.data), 403, "DENIED")
    assert_error(registry.put_manifest("alice/app", padded(200), "v2"), 403, "DENIED")
    assert registry.delete("/v2/alice/app/manifests/" + content.index([]).digest).status_code == 202
    registry.push_blob("alice/app", blob)
    assert used_bytes(place.server, "alice") == 10 * BLOCK


def test_what_a_manifest_refers_to_counts(place, registry, rng):
    set_quota(place, "1MiB")
    config = registry.push_blob("alice/app", content.config_blob(rng))
    layers = [registry.push_blob("alice/app", content.random_blob(rng)) for _ in range(9)]
    before = used_bytes(place.server, "alice")
    image = content.image_manifest(config, layers)
    registry.push_manifest("alice/app", image, "v1")
    assert used_bytes(place.server, "alice") - before == max(BLOCK, len(image.data)) + 10 * REFERENCE


def test_nothing_fits_into_a_quota_of_nothing(place, registry):
    set_quota(place, "0")
    assert_error(registry.put_manifest("alice/app", padded(1000), "v1"), 403, "DENIED")
    assert used_bytes(place.server, "alice") == 0


@pytest.mark.parametrize("by", ["digest", "tag and then digest"])
def test_a_deleted_image_frees_its_room(place, registry, rng, by):
    set_quota(place, "1MiB")
    image = registry.push_image("alice/app", rng, "v1", size=900_000)
    assert used_bytes(place.server, "alice") > 900_000
    if by != "digest":
        assert registry.delete("/v2/alice/app/manifests/v1").status_code == 202
    assert registry.delete("/v2/alice/app/manifests/" + image.digest).status_code == 202
    assert used_bytes(place.server, "alice") == 0
    registry.push_image("alice/app", rng, "v2", size=900_000)


def test_what_other_images_need_stays_and_counts(place, registry, rng):
    set_quota(place, "3MiB")
    config = registry.push_blob("alice/app", content.config_blob(rng))
    shared = registry.push_blob("alice/app", content.random_blob(rng, 900_000))
    own = registry.push_blob("alice/app", content.random_blob(rng, 900_000))
    registry.push_manifest("alice/app", content.image_manifest(config, [shared]), "v1")
    second = registry.push_manifest("alice/app", content.image_manifest(config, [shared, own]), "v2")
    assert registry.delete("/v2/alice/app/manifests/" + second.digest).status_code == 202
    left = BLOCK + len(shared.data) + BLOCK + 2 * REFERENCE  # config, layer, manifest
    assert used_bytes(place.server, "alice") == left
    assert registry.get_blob("alice/app", shared.digest).status_code == 200


def test_a_deleted_image_can_be_pushed_again_at_once(place, registry, rng):
    """As ever: its blobs are still there for a while, and count again."""
    set_quota(place, "1MiB")
    image = registry.push_image("alice/app", rng, "v1", size=400_000)
    used = used_bytes(place.server, "alice")
    for _ in range(3):
        assert registry.delete("/v2/alice/app/manifests/" + image.digest).status_code == 202
        registry.push_manifest("alice/app", image, "v1")
    assert used_bytes(place.server, "alice") == used
    # Without its manifest and with the room given to others, it does not fit any more.
    assert registry.delete("/v2/alice/app/manifests/" + image.digest).status_code == 202
    registry.push_image("alice/app", rng, "v2", size=900_000)
    answer = registry.put_manifest("alice/app", image, "v1")
    assert_error(answer, (403, 400), ("DENIED", "MANIFEST_BLOB_UNKNOWN"))


def test_pushing_and_deleting_in_turn_is_bounded(place, registry, rng):
    """What is readable and free of charge is never more than the quota itself."""
    set_quota(place, "1MiB")
    blobs = []
    for number in range(6):
        image = registry.push_image("alice/app", rng, f"v{number}", size=700_000)
        blobs.append(json.loads(image.data)["layers"][0]["digest"])
        assert registry.delete("/v2/alice/app/manifests/" + image.digest).status_code == 202
    readable = [digest for digest in blobs if registry.head(f"/v2/alice/app/blobs/{digest}").status_code == 200]
    assert len(readable) * 700_000 <= 2 * MIB


@pytest.mark.parametrize("how", ["single POST", "POST and PUT", "streamed"])
def test_what_the_repository_has_passes_a_full_quota(place, registry, rng, how):
    blob = registry.push_blob("alice/app", content.random_blob(rng, 300_000))
    set_quota(place, "1")
    if how == "single POST":
        answer = registry.post(f"/v2/alice/app/blobs/uploads/?digest={blob.digest}", data=blob.data)
    elif how == "POST and PUT":
        answer = registry.start_upload("alice/app").finish(blob.digest, blob.data)
    else:
        answer = registry.put(
            registry.start_upload("alice/app").with_query(f"digest={blob.digest}"), data=iter([blob.data])
        )
    assert answer.status_code == 201, answer.text
    assert used_bytes(place.server, "alice") == 300_000


def test_the_right_to_pass_is_bounded_by_the_size_of_what_is_there(place, registry, rng):
    """Nobody stages more under the name of a small blob that is there."""
    blob = registry.push_blob("alice/app", content.random_blob(rng, 1000))
    set_quota(place, "1")
    upload = registry.start_upload("alice/app")
    answer = registry.put(upload.with_query(f"digest={blob.digest}"), data=iter([rng.randbytes(2 * MIB)]))
    assert_error(answer, (403, 400), ("DENIED", "DIGEST_INVALID", "SIZE_INVALID"))
    assert content_bytes(place.server) < MIB


@pytest.mark.parametrize("limit", ["quota", "largest blob"])
@pytest.mark.parametrize("request_kind", ["PATCH", "PUT", "POST"])
def test_a_stated_length_is_answered_before_the_body(launch, rng, limit, request_kind):
    """Finally, and instead of 100 Continue."""
    place = Place(launch({"limits.upload_bytes": "1MiB"} if limit == "largest blob" else {}))
    registry = Registry(place.server, place.alice)
    registry.make_repository("alice/app")
    if limit == "quota":
        set_quota(place, "1MiB")
    digest = content.digest_of(b"whatever")
    upload = registry.start_upload("alice/app")
    target = {
        "PATCH": upload.path,
        "PUT": upload.path_with_query(f"digest={digest}"),
        "POST": f"/v2/alice/app/blobs/uploads/?digest={digest}",
    }[request_kind]
    headers = {
        **registry.authorization("alice/app"),
        "Content-Type": "application/octet-stream",
        "Content-Length": str(300 * MIB),
        "Expect": "100-continue",
    }
    with Connection(place.server) as connection:
        connection.send_head(request_kind, target, headers)
        answer = connection.read_head()
    assert answer.status == (403 if limit == "quota" else 413), answer


def test_staged_bytes_count(place, registry, rng):
    set_quota(place, "2MiB")
    answers = [registry.start_upload("alice/app").chunk(rng.randbytes(MIB), 0) for _ in range(6)]
    assert [answer.status_code for answer in answers].count(202) == 2
    assert_error(answers[-1], 403, "DENIED")
    assert content_bytes(place.server) <= 2 * MIB + 65536


def test_staged_bytes_that_are_given_up_count_no_more(place, registry, rng):
    set_quota(place, "2MiB")
    first = registry.start_upload("alice/app")
    assert first.chunk(rng.randbytes(3 * MIB // 2), 0).status_code == 202
    blob = content.random_blob(rng, MIB)
    assert_error(registry.start_upload("alice/app").finish(blob.digest, blob.data), 403, "DENIED")
    first.cancel()
    registry.push_blob("alice/app", blob)


def test_uploads_at_once_leave_no_more_than_fits(place, registry, rng):
    set_quota(place, "10MiB")
    blobs = [content.random_blob(rng, 6 * MIB) for _ in range(6)]
    uploads = [registry.start_upload("alice/app") for _ in blobs]
    registries = [Registry(place.server, place.alice) for _ in blobs]
    for upload, each in zip(uploads, registries):
        each.authorization("alice/app")
        upload.registry = each
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(lambda pair: pair[0].finish(pair[1].digest, pair[1].data).status_code,
                                 zip(uploads, blobs)))  # fmt: skip
    assert set(statuses) <= {201, 403}
    # Each of two that began together may have been told that the other's bytes are in the way.
    assert statuses.count(201) <= 1
    assert content_bytes(place.server) <= 10 * MIB + 65536
    if not statuses.count(201):
        registry.push_blob("alice/app", blobs[0])


def test_a_namespace_moves_with_all_that_counts(place, registry, rng):
    """Renaming a repository into another namespace takes manifests along in both accounts."""
    set_quota(place, "10MiB")
    registry.push_image("alice/app", rng, "v1", size=1000)
    used = used_bytes(place.server, "alice")
    answer = place.root.post("/organizations", {"name": "acme", "owner": "alice"})
    assert answer.status_code == 201, answer.text
    place.server.run("repo", "rename", "alice/app", "acme/app")
    assert used_bytes(place.server, "alice") == 0
    assert used_bytes(place.server, "acme") == used
    place.server.run("repo", "delete", "acme/app", "--yes")
    assert used_bytes(place.server, "acme") == 0
