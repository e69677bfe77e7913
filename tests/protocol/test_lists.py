"""Tag lists and the catalog (protocol.md 12)."""

import pytest

from harness import content
from harness.registry import Registry, assert_error

TAGS = ["0", "A", "Z", "_x", "a", "a-b", "a.b", "b", "latest", "v1.0", "v10", "v2"]  # in byte order


@pytest.fixture
def tagged(registry, repository, rng):
    manifest = registry.push_image(repository, rng)
    for tag in reversed(TAGS):
        assert registry.put_manifest(repository, manifest, tag).status_code == 201
    return repository


def tags(client, repository, query=""):
    response = client.get(f"/v2/{repository}/tags/list{query}")
    assert response.status_code == 200, response.text
    assert response.json()["name"] == repository
    return response, response.json()["tags"]


def follow(client, path, key, limit=50):
    """All entries over all pages."""
    found = []
    for _ in range(limit):
        response = client.get(path)
        assert response.status_code == 200
        found += response.json()[key]
        if "next" not in response.links:
            return found
        path = response.links["next"]["url"]
    raise AssertionError(f"no end after {limit} pages")


def test_tags_in_byte_order(registry, tagged):
    assert TAGS == sorted(TAGS)
    response, found = tags(registry, tagged)
    assert found == TAGS
    assert "Link" not in response.headers


def test_page_of_tags(registry, tagged):
    response, found = tags(registry, tagged, "?n=3")
    assert found == TAGS[:3]
    assert response.links["next"]


def test_link_carries_the_rest(registry, tagged):
    for size in (1, 5, len(TAGS)):
        assert follow(registry, f"/v2/{tagged}/tags/list?n={size}", "tags") == TAGS


def test_last_page_has_no_link(registry, tagged):
    response, found = tags(registry, tagged, f"?n={len(TAGS)}")
    assert found == TAGS
    assert "Link" not in response.headers


@pytest.mark.parametrize(("last", "expected"), [("a", TAGS[5:]), ("aa", TAGS[7:]), ("zzz", [])])
def test_last_is_exclusive_and_need_not_exist(registry, tagged, last, expected):
    assert tags(registry, tagged, f"?last={last}")[1] == expected


def test_n_zero(registry, tagged):
    response, found = tags(registry, tagged, "?n=0")
    assert found == []
    assert "Link" not in response.headers


@pytest.mark.parametrize("n", ["-1", "x", "1e3", "99999999999999999999"])
def test_bad_n(registry, tagged, n):
    response = registry.get(f"/v2/{tagged}/tags/list?n={n}")
    assert response.status_code in (200, 400)
    if response.status_code == 200:
        assert len(response.json()["tags"]) <= 1000


def test_enormous_n_is_capped(launch, rng):
    """security.md: unbounded n."""
    server = launch({"limits.page_size": 2})
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng)
    for tag in ("a", "b", "c"):
        registry.put_manifest("alice/app", manifest, tag)
    response, found = tags(registry, "alice/app", "?n=1000000")
    assert found == ["a", "b"]
    assert response.links["next"]


def test_tags_of_an_absent_repository(registry, repository):
    """protocol.md 1."""
    assert_error(registry.get(f"/v2/{repository}/tags/list"), 404, "NAME_UNKNOWN")


def test_tags_of_a_repository_without_tags(registry, repository, rng):
    registry.push_image(repository, rng)
    assert not tags(registry, repository)[1]


def test_catalog_shows_what_the_caller_may_read(registry, stranger, repository, rng):
    registry.push_image(repository, rng, "latest")
    stranger.push_image("mallory/own", rng, "latest")
    mine = follow(registry, "/v2/_catalog?n=1000", "repositories")
    theirs = follow(stranger, "/v2/_catalog?n=1000", "repositories")
    assert repository in mine
    assert "mallory/own" not in mine
    assert repository not in theirs
    assert "mallory/own" in theirs


def test_catalog_pages_in_byte_order(registry, repository, rng):
    names = [f"{repository}/{end}" for end in ("a", "a-b", "a/b", "a_b", "b")]
    blob = content.random_blob(rng, 10)
    for name in names:
        registry.push_blob(name, blob)
    found = follow(registry, "/v2/_catalog?n=1", "repositories", limit=500)
    assert found == sorted(found)
    assert set(names) <= set(found)


def test_catalog_of_nobody(anonymous, registry, repository, rng):
    registry.push_image(repository, rng, "latest")
    response = anonymous.get("/v2/_catalog")
    assert response.status_code == 200
    assert repository not in response.json()["repositories"]


def test_a_parameter_with_two_values_is_refused(registry, repository, rng):
    """Whoever takes the first and whoever takes the last would list something else. The same twice is the same."""
    subject = registry.push_image(repository, rng, "latest")
    for path in (
        f"/v2/{repository}/referrers/{subject.digest}?artifactType=a/b&artifactType=c/d",
        f"/v2/{repository}/tags/list?n=1&n=2",
        f"/v2/{repository}/tags/list?last=a&last=b",
        "/v2/_catalog?n=1&n=2",
    ):
        assert_error(registry.get(path), 400, "BAD_REQUEST")
    assert registry.get(f"/v2/{repository}/tags/list?n=1&n=1").status_code == 200


def test_a_push_with_two_digests_is_refused(registry, repository, rng):
    blob, other = content.random_blob(rng, 10), content.random_blob(rng, 10)
    start = f"/v2/{repository}/blobs/uploads/"
    for query in (
        f"digest={blob.digest}&digest={other.digest}",
        f"mount={blob.digest}&mount={other.digest}&from={repository}",
        f"mount={blob.digest}&from=alice/a&from=alice/b",
        "digest-algorithm=sha256&digest-algorithm=sha512",
    ):
        assert_error(registry.post(f"{start}?{query}", data=blob.data), 400, "BAD_REQUEST")
    upload = registry.start_upload(repository)
    refused = registry.put(upload.with_query(f"digest={blob.digest}&digest={other.digest}"), data=blob.data)
    assert_error(refused, 400, "BAD_REQUEST")
    assert upload.finish(blob.digest, blob.data).status_code == 201
