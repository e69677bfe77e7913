"""A tag that is fixed keeps all that it reaches: its manifest, the manifests below it, their configs and layers."""

import json

import pytest

from harness import content
from harness.registry import Registry, assert_error


class Image:
    """An index on v1 over an index over an image; `reached` is everything below it, by what it is."""

    def __init__(self, registry, repository, rng):
        self.registry, self.repository = registry, repository
        self.config = registry.push_blob(repository, content.config_blob(rng))
        self.layer = registry.push_blob(repository, content.random_blob(rng))
        self.image = registry.push_manifest(repository, content.image_manifest(self.config, [self.layer]))
        self.inner = registry.push_manifest(repository, content.index([self.image]))
        self.index = registry.push_manifest(repository, content.index([self.inner]), "v1")

    def deletions(self):
        base = f"/v2/{self.repository}"
        return {
            "tag": f"{base}/manifests/v1",
            "index": f"{base}/manifests/{self.index.digest}",
            "inner index": f"{base}/manifests/{self.inner.digest}",
            "image": f"{base}/manifests/{self.image.digest}",
            "config": f"{base}/blobs/{self.config.digest}",
            "layer": f"{base}/blobs/{self.layer.digest}",
        }

    def is_whole(self):
        gets = [("manifests", each.digest) for each in (self.index, self.inner, self.image)]
        gets += [("blobs", each.digest) for each in (self.config, self.layer)]
        return all(self.registry.get(f"/v2/{self.repository}/{kind}/{digest}").status_code == 200 for kind, digest in gets)


@pytest.fixture
def image(registry, repository, rng):
    return Image(registry, repository, rng)


def test_an_immutable_tag_keeps_all_that_it_reaches(server, registry, image, repository):
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    for what, target in image.deletions().items():
        refused = registry.delete(target)
        assert refused.status_code == 409, f"{what}: {refused.status_code} {refused.text}"
        assert_error(refused, 409, "DENIED")
        assert "v1" in refused.text, what
    assert image.is_whole()


def test_what_no_fixed_tag_reaches_goes(server, registry, image, repository, rng):
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    other = Image(registry, repository + "-other", rng)
    loose = registry.push_image(repository, rng, "latest")
    layer = json.loads(loose.data)["layers"][0]["digest"]
    assert registry.delete(f"/v2/{repository}/blobs/{layer}").status_code == 202
    assert registry.delete(f"/v2/{repository}/manifests/{loose.digest}").status_code == 202
    # What the fixed tag reaches may be under other tags as well; those go.
    registry.push_manifest(repository, image.image, "also")
    assert registry.delete(f"/v2/{repository}/manifests/also").status_code == 202
    # The same in another repository, where nothing is fixed.
    for what in ("layer", "image"):
        assert registry.delete(other.deletions()[what]).status_code == 202
    assert image.is_whole()


def test_a_fixed_tag_that_is_let_go_lets_go_of_all(server, registry, image, repository):
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    assert registry.delete(image.deletions()["layer"]).status_code == 409
    server.run("repo", "set", repository, "--immutable-tags", "")
    assert registry.delete(image.deletions()["layer"]).status_code == 202


def test_what_was_pushed_before_the_rule_is_kept_by_it(server, registry, image, repository):
    """And across a restart: what a manifest refers to is known without its being read again."""
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    server.restart()
    registry.forget_tokens()
    for what in ("layer", "config", "image"):
        assert registry.delete(image.deletions()[what]).status_code == 409, what


def test_a_docker_list_keeps_what_it_reaches(server, registry, repository, rng):
    config = registry.push_blob(repository, content.config_blob(rng, content.DOCKER_CONFIG))
    layer = registry.push_blob(repository, content.random_blob(rng, media_type=content.DOCKER_LAYER))
    child = content.image_manifest(config, [layer], content.DOCKER_MANIFEST)
    registry.push_manifest(repository, child)
    registry.push_manifest(repository, content.index([child], content.DOCKER_LIST), "v1")
    server.run("repo", "set", repository, "--immutable-tags", "v*")
    for kind, digest in (("manifests", child.digest), ("blobs", config.digest), ("blobs", layer.digest)):
        assert registry.delete(f"/v2/{repository}/{kind}/{digest}").status_code == 409


def test_a_protected_tag_is_let_go_by_those_who_may_delete_it(server, registry, image, repository):
    server.run("repo", "set", repository, "--protected-tags", "v*")
    maintainer = Registry(server, server.create_user("maintainer-of-fixed"))
    writer = Registry(server, server.create_user("writer-of-fixed"))
    server.run("grant", "set", "maintainer-of-fixed", "maintainer", repository)
    server.run("grant", "set", "writer-of-fixed", "writer", repository)
    for target in image.deletions().values():
        assert writer.delete(target).status_code in (401, 403)
    assert maintainer.delete(image.deletions()["layer"]).status_code == 202
