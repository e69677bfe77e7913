"""The real clients: docker with a daemon of its own, podman, buildah and skopeo, each with storage of its own.

Nothing here touches the machine's own container storage, configuration or daemons.
"""

import json
import os
import shutil

from harness import process
from harness.process import run

DOCKER = "/usr/bin/docker"  # Debian's, whatever else may be on the path


def login_arguments(registry_address, user, password=None):
    return ["login", "--username", user.name, "--password-stdin", registry_address], (password or user.password)


def unmount_below(folder):
    """A killed engine may leave mounts behind."""
    with open("/proc/mounts", encoding="utf-8") as mounts:
        points = [line.split()[1] for line in mounts]
    for point in reversed([point for point in points if point.startswith(str(folder) + "/")]):
        run("umount", "--lazy", point, check=False)


class Docker:
    """The Docker engine: dockerd on a socket in `folder`, without networking, on the vfs storage driver."""

    program = "docker"
    insecure = ()  # the engine takes any registry on a loopback address without TLS

    def __init__(self, folder):
        self.folder = folder
        self._socket = folder / "docker.sock"
        self._daemon = process.Daemon(
            [
                "dockerd",
                "--iptables=false",
                "--ip6tables=false",
                "--bridge=none",
                "--storage-driver=vfs",
                f"--data-root={folder / 'data'}",
                f"--exec-root={folder / 'exec'}",
                f"--pidfile={folder / 'docker.pid'}",
                f"--host=unix://{self._socket}",
            ],
            folder / "dockerd.log",
        )
        process.wait_until(self._ready, "dockerd to be ready", 60)

    def _ready(self):
        assert self._daemon.running(), f"dockerd ended:\n{self._daemon.log()[-3000:]}"
        return self.run("version", check=False).returncode == 0

    def environment(self):
        return {"DOCKER_HOST": f"unix://{self._socket}", "DOCKER_CONFIG": str(self.folder / "config")}

    def run(self, *arguments, **options):
        return run(DOCKER, *arguments, env={**os.environ, **self.environment()}, **options)

    def login(self, address, user, password=None, **options):
        arguments, secret = login_arguments(address, user, password)
        return self.run(*arguments, input=secret, **options)

    def logout(self, address):
        self.run("logout", address)

    def push(self, image):
        """The digest of the manifest that was pushed, as docker reports it."""
        return next(word for word in reversed(self.run("push", image).stdout.split()) if word.startswith("sha256:"))

    def layers(self, image):
        """The digests of the uncompressed layers."""
        return json.loads(self.run("image", "inspect", image).stdout)[0]["RootFS"]["Layers"]

    def image_id(self, image):
        return json.loads(self.run("image", "inspect", image).stdout)[0]["Id"]

    def close(self):
        self._daemon.terminate(60)
        unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


class _Containers:
    """What podman and buildah have in common: --root and --runroot, an authentication file, TLS by the command."""

    program = ""
    insecure = ("--tls-verify=false",)

    def __init__(self, folder):
        self.folder = folder
        self._authentication = folder / "auth.json"

    def environment(self):
        return {"REGISTRY_AUTH_FILE": str(self._authentication)}

    def run(self, *arguments, **options):
        inherited = {name: value for name, value in os.environ.items() if name != "DOCKER_CONFIG"}
        return run(self.program, *self.globals(), *arguments, env={**inherited, **self.environment()}, **options)

    def globals(self):
        return ["--root", self.folder / "root", "--runroot", self.folder / "run", "--storage-driver", "vfs"]

    def login(self, address, user, password=None, **options):
        arguments, secret = login_arguments(address, user, password)
        return self.run(arguments[0], "--tls-verify=false", *arguments[1:], input=secret, **options)

    def close(self):
        unmount_below(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)


class Podman(_Containers):
    program = "podman"

    def pull(self, image, **options):
        return self.run("pull", "--tls-verify=false", image, **options)

    def push(self, image, *arguments):
        return self.run("push", "--tls-verify=false", *arguments, image)

    def inspect(self, image):
        return json.loads(self.run("image", "inspect", image).stdout)[0]

    def layers(self, image):
        return self.inspect(image)["RootFS"]["Layers"]


class Buildah(_Containers):
    program = "buildah"

    def build(self, context, image, *arguments):
        # chroot isolation needs neither namespaces nor a runtime.
        return self.run("build", "--isolation", "chroot", "--tls-verify=false", *arguments, "--tag", image, context)

    def push(self, image, *arguments):
        return self.run("push", "--tls-verify=false", *arguments, image)

    def pull(self, image, **options):
        return self.run("pull", "--tls-verify=false", image, **options)


class Skopeo(_Containers):
    program = "skopeo"

    def globals(self):
        return []

    def inspect(self, image, *arguments):
        return json.loads(self.run("inspect", "--tls-verify=false", *arguments, f"docker://{image}").stdout)

    def manifest(self, image):
        """The exact bytes."""
        return self.run("inspect", "--tls-verify=false", "--raw", f"docker://{image}").stdout.encode()

    def copy(self, source, target, *arguments, **options):
        return self.run(
            "copy", "--src-tls-verify=false", "--dest-tls-verify=false", *arguments, source, target, **options
        )
