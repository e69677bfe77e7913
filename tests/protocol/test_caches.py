"""What a cache between clients and the server may give to others: RFC 9111 section 5.2.2.7, `private`."""

import json

import pytest

from harness.registry import Registry


@pytest.fixture
def image(registry, repository, rng):
    return registry.push_image(repository, rng, "latest")


def paths_of(repository, image):
    base = f"/v2/{repository}"
    return [f"{base}/manifests/latest", f"{base}/manifests/{image.digest}", f"{base}/tags/list",
            f"{base}/referrers/{image.digest}", f"{base}/blobs/{json.loads(image.data)['config']['digest']}"]  # fmt: skip


def cache_control(response):
    assert response.status_code in (200, 401, 404), response.text
    return {each.strip() for each in response.headers.get("Cache-Control", "").split(",")}


def test_what_is_somebodys_says_so(registry, repository, image):
    for path in [*paths_of(repository, image), "/v2/_catalog", "/v2/"]:
        assert "private" in cache_control(registry.get(path)), path
        assert "private" in cache_control(registry.head(path)), path
        assert "private" in cache_control(registry.get(path, authorized=False)), path


def test_what_anybody_may_have_may_be_kept(server, registry, repository, image):
    server.run("repo", "set", repository, "--visibility", "public")
    anonymous = Registry(server)
    for path in paths_of(repository, image):
        kept = cache_control(anonymous.get(path))
        assert ("private" in kept) == ("/manifests/" not in path and "/blobs/" not in path), path
    assert "private" in cache_control(registry.get(paths_of(repository, image)[0])), "an answer to alice"
