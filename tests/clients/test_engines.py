"""The real clients push and pull a real Debian system, and each other's images."""

import hashlib
import json
import tarfile

import pytest

from harness import content


def manifest_digest(text):
    return f"sha256:{hashlib.sha256(text).hexdigest()}"


@pytest.fixture(scope="module")
def debian_image(logged_in, docker, debian):
    """About 200 MB, imported and pushed by docker: its name and what docker says of it."""
    name = f"{logged_in.address}/alice/debian:12"
    docker.run("import", "--change", 'CMD ["/bin/sh"]', debian, name)
    return name, docker.push(name), docker.layers(name)


def test_image_pushed_with_docker_is_what_podman_pulls(debian_image, podman):
    name, digest, layers = debian_image
    podman.pull(name)
    pulled = podman.inspect(name)
    assert pulled["Digest"] == digest
    assert pulled["RootFS"]["Layers"] == layers


def test_image_pushed_with_docker_is_what_skopeo_pulls(debian_image, skopeo, folder):
    name, digest, layers = debian_image
    assert manifest_digest(skopeo.manifest(name)) == digest
    skopeo.copy(f"docker://{name}", f"dir:{folder}/image")
    manifest = json.loads((folder / "image" / "manifest.json").read_text())
    for descriptor in (manifest["config"], *manifest["layers"]):
        path = folder / "image" / descriptor["digest"].removeprefix("sha256:")
        assert path.stat().st_size == descriptor["size"]
        with path.open("rb") as file:
            assert hashlib.file_digest(file, "sha256").hexdigest() == path.name
    config = json.loads((folder / "image" / manifest["config"]["digest"].removeprefix("sha256:")).read_text())
    assert config["rootfs"]["diff_ids"] == layers


def test_image_pushed_with_docker_holds_what_was_imported(debian_image, skopeo, folder, debian):
    """File by file, through a third program."""
    name, _, _ = debian_image
    skopeo.copy(f"docker://{name}", f"dir:{folder}/image")
    manifest = json.loads((folder / "image" / "manifest.json").read_text())
    layer = folder / "image" / manifest["layers"][0]["digest"].removeprefix("sha256:")
    with tarfile.open(layer) as pulled, tarfile.open(debian) as made:
        assert {entry.name.strip("./"): entry.size for entry in pulled} == {
            entry.name.strip("./"): entry.size for entry in made
        }


def test_docker_pulls_what_it_pushed(debian_image, docker):
    name, digest, layers = debian_image
    identity = docker.image_id(name)
    docker.run("rmi", name)
    docker.run("pull", name)
    assert docker.layers(name) == layers
    assert docker.image_id(name) == identity
    by_digest = name.rpartition(":")[0] + "@" + digest
    docker.run("pull", by_digest)


def test_buildah_builds_on_it_and_docker_runs_what_comes_of_it(debian_image, buildah, docker, logged_in, folder):
    name, _, _ = debian_image
    (folder / "greeting").write_text("built with buildah\n")
    (folder / "Containerfile").write_text(f"FROM {name}\nCOPY greeting /greeting\nRUN cat /etc/os-release > /built-on\n")
    built = f"{logged_in.address}/alice/built:1"
    buildah.build(folder, built)
    buildah.push(built)
    docker.run("pull", built)
    container = docker.run("create", built).stdout.split()[-1]
    docker.run("cp", f"{container}:/greeting", folder / "out")
    assert (folder / "out").read_text() == "built with buildah\n"
    docker.run("cp", f"{container}:/built-on", folder / "release")
    assert "VERSION_CODENAME=bookworm" in (folder / "release").read_text()
    docker.run("rm", container)


def test_second_push_sends_no_layer_again(debian_image, docker):
    name, _, _ = debian_image
    again = name.replace(":12", ":again")
    docker.run("tag", name, again)
    output = docker.run("push", again).stdout
    assert "Layer already exists" in output


def test_layers_are_mounted_across_repositories(debian_image, docker):
    name, _, _ = debian_image
    other = name.replace("/debian:12", "/debian-copy:12")
    docker.run("tag", name, other)
    output = docker.run("push", other).stdout
    assert "Mounted from alice/debian" in output


