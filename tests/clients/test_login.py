"""What people see when they log in, and when they may not."""

import gzip
import io
import json
import re
import tarfile

import pytest

from harness import content
from harness.registry import Registry
from harness.server import User

# The engines' own words for a 401 or a 403, and the server's.
REFUSED = re.compile(r"unauthorized|denied|invalid username/password|no basic auth credentials", re.IGNORECASE)
ENGINES = ["docker", "podman", "buildah", "skopeo"]


@pytest.fixture(params=ENGINES)
def engine(request):
    return request.getfixturevalue(request.param)


def pull(engine, image):
    if engine.program == "skopeo":
        return engine.run("inspect", "--tls-verify=false", f"docker://{image}", check=False)
    return engine.run("pull", *engine.insecure, image, check=False)


def test_login_and_logout(server, alice, engine):
    assert "Login Succeeded" in engine.login(server.address, alice).stdout
    engine.run("logout", server.address)


def test_wrong_password(server, alice, engine):
    refused = engine.login(server.address, alice, password="not the password", check=False)
    assert refused.returncode != 0
    assert REFUSED.search(refused.stdout)
    assert "not the password" not in refused.stdout


def test_unknown_account(server, alice, engine):
    del alice
    refused = engine.login(server.address, User("nobody-here", "some password"), check=False)
    assert refused.returncode != 0
    assert REFUSED.search(refused.stdout)


def test_private_image_is_refused_without_login(server, registry, repository, engine, rng):
    registry.push_image(repository, rng, "latest")
    refused = pull(engine, f"{server.address}/{repository}:latest")
    assert refused.returncode != 0
    assert REFUSED.search(refused.stdout)


def test_public_image_is_pulled_without_login(server, registry, repository, engine, tiny_image):
    server.run("repo", "set", repository, "--visibility", "public")
    pulled = pull(engine, f"{server.address}/{tiny_image}")
    assert pulled.returncode == 0, pulled.stdout


def test_push_into_another_namespace_is_refused(server, mallory, registry, repository, engine, tiny_image):
    if engine.program == "skopeo":
        pytest.skip("covered by the engines that keep images")
    image = f"{server.address}/{tiny_image}"
    server.run("repo", "set", repository, "--visibility", "public")
    assert pull(engine, image).returncode == 0
    engine.login(server.address, mallory)
    try:
        refused = engine.run("push", *engine.insecure, image, check=False)
    finally:
        engine.run("logout", server.address)
    assert refused.returncode != 0
    assert REFUSED.search(refused.stdout)
    assert registry.get_manifest(repository, "latest").status_code == 200


@pytest.fixture
def tiny_image(server, alice, repository, rng):
    """A tiny image that every engine accepts."""
    unpacked = io.BytesIO()
    with tarfile.open(fileobj=unpacked, mode="w") as archive:
        text = rng.randbytes(16).hex().encode()
        entry = tarfile.TarInfo("file")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    layer = content.Blob(gzip.compress(unpacked.getvalue(), mtime=0), content.DOCKER_LAYER)
    config = content.Blob(
        json.dumps(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {},
                "rootfs": {"type": "layers", "diff_ids": [content.digest_of(unpacked.getvalue())]},
                "history": [{"created_by": "test"}],
            }
        ).encode(),
        content.DOCKER_CONFIG,
    )
    registry = Registry(server, alice)
    for blob in (layer, config):
        registry.push_blob(repository, blob)
    registry.push_manifest(repository, content.image_manifest(config, [layer], content.DOCKER_MANIFEST), "latest")
    return f"{repository}:latest"
