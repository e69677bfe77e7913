"""Whoever asks to delete what many tags reach makes nobody else wait, and tags hold what they hold all the same."""

import concurrent.futures
import pathlib
import random
import tempfile

import pytest

from breach.postgres import Postgres
from harness import content
from harness.management import Management, path
from harness.registry import Registry, assert_error
from harness.server import Server
from hostile.conftest import Background, Place, assert_flat, best, timed

MANIFESTS, PUTS, TAGS = 30, 10, 100


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request, work_folder):
    """Mallory's repository has 30,000 tags above one layer, and a pattern that holds none of them."""
    postgres = Postgres() if request.param == "postgres" else None
    settings = {"database": postgres.url} if postgres else {}
    server = Server(
        request.config.getoption("--bulkhead").resolve(), pathlib.Path(tempfile.mkdtemp(dir=work_folder)), settings
    )
    server.start()
    place = Place(server)
    registry = Registry(server, place.mallory)
    place.config, place.layer = content.config_blob(random.Random(1)), content.Blob(b"layer")
    for blob in (place.config, place.layer):
        registry.push_blob("mallory/app", blob)
    registry.authorization("mallory/app")

    def put(number):
        manifest = image(place, number // PUTS)
        tags = "&".join(f"tag=t{number}-{tag}" for tag in range(TAGS))
        for _ in range(5):  # on a busy machine PostgreSQL may take longer than a statement may
            answer = registry.put(
                f"/v2/mallory/app/manifests/{manifest.digest}?{tags}",
                data=manifest.data,
                headers={"Content-Type": manifest.media_type},
            )
            if answer.status_code != 503:
                break
        assert answer.status_code == 201, answer.text

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(MANIFESTS * PUTS)))
    hold(place, "immutable_tags", "zzz*")
    yield place
    server.close()
    if postgres:
        postgres.close()


def image(place, number):
    return content.image_manifest(place.config, [place.layer], annotations={"number": str(number)})


def hold(place, setting, pattern):
    answer = Management(place.server, place.mallory).change(path("repositories", "mallory/app"), {setting: pattern})
    assert answer.status_code == 200, answer.text


def test_others_do_not_wait_for_deletions_below_many_tags(world):
    alice = Registry(world.server, world.alice)
    absent = content.digest_of(b"never pushed")
    attackers = [Registry(world.server, world.mallory) for _ in range(6)]
    numbers = iter(range(1_000_000))

    def push():
        alice.push_blob("alice/app", content.Blob(b"%d" % next(numbers)))

    push()
    idle = best(push)
    seconds, answer = timed(lambda: attackers[0].delete(f"/v2/mallory/app/blobs/{world.layer.digest}"))
    assert answer.status_code == 202, answer.text
    # One walk, and no tag of it sorted.
    assert_flat(seconds, idle, "a deletion below 30,000 tags")
    with Background(
        lambda number: attackers[number].delete(f"/v2/mallory/app/blobs/{(world.layer.digest, absent)[number % 2]}"), 6
    ) as deleting:
        waits = [timed(push)[0] for _ in range(5)]
    assert {answer.status_code for answer in deleting.results} == {404}
    assert_flat(max(waits), idle, "a push beside deletions below 30,000 tags")
    attackers[0].push_blob("mallory/app", world.layer)


def test_the_first_tag_that_is_held_holds_what_is_below(world):
    registry = Registry(world.server, world.mallory)
    registry.push_blob("mallory/app", world.layer)
    hold(world, "immutable_tags", "")
    hold(world, "immutable_tags", "r_*.1")
    registry.push_manifest("mallory/app", image(world, "held"), "rx2.1")
    blob = f"/v2/mallory/app/blobs/{world.layer.digest}"
    # '_' stands for itself, and so does the case of letters.
    registry.push_manifest("mallory/app", image(world, "held"), "R_2.1")
    assert registry.delete(blob).status_code == 202
    registry.push_blob("mallory/app", world.layer)
    registry.push_manifest("mallory/app", image(world, "held"), "r_2.1")
    refused = registry.delete(blob)
    assert_error(refused, 409, "DENIED")
    assert "tag r_2.1 of" in refused.text


def test_a_tag_that_comes_while_it_is_looked_is_seen(world):
    """Deletions of a layer against pushes of held tags above it: never is the tag there and the layer gone."""
    registry = Registry(world.server, world.mallory)
    other = Registry(world.server, world.mallory)
    hold(world, "immutable_tags", "")
    hold(world, "immutable_tags", "race*")
    layer = content.Blob(b"of the race")
    for number in range(8):
        registry.push_blob("mallory/app", layer)
        manifest = content.image_manifest(world.config, [layer], annotations={"race": str(number)})
        registry.push_manifest("mallory/app", manifest, f"free{number}")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            held = pool.submit(registry.put_manifest, "mallory/app", manifest, f"race{number}")
            gone = pool.submit(other.delete, f"/v2/mallory/app/blobs/{layer.digest}")
        assert (held.result().status_code, gone.result().status_code) in {(201, 409), (400, 202), (404, 202)}, (
            held.result().text + gone.result().text
        )
        if held.result().status_code == 201:
            hold(world, "immutable_tags", "")
            registry.delete(f"/v2/mallory/app/manifests/race{number}")
            hold(world, "immutable_tags", "race*")
