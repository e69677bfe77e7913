"""Repositories of another registry, as they come in: all of them, unchanged, once."""

import json

from harness import content
from harness.command_line import CommandLine
from harness.registry import Registry


def signature_tag(digest, ending=""):
    return digest.replace(":", "-") + ending


def push_signed_index(registry, repository, rng, tag):
    """Two platforms, a cosign signature by its tag, and an attestation by the referrers tag schema."""
    children = [registry.push_image(repository, rng) for _ in range(2)]
    index = registry.push_manifest(repository, content.index(children), tag)
    signature = registry.push_image(repository, rng, signature_tag(index.digest, ".sig"))
    config = registry.push_blob(repository, content.EMPTY_CONFIG)
    attestation = content.image_manifest(
        config, [registry.push_blob(repository, content.random_blob(rng))], artifactType="application/vnd.in-toto+json",
        subject=index.descriptor(),
    )
    registry.push_manifest(repository, attestation)
    registry.push_manifest(repository, content.index([attestation]), signature_tag(index.digest))
    return index, children, signature, attestation


def assert_same(there, repository, reference, manifest):
    found = there.get_manifest(repository, reference)
    assert found.status_code == 200, found.text
    assert found.content == manifest.data
    assert found.headers["Content-Type"] == manifest.media_type


def test_everything_of_a_repository_comes_unchanged(cli, old, peer, there, rng):
    index, children, signature, attestation = push_signed_index(old, "acme/app", rng, "v1")
    docker = content.image_manifest(
        old.push_blob("acme/app", content.config_blob(rng, content.DOCKER_CONFIG)),
        [old.push_blob("acme/app", content.random_blob(rng, media_type=content.DOCKER_LAYER))],
        content.DOCKER_MANIFEST,
    )
    old.push_manifest("acme/app", docker, "old")
    said = cli.import_(f"{peer.address}/acme/app", "--to", "alice").stdout
    assert "acme/app -> alice/acme/app: 4 tags copied" in said
    assert_same(there, "alice/acme/app", "v1", index)
    assert_same(there, "alice/acme/app", "old", docker)
    assert_same(there, "alice/acme/app", signature_tag(index.digest, ".sig"), signature)
    for child in children:
        assert_same(there, "alice/acme/app", child.digest, child)
    for manifest in (docker, signature, attestation, *children):
        for blob in [json.loads(manifest.data)["config"], *json.loads(manifest.data)["layers"]]:
            assert content.digest_of(there.get_blob("alice/acme/app", blob["digest"]).content) == blob["digest"]
    referrers = there.get(f"/v2/alice/acme/app/referrers/{index.digest}").json()["manifests"]
    assert [each["digest"] for each in referrers] == [attestation.digest]


def test_referrers_come_by_the_api_too_and_theirs(cli, launch, target, there, rng):
    source = launch()
    source.create_user("root-admin", admin=True)
    bob = source.create_user("bob")
    theirs = Registry(source, bob)
    image = theirs.push_image("bob/app", rng, "v1")
    signature = theirs.push_image("bob/app", rng, subject=image.descriptor(), artifactType="application/x.signature")
    counter = theirs.push_image("bob/app", rng, subject=signature.descriptor(), artifactType="application/x.counter")
    done = cli.import_(
        f"{source.address}/bob/app", "--map", "bob=alice", "--source-username", "bob", "--source-password-stdin",
        stdin=bob.password + "\n",
    )
    assert "1 tag copied" in done.stdout
    for manifest in (image, signature, counter):
        assert_same(there, "alice/app", manifest.digest, manifest)
    assert bob.password not in target.log()


def test_one_tag_comes_with_what_belongs_to_it(cli, old, peer, there, rng):
    index, _, signature, attestation = push_signed_index(old, "acme/app", rng, "v1")
    old.push_image("acme/app", rng, "v2")
    cli.import_(f"{peer.address}/acme/app:v1", "--map", "acme=alice")
    assert_same(there, "alice/app", "v1", index)
    assert_same(there, "alice/app", signature_tag(index.digest, ".sig"), signature)
    assert_same(there, "alice/app", attestation.digest, attestation)
    assert there.get_manifest("alice/app", "v2").status_code == 404


def test_a_second_run_copies_nothing_and_fetches_no_manifest(cli, old, peer, rng):
    for number in range(3):
        old.push_image("acme/app", rng, f"v{number}")
    first = cli.report(f"{peer.address}/acme/app", "--to", "alice")
    assert (first["tags_copied"], first["tags_there"], first["blobs_copied"]) == (3, 0, 6)
    second = cli.report(f"{peer.address}/acme/app", "--to", "alice")
    assert (second["tags_copied"], second["tags_there"], second["blobs_copied"], second["bytes"]) == (0, 3, 0, 0)
    moved = old.push_image("acme/app", rng, "v1")
    third = cli.report(f"{peer.address}/acme/app", "--to", "alice")
    assert (third["tags_copied"], third["tags_there"], third["blobs_copied"]) == (1, 2, 2)
    assert_same(Registry(cli.server, cli.server.alice), "alice/acme/app", "v1", moved)


def test_all_that_is_listed_comes_and_shared_blobs_are_mounted(cli, old, peer, there, rng):
    layer = content.random_blob(rng, 100_000)
    names = [f"team/app{number}" for number in range(12)]
    images = {}
    for name in names:
        config = old.push_blob(name, content.config_blob(rng))
        images[name] = old.push_manifest(name, content.image_manifest(config, [old.push_blob(name, layer)]), "v1")
    old.push_image("other/app", rng, "v1")
    report = cli.report(f"{peer.address}/team/*", "--map", "team=alice", "--jobs", "4")
    assert [each["to"] for each in report["repositories"]] == sorted(name.replace("team", "alice") for name in names)
    assert report["blobs_mounted"] == len(names) - 1
    assert report["bytes"] < 2 * len(layer.data)
    for name, image in images.items():
        assert_same(there, name.replace("team", "alice"), "v1", image)
        assert there.get_blob(name.replace("team", "alice"), layer.digest).content == layer.data
    catalog = there.get("/v2/_catalog").json()["repositories"]
    assert not [name for name in catalog if name.startswith("other")]


