"""What is stored and has rotted, or is missing, is told as not there, so that pushing it again repairs it."""

import pytest

from harness import content, process
from harness.registry import Registry, assert_error


def flip(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


HARMS = {
    "flipped": flip,
    "shortened": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "lengthened": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "emptied": lambda path: path.write_bytes(b""),
    "missing": lambda path: path.unlink(),
}


def file_of(server, digest):
    hexadecimal = digest.partition(":")[2]
    return server.data / "blobs" / "sha256" / hexadecimal[:2] / hexadecimal


@pytest.fixture
def pushed(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    return server, registry, registry.push_image("alice/app", rng, "latest")


@pytest.mark.parametrize("harm", HARMS)
def test_a_manifest_is_pushed_again(pushed, harm):
    server, registry, manifest = pushed
    server.stop()
    HARMS[harm](file_of(server, manifest.digest))
    server.start()
    for reference in ("latest", manifest.digest):
        assert registry.head(f"/v2/alice/app/manifests/{reference}").status_code == 404
        assert_error(registry.get_manifest("alice/app", reference), 404, "MANIFEST_UNKNOWN")
    assert manifest.digest in server.log() and "cannot be read" in server.log()
    registry.push_manifest("alice/app", manifest, "latest")
    assert registry.get_manifest("alice/app", "latest").content == manifest.data


@pytest.mark.parametrize("harm", HARMS)
def test_a_blob_is_pushed_again(pushed, rng, harm):
    server, registry, _ = pushed


    blob = registry.push_blob("alice/app", content.random_blob(rng, 3000))
    server.stop()
    HARMS[harm](file_of(server, blob.digest))
    server.start()

    def answer():
        # The first that reads what was flipped finds out, and is cut off.
        try:
            response = registry.get_blob("alice/app", blob.digest)
        except OSError:
            return None
        return [response] if response.status_code != 200 or len(response.content) == len(blob.data) else None

    found = process.wait_until(answer, "an answer in full")
    assert_error(found[0], 404, "BLOB_UNKNOWN")
    assert blob.digest in server.log()
    registry.push_blob("alice/app", blob)
    assert registry.get_blob("alice/app", blob.digest).content == blob.data
