"""What manifests refer to is written down cheaply, counts, and goes without anybody waiting for it."""

import itertools
import sqlite3
import statistics

import pytest

from harness import content, process
from harness.management import Management, path
from harness.registry import Registry
from hostile.conftest import Background, Place, assert_flat, measured, timed

CHILDREN = 4000


@pytest.fixture
def place(launch, rng):
    """Alice's repository has thousands of blobs, as far as the database knows: their bytes are not asked for here."""
    made = Place(launch())
    for user in (made.alice, made.mallory):
        Registry(made.server, user).push_image(f"{user.name}/app", rng)
    made.server.stop()
    blobs = [content.Blob(b"%d" % number) for number in range(CHILDREN)]
    with sqlite3.connect(made.server.data / "bulkhead.db") as database:
        (repository,) = database.execute("SELECT id FROM repositories WHERE name = 'alice/app'").fetchone()
        database.executemany(
            "INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, 0)",
            [(blob.digest, len(blob.data)) for blob in blobs],
        )
        database.executemany(
            "INSERT INTO repository_blobs (repository_id, digest, created_at) VALUES (?, ?, 0)",
            [(repository, blob.digest) for blob in blobs],
        )
    database.close()
    made.server.start()
    made.blobs = blobs
    return made


def small_push(registry, numbers):
    """How long a push of a manifest that refers to nothing takes."""
    manifest = content.index([], annotations={"number": str(next(numbers))})
    seconds, answer = timed(lambda: registry.put_manifest("mallory/app", manifest, "latest"))
    assert answer.status_code == 201, answer.text
    return seconds


def test_others_do_not_wait_for_pushes_of_large_indexes(place):
    numbers = itertools.count()
    other = Registry(place.server, place.mallory)
    idle = statistics.median(small_push(other, numbers) for _ in range(20))
    attackers = [Registry(place.server, place.alice) for _ in range(6)]

    def attack(number):
        manifest = content.index(place.blobs, annotations={"number": str(next(numbers))})
        answer = attackers[number].put_manifest("alice/app", manifest)
        assert answer.status_code == 201, answer.text

    with Background(attack, len(attackers)) as background:
        while not background.results:
            small_push(other, numbers)
        waits = sorted(small_push(other, numbers) for _ in range(30))
    median = statistics.median(waits)
    measured(
        f"a push beside 6 of indexes of {CHILDREN} children: {median:.3f} s, at most {waits[-1]:.3f} s, "
        f"and {idle:.3f} s without them; {len(background.results)} of them were taken"
    )
    assert median < 1


def push_indexes(place, count):
    registry = Registry(place.server, place.alice)
    for number in range(count):
        registry.push_manifest("alice/app", content.index(place.blobs, annotations={"number": str(number)}), f"v{number}")
    return registry


def rows_left(server):
    """Of repositories that are gone."""
    with sqlite3.connect(server.data / "bulkhead.db") as database:
        database.execute("PRAGMA busy_timeout = 10000")
        (left,) = database.execute("SELECT COUNT(*) FROM repositories WHERE name NOT LIKE '%/app'").fetchone()
        (references,) = database.execute("SELECT COUNT(*) FROM manifest_children").fetchone()
    database.close()
    return left, references


def test_nobody_waits_while_a_repository_of_large_indexes_is_deleted(place):
    registry = push_indexes(place, 40)
    owner = Management(place.server, place.alice)

    def delete(name):
        answer = owner.delete(path("repositories", name))
        assert answer.status_code == 204, answer.text

    def make_and_delete():
        registry.make_repository("alice/other")
        return timed(lambda: delete("alice/other"))[0]

    idle = min(make_and_delete() for _ in range(5))
    numbers, waits = itertools.count(), []
    other = Registry(place.server, place.mallory)
    small_push(other, numbers)
    with Background(lambda _: waits.append(small_push(other, numbers)), 1):
        seconds, _ = timed(lambda: delete("alice/app"))
        assert registry.get("/v2/alice/app/tags/list").status_code in (403, 404)
        registry.make_repository("alice/app")
        assert registry.get("/v2/alice/app/tags/list").json()["tags"] == []
        process.wait_until(lambda: rows_left(place.server) == (0, 2), "the rows to go", 60)
    assert_flat(seconds, idle, f"the deletion of a repository with 40 indexes of {CHILDREN} children")
    assert_flat(max(waits), idle, "the longest push beside it")


def test_what_a_deleted_repository_leaves_goes_on_going_after_a_kill(place):
    push_indexes(place, 3)
    place.server.run("repo", "delete", "alice/app", "--yes")
    place.server.crash()
    place.server.start()
    process.wait_until(lambda: rows_left(place.server) == (0, 2), "the rows to go", 60)
    registry = Registry(place.server, place.alice)
    registry.make_repository("alice/app")
    assert registry.get_blob("alice/app", place.blobs[0].digest).status_code == 404
    assert "#removed" not in place.server.run("repo", "list").stdout + place.server.run("namespace", "list").stdout
