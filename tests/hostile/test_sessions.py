"""Abandoned uploads give way, and a connection that died silently holds up nobody."""

import time

import pytest

from harness import content, process
from harness.raw import Connection
from harness.registry import Registry, assert_error
from hostile.conftest import Place

MIB = 1 << 20


@pytest.fixture
def place(launch):
    return Place(launch({"limits.upload_sessions_per_account": 100}))


def test_abandoned_uploads_give_way_to_new_ones(place, rng):
    registry = Registry(place.server, place.alice)
    first = registry.start_upload("alice/app")
    for _ in range(104):
        registry.start_upload("alice/app")
    assert_error(first.status(), 404, "BLOB_UPLOAD_UNKNOWN")
    registry.push_image("alice/app", rng, "latest")


def test_those_of_an_earlier_process_too(place, rng):
    registry = Registry(place.server, place.alice)
    for _ in range(100):
        registry.start_upload("alice/app")
    place.server.restart()
    registry.forget_tokens()
    registry.push_image("alice/app", rng, "latest")


def test_empty_ones_give_way_before_those_with_bytes(launch, rng):
    place = Place(launch({"limits.upload_sessions_per_account": 3}))
    registry = Registry(place.server, place.alice)
    full = registry.start_upload("alice/app")
    assert full.chunk(rng.randbytes(1000), 0).status_code == 202
    empty = registry.start_upload("alice/app")
    other = registry.start_upload("alice/app")
    newest = registry.start_upload("alice/app")
    assert_error(empty.status(), 404, "BLOB_UPLOAD_UNKNOWN")
    assert full.offset() == 1000
    assert other.status().status_code == newest.status().status_code == 204


def test_only_those_of_the_same_account_give_way(launch):
    place = Place(launch({"limits.upload_sessions_per_account": 3}))
    alice, mallory = Registry(place.server, place.alice), Registry(place.server, place.mallory)
    kept = alice.start_upload("alice/app")
    for _ in range(10):
        mallory.start_upload("mallory/x")
    assert kept.status().status_code == 204


def test_an_account_that_fills_the_registry_makes_room_itself(launch):
    place = Place(launch({"limits.upload_sessions": 6, "limits.upload_sessions_per_account": 6}))
    alice, mallory = Registry(place.server, place.alice), Registry(place.server, place.mallory)
    for _ in range(6):
        mallory.start_upload("mallory/x")
    kept = alice.start_upload("alice/app")
    for _ in range(6):
        mallory.start_upload("mallory/x")
    assert kept.status().status_code == 204


def test_robots_make_room_with_their_owner(launch, rng):
    """They have one share together, in what is theirs and in what is everybody's, also after a restart."""
    place = Place(launch({"limits.upload_sessions": 20, "limits.upload_sessions_per_account": 15}))
    alice = Registry(place.server, place.alice)
    Registry(place.server, place.mallory).make_repository("mallory/x")
    robots = [Registry(place.server, place.robot(place.mallory, "mallory/x", f"r{number}")) for number in range(10)]
    kept = [alice.start_upload("alice/app") for _ in range(3)]
    for upload in kept:
        assert upload.chunk(rng.randbytes(1000), 0).status_code == 202
    begun = [robot.start_upload("mallory/x") for robot in robots * 2]
    for _ in range(2):
        assert [upload.status().status_code for upload in kept] == [204] * 3
        assert sum(upload.status().status_code == 204 for upload in begun) == 15
        place.server.restart()
        for registry in (alice, *robots):
            registry.forget_tokens()
        robots[0].start_upload("mallory/x").cancel()
        begun.append(robots[0].start_upload("mallory/x"))


def test_uploads_that_are_written_to_are_not_taken(launch, rng):
    """All that an account may have are under way: then, and only then, it is told to wait, and how long."""
    place = Place(launch({"limits.upload_sessions_per_account": 2}))
    registry = Registry(place.server, place.alice)
    uploads = [registry.start_upload("alice/app") for _ in range(2)]
    connections = []
    for upload in uploads:
        connections.append(Connection(place.server))
        headers = {**registry.authorization("alice/app"), "Content-Length": "1000"}
        connections[-1].send_head("PATCH", upload.path, headers)
        connections[-1].send(b"x" * 10)
    process.wait_until(lambda: all(upload.offset() >= 10 for upload in uploads), "both to be under way", 10)
    refused = registry.post("/v2/alice/app/blobs/uploads/")
    assert_error(refused, 429, "TOOMANYREQUESTS")
    assert 1 <= int(refused.headers["Retry-After"]) <= 120
    for connection in connections:
        connection.send(b"x" * 990)
        assert connection.read_response().status == 202
        connection.close()


@pytest.fixture
def silent(place, rng):
    """A PATCH of 1,000,000 bytes whose connection died after 200,000."""
    registry = Registry(place.server, place.alice)
    upload = registry.start_upload("alice/app")
    data = rng.randbytes(MIB)
    connection = Connection(place.server)
    headers = {**registry.authorization("alice/app"), "Content-Length": str(MIB), "Content-Range": f"0-{MIB - 1}"}
    connection.send_head("PATCH", upload.path, headers)
    connection.send(data[:200_000])
    yield registry, upload, data, connection
    connection.close()


def test_what_has_arrived_is_told_meanwhile(silent):
    _, upload, _, _ = silent
    process.wait_until(lambda: upload.offset() == 200_000, "the bytes that were sent", 15)


def test_a_newer_request_takes_over_a_silent_one(silent):
    registry, upload, data, _ = silent
    process.wait_until(lambda: upload.offset() == 200_000, "the bytes that were sent", 15)
    deadline = time.monotonic() + 15
    while True:
        answer = upload.chunk(data[200_000:], 200_000)
        if answer.status_code == 202:
            break
        assert answer.status_code == 409, answer.text
        assert 1 <= int(answer.headers["Retry-After"]) <= 10, "409 says when"
        assert time.monotonic() < deadline, "the silent connection still has it"
        time.sleep(0.5)
    assert upload.finish(content.digest_of(data)).status_code == 201
    assert registry.get_blob("alice/app", content.digest_of(data)).content == data


def test_the_one_that_was_taken_over_writes_no_more(silent):
    registry, upload, data, connection = silent
    process.wait_until(lambda: upload.offset() == 200_000, "the bytes that were sent", 15)
    process.wait_until(lambda: upload.chunk(data[200_000:300_000], 200_000).status_code == 202, "the take-over", 15, 0.5)
    try:
        connection.send(b"z" * (MIB - 200_000))
        assert connection.read_response().status in (404, 408, 409, 499)
    except ConnectionError:
        pass
    assert upload.offset() == 300_000
    assert upload.chunk(data[300_000:], 300_000).status_code == 202
    assert upload.finish(content.digest_of(data)).status_code == 201


def test_a_silent_one_can_be_cancelled(silent):
    _, upload, _, _ = silent
    process.wait_until(lambda: upload.cancel().status_code == 204, "the session to be given up", 15, 0.5)


def test_a_busy_one_is_not_taken(place, rng):
    """Two at once, both sending: one is written, the other told no."""
    registry = Registry(place.server, place.alice)
    upload = registry.start_upload("alice/app")
    headers = {**registry.authorization("alice/app"), "Content-Length": "100000"}
    with Connection(place.server) as connection:
        connection.send_head("PATCH", upload.path, headers)
        for _ in range(20):
            connection.send(b"x" * 4000)
            time.sleep(0.1)
        assert_error(upload.chunk(b"y" * 10), 409, "BLOB_UPLOAD_INVALID")
        connection.send(b"x" * 20000)
        assert connection.read_response().status == 202
