"""Sends the image and, as what refers to it, its SBOM to a registry. scripts/package push calls it.

    python3 -B packaging/make/push.py FOLDER HOST/NAME:TAG [FLAGS of skopeo copy, such as --dest-tls-verify=false]
"""

import json
import pathlib
import subprocess
import sys
import tempfile

from image import Layout

EMPTY = "application/vnd.oci.empty.v1+json"
SPDX = "application/spdx+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def skopeo(*arguments):
    if subprocess.run(["skopeo", *arguments], check=False).returncode != 0:
        sys.exit(f"scripts/package push: skopeo {' '.join(map(str, arguments))} failed; log in with `skopeo login`")


def image_manifest(archive):
    """The descriptor of the one image of an archive."""
    index = subprocess.run(["tar", "-xOf", archive, "index.json"], check=True, capture_output=True).stdout
    entry = json.loads(index)["manifests"][0]
    return {key: entry[key] for key in ("mediaType", "digest", "size")}


def referrer(sbom, subject):
    """A layout with one manifest that carries the SBOM and refers to the image (image specification 1.1, "subject")."""
    layout = Layout(0)
    content = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": SPDX,
        "config": layout.blob(b"{}", EMPTY),
        "layers": [layout.blob(sbom, SPDX)],
        "subject": subject,
    }
    manifest = layout.blob(content, MANIFEST)
    layout.index([{**manifest, "annotations": {"org.opencontainers.image.ref.name": "sbom"}}])
    return layout, manifest["digest"]


def main():
    if len(sys.argv) < 3 or ":" not in sys.argv[2].rpartition("/")[2]:
        sys.exit(__doc__)
    folder, target, flags = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
    archives = sorted(folder.glob("bulkhead-*-image.tar"), key=lambda path: path.stat().st_mtime)
    if not archives:
        sys.exit("scripts/package push: there is no image yet; make it with `scripts/package image`")
    archive = archives[-1]
    skopeo("copy", "--preserve-digests", *flags, f"oci-archive:{archive}", f"docker://{target}")
    layout, digest = referrer(archive.with_suffix(".spdx.json").read_bytes(), image_manifest(archive))
    with tempfile.TemporaryDirectory() as made:
        layout.tree.write_to(pathlib.Path(made))
        repository = target.rpartition(":")[0]
        skopeo("copy", "--preserve-digests", *flags, f"oci:{made}:sbom", f"docker://{repository}@{digest}")
    print(f"pushed {target} and its SBOM {digest}")


main()
