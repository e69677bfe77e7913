"""compose.yaml is started as it stands; the Kubernetes manifest is held against the image and the program."""

import json
import os
import re
import shutil

import pytest
import requests
import yaml

from harness import paths, process

COMPOSE = paths.ROOT / "packaging" / "compose"
MANIFEST = paths.ROOT / "packaging" / "kubernetes" / "bulkhead.yaml"
VARIABLE = re.compile(r"\$\{([A-Z_]+)")


@pytest.fixture
def compose(docker, folder):
    """Runs docker-compose on a copy of the folder; what it started is gone afterwards."""
    shutil.copytree(COMPOSE, folder / "registry")
    port = process.free_port()
    environment = os.environ | docker.environment() | {"BULKHEAD_PORT": str(port)}

    def run(*arguments, **options):
        return process.run("docker-compose", *arguments, cwd=folder / "registry", env=environment, **options)

    run.port = port
    yield run
    run("down", "--volumes", check=False)


def test_compose_serves_without_any_configuration(compose):
    compose("up", "--detach")
    process.wait_until(lambda: compose("exec", "-T", "bulkhead", "bulkhead", "health", check=False).returncode == 0, "the server")
    answer = requests.get(f"http://127.0.0.1:{compose.port}/v2/", timeout=10)
    assert f'realm="http://127.0.0.1:{compose.port}/token"' in answer.headers["WWW-Authenticate"]


def test_compose_knows_both_profiles_with_the_example_taken_as_it_is(folder):
    example = (COMPOSE / "env.example").read_text()
    shutil.copytree(COMPOSE, folder / "registry")
    (folder / "registry" / ".env").write_text(re.sub(r"^#([A-Z])", r"\1", example, flags=re.MULTILINE))
    services = process.run("docker-compose", "config", "--services", cwd=folder / "registry").stdout.split()
    assert sorted(services) == ["bulkhead", "postgres", "proxy"]
    explained = set(re.findall(r"^#([A-Z_]+)=", example, re.MULTILINE)) | {"BULKHEAD_TRUSTED_PROXIES"}
    assert explained == set(VARIABLE.findall((COMPOSE / "compose.yaml").read_text())) | {"COMPOSE_PROFILES"}


@pytest.fixture(scope="module")
def pod():
    """The template of the pods in the manifest."""
    kinds = {document["kind"]: document for document in yaml.safe_load_all(MANIFEST.read_text())}
    assert set(kinds) == {"Service", "StatefulSet"}
    stateful = kinds["StatefulSet"]["spec"]
    labels = stateful["template"]["metadata"]["labels"]
    assert labels == stateful["selector"]["matchLabels"] == kinds["Service"]["spec"]["selector"]
    assert {mount["name"] for mount in stateful["template"]["spec"]["containers"][0]["volumeMounts"]} == {
        claim["metadata"]["name"] for claim in stateful["volumeClaimTemplates"]
    }
    return stateful["template"]["spec"]


def test_the_pod_is_what_clusters_call_restricted_and_what_the_image_expects(pod, image):
    container = pod["containers"][0]
    config = json.loads(process.run("skopeo", "inspect", "--config", f"oci-archive:{image}").stdout)["config"]
    rights = pod["securityContext"]
    assert config["User"] == f"{rights['runAsUser']}:{rights['runAsGroup']}"
    assert rights["runAsNonRoot"] and rights["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert f"{container['ports'][0]['containerPort']}/tcp" in config["ExposedPorts"]
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert probes == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}


def test_the_program_starts_on_volumes_as_a_cluster_hands_them_over(pod, binary, folder):
    """They belong to root, and to the group that fsGroup names; a new disk has a lost+found."""
    environment = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
    for mount in pod["containers"][0]["volumeMounts"]:
        volume = folder / mount["name"]
        volume.mkdir()
        (volume / "lost+found").mkdir(mode=0o700)
        os.chown(volume, 0, 65532)
        volume.chmod(0o2775)
        environment = {name: value.replace(f"{mount['mountPath']}/", f"{volume}/") for name, value in environment.items()}
    for above in (folder, folder.parent):
        above.chmod(0o755)
    program = shutil.copy(binary, folder / "bulkhead")
    port = process.free_port()
    environment |= {"BULKHEAD_LISTEN": f"127.0.0.1:{port}", "PATH": os.environ["PATH"]}
    as_user = ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"]

    def ready_or_dead():
        return process.run(*as_user, program, "health", env=environment, check=False).returncode == 0 or not daemon.running()

    for _ in ("a new volume", "one that was used"):
        daemon = process.Daemon([*as_user, program, "serve"], folder / "log", environment)
        process.wait_until(ready_or_dead, "the server to be ready")
        assert daemon.running(), daemon.log()
        daemon.kill()
