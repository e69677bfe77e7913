"""What pushes that were broken off have left can be seen and cancelled by those who look after the repository."""

import json

import pytest

from harness import content
from harness.management import Management, path
from harness.registry import Registry, assert_error

MIB = 1 << 20


@pytest.fixture
def place(launch):
    server = launch()
    root = server.create_user("root", admin=True)
    alice, bob = server.create_user("alice"), server.create_user("bob")
    Registry(server, alice).make_repository("alice/app")
    server.run("grant", "set", "bob", "writer", "alice/app")
    return server, root, alice, bob


def uploads(*names):
    return path("repositories", "alice/app", "uploads", *names)


def test_uploads_are_listed_and_cancelled(place, rng):
    server, _, alice, bob = place
    upload = Registry(server, bob).start_upload("alice/app")
    assert upload.chunk(rng.randbytes(1000), 0).status_code == 202
    owner = Management(server, alice)
    (listed,) = owner.get(uploads()).json()["items"]
    assert listed["account"] == "bob" and listed["bytes"] == 1000
    assert upload.path.endswith(listed["id"])
    one = owner.get(uploads(listed["id"]))
    assert one.json() == listed and one.headers["ETag"]
    stale = owner.delete(uploads(listed["id"]), headers={"If-Match": '"another"'})
    assert stale.status_code == 412
    assert owner.delete(uploads(listed["id"]), headers={"If-Match": one.headers["ETag"]}).status_code == 204
    assert owner.get(uploads()).json()["items"] == []
    assert owner.get(uploads(listed["id"])).status_code == 404
    assert owner.delete(uploads(listed["id"])).status_code == 404
    assert upload.status().status_code == 404
    (event,) = [json.loads(line) for line in
                server.run("audit", "query", "--action", "upload_cancelled", "--json").stdout.splitlines()]  # fmt: skip
    assert event["account"] == "alice" and event["target"] == listed["id"] and event["repository"] == "alice/app"
    assert json.loads(event["detail"]) == {"account": "bob", "bytes": 1000}


def test_pages_of_uploads(place):
    server, _, alice, _ = place
    registry, owner = Registry(server, alice), Management(server, alice)
    started = sorted(registry.start_upload("alice/app").path.rsplit("/", 1)[1] for _ in range(5))
    seen, after = [], None
    while True:
        page = owner.get(uploads() + "?limit=2" + (f"&after={after}" if after else "")).json()
        seen += [upload["id"] for upload in page["items"]]
        after = page.get("next")
        if after is None:
            break
    assert seen == started


def test_who_may_only_push_does_not_cancel_what_others_push(place):
    server, _, alice, bob = place
    started = Registry(server, alice).start_upload("alice/app").path.rsplit("/", 1)[1]
    writer = Management(server, bob)
    assert writer.get(uploads()).status_code == 403
    assert writer.delete(uploads(started)).status_code == 403


def test_uploads_of_other_repositories_are_not_there(place):
    server, _, alice, _ = place
    registry = Registry(server, alice)
    registry.make_repository("alice/other")
    other = registry.start_upload("alice/other")
    owner = Management(server, alice)
    assert owner.get(uploads()).json()["items"] == []
    assert owner.delete(uploads(other.path.rsplit("/", 1)[1])).status_code == 404
    assert other.status().status_code == 204


@pytest.mark.parametrize("stopped", [False, True])
def test_the_command(place, rng, stopped):
    server, _, alice, _ = place
    registry = Registry(server, alice)
    started = [registry.start_upload("alice/app") for _ in range(3)]
    started[0].chunk(rng.randbytes(5000), 0)
    ids = [upload.path.rsplit("/", 1)[1] for upload in started]
    if stopped:
        server.stop()
    listed = server.run("repo", "uploads", "alice/app").stdout
    assert all(upload in listed for upload in ids) and "alice" in listed
    assert {row["id"] for row in json.loads(server.run("repo", "uploads", "alice/app", "--json").stdout)} == set(ids)
    server.run("repo", "uploads", "alice/app", "--cancel", ids[0])
    again = server.run("repo", "uploads", "alice/app", "--cancel", ids[0], check=False)
    assert again.returncode == 1 and "no such upload" in again.stdout
    assert "2 uploads" in server.run("repo", "uploads", "alice/app", "--all").stdout
    assert json.loads(server.run("repo", "uploads", "alice/app", "--json").stdout) == []
    assert not list((server.data / "blobs" / "staging").iterdir())


def test_a_quota_that_uploads_fill_says_so_and_how_to_free_it(place, rng):
    server, _, alice, _ = place
    registry = Registry(server, alice)
    server.run("namespace", "set", "alice", "--quota", "2MiB")
    assert registry.start_upload("alice/app").chunk(rng.randbytes(3 * MIB // 2), 0).status_code == 202
    blob = content.random_blob(rng, MIB)
    refused = registry.start_upload("alice/app").finish(blob.digest, blob.data)
    assert_error(refused, 403, "DENIED")
    assert "bulkhead repo uploads alice/app" in refused.text
    server.run("repo", "uploads", "alice/app", "--all")
    registry.push_blob("alice/app", blob)


def test_uploads_that_began_before_their_repository_was_there_are_its_own(place):
    server, _, alice, _ = place
    Registry(server, alice).start_upload("alice/new")
    server.run("repo", "create", "alice/new")
    assert len(json.loads(server.run("repo", "uploads", "alice/new", "--json").stdout)) == 1
    server.run("repo", "uploads", "alice/new", "--all")
    assert not list((server.data / "blobs" / "staging").iterdir())
