"""Acknowledged means durable: kill -9 in the middle of everything, and all that was acknowledged is there and whole."""

import contextlib
import random
import threading

import pytest
import requests

from harness import content
from harness.registry import Registry, Upload

ROUNDS = 6


class Pusher(threading.Thread):
    """Pushes images until the server is gone, and remembers what was acknowledged."""

    def __init__(self, server, user, number, seed):
        super().__init__()
        self.registry = Registry(server, user)
        self.registry.timeout = 5
        self.repository = f"{user.name}/crash-{number}"
        self.rng = random.Random(f"{seed} {number}")
        self.blobs, self.manifests, self.tags, self.deleted = {}, {}, {}, set()
        # A tag whose move was under way: the old and the new digest are both right.
        self.unsure = {}
        self.turn = 0

    def run(self):
        try:
            while True:
                self.push_one()
        except (requests.RequestException, AssertionError):
            return  # the server is gone; an answer other than success is acknowledged as nothing

    def push_one(self):
        self.turn += 1
        layer = content.random_blob(self.rng, self.rng.randrange(1, 200_000))
        config = content.config_blob(self.rng)
        for blob in (layer, config):
            self.push(blob)
            self.blobs[blob.digest] = blob.data
        manifest = content.image_manifest(config, [layer])
        for tag in ("latest", f"t{self.turn}"):
            self.unsure[tag] = {self.tags.get(tag), manifest.digest}
            self.registry.push_manifest(self.repository, manifest, tag)
            self.manifests[manifest.digest] = manifest.data
            self.tags[tag] = manifest.digest
            del self.unsure[tag]

    def push(self, blob):
        way = self.rng.randrange(3)
        upload = self.registry.start_upload(self.repository)
        if way == 0:
            response = upload.finish(blob.digest, blob.data)
        else:
            half = len(blob.data) // 2
            if half:
                assert upload.chunk(blob.data[:half], 0).status_code == 202
            response = upload.finish(blob.digest, blob.data[half:])
        assert response.status_code == 201

    def check(self, registry):
        for digest, data in self.blobs.items():
            response = registry.get_blob(self.repository, digest)
            assert response.status_code == 200, f"{self.repository} lost the acknowledged blob {digest}"
            assert response.content == data
        for digest, data in self.manifests.items():
            response = registry.get_manifest(self.repository, digest)
            assert response.status_code == 200, f"{self.repository} lost the acknowledged manifest {digest}"
            assert response.content == data
        for tag, digest in self.tags.items():
            response = registry.get_manifest(self.repository, tag)
            assert response.status_code == 200, f"{self.repository} lost the acknowledged tag {tag}"
            found = response.headers["Docker-Content-Digest"]
            assert found in self.unsure.get(tag, {digest}), f"{self.repository}:{tag}"


def test_kill_in_the_middle_of_pushes(new_server, request):
    seed = request.config.getoption("--seed")
    rng = random.Random(seed)
    server = new_server()
    user = server.create_user("alice")
    server.start()
    everything = []
    for turn in range(ROUNDS):
        pushers = [Pusher(server, user, f"{turn}-{number}", seed) for number in range(6)]
        for pusher in pushers:
            pusher.start()
        threading.Event().wait(rng.uniform(0.3, 1.5) * server.patience)
        server.crash()
        for pusher in pushers:
            pusher.join()
        server.start()
        everything += pushers
        registry = Registry(server, user)
        for pusher in pushers:
            pusher.check(registry)
    assert sum(len(pusher.blobs) for pusher in everything) > 10, "the test killed too early to mean anything"
    registry = Registry(server, user)
    for pusher in everything:
        pusher.check(registry)
    # And it goes on working: the same content once more, into the same repositories.
    for pusher in everything[-6:]:
        pusher.registry = registry
        pusher.push_one()


