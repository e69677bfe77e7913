"""A repository as an OCI layout, and back: the same digests, signatures included; readable by others' tools."""

import json

import pytest

from harness import content, process


@pytest.fixture
def filled(there, rng):
    """An index of two platforms, a referrer of it, one of that, a signature by its tag, and a Docker image."""
    name = "alice/app"
    children = [there.push_image(name, rng) for _ in range(2)]
    index = there.push_manifest(name, content.index(children), "v1")
    referrer = there.push_image(name, rng, subject=index.descriptor(), artifactType="application/x.signature")
    counter = there.push_image(name, rng, subject=referrer.descriptor(), artifactType="application/x.counter")
    signature = there.push_image(name, rng, index.digest.replace(":", "-") + ".sig")
    docker = content.image_manifest(
        there.push_blob(name, content.config_blob(rng, content.DOCKER_CONFIG)),
        [there.push_blob(name, content.random_blob(rng, 5_000_000, media_type=content.DOCKER_LAYER))],
        content.DOCKER_MANIFEST,
    )
    there.push_manifest(name, docker, "v2")
    there.push_manifest(name, docker, "latest")
    return {"all": [index, *children, referrer, counter, signature, docker], "tags": {"v1": index, "v2": docker}}


def read_index(layout):
    return json.loads((layout / "index.json").read_text())["manifests"]


def test_what_goes_out_comes_back_the_same(cli, there, filled, folder):
    layout = folder / "layout"
    said = cli.run("export", "alice/app", layout).stdout
    assert "alice/app: 4 tags copied" in said
    assert json.loads((layout / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    names = {each["annotations"]["org.opencontainers.image.ref.name"] for each in read_index(layout) if "annotations" in each}
    assert names == {"v1", "v2", "latest", filled["tags"]["v1"].digest.replace(":", "-") + ".sig"}
    for file in (layout / "blobs" / "sha256").iterdir():
        assert content.digest_of(file.read_bytes()) == "sha256:" + file.name
    cli.run("import", layout, "--as", "alice/again")
    for manifest in filled["all"]:
        found = there.get_manifest("alice/again", manifest.digest)
        assert found.status_code == 200
        assert found.content == manifest.data
        assert found.headers["Content-Type"] == manifest.media_type
    for tag, manifest in filled["tags"].items():
        assert there.get_manifest("alice/again", tag).content == manifest.data
    index = filled["tags"]["v1"]
    referrers = there.get(f"/v2/alice/again/referrers/{index.digest}").json()["manifests"]
    assert [each["digest"] for each in referrers] == [filled["all"][3].digest]
    again = cli.json("import", layout, "--as", "alice/again")
    assert (again["tags_copied"], again["blobs_copied"], again["bytes"]) == (0, 0, 0)


def test_skopeo_reads_it(cli, filled, folder):
    layout = folder / "layout"
    cli.run("export", "alice/app", layout)
    raw = process.run("skopeo", "inspect", "--raw", f"oci:{layout}:v1").stdout
    assert raw.encode() == filled["tags"]["v1"].data


def test_one_tag_goes_out_with_what_belongs_to_it(cli, filled, folder):
    layout = folder / "layout"
    cli.run("export", "alice/app:v1", layout)
    found = {each["digest"] for each in read_index(layout)}
    index, _, _, referrer, counter, signature, docker = filled["all"]
    assert found == {index.digest, referrer.digest, counter.digest, signature.digest}
    assert not (layout / "blobs" / "sha256" / docker.digest.removeprefix("sha256:")).exists()


def test_a_second_export_brings_what_is_new_and_mends_what_is_missing(cli, there, filled, folder, rng):
    layout = folder / "layout"
    cli.run("export", "alice/app", layout)
    second = cli.json("export", "alice/app", layout)
    assert (second["tags_copied"], second["tags_there"], second["blobs_copied"]) == (0, 4, 0)
    there.push_image("alice/app", rng, "v3")
    third = cli.json("export", "alice/app", layout)
    assert (third["tags_copied"], third["tags_there"], third["blobs_copied"]) == (1, 4, 2)


def test_a_directory_with_something_else_in_it_is_left_alone(cli, filled, folder):
    full = folder / "full"
    full.mkdir()
    (full / "thesis.txt").write_text("mine")
    done = cli.run("export", "alice/app", full, check=False)
    assert done.returncode == 1
    assert "something else" in done.stderr
    assert [each.name for each in full.iterdir()] == ["thesis.txt"]


def test_what_may_not_be_read_is_not_exported(cli, target, filled, folder):
    cli.log_in(target.create_user("mallory"))
    done = cli.run("export", "alice/app", folder / "layout", check=False)
    assert done.returncode == 1
    assert "failed: alice/app:" in done.stderr


@pytest.mark.parametrize("harm", ["changed", "gone", "longer"])
def test_a_layout_that_was_changed_is_not_taken_for_what_it_says(cli, there, filled, folder, harm):
    layout = folder / "layout"
    cli.run("export", "alice/app:v2", layout)
    (layer,) = [file for file in (layout / "blobs" / "sha256").iterdir() if file.stat().st_size == 5_000_000]
    data = layer.read_bytes()
    layer.unlink()
    if harm != "gone":
        layer.write_bytes(data[:-1] + bytes([data[-1] ^ 1]) if harm == "changed" else data + b"x")
    done = cli.run("import", layout, "--as", "alice/harmed", check=False)
    assert done.returncode == 1
    assert layer.name in done.stderr
    assert there.get_manifest("alice/harmed", "v2").status_code == 404


def test_one_that_another_program_made_comes_in(cli, there, filled, folder, target):
    layout = folder / "skopeo"
    process.run(
        "skopeo", "copy", "--all", "--src-tls-verify=false", f"--src-creds={target.alice.name}:{target.alice.password}",
        f"docker://{target.address}/alice/app:v1", f"oci:{layout}:docker.io/acme/app:v9",
    )
    cli.run("import", layout, "--as", "alice/from-skopeo")
    (written,) = read_index(layout)  # skopeo writes JSON anew
    assert there.head("/v2/alice/from-skopeo/manifests/v9").headers["Docker-Content-Digest"] == written["digest"]


def test_what_is_no_layout_is_refused(cli, folder):
    (folder / "empty").mkdir()
    done = cli.run("import", folder / "empty", "--as", "alice/x", check=False)
    assert done.returncode == 1
    assert "no OCI layout" in done.stderr
    done = cli.run("import", folder / "empty", check=False)
    assert "--as" in done.stderr