def test_blobs_of_more_than_a_chunk_come_whole(cli, old, peer, there, rng):
    layer = old.push_blob("acme/app", content.random_blob(rng, 9_000_001))
    image = content.image_manifest(old.push_blob("acme/app", content.config_blob(rng)), [layer])
    old.push_manifest("acme/app", image, "v1")
    report = cli.report(f"{peer.address}/acme/app", "--map", "acme=alice")
    assert report["bytes"] > len(layer.data)
    assert there.get_blob("alice/app", layer.digest).content == layer.data


def test_a_dry_run_tells_and_changes_nothing(cli, old, peer, there, rng):
    old.push_image("acme/app", rng, "v1")
    said = cli.import_(f"{peer.address}/acme/app", "--to", "alice", "--dry-run").stdout
    assert "acme/app -> alice/acme/app: 1 tag to copy" in said
    assert there.get("/v2/_catalog").json()["repositories"] == []


def test_a_list_is_read_from_a_file(cli, old, peer, there, folder, rng):
    for name in ("acme/one", "acme/two", "acme/three"):
        old.push_image(name, rng, "v1")
    listed = folder / "list"
    listed.write_text(f"# what we keep\n{peer.address}/acme/one\n\n  {peer.address}/acme/two:v1  # the tag\n")
    cli.import_("--from-file", listed, "--map", "acme=alice")
    assert there.get("/v2/_catalog").json()["repositories"] == ["alice/one", "alice/two"]


def test_names_that_cannot_be_are_told_and_the_others_come(cli, old, peer, there, rng):
    old.push_image("alone", rng, "v1")
    old.push_image("acme/app", rng, "v1")
    report = cli.report(peer.address, "--map", "acme=alice", "--map", "alone=" + "x" * 250 + "/app", status=1)
    # A name of one part is for administrators here, which alice is none of.
    assert [each["what"] for each in report["failures"]] == ["alone:v1"]
    assert there.get("/v2/_catalog").json()["repositories"] == ["alice/app"]


def test_two_that_would_be_one_are_refused_before_anything_is_copied(cli, old, peer, there, rng):
    old.push_image("one/app", rng, "v1")
    old.push_image("two/app", rng, "v1")
    done = cli.import_(peer.address, "--map", "one=alice", "--map", "two=alice", check=False)
    assert done.returncode == 1
    assert "would both be alice/app" in done.stderr
    assert there.get("/v2/_catalog").json()["repositories"] == []


def test_the_token_that_was_made_for_it_has_ended(cli, old, peer, target, rng):
    old.push_image("acme/app", rng, "v1")
    cli.import_(f"{peer.address}/acme/app", "--to", "alice")
    tokens = cli.json("token", "list", "alice")
    assert tokens and all(each.get("revoked_at") for each in tokens), tokens


def test_without_a_log_in_it_says_what_to_do(target, folder, peer):
    done = CommandLine(target, folder).run("import", f"{peer.address}/acme/app", "--source-plain-http", check=False)
    assert done.returncode == 3
    assert "bulkhead login" in done.stderr


def test_what_may_not_be_pushed_is_told_by_name(cli, old, peer, rng):
    old.push_image("acme/app", rng, "v1")
    done = cli.import_(f"{peer.address}/acme/app", check=False)
    assert done.returncode == 1
    assert "failed: acme/app:v1:" in done.stderr
    assert "run the same command again" in done.stderr


def test_library_names_become_the_installations_own(cli, old, peer, target, rng):
    image = old.push_image("library/alpine", rng, "v1")
    cli.log_in(target.root)
    assert "library/alpine -> alpine: 1 tag copied" in cli.import_(peer.address).stdout
    root = Registry(target, target.root)
    for name in ("alpine", "library/alpine"):
        assert_same(root, name, "v1", image)
    assert "library/alpine -> base/alpine: 1 tag to copy" in cli.import_(peer.address, "--map", "library=base", "--dry-run").stdout


def test_docker_hub_lists_nothing_and_a_bare_name_is_no_registry(cli):
    for source, said in (("docker.io", "Docker Hub lists nothing"), ("acme/app", "docker.io/acme/app")):
        done = cli.run("import", source, check=False)
        assert done.returncode == 1
        assert said in done.stderr


def test_an_index_with_a_part_missing_is_told_and_the_other_parts_come(cli, false_registry, there, rng):
    """As of registries that keep some platforms only."""
    config, layer = content.config_blob(rng), content.random_blob(rng)
    here, missing = content.image_manifest(config, [layer]), content.image_manifest(config, [])
    index = content.index([here, missing])
    for blob in (config, layer):
        false_registry.add_blob("acme/app", blob)
    false_registry.add_manifest("acme/app", here, "only")
    false_registry.add_manifest("acme/app", index, "all")
    false_registry.add_tags("acme/app", "all", "only")
    report = cli.report(f"{false_registry.address}/acme/app", "--map", "acme=alice", status=1)
    assert [each["what"] for each in report["failures"]] == ["acme/app:all"]
    assert missing.digest in report["failures"][0]["message"]
    assert_same(there, "alice/app", "only", here)
    assert there.get_manifest("alice/app", "all").status_code == 404