def test_upload_resumes_after_a_crash(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    blob = content.random_blob(rng, 3_000_000)
    upload = registry.start_upload("alice/app")
    upload.chunk(blob.data[:2_000_000], 0)
    server.crash()
    server.start()
    resumed = Upload(registry, upload.status())
    offset = resumed.offset()
    assert offset <= 2_000_000
    assert resumed.chunk(blob.data[offset:], offset).status_code == 202
    assert resumed.finish(blob.digest).status_code == 201
    assert registry.get_blob("alice/app", blob.digest).content == blob.data


def test_events_survive_a_crash(launch, rng):
    """No change without its evidence."""
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "latest")
    registry.get_manifest("alice/app", "latest")
    server.crash()
    server.start()
    found = server.run("audit", "query", "--digest", manifest.digest, "--json").stdout
    for action in ("manifest_pushed", "tag_set", "manifest_pulled"):
        assert f'"{action}"' in found, action


def test_restart_keeps_everything(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "latest")
    server.restart()
    # A token of before is as good as before.
    assert registry.get_manifest("alice/app", "latest").content == manifest.data


def test_rotted_blob_is_never_a_complete_answer(new_server, rng):
    """Bytes are sacred: what no longer matches its digest is not served as valid."""
    server = new_server({"storage.verify_interval": "1s"})
    user = server.create_user("alice")
    server.start()
    registry = Registry(server, user)
    blob = registry.push_blob("alice/app", content.random_blob(rng, 200_000))
    server.stop()
    stored = [
        path
        for path in server.data.rglob("*")
        if path.is_file() and path.stat().st_size == len(blob.data) and path.read_bytes() == blob.data
    ]
    assert len(stored) == 1
    stored[0].chmod(0o600)
    with stored[0].open("r+b") as file:
        file.seek(100_000)
        file.write(b"rotten")
    threading.Event().wait(1.5)
    server.start()
    try:
        response = registry.get_blob("alice/app", blob.digest)
    except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
        return  # cut off: no client takes that for the whole
    assert response.status_code >= 500 or len(response.content) < len(blob.data)


@pytest.mark.parametrize("damage", ["rotten", "missing"])
def test_a_damaged_blob_is_not_offered_until_it_is_pushed_again(launch, rng, damage):
    """Clients ask with HEAD, or for a mount, before they push: what they are told is there they never send."""
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    blob = registry.push_blob("alice/app", content.random_blob(rng, 200_000))
    registry.push_blob("alice/other", blob)
    registry.push_blob("alice/other", content.random_blob(rng, 1000))
    server.stop()
    algorithm, hexadecimal = blob.digest.split(":")
    stored = server.data / "blobs" / algorithm / hexadecimal[:2] / hexadecimal
    if damage == "missing":
        stored.unlink()
    else:
        with stored.open("r+b") as file:
            file.seek(100_000)
            file.write(b"rotten")
    server.start()
    for repository in ("alice/app", "alice/other"):
        with contextlib.suppress(requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            assert registry.get_blob(repository, blob.digest).content != blob.data

    def asked(repository):
        return registry.head(f"/v2/{repository}/blobs/{blob.digest}").status_code

    def mounted(query):
        return registry.post(f"/v2/alice/new/blobs/uploads/?mount={blob.digest}{query}", also=["alice/app"]).status_code

    assert (asked("alice/app"), asked("alice/other")) == (404, 404)
    assert (mounted("&from=alice/app"), mounted("")) == (202, 202)
    registry.push_blob("alice/app", blob)
    assert (asked("alice/app"), asked("alice/other")) == (200, 200)
    for repository in ("alice/app", "alice/other"):
        assert registry.get_blob(repository, blob.digest).content == blob.data
    assert mounted("&from=alice/app") == 201


@pytest.mark.parametrize("mode", ["empty", "absent"])
def test_first_start(new_server, mode):
    server = new_server()
    if mode == "empty":
        server.data.mkdir()
    server.start()
    assert server.setup_token()
