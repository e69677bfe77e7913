"""The docker and podman commands of the README and of the page about clients, as they stand there.

What a reader has and these engines lack is made: the program on the PATH that finds its daemon or its storage, an image
called alpine, and the administrator with the password in a file. The address is this server's.
"""

import io
import json
import os
import re
import shlex
import shutil
import tarfile

import pytest

from harness import engines, paths, process
from harness.server import User

PAGES = "".join((paths.ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/guide/clients.md"))


def block_of(command):
    """The fenced block whose first line begins with the command."""
    found = [block for block in re.findall(r"^```sh\n(.*?)^```$", PAGES, re.MULTILINE | re.DOTALL) if block.startswith(command)]
    assert len(found) == 1, f"{len(found)} blocks begin with {command}"
    return found[0]


def shim(folder, name, command, environment):
    """A program of that name that runs `command` with what it is given."""
    script = folder / "bin" / name
    script.parent.mkdir(exist_ok=True)
    exports = "".join(f"export {key}={shlex.quote(str(value))}\n" for key, value in environment.items())
    script.write_text(f'#!/bin/sh\n{exports}exec {shlex.join(str(part) for part in command)} "$@"\n')
    script.chmod(0o755)


@pytest.fixture
def reader(server, folder):
    """A folder with the administrator's password, as the README has it by then; runs a block there."""
    admin = User("readme-admin", "a password for the README")
    server.run("user", "create", admin.name, "--admin", "--password-stdin", stdin=admin.password + "\n", check=False)
    (folder / "admin.password").write_text(admin.password + "\n")

    def follow(block):
        script = block.replace("127.0.0.1:5000", server.address)
        script = script.replace("--username admin", f"--username {admin.name}").replace("/admin/", f"/{admin.name}/")
        environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
        return process.run("bash", "-euo", "pipefail", "-c", script, cwd=folder, env=environment).stdout

    return follow


@pytest.fixture
def file_system(folder):
    """A tar file of one file, to import as an image."""
    path = folder / "alpine.tar"
    with tarfile.open(path, "w") as archive:
        entry = tarfile.TarInfo("greeting")
        entry.size = 6
        archive.addfile(entry, io.BytesIO(b"hello\n"))
    return path


def test_docker_commands(reader, docker, folder, file_system):
    docker.run("import", file_system, "alpine")
    shim(folder, "docker", [engines.DOCKER], docker.environment())
    output = reader(block_of("docker login"))
    assert "Login Succeeded" in output
    assert re.search(r"^latest: digest: sha256:", output, re.MULTILINE), output
    assert "Image is up to date" in output, output


def test_podman_commands(reader, podman, folder, file_system):
    podman.run("import", file_system, "alpine")
    shim(folder, "podman", [shutil.which(podman.program), *podman.globals()], podman.environment())
    output = reader(block_of("podman login"))
    assert "Login Succeeded" in output
    assert json.loads(podman.run("image", "inspect", "alpine").stdout)[0]["Id"] in output
