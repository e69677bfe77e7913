"""The layers on a disk of their own, the database on another."""

import shutil

import pytest

from harness import content, mounts
from harness.registry import Registry, Upload

pytestmark = pytest.mark.skipif(bool(mounts.lacks_privileges()), reason=mounts.lacks_privileges())


@pytest.mark.parametrize("how", ["another disk", "a volume of the same disk"])
def test_blobs_may_be_mounted(launch, rng, how):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "before")
    server.stop()
    blobs, elsewhere = server.data / "blobs", server.folder / "elsewhere"
    shutil.move(blobs, elsewhere)
    blobs.mkdir(mode=0o700)
    if how == "another disk":
        mounts.tmpfs(blobs, "64m")
        shutil.copytree(elsewhere, blobs, dirs_exist_ok=True)
    else:
        mounts.bind(elsewhere, blobs)
    try:
        server.start()
        assert registry.get_manifest("alice/app", "before").content == manifest.data
        registry.push_image("alice/app", rng, "after", size=100_000)
        upload = Upload(registry, registry.post("/v2/alice/app/blobs/uploads/"))
        blob = content.random_blob(rng, 50_000)
        assert upload.chunk(blob.data).status_code == 202
        server.restart()
        assert upload.finish(blob.digest).status_code == 201
        server.stop()
    finally:
        mounts.unmount(blobs)


def test_a_mount_inside_of_blobs_is_refused(launch):
    """Files could not move to it; the start says so, and not the first push."""
    server = launch()
    server.create_user("alice")
    server.stop()
    inside = server.data / "blobs" / "sha256"
    mounts.bind(inside, inside)
    try:
        said = server.refuses_to_start()
    finally:
        mounts.unmount(inside)
    assert str(inside) in said and "mount" in said and "as a whole" in said


def test_uploads_of_an_earlier_version_go_on(launch, rng):
    """It had them beside `blobs`."""
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "before")
    upload = Upload(registry, registry.post("/v2/alice/app/blobs/uploads/"))
    blob = content.random_blob(rng, 50_000)
    assert upload.chunk(blob.data[:30_000]).status_code == 202
    server.stop()
    shutil.move(server.data / "blobs" / "staging", server.data / "staging")
    server.start()
    assert not (server.data / "staging").exists()
    assert upload.offset() == 30_000
    assert upload.finish(blob.digest, blob.data[30_000:]).status_code == 201
