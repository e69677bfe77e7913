"""What is measured, and the target of each figure."""

import dataclasses
import random
import statistics
import time

from harness import content as contents
from parts import load
from parts.peers import Target

MIB = 1 << 20


@dataclasses.dataclass(frozen=True)
class Sizes:
    rounds: int
    seconds: int  # of each wrk run
    download: int  # bytes of the downloaded blob
    downloads: int  # in each round
    push: int  # bytes of the large push
    clients_each: int  # blobs of each of the 16 clients
    readers: int
    reading: int  # seconds of slow reading
    uploads: int

    def with_rounds(self, rounds):
        return dataclasses.replace(self, rounds=rounds)


FULL = Sizes(5, 4, 100 * 10**6, 10, 1 << 30, 40, 1000, 15, 200)
QUICK = Sizes(1, 1, 10 * 10**6, 3, 64 * MIB, 4, 100, 2, 40)


@dataclasses.dataclass(frozen=True)
class Result:
    """A figure, and its target: at least `target` times that of another, or at most `target` when there is no other.

    Without a target it is there to be known.
    """

    name: str
    ours: float
    unit: str
    target: float | None
    other_name: str = ""
    other: float = 0.0

    @property
    def ratio(self):
        return self.ours / self.other if self.other_name else self.ours

    @property
    def score(self):
        """1 is the target reached exactly, more is better."""
        if self.target is None:
            return 1
        return self.ratio / self.target if self.other_name else self.target / self.ours

    @property
    def reached(self):
        return self.score >= 1

    def summary(self):
        if not self.other_name:
            return f"{self.name}: {self.ours:,.1f} {self.unit} (at most {self.target:g})"
        wanted = "" if self.target is None else f" (at least {self.target:g}x)"
        return (
            f"{self.name}: {self.ours:,.0f} {self.unit}, {self.ratio:.2f}x the {self.other:,.0f} of {self.other_name}"
            + wanted
        )


def manifests(peers, sizes):
    """The same manifest by tag and by digest from all three."""
    repository = "bench/manifests"
    rng = random.Random(1)
    config = contents.config_blob(rng)
    layers = [contents.random_blob(rng) for _ in range(6)]
    manifest = contents.image_manifest(config, layers)
    for target in (peers.bulkhead, peers.docker_registry):
        for blob in (config, *layers):
            target.registry.push_blob(repository, blob)
        target.registry.push_manifest(repository, manifest, "latest")
    results = []
    for way, reference in (("tag", "latest"), ("digest", manifest.digest)):
        path = f"/v2/{repository}/manifests/{reference}"
        peers.nginx.put(path, manifest.data)

        def requests(peer, path=path):
            server = getattr(peer, "server", peer)
            headers = {"Accept": manifest.media_type, **peer.headers(repository)}
            return lambda: load.wrk(server.url + path, headers, sizes.seconds)

        found = load.interleaved(
            sizes.rounds,
            {peer.name: requests(peer) for peer in (peers.bulkhead, peers.docker_registry, peers.nginx)},
        )
        for other, target in (("docker-registry", 25), ("nginx", 0.6)):
            results.append(
                Result(f"manifest GET by {way}", found["bulkhead"], "requests/s", target, other, found[other])
            )
    return results


def blob_downloads(peers, sizes):
    repository = "bench/downloads"
    blob = contents.random_blob(random.Random(2), sizes.download)
    path = f"/v2/{repository}/blobs/{blob.digest}"
    peers.nginx.put(path, blob.data)
    for target in (peers.bulkhead, peers.docker_registry):
        target.registry.push_blob(repository, blob)

    def downloads(peer):
        server = getattr(peer, "server", peer)
        return lambda: load.download(server, path, peer.headers(repository), sizes.downloads) / 1e6

    found = load.interleaved(
        sizes.rounds, {peer.name: downloads(peer) for peer in (peers.bulkhead, peers.docker_registry, peers.nginx)}
    )
    name = f"blob GET of {sizes.download // 10**6} MB"
    return [
        Result(name, found["bulkhead"], "MB/s", 0.95, "nginx", found["nginx"]),
        Result(name, found["bulkhead"], "MB/s", None, "docker-registry", found["docker-registry"]),
    ]


def large_pushes(peers, sizes):
    content = load.Content(peers.folder / "large", sizes.push)
    hashing = load.openssl_digest(content) / 1e6
    results = []
    for way in ("monolithic", "chunked"):

        def push(target, chunked=way == "chunked"):
            return lambda: load.push_file(target, "bench/pushes", content, chunked) / 1e6

        found = load.interleaved(
            sizes.rounds,
            {
                "bulkhead": push(peers.bulkhead),
                "docker-registry": push(peers.docker_registry),
                "a synced copy": lambda: load.copy_synced(content, peers.folder) / 1e6,
            },
        )
        name = f"blob push of {sizes.push // MIB} MiB, {way}"
        for other, target in (("docker-registry", 4), ("a synced copy", 0.8)):
            results.append(Result(name, found["bulkhead"], "MB/s", target, other, found[other]))
        results.append(Result(name, found["bulkhead"], "MB/s", None, "openssl dgst -sha256", hashing))
    content.path.unlink()
    return results


def small_pushes(peers, sizes):
    def push(target):
        return lambda: load.push_small(target, "bench/small", 16, sizes.clients_each)

    found = load.interleaved(
        sizes.rounds, {target.name: push(target) for target in (peers.bulkhead, peers.docker_registry)}
    )
    return [
        Result(
            "16 clients pushing 1 MiB blobs",
            found["bulkhead"],
            "blobs/s",
            3,
            "docker-registry",
            found["docker-registry"],
        )
    ]


def starting(peers, sizes):
    """From starting the program to its first 200 on /readyz, on an installation that is there."""
    server = peers.new_bulkhead().server
    server.patience_between_looks = 0.002
    milliseconds = []
    for _ in range(2 * sizes.rounds):
        server.stop()
        began = time.monotonic()
        server.start()
        milliseconds.append(1000 * (time.monotonic() - began))
    return [
        Result("start to ready", statistics.median(milliseconds), "ms", 500),
        Result("size of the program", server.binary.stat().st_size / MIB, "MiB", 16),
    ]


def memory(peers, sizes):
    """On a server of its own, in this order: idle, slow readers, uploads."""
    target = peers.new_bulkhead()
    time.sleep(2)
    results = [Result("resident memory, idle", target.memory() / MIB, "MiB", 40)]

    content = load.Content(peers.folder / "slow", sizes.push)
    digest = content.renew()
    connection_headers = target.headers("bench/slow")
    with content.path.open("rb") as file:
        response = target.registry.start_upload("bench/slow").finish(digest, file)
        assert response.status_code == 201, response.text
    content.path.unlink()
    peak = load.peak_with_slow_readers(
        target, f"/v2/bench/slow/blobs/{digest}", connection_headers, sizes.readers, sizes.reading
    )
    results.append(
        Result(f"resident memory, {sizes.readers} slow readers of one blob", peak / MIB, "MiB", 100)
    )

    # An account may have 100 sessions open, so there are four.
    target = peers.new_bulkhead()
    users = [target.server.create_user(f"bench{number}") for number in range(4)]
    uploaders = [Target(user.name, target.server, user) for user in users]
    peak = load.peak_with_uploads(uploaders, sizes.uploads, 4 * MIB)
    results.append(Result(f"resident memory, {sizes.uploads} uploads at once", peak / MIB, "MiB", 128))
    return results


ALL = [manifests, blob_downloads, large_pushes, small_pushes, starting, memory]
