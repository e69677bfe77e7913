"""The image: in docker and podman, with a root file system that cannot be written, and as the registry that holds it."""

import io
import json
import os
import re
import subprocess
import sys
import tarfile

import pytest

from harness import paths, process
from harness.registry import Registry
from harness.server import User

PASSWORD = "correct horse battery staple"
SETUP_TOKEN = re.compile(r"bhsetup_[0-9A-Za-z]+")
# What a cluster with rules demands.
CONFINED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]


@pytest.fixture(params=["docker", "podman"])
def engine(request):
    """With the image loaded from its archive."""
    return request.getfixturevalue(request.param)


class Container:
    """The server of the image, on this machine's network."""

    def __init__(self, engine, name, port):
        self.engine, self.name, self.port = engine, name, port

    def start(self, *flags):
        self.engine.run(
            "run", "--detach", f"--name={self.name}", "--network=host", *CONFINED, *flags,
            f"--env=BULKHEAD_LISTEN=127.0.0.1:{self.port}", f"--volume={self.name}:/var/lib/bulkhead", "bulkhead:latest")
        process.wait_until(lambda: self.bulkhead("health", check=False).returncode == 0, "the container to be ready")

    def bulkhead(self, *arguments, **options):
        options = {"stdin": subprocess.DEVNULL} | options
        return self.engine.run("exec", "--interactive", self.name, "bulkhead", *arguments, **options)

    def make_administrator(self):
        token = SETUP_TOKEN.search(self.engine.run("logs", self.name).stdout).group()
        self.bulkhead("setup", "admin", "--server", f"http://127.0.0.1:{self.port}", "--token", token, "--password-stdin",
                      stdin=None, input=PASSWORD)

    def remove(self):
        self.engine.run("stop", "--time=30", self.name)
        self.engine.run("rm", self.name)


@pytest.fixture
def container(engine, request):
    made = Container(engine, "bulkhead-" + re.sub(r"[^a-z]+", "-", request.node.originalname)[:40], process.free_port())
    yield made
    engine.run("rm", "--force", "--volumes", made.name, check=False)


def test_it_runs_confined_and_its_data_outlives_the_container(container):
    container.start()
    container.make_administrator()
    container.remove()
    container.start()
    assert "admin" in container.bulkhead("user", "list").stdout


def test_it_stops_by_itself_when_it_is_told_to(container):
    container.start()
    container.engine.run("stop", "--time=30", container.name)
    state = json.loads(container.engine.run("inspect", container.name).stdout)[0]["State"]
    assert state["ExitCode"] == 0


def test_the_engine_sees_that_it_is_healthy(container, engine):
    """docker takes the check from the image; podman, for images of this format, from the command line."""
    if engine.program == "podman":
        container.start("--health-cmd=" + json.dumps(["bulkhead", "health"]), "--health-interval=disable")
        engine.run("healthcheck", "run", container.name)
        return
    container.start("--health-interval=1s")

    def status():
        return json.loads(engine.run("inspect", container.name).stdout)[0]["State"]["Health"]["Status"]

    process.wait_until(lambda: status() == "healthy", "docker to call it healthy")


def test_it_holds_the_image_that_it_is_of_and_its_sbom(container, engine, image, version, folder):
    container.start()
    container.make_administrator()
    address = f"127.0.0.1:{container.port}"
    admin = User("admin", PASSWORD)
    environment = os.environ | {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
    logging_in = ["login", "--tls-verify=false", "--username=admin", "--password-stdin", address]
    process.run("skopeo", *logging_in, input=PASSWORD, env=environment)
    name = f"{address}/admin/bulkhead:{version}"
    push = [sys.executable, "-B", paths.ROOT / "packaging" / "make" / "push.py"]
    pushed = process.run(*push, image.parent, name, "--dest-tls-verify=false", env=environment)
    digest = re.search(r"its SBOM (sha256:[0-9a-f]{64})", pushed.stdout).group(1)

    # Pulled back, it is the image that the server runs from.
    engine.login(address, admin)
    running = engine.run("inspect", "--format={{.Image}}", container.name).stdout.strip().removeprefix("sha256:")
    engine.run("pull", *engine.insecure, name)
    pulled = json.loads(engine.run("image", "inspect", name).stdout)[0]["Id"].removeprefix("sha256:")
    assert pulled == running

    # What refers to it is found, and is the SBOM that was made with it.
    registry = Registry(_Address(f"http://{address}"), admin)
    subject = registry.get_manifest("admin/bulkhead", version).headers["Docker-Content-Digest"]
    found = registry.get(f"/v2/admin/bulkhead/referrers/{subject}").json()["manifests"]
    assert [(entry["digest"], entry["artifactType"]) for entry in found] == [(digest, "application/spdx+json")]
    layer = registry.get_manifest("admin/bulkhead", digest).json()["layers"][0]
    assert registry.get_blob("admin/bulkhead", layer["digest"]).content == image.with_suffix(".spdx.json").read_bytes()


class _Address:
    """What a Registry needs of a server that is not the tests' own."""

    patience = 1

    def __init__(self, url):
        self.url = url


@pytest.fixture(scope="module")
def files(image):
    """The entries of all layers, by path."""
    out = {}
    with tarfile.open(image) as archive:
        manifest = json.load(archive.extractfile("manifest.json"))[0]
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=io.BytesIO(archive.extractfile(layer).read())) as tar:
                out |= {entry.name: entry for entry in tar}
    return out


def test_nothing_in_it_is_a_shell_or_raises_privileges(files):
    programs = {path for path, entry in files.items() if entry.isreg() and "/bin/" in f"/{path}"}
    assert programs == {"usr/bin/bulkhead"}
    assert [path for path, entry in files.items() if entry.mode & 0o6000] == []
    assert [path for path, entry in files.items() if entry.mode & 0o002 and not entry.issym()] == ["tmp"]


def test_the_sbom_names_the_package_of_every_library(files, image):
    bill = json.loads(image.with_suffix(".spdx.json").read_text())
    named = {package["name"]: package["versionInfo"] for package in bill["packages"]}
    for path in files:
        if path.startswith("var/lib/dpkg/status.d/"):
            assert path.rpartition("/")[2] in named
    installed = process.run("dpkg-query", "-W", "-f", "${Version}", "libssl3").stdout
    assert named["libssl3"] == installed
    assert {"libboost1.81-dev", "ca-certificates", "libc6"} <= named.keys()
    assert all(relation["relatedSpdxElement"] in {p["SPDXID"] for p in bill["packages"]} for relation in bill["relationships"])


def test_it_says_what_it_is(image, version):
    config = json.loads(process.run("skopeo", "inspect", "--config", f"oci-archive:{image}").stdout)["config"]
    assert config["User"] == "65532:65532"
    assert config["Labels"]["org.opencontainers.image.version"] == version
    assert list(config["ExposedPorts"]) == ["5000/tcp"]
    assert list(config["Volumes"]) == ["/var/lib/bulkhead"]