@pytest.mark.parametrize("form", ["oci", "v2s2"])
def test_podman_pushes_either_format(debian_image, podman, skopeo, logged_in, form):
    name, _, layers = debian_image
    podman.pull(name)
    target = f"{logged_in.address}/alice/podman:{form}"
    podman.run("tag", name, target)
    podman.push(target, "--format", form)
    manifest = json.loads(skopeo.manifest(target))
    expected = content.OCI_MANIFEST if form == "oci" else content.DOCKER_MANIFEST
    assert manifest.get("mediaType", content.OCI_MANIFEST) == expected
    podman.run("rmi", target)
    podman.pull(target)
    assert podman.layers(target) == layers


@pytest.mark.parametrize("compression", ["zstd:chunked", "gzip"])
def test_recompressed_copy(debian_image, skopeo, logged_in, compression):
    name, _, layers = debian_image
    target = f"{logged_in.address}/alice/recompressed:{compression.split(':')[0]}"
    skopeo.copy(
        f"docker://{name}", f"docker://{target}", "--format", "oci", "--dest-compress-format", compression.split(":")[0]
    )
    config = skopeo.inspect(target, "--config")
    assert config["rootfs"]["diff_ids"] == layers


@pytest.fixture(scope="module")
def multi_arch(logged_in, buildah):
    """An index of two small images for two architectures, made and pushed by buildah."""
    name = f"{logged_in.address}/alice/multi:1"
    buildah.run("manifest", "create", "multi")
    for architecture in ("amd64", "arm64"):
        container = buildah.run("from", "--arch", architecture, "scratch").stdout.strip()
        buildah.run("config", "--arch", architecture, "--env", f"MADE_FOR={architecture}", container)
        image = f"localhost/{architecture}"
        buildah.run("commit", "--rm", container, image)
        buildah.run("manifest", "add", "multi", image)
    buildah.run("manifest", "push", "--all", "--tls-verify=false", "multi", f"docker://{name}")
    return name


def test_each_architecture_gets_its_own(multi_arch, skopeo, docker, podman):
    index = json.loads(skopeo.manifest(multi_arch))
    assert sorted(entry["platform"]["architecture"] for entry in index["manifests"]) == ["amd64", "arm64"]
    for architecture in ("amd64", "arm64"):
        config = skopeo.run(
            "inspect",
            "--config",
            "--tls-verify=false",
            "--override-arch",
            architecture,
            f"docker://{multi_arch}",
            check=False,
        )
        if config.returncode != 0:  # the option is a global one in older versions
            config = skopeo.run(
                "--override-arch", architecture, "inspect", "--config", "--tls-verify=false", f"docker://{multi_arch}"
            )
        assert json.loads(config.stdout)["architecture"] == architecture
        docker.run("pull", "--platform", f"linux/{architecture}", multi_arch)
        made_for = json.loads(docker.run("image", "inspect", multi_arch).stdout)[0]["Config"]["Env"]
        assert f"MADE_FOR={architecture}" in made_for
        podman.pull(multi_arch)


def test_index_is_copied_whole(multi_arch, skopeo, logged_in):
    target = f"{logged_in.address}/alice/multi-copy:1"
    skopeo.copy(f"docker://{multi_arch}", f"docker://{target}", "--all")
    assert skopeo.manifest(target) == skopeo.manifest(multi_arch)


def test_skopeo_lists_and_deletes_tags(debian_image, skopeo, logged_in):
    name, _, _ = debian_image
    target = f"{logged_in.address}/alice/short:1"
    skopeo.copy(f"docker://{name}", f"docker://{target}")
    listed = skopeo.run("list-tags", "--tls-verify=false", f"docker://{logged_in.address}/alice/short").stdout
    assert json.loads(listed)["Tags"] == ["1"]
    skopeo.run("delete", "--tls-verify=false", f"docker://{target}")
    gone = skopeo.run("inspect", "--tls-verify=false", f"docker://{target}", check=False)
    assert gone.returncode != 0
    assert "unknown" in gone.stdout
