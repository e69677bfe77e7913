"""Many clients at once: what one is told must be true for all."""

import collections
import random
import threading
import time

import pytest

from harness import content, raw
from harness.registry import Registry, assert_error


def at_once(functions):
    """Runs all of them at the same moment, each in a thread; their results in order. An exception is raised here."""
    barrier = threading.Barrier(len(functions))
    results = [None] * len(functions)

    def call(position, function):
        barrier.wait()
        try:
            results[position] = function()
        except Exception as problem:  # handed to the caller's thread below
            results[position] = problem

    threads = [threading.Thread(target=call, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


@pytest.fixture
def clients(server, alice):
    """Sixteen independent connections of alice."""
    return [Registry(server, alice) for _ in range(16)]


def test_two_patches_on_one_session(server, registry, repository, rng):
    """security.md 10: one is taken, the other refused, and no bytes are mixed."""
    for _ in range(5):
        upload = registry.start_upload(repository)
        bodies = [bytes([number]) * 3_000_000 for number in (1, 2)]
        authorization = registry.authorization(repository)
        connections = [raw.Connection(server) for _ in bodies]

        def patch(connection, body):
            connection.send_head("PATCH", upload.path, {**authorization, "Content-Length": len(body)})
            # In steps, so that both requests are under way for certain.
            try:
                for start in range(0, len(body), 500_000):
                    connection.send(body[start : start + 500_000])
                    time.sleep(0.01)
            except ConnectionError:
                pass  # refused before the body was read
            return connection.read_response().status

        statuses = at_once(
            [lambda c=connection, b=body: patch(c, b) for connection, body in zip(connections, bodies)]
        )
        for connection in connections:
            connection.close()
        accepted = [position for position, status in enumerate(statuses) if status == 202]
        assert len(accepted) == 1, statuses
        assert statuses[1 - accepted[0]] in (409, 416, 423, 429), statuses
        winner = bodies[accepted[0]]
        assert upload.offset() == len(winner)
        assert upload.finish(content.digest_of(winner)).status_code == 201


def test_sixteen_clients_push_the_same_blob(clients, repository, rng):
    blob = content.random_blob(rng, 500_000)
    at_once([lambda c=client: c.push_blob(repository, blob) for client in clients])
    assert clients[0].get_blob(repository, blob.digest).content == blob.data


def test_sixteen_clients_push_images_of_their_own(clients, repository, rng, request):
    seed = request.config.getoption("--seed")

    def push(number):
        own = random.Random(f"{seed} {number}")
        return [
            clients[number].push_image(f"{repository}-{number % 4}", own, f"tag-{number}-{turn}", layers=2)
            for turn in range(3)
        ]

    pushed = at_once([lambda n=number: push(n) for number in range(16)])
    for number, manifests in enumerate(pushed):
        for turn, manifest in enumerate(manifests):
            response = clients[0].get_manifest(f"{repository}-{number % 4}", f"tag-{number}-{turn}")
            assert response.content == manifest.data


def test_racing_tag_moves_leave_one_of_them(clients, repository, rng):
    manifests = [clients[0].push_image(repository, rng) for _ in clients]
    at_once(
        [
            lambda c=client, m=manifest: c.push_manifest(repository, m, "latest")
            for client, manifest in zip(clients, manifests)
        ]
    )
    winner = clients[0].get_manifest(repository, "latest").content
    assert winner in [manifest.data for manifest in manifests]
    # Every reader agrees, whatever it had cached.
    for client in clients:
        assert client.get_manifest(repository, "latest").content == winner


def test_immutable_tag_is_set_once(server, clients, repository, rng):
    """security.md 16: racing or not, one wins and the others are told so."""
    manifests = [clients[0].push_image(repository, rng) for _ in clients]
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    for tag in ("v1", "v2", "v3"):
        responses = at_once(
            [
                lambda c=client, m=manifest: c.put_manifest(repository, m, tag)
                for client, manifest in zip(clients, manifests)
            ]
        )
        counts = collections.Counter(response.status_code for response in responses)
        assert counts == {201: 1, 409: len(clients) - 1}
        for response in responses:
            if response.status_code == 409:
                assert_error(response, 409, "DENIED")
        winner = manifests[[response.status_code for response in responses].index(201)]
        assert clients[0].get_manifest(repository, tag).content == winner.data
        assert clients[0].put_manifest(repository, winner, tag).status_code == 201


def test_immutable_tag_is_not_deleted_and_others_move(server, registry, repository, rng):
    first, second = registry.push_image(repository, rng, "v1"), registry.push_image(repository, rng)
    registry.push_manifest(repository, first, "latest")
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    assert registry.delete(f"/v2/{repository}/manifests/v1").status_code == 409
    assert registry.delete(f"/v2/{repository}/manifests/{first.digest}").status_code == 409
    assert registry.put_manifest(repository, second, "latest").status_code == 201
    assert registry.get_manifest(repository, "v1").content == first.data


def test_delete_races_push(clients, repository, rng):
    """An acknowledged push that nobody deleted afterwards is there."""
    blob = content.random_blob(rng, 10_000)
    config = clients[0].push_blob(repository, content.config_blob(rng))
    manifest = content.image_manifest(config, [])
    clients[0].push_manifest(repository, manifest, "kept")

    def push(client):
        for _ in range(10):
            client.push_blob(repository, blob)
            assert client.put_manifest(repository, manifest, "raced").status_code == 201

    def delete(client):
        for _ in range(10):
            assert client.delete(f"/v2/{repository}/blobs/{blob.digest}").status_code in (202, 404)
            assert client.delete(f"/v2/{repository}/manifests/raced").status_code in (202, 404)

    at_once(
        [lambda c=client: push(c) for client in clients[:4]] + [lambda c=client: delete(c) for client in clients[4:8]]
    )
    clients[0].push_blob(repository, blob)
    assert clients[0].get_blob(repository, blob.digest).content == blob.data
    assert clients[0].put_manifest(repository, manifest, "raced").status_code == 201
    assert clients[0].get_manifest(repository, "raced").content == manifest.data
    assert clients[0].get_manifest(repository, "kept").content == manifest.data


def test_manifest_is_never_accepted_without_its_blob(clients, repository, rng):
    """Deleting a blob races the manifest that refers to it; an accepted manifest's blob can be read."""
    for turn in range(10):
        config = clients[0].push_blob(repository, content.config_blob(rng))
        manifest = content.image_manifest(config, [], annotations={"turn": str(turn)})
        put, _ = at_once(
            [
                lambda: clients[0].put_manifest(repository, manifest, f"turn-{turn}"),
                lambda: clients[1].delete(f"/v2/{repository}/blobs/{config.digest}"),
            ]
        )
        if put.status_code == 404 or put.status_code == 400:
            assert clients[0].get_manifest(repository, f"turn-{turn}").status_code == 404


def test_readers_see_old_or_new_and_nothing_between(clients, repository, rng):
    versions = [clients[0].push_image(repository, rng) for _ in range(2)]
    clients[0].push_manifest(repository, versions[0], "latest")
    known = {version.data: version.digest for version in versions}
    stop = threading.Event()

    def read(client):
        count = 0
        while not stop.is_set():
            response = client.get_manifest(repository, "latest")
            assert response.status_code == 200
            assert known[response.content] == response.headers["Docker-Content-Digest"]
            count += 1
        return count

    def write(client):
        try:
            for turn in range(60):
                client.push_manifest(repository, versions[turn % 2], "latest")
        finally:
            stop.set()
        return 1

    assert all(at_once([lambda: write(clients[0]), *[lambda c=client: read(c) for client in clients[1:8]]]))


def test_repository_is_created_once(server, clients, repository, rng):
    blob = content.random_blob(rng, 100)
    at_once([lambda c=client: c.push_blob(repository + "-new", blob) for client in clients])
    found = server.run("audit", "query", "--repository", repository + "-new", "--json").stdout
    assert found.count('"repository_created"') == 1


def test_revocation_under_load(server, alice, repository, rng):
    """Revocation takes effect on the next request: none that began after the command returned is served."""
    registry = Registry(server, alice)
    registry.push_image(repository, rng, "latest")
    member = server.create_user("loadmember")
    server.run("grant", "set", member.name, "reader", repository)
    clients = [Registry(server, member) for _ in range(6)]
    revoked = threading.Event()
    stop = threading.Event()

    def read(client):
        late = 0
        while not stop.is_set():
            began_after = revoked.is_set()
            status = client.get_manifest(repository, "latest").status_code
            late += began_after and status == 200
        return late

    def revoke():
        time.sleep(0.3)
        server.run("grant", "remove", member.name, repository)
        revoked.set()
        time.sleep(0.3)
        stop.set()
        return 0

    assert sum(at_once([revoke, *[lambda c=client: read(c) for client in clients]])) == 0


def test_many_slow_readers_do_not_starve_the_others(server, registry, repository):
    blob = content.Blob(bytes(range(256)) * (32 << 12))
    registry.push_blob(repository, blob)
    authorization = registry.authorization(repository)
    slow = [raw.Connection(server, receive_buffer=4096) for _ in range(100)]
    try:
        for connection in slow:
            connection.send_head("GET", f"/v2/{repository}/blobs/{blob.digest}", authorization)
        started = time.monotonic()
        for _ in range(20):
            assert registry.head(f"/v2/{repository}/blobs/{blob.digest}").status_code == 200
        assert time.monotonic() - started < 60 * server.patience
    finally:
        for connection in slow:
            connection.close()


def test_log_ins_at_once_wait_their_turn(server):
    """Password hashing is bounded: 40 log-ins at once end in an answer each, without a queue of gigabytes."""
    user = server.create_user("many-logins")
    clients = [Registry(server, user) for _ in range(40)]
    responses = at_once([lambda c=client: c.request_token("registry:catalog:*") for client in clients])
    statuses = collections.Counter(response.status_code for response in responses)
    assert set(statuses) <= {200, 503}, statuses
    assert statuses[200] >= 1
