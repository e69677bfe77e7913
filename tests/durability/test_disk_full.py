"""A full disk: pushes are answered 507, and everything else goes on (security.md 18)."""

import contextlib
import json

import pytest
import requests

from harness import content, mounts, process
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


def fill_to_the_last_byte(server, name):
    filler = server.data / name
    for size in (65536, 1):
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(b"x" * size)
    return filler


def test_a_server_starts_on_a_full_disk_and_pulls_and_deletes(small_disk, rng):
    server = small_disk.start()
    registry = Registry(server, server.create_user("alice"))
    images = [registry.push_image("alice/app", rng, f"v{number}") for number in range(10)]
    server.stop()
    filler = fill_to_the_last_byte(server, "filler")
    server.start()
    assert "the disk is full" in server.log()
    for number, image in enumerate(images):
        assert registry.get_manifest("alice/app", f"v{number}").content == image.data
    for image in images[:9]:
        assert registry.delete(f"/v2/alice/app/manifests/{image.digest}").status_code == 202
    assert registry.get("/v2/alice/app/tags/list").json()["tags"] == ["v9"]
    server.run("repo", "delete", "alice/app", "--yes")
    # And again, until there is room.
    server.restart()
    filler.unlink()
    process.wait_until((server.data / "reserve").exists, "the reserve to be taken back", 30)
    registry.push_image("alice/other", rng, "v1")


def test_a_disk_that_fills_under_the_server_lets_it_delete(small_disk, rng):
    server = small_disk.start()
    registry = Registry(server, server.create_user("alice"))
    image = registry.push_image("alice/app", rng, "v1")
    fill_to_the_last_byte(server, "filler")

    def deleted():
        return registry.delete(f"/v2/alice/app/manifests/{image.digest}").status_code == 202

    process.wait_until(deleted, "the reserve to be given up", 30)


def test_a_start_on_a_full_disk_without_its_reserve_says_what_may_go(small_disk):
    server = small_disk.start()
    server.create_user("alice")
    server.stop()
    (server.data / "reserve").unlink(missing_ok=True)
    (server.data / "blobs" / "staging" / "unfinished").write_bytes(b"x" * (8 << 20))
    fill_to_the_last_byte(server, "filler")
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


def test_a_small_disk_keeps_a_tenth_and_everybody_says_so(small_disk):
    server = small_disk.start()
    found = dict(
        line.rsplit(" ", 1)
        for line in requests.get(server.url + "/metrics", timeout=30).text.splitlines()
        if line.startswith("bulkhead_disk_")
    )
    size, kept = (int(float(found[f"bulkhead_disk_{name}_bytes"])) for name in ("size", "reserve"))
    assert kept == size // 10 < int(float(found["bulkhead_disk_free_bytes"]))
    told = server.run("doctor", "--json", check=False).stdout
    room = next(each for each in json.loads(told)["checks"] if each["name"] == "disk")
    assert f"pushes leave {kept >> 20} MiB free" in room["detail"], room
