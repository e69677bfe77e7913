"""The commands of docs/guide/install.md, carried out where their readers would be: on a Debian, with docker, with compose."""

import json
import os
import re
import shutil
import subprocess

import pytest

from harness import images, pages, paths, process, roots

GUIDE = (paths.ROOT / "docs" / "guide" / "install.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^<!-- test: ([a-z]+) -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def script(name):
    """All blocks of that name, one after the other."""
    return "".join(text for kind, text in BLOCK.findall(GUIDE) if kind == name)


def here(commands, folder, environment):
    return process.run("bash", "-euo", "pipefail", "-c", commands, cwd=folder, env=environment, stdin=subprocess.DEVNULL)


def test_every_kind_of_block_is_carried_out():
    assert {kind for kind, _ in BLOCK.findall(GUIDE)} == {"deb", "docker", "compose", "tarball", "leaving"}


def test_debian(booted, deb):
    booted.dpkg("--purge", "bulkhead", check=False)
    booted.run("rm", "-rf", "/var/lib/bulkhead")
    packages = booted.folder / "root" / "packages"
    packages.mkdir()
    shutil.copy(deb, packages)
    said = booted.run("bash", "-euo", "pipefail", "-c", f"cd /root/packages\n{script('deb')}", stdin=subprocess.DEVNULL).stdout
    assert "Active: active (running)" in said
    assert "\nready\n" in said
    assert re.search(r"bhsetup_[0-9A-Za-z]+", said)
    assert "the settings are right" in said


def test_docker(docker, image):
    docker.run("network", "create", "readers")  # the tests' engine has none by default
    publish = "--publish 127.0.0.1:5000:5000"
    assert publish in script("docker")
    commands = script("docker").replace(publish, f"--network readers --publish 127.0.0.1:{process.free_port()}:5000")
    path = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        here(commands, image.parent, os.environ | docker.environment() | path)
        health = ["exec", "registry", "bulkhead", "health"]
        process.wait_until(lambda: docker.run(*health, check=False).returncode == 0, "the container to be ready")
        assert "bhsetup_" in docker.run("logs", "registry").stdout
    finally:
        docker.run("rm", "--force", "registry", check=False)
        docker.run("volume", "rm", "registry", check=False)


def test_compose(docker, folder):
    registry = shutil.copytree(paths.ROOT / "packaging" / "compose", folder / "registry")
    commands = script("compose").replace("docker compose", "docker-compose")  # as Debian 12 has it
    environment = os.environ | docker.environment() | {"BULKHEAD_PORT": str(process.free_port())}
    try:
        assert "Creating" in here(commands, registry, environment).stdout
    finally:
        here("docker-compose down --volumes", registry, environment)


@pytest.fixture
def bare(storage):
    """A minimal Debian, with nothing that the program needs."""
    root = roots.Root(roots.unpack(images.debian_tarball(), storage / "bare"))
    process.run("mount", "-t", "proc", "proc", root.folder / "proc")
    yield root
    process.run("umount", "--lazy", root.folder / "proc")


def test_tarball(bare, tarball, version):
    shutil.copy(tarball, bare.folder / "root")
    assert f"bulkhead {version}\n" in bare.run("bash", "-euc", f"cd /root\n{script('tarball')}", stdin=subprocess.DEVNULL).stdout


def test_leaving_with_everything(server, alice, registry, rng):
    image = registry.push_image("alice/app", rng, "latest")
    environment = pages.reader_environment(server) | {"REGISTRY_AUTH_FILE": str(server.folder / "auth.json")}
    logging_in = ["login", "--tls-verify=false", f"--username={alice.name}", "--password-stdin", server.address]
    process.run("skopeo", *logging_in, input=alice.password, env=environment)
    commands = script("leaving").replace("registry.example.com", server.address).replace("sync", "sync --src-tls-verify=false")
    here(commands, server.folder, environment)
    assert (server.folder / "images" / "app:latest" / "manifest.json").read_bytes() == image.data
    assert "alice" in {user["name"] for user in json.loads((server.folder / "users.json").read_text())}
    events = [json.loads(line) for line in (server.folder / "evidence.json").read_text().splitlines()]
    assert "tag_set" in {event["action"] for event in events}
