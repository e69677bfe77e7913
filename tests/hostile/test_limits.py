"""What an account can make many of is bounded, with a limit that is named where it is met."""

import pytest

from harness import content
from harness.management import Management, path
from harness.registry import Registry, assert_error
from hostile.conftest import Place


def refused(answer, *words):
    assert answer.status_code in (403, 409, 429), f"{answer.status_code} {answer.text}"
    for word in words:
        assert word in answer.text, answer.text


def test_repositories_of_a_namespace(launch):
    place = Place(launch({"limits.repositories_per_namespace": 3}))
    registry, owner = Registry(place.server, place.alice), Management(place.server, place.alice)
    for number in range(3):
        registry.make_repository(f"alice/app{number}")
    refused(registry.post("/v2/alice/another/blobs/uploads/"), "3 repositories")
    refused(owner.post("/repositories", {"name": "alice/another"}), "3 repositories")
    refused(registry.put_manifest("alice/another", content.index([]), "v1"), "3 repositories")
    registry.start_upload("alice/app0")
    Registry(place.server, place.mallory).start_upload("mallory/app")
    place.server.run("repo", "delete", "alice/app2", "--yes")
    registry.start_upload("alice/another")


def test_robots_of_a_namespace(launch):
    place = Place(launch({"limits.robots_per_namespace": 3}))
    registry = Registry(place.server, place.alice)
    for number in range(3):
        registry.make_repository(f"alice/app{number}")
        place.robot(place.alice, f"alice/app{number}", f"r{number}")
    owner = Management(place.server, place.alice)
    refused(owner.post(path("repositories", "alice/app0", "robots"), {"name": "more"}), "3 robots")
    Registry(place.server, place.mallory).make_repository("mallory/x")
    place.robot(place.mallory, "mallory/x", "r")


def test_access_tokens_of_robots_are_their_owners(launch):
    place = Place(launch({"limits.access_tokens": 3}))
    Registry(place.server, place.alice).make_repository("alice/app")
    robots = [place.robot(place.alice, "alice/app", f"r{number}") for number in range(3)]
    owner = Management(place.server, place.alice)
    for name in ("alice", robots[0].name):
        answer = owner.post(path("users", name, "tokens"), {"name": "t", "scopes": [{"actions": ["pull"]}]})
        refused(answer, "3 access tokens")
    # Another's, also of a name that begins alike.
    other = place.server.create_user("alice-2")
    Registry(place.server, other).make_repository("alice-2/app")
    place.robot(other, "alice-2/app", "r")


def test_tags_of_a_repository(launch):
    place = Place(launch({"limits.tags_per_repository": 5}))
    registry = Registry(place.server, place.alice)
    image = content.index([])
    for number in range(5):
        registry.push_manifest("alice/app", image, f"v{number}")
    answer = registry.put_manifest("alice/app", image, "one-more")
    refused(answer, "5 tags")
    registry.push_manifest("alice/app", content.index([], annotations={"a": "b"}), "v1")
    many = registry.put_manifest("alice/other", image, params=[("tag", f"v{number}") for number in range(6)])
    refused(many, "5 tags")
    assert registry.delete("/v2/alice/app/manifests/v0").status_code == 202
    registry.push_manifest("alice/app", image, "one-more")


def test_tags_of_one_manifest(launch):
    """So that deleting it is one short transaction."""
    place = Place(launch({"limits.tags_per_manifest": 5}))
    registry = Registry(place.server, place.alice)
    image = content.index([])
    for number in range(5):
        registry.push_manifest("alice/app", image, f"v{number}")
    refused(registry.put_manifest("alice/app", image, "one-more"), "5 tags")
    other = content.index([], annotations={"a": "b"})
    registry.push_manifest("alice/app", other, "one-more")
    assert registry.delete("/v2/alice/app/manifests/" + image.digest).status_code == 202
    for number in range(4):
        registry.push_manifest("alice/app", other, f"v{number}")


def test_grants_of_a_repository(launch):
    place = Place(launch({"limits.grants": 2}))
    Registry(place.server, place.alice).make_repository("alice/app")
    owner = Management(place.server, place.alice)
    assert place.root.post("/organizations", {"name": "acme", "owner": "alice"}).status_code == 201
    for name in ("bob", "carol", "dave"):
        place.server.create_user(name)
        place.server.run("org", "member", "set", "acme", name, "member")  # so that alice may name them

    def grant(name, role="reader"):
        return owner.put(path("repositories", "alice/app", "grants", name), {"role": role}, headers={"If-Match": "*"})

    assert grant("bob").status_code in (200, 201)
    assert grant("carol").status_code in (200, 201)
    refused(grant("dave"), "2")
    assert grant("carol", "writer").status_code == 200
    assert owner.delete(path("repositories", "alice/app", "grants", "bob")).status_code == 204
    assert grant("dave").status_code in (200, 201)


def test_tokens_of_an_account(launch):
    place = Place(launch({"limits.access_tokens": 3}))
    owner = Management(place.server, place.alice)

    def make(name):
        body = {"name": name, "scopes": [{"actions": ["pull"]}], "lifetime_seconds": 3600}
        return owner.post(path("users", "alice", "tokens"), body)

    made = [make(f"token {number}") for number in range(3)]
    assert [answer.status_code for answer in made] == [201] * 3, made[0].text
    refused(make("another"), "3")
    Management(place.server, place.mallory)
    assert owner.delete(made[0].headers["Location"].removeprefix("/api/v1")).status_code == 204
    assert make("another").status_code == 201


@pytest.mark.parametrize("count", [3000])
def test_deleting_a_manifest_with_all_its_tags_is_short(launch, count):
    """By default too."""
    import time

    place = Place(launch())
    registry = Registry(place.server, place.alice)
    image = content.index([])
    for begin in range(0, count, 50):
        tags = [("tag", f"v{number}") for number in range(begin, begin + 50)]
        answer = registry.put_manifest("alice/app", image, params=tags)
        if answer.status_code != 201:
            break
    refused(answer, "1000 tags")
    start = time.monotonic()
    assert registry.delete("/v2/alice/app/manifests/" + image.digest).status_code == 202
    assert time.monotonic() - start < 2
