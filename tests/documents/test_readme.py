"""The README's commands, carried out one after the other against a new server.

harness/pages.py says which and how. What the README leaves to the reader, an image in the OCI layout `alpine`, is made here.
"""

import gzip
import hashlib
import io
import json
import re
import tarfile

import pytest

from harness import pages, paths

README = (paths.ROOT / "README.md").read_text(encoding="utf-8")
CONFIGURATION = (paths.ROOT / "docs/guide/configuration.md").read_text(encoding="utf-8")
LONGEST = 120  # lines: what somebody reads who only wants to know what this is


def write_image(layout):
    """An image of one file as an OCI layout, tagged latest."""
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def put(content):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("greeting")
        entry.size = 6
        archive.addfile(entry, io.BytesIO(b"hello\n"))
    layer = buffer.getvalue()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]},
    }
    oci = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": oci + "manifest.v1+json",
        "config": {"mediaType": oci + "config.v1+json", **put(json.dumps(config).encode())},
        "layers": [{"mediaType": oci + "layer.v1.tar+gzip", **put(gzip.compress(layer, mtime=0))}],
    }
    entry = {
        "mediaType": manifest["mediaType"],
        **put(json.dumps(manifest).encode()),
        "annotations": {"org.opencontainers.image.ref.name": "latest"},
    }
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def manifest_digest(layout):
    return json.loads((layout / "index.json").read_text())["manifests"][0]["digest"]


@pytest.fixture(scope="module")
def executed(server):
    """The output of each tested block, by its first line."""
    write_image(server.folder / "alpine")
    environment = pages.reader_environment(server)
    environment["REGISTRY_AUTH_FILE"] = str(server.folder / "auth.json")
    return pages.carry_out(README, server, environment, {"bhsetup_…": server.setup_token()})


def output_with(executed, command):
    found = [output for first, output in executed.items() if command in first]
    assert len(found) == 1, f"{len(found)} tested blocks begin with {command}"
    return found[0]


def test_every_tested_block_is_found_and_works(executed):
    assert len(executed) == README.count("<!-- test -->") == 5


def test_what_was_pushed_comes_back_identical(executed, server):
    assert "Login Succeeded" in output_with(executed, "skopeo login")
    assert manifest_digest(server.folder / "pulled") == manifest_digest(server.folder / "alpine")


def test_a_public_repository_is_pulled_without_an_account(executed, server):
    assert manifest_digest(server.folder / "alpine") in output_with(executed, "repo set")


def test_the_colleague_has_the_role(executed):
    output = output_with(executed, "bob.password")
    assert re.search(r"^admin/alpine +bob +writer$", output, re.MULTILINE), output


def test_the_evidence_names_the_push(executed):
    output = output_with(executed, "audit tail")
    assert re.search(r" tag_set +admin +127\.0\.0\.1 +admin/alpine latest is sha256:", output), output


def test_the_readme_stays_short():
    assert len(README.splitlines()) <= LONGEST


def test_the_configuration_is_accepted(server):
    executed = pages.carry_out(CONFIGURATION, server, pages.reader_environment(server), {})
    output = output_with(executed, "bulkhead.toml")
    assert "the settings are right" in output
    assert re.search(r'^upload_bytes = "20GiB"  # bulkhead\.toml:4$', output, re.MULTILINE), output
