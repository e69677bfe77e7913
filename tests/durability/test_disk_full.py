"""A full disk: pushes are answered 507, and everything else goes on (security.md 18)."""

import contextlib

import pytest

from harness import content, mounts
from harness.registry import Registry


@pytest.fixture
def small_disk(new_server):
    """A server whose data directory has a file system of 48 MiB of its own."""
    reason = mounts.lacks_privileges()
    if reason:
        pytest.skip(f"a small file system {reason}")
    server = new_server()
    mounts.tmpfs(server.data, 48 << 20)
    yield server
    server.close()
    mounts.unmount(server.data)


def test_a_start_on_a_full_disk_says_what_may_go(small_disk):
    server = small_disk.start()
    server.create_user("alice")
    server.stop()
    (server.data / "blobs" / "staging" / "unfinished").write_bytes(b"x" * (8 << 20))
    filler = server.data / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 65536)
    said = server.refuses_to_start()
    assert "full" in said or "space" in said
    assert "staging/" in said
    (server.data / "blobs" / "staging" / "unfinished").unlink()
    server.start()
    assert "alice" in server.run("user", "list").stdout


def fill(registry, repository, rng):
    """Pushes blobs until one is refused: those that were taken, and the refusal."""
    taken = []
    for _ in range(200):
        blob = content.random_blob(rng, 1 << 20)
        start = registry.post(f"/v2/{repository}/blobs/uploads/")
        if start.status_code != 202:
            return taken, start
        location = start.headers["Location"]
        response = registry.put(f"{location}{'&' if '?' in location else '?'}digest={blob.digest}", data=blob.data)
        if response.status_code != 201:
            return taken, response
        taken.append(blob)
    raise AssertionError("the disk never filled")


def test_pulls_and_deletes_go_on(small_disk, rng):
    server = small_disk.start()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "latest")
    taken, refusal = fill(registry, "alice/app", rng)
    assert refusal.status_code == 507
    assert refusal.json()["errors"][0]["message"]
    assert len(taken) > 10

    for blob in taken:
        assert registry.get_blob("alice/app", blob.digest).content == blob.data
    assert registry.get_manifest("alice/app", "latest").content == manifest.data
    registry.forget_tokens()
    assert registry.get("/v2/alice/app/tags/list").json()["tags"] == ["latest"]
    assert server.get("/healthz").status_code == 200

    for blob in taken[:5]:
        assert registry.delete(f"/v2/alice/app/blobs/{blob.digest}").status_code == 202
        assert registry.get_blob("alice/app", blob.digest).status_code == 404
    assert registry.get_blob("alice/app", taken[-1].digest).content == taken[-1].data


def test_nothing_acknowledged_is_lost_over_a_restart(small_disk, rng):
    server = small_disk.start()
    registry = Registry(server, server.create_user("alice"))
    taken, _ = fill(registry, "alice/app", rng)
    server.restart()
    for blob in taken:
        assert registry.get_blob("alice/app", blob.digest).content == blob.data
