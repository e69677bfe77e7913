"""Blobs, manifests and indexes to push."""

import dataclasses
import hashlib
import json

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
PLATFORM = {"architecture": "amd64", "os": "linux"}
DOCKER_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def digest_of(data, algorithm="sha256"):
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@dataclasses.dataclass(frozen=True)
class Blob:
    data: bytes
    media_type: str = OCI_LAYER
    algorithm: str = "sha256"

    @property
    def digest(self):
        return digest_of(self.data, self.algorithm)

    def descriptor(self, **more):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **more}


@dataclasses.dataclass(frozen=True)
class Manifest:
    data: bytes
    media_type: str

    @property
    def digest(self):
        return digest_of(self.data)

    def descriptor(self, **more):
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data), **more}


def random_blob(rng, size=1000, **options):
    return Blob(rng.randbytes(size), **options)


def config_blob(rng, media_type=OCI_CONFIG):
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}
    return Blob(json.dumps({**config, "comment": rng.randbytes(8).hex()}).encode(), media_type)


def render(document):
    """JSON with the spaces that a server which re-serializes would lose."""
    return json.dumps(document, indent=3).encode()


def image_manifest(config, layers, media_type=OCI_MANIFEST, **more):
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": config.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        **more,
    }
    return Manifest(render(document), media_type)


def index(children, media_type=OCI_INDEX, **more):
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "manifests": [child.descriptor(platform=PLATFORM) for child in children],
        **more,
    }
    return Manifest(render(document), media_type)


EMPTY_CONFIG = Blob(b"{}", OCI_EMPTY)
