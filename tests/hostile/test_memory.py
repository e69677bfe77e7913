"""Bodies that are read into memory are counted: by account, by network, and in all."""

import contextlib
import json
import resource
import selectors
import socket
import time

import pytest
import requests

from harness import content, process
from harness.raw import Connection
from harness.registry import Registry
from hostile.conftest import Place, assert_flat, best, measured

MIB = 1 << 20


@pytest.fixture(autouse=True)
def many_files():
    """Thousands of connections are open at once."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384) if hard > 0 else 16384, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hold(server, count, target, headers, size, method="POST", seconds=30):
    """`count` requests with a body of `size` bytes, of which the last ten never come. Sends until the server has taken
    all the rest or answered; returns the connections and the answers to those that got one."""
    connections = [Connection(server) for _ in range(count)]
    piece = b" " * 65536
    left, answered, deadline = {}, {}, time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for connection in connections:
            connection.send_head(method, target, {**headers, "Content-Length": str(size)})
            connection.socket.setblocking(False)
            left[connection] = size - 10
            selector.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
        while left and time.monotonic() < deadline:
            for key, events in selector.select(0.1):
                connection = key.data
                if events & selectors.EVENT_READ:
                    connection.socket.settimeout(20)
                    answered[connection] = connection.read_response()
                    left[connection] = 0
                else:
                    with contextlib.suppress(BlockingIOError, ConnectionError):
                        left[connection] -= connection.socket.send(piece[: left[connection]])
                if left[connection] == 0:
                    del left[connection]
                    selector.unregister(connection.socket)
    # Whoever was told no after the last byte.
    time.sleep(1)
    for connection in set(connections) - set(answered):
        connection.socket.setblocking(False)
        try:
            waiting = connection.socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, ConnectionError):
            continue
        if waiting:
            connection.socket.settimeout(20)
            answered[connection] = connection.read_response()
    return connections, list(answered.values())


def close_all(connections):
    for connection in connections:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()


@pytest.fixture
def place(launch):
    return Place(launch())


def test_unfinished_manifests_of_one_account_take_a_bounded_part_of_memory(place):
    server = place.server
    attacker, registry = Registry(server, place.mallory), Registry(server, place.alice)
    attacker.make_repository("mallory/x")
    image = content.Manifest(content.render({"schemaVersion": 2, "manifests": []}), content.OCI_INDEX)
    large = content.Manifest(image.data + b" " * MIB, content.OCI_INDEX)
    registry.push_manifest("alice/app", large, "v1")
    idle = best(lambda: registry.push_manifest("alice/app", large, "v1"), 3)
    before = server.memory()
    headers = {**attacker.authorization("mallory/x"), "Content-Type": content.OCI_INDEX}
    connections, answers = hold(server, 100, "/v2/mallory/x/manifests/t", headers, 4 * MIB, "PUT")
    try:
        grown = server.memory() - before
        measured(f"100 unfinished manifests of 4 MiB: {grown // MIB} MiB")
        assert grown < 150 * MIB, f"100 unfinished manifests took {grown // MIB} MiB"
        assert answers, "some are told no"
        for answer in answers:
            assert answer.status == 429 and answer.codes() == ["TOOMANYREQUESTS"], answer
            assert 1 <= int(answer.headers["retry-after"]) <= 600
        # Others push large manifests, and the account itself small ones.
        during = best(lambda: registry.push_manifest("alice/app", large, "v2"), 1)
        assert_flat(during, idle, "another account's push")
        assert attacker.push_manifest("mallory/x", image, "small")
    finally:
        close_all(connections)
    # What was held is free again once its holders have gone.
    deadline = time.monotonic() + 20
    while attacker.put_manifest("mallory/x", large, "v3").status_code != 201:
        assert time.monotonic() < deadline, "the account's part is never given back"
        time.sleep(0.2)


def settled(server):
    """Its memory, once that has stopped growing."""
    last = 0
    while (now := server.memory()) > last:
        last = now
        time.sleep(1)
    return now


def test_answers_that_nobody_takes_hold_a_bounded_part_of_memory(place, rng):
    server = place.server
    registry = Registry(server, place.mallory)
    subject = registry.push_image("mallory/app", rng, "v1")
    config = content.config_blob(rng)
    registry.push_blob("mallory/app", config)
    manifest = content.image_manifest(
        config, [], subject=subject.descriptor(), annotations={"a": "x" * (3 * MIB)}
    )
    registry.push_manifest("mallory/app", manifest)
    server.run("repo", "set", "mallory/app", "--visibility", "public")
    nobody = Registry(server)
    bearer = nobody.token("repository:mallory/app:pull")
    head = {"Authorization": f"Bearer {bearer}"}
    before = server.memory()
    readers = []
    try:
        for target in (f"referrers/{subject.digest}", f"manifests/{manifest.digest}"):
            for _ in range(60):
                readers.append(Connection(server, receive_buffer=4096))
                readers[-1].send_head("GET", f"/v2/mallory/app/{target}", head)
        grown = settled(server) - before
        measured(f"120 readers that take none of 3 MiB: {grown // MIB} MiB")
        assert grown < 150 * MIB, f"120 readers that take nothing hold {grown // MIB} MiB"
        # Who reads gets what is small, from the very same address, and others get all.
        assert nobody.get("/v2/mallory/app/tags/list").json()["tags"] == ["v1"]
        assert registry.get_manifest("mallory/app", manifest.digest).status_code == 200
        again = nobody.get(f"/v2/mallory/app/referrers/{subject.digest}")
        assert again.status_code == 429 and int(again.headers["Retry-After"]) >= 1
    finally:
        close_all(readers)
    process.wait_until(
        lambda: nobody.get(f"/v2/mallory/app/referrers/{subject.digest}").status_code == 200, "room again", 20
    )
def test_robots_have_no_memory_beside_their_owners(place):
    """Whoever makes robots makes no shares."""
    server = place.server
    registry = Registry(server, place.alice)
    manifest = content.Manifest(
        content.render({"schemaVersion": 2, "manifests": []}) + b" " * (20 << 10), content.OCI_INDEX
    )
    registry.push_manifest("alice/app", manifest, "v1")
    Registry(server, place.mallory).make_repository("mallory/x")
    connections, before = [], server.memory()
    try:
        for number in range(10):
            robot = place.robot(place.mallory, "mallory/x", f"r{number}")
            headers = {**Registry(server, robot).authorization("mallory/x"), "Content-Type": content.OCI_INDEX}
            for size in (4 * MIB, 64 << 10):
                held, _ = hold(server, 8, "/v2/mallory/x/manifests/t", headers, size, "PUT", 10)
                connections += held
        grown = server.memory() - before
        assert grown < 150 * MIB, f"ten robots of one account took {grown // MIB} MiB"
        registry.push_manifest("alice/app", manifest, "v2")
    finally:
        close_all(connections)


@pytest.mark.parametrize("kind", ["token", "sessions", "exchange"])
def test_unfinished_forms_of_strangers_take_a_bounded_part_of_memory(place, kind):
    server = place.server
    target, media_type = {
        "token": ("/token", "application/x-www-form-urlencoded"),
        "sessions": ("/api/v1/sessions", "application/json"),
        "exchange": ("/api/v1/workload/token", "application/json"),
    }[kind]
    before = server.memory()
    connections, answers = hold(server, 2000, target, {"Content-Type": media_type}, 64 << 10)
    try:
        grown = server.memory() - before
        measured(f"2,000 unfinished forms of 64 KiB ({kind}): {grown // MIB} MiB")
        assert grown < 100 * MIB, f"2,000 unfinished requests took {grown // MIB} MiB"
        assert answers and all(answer.status == 429 for answer in answers), {answer.status for answer in answers}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers)
        # A log-in is small, and gets through from the very same address.
        place.log_in_here()
        form = {"grant_type": "password", "username": "alice", "password": place.alice.password, "service": "bulkhead"}
        assert requests.post(server.url + "/token", data=form, timeout=60).status_code == 200
        body = json.dumps({"name": "alice", "password": place.alice.password})
        made = requests.post(server.url + "/api/v1/sessions", data=body, timeout=60,
                             headers={"Content-Type": "application/json"})  # fmt: skip
        assert made.status_code == 201
    finally:
        close_all(connections)


def test_a_waiting_client_costs_little_before_it_sends(place):
    """The stated length is no reason to set memory aside."""
    server = place.server
    attacker = Registry(server, place.mallory)
    attacker.make_repository("mallory/x")
    headers = {**attacker.authorization("mallory/x"), "Content-Type": content.OCI_INDEX}
    before = server.memory()
    connections = [Connection(server) for _ in range(500)]
    try:
        for connection in connections:
            connection.send_head("PUT", "/v2/mallory/x/manifests/t", {**headers, "Content-Length": str(4 * MIB)})
            connection.send(b"{")
        time.sleep(0.5)
        assert (server.memory() - before) / 500 < 40 << 10
    finally:
        close_all(connections)
