"""The container image: the program and what it loads, without a shell, a package manager or a way to become root.

The archive is an OCI layout that docker's own format is part of, so that `docker load`, `podman load`, `ctr image import` and
`skopeo copy oci-archive:` all take it. The libraries are a layer of their own, which a newer program leaves as it is.
"""

import datetime
import hashlib
import json
import pathlib

from libraries import loaded_by, packages_of
from release import DESCRIPTION, ROOT, commit
from sbom import document
from tree import Tree, zipped

USER = 65532  # what images without root are used to have
DATA = "var/lib/bulkhead"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "ld-linux-x86-64.so.2"
AUTHORITIES = pathlib.Path("/usr/share/ca-certificates/mozilla")
SECOND = 1_000_000_000


def authorities():
    # What Debian's package has, and nothing that this machine was told to trust beside it.
    return sorted(AUTHORITIES.glob("*.crt"))


def system_layer(libraries):
    tree = Tree(0)  # no program's time: the same libraries are the same layer
    for name in ("bin", "lib", "lib64", "sbin"):
        tree.link(name, f"usr/{name}")
    tree.folder("usr/sbin")
    for name, path in libraries.items():
        tree.file(f"usr/lib64/{name}" if name == LOADER else f"{LIBRARIES}/{name}", path.read_bytes(), 0o755)
    tree.file("etc/ssl/certs/ca-certificates.crt", b"".join(path.read_bytes() for path in authorities()))
    tree.link("usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")
    ours = f"bulkhead:x:{USER}:{USER}:Bulkhead registry:/{DATA}:/sbin/nologin\n"
    tree.file("etc/passwd", "root:x:0:0:root:/:/sbin/nologin\n" + ours)
    tree.file("etc/group", f"root:x:0:\nbulkhead:x:{USER}:\n")
    tree.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    tree.copy("usr/lib/os-release", pathlib.Path("/usr/lib/os-release"))
    tree.link("etc/os-release", "../usr/lib/os-release")
    # Which packages these are, where scanners look for it, and under which licenses they come.
    for package in packages_of([*libraries.values(), *authorities()]):
        tree.file(f"var/lib/dpkg/status.d/{package.name}", package.status())
        tree.copy(f"usr/share/doc/{package.name}/copyright", package.copyright())
    tree.folder("tmp", 0o1777)
    # A new volume takes owner and mode from here.
    tree.folder(DATA, 0o700, USER)
    return tree


def program_layer(release, program):
    tree = Tree(release.epoch)
    tree.file("usr/bin/bulkhead", program, 0o755)
    tree.copy("usr/share/doc/bulkhead/LICENSE", ROOT / "LICENSE")
    return tree


def labels(release):
    made = datetime.datetime.fromtimestamp(release.epoch, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    values = {
        "title": "bulkhead",
        "description": DESCRIPTION,
        "version": release.version,
        "revision": commit(),
        "created": made,
        "licenses": "Apache-2.0",
    }
    return {f"org.opencontainers.image.{name}": value for name, value in values.items() if value}


def configuration(release, diff_ids):
    known = labels(release)
    created = known["org.opencontainers.image.created"]
    return {
        "created": created,
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"5000/tcp": {}},
            "Env": ["PATH=/usr/bin", "BULKHEAD_LISTEN=0.0.0.0:5000", f"BULKHEAD_DATA=/{DATA}"],
            "Entrypoint": ["/usr/bin/bulkhead"],
            "Cmd": ["serve"],
            "Volumes": {f"/{DATA}": {}},
            "WorkingDir": "/",
            "StopSignal": "SIGTERM",
            "Labels": known,
            # Docker's, beside the specification: podman and Kubernetes are told in their own files.
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/bulkhead", "health"],
                "Interval": 30 * SECOND,
                "Timeout": 10 * SECOND,
                "StartPeriod": 10 * SECOND,
                "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [
            {"created": created, "created_by": "libraries of Debian 12"},
            {"created": created, "created_by": f"bulkhead {release.version}"},
        ],
    }


class Layout:
    """An OCI image layout in the making."""

    def __init__(self, epoch):
        self.tree = Tree(epoch)
        self._known = set()

    def blob(self, content, media_type):
        if isinstance(content, dict):
            content = json.dumps(content, separators=(",", ":")).encode()
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._known:
            self.tree.file(f"blobs/sha256/{digest}", content)
            self._known.add(digest)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def index(self, manifests):
        self.tree.file("oci-layout", '{"imageLayoutVersion":"1.0.0"}')
        index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}
        self.tree.file("index.json", json.dumps(index))


def blob_path(descriptor):
    return "blobs/" + descriptor["digest"].replace(":", "/")


def make(release, into):
    """The path of the image's archive; its SBOM is beside it."""
    libraries = loaded_by(release.binary)
    program = release.stripped()
    layout = Layout(release.epoch)
    layers, diff_ids = [], []
    for tree in (system_layer(libraries), program_layer(release, program)):
        tar = tree.tar()
        diff_ids.append("sha256:" + hashlib.sha256(tar).hexdigest())
        layers.append(layout.blob(zipped(tar), "application/vnd.oci.image.layer.v1.tar+gzip"))
    config = layout.blob(configuration(release, diff_ids), "application/vnd.oci.image.config.v1+json")
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    manifest = layout.blob(
        {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": layers, "annotations": labels(release)},
        manifest_type,
    )
    # Each reads what it knows: docker both of the first, podman and containerd the second.
    names = [f"bulkhead:{release.version}", "bulkhead:latest"]
    annotations = {
        "io.containerd.image.name": "docker.io/library/bulkhead:latest",
        "org.opencontainers.image.ref.name": "latest",
    }
    layout.index([{**manifest, "platform": {"architecture": "amd64", "os": "linux"}, "annotations": annotations}])
    docker = [{"Config": blob_path(config), "RepoTags": names, "Layers": [blob_path(layer) for layer in layers]}]
    layout.tree.file("manifest.json", json.dumps(docker))
    archive = into / f"bulkhead-{release.version}-image.tar"
    archive.write_bytes(layout.tree.tar())
    bill = document(release, program, libraries.values(), authorities())
    (into / f"bulkhead-{release.version}-image.spdx.json").write_text(bill, encoding="utf-8")
    return archive
