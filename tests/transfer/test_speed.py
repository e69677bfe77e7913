"""How long 200 images of 220 KB take. A figure for the summary: how loaded the machine is decides too much for an assertion."""

import time

from harness import content

IMAGES = 200
LAYER_BYTES = 220_000


def test_two_hundred_small_images(cli, old, peer, there, rng, result_line):
    for number in range(IMAGES):
        old.push_image(f"old/app{number:03}", rng, "v1", size=LAYER_BYTES)
    figures = {}
    for what in ("all of them", "again, with nothing to do"):
        begun = time.monotonic()
        report = cli.report(f"{peer.address}/old/*", "--map", "old=alice")
        figures[what] = time.monotonic() - begun
        assert report["tags_copied"] + report["tags_there"] == IMAGES
        assert report["failures"] == []
    assert content.OCI_MANIFEST == there.head(f"/v2/alice/app{IMAGES - 1}/manifests/v1").headers["Content-Type"]
    for what, seconds in figures.items():
        result_line(f"import of {IMAGES} images of {LAYER_BYTES // 1000} KB, {what}: {seconds:.1f} s")
        print(f"{what}: {seconds:.1f} s")
