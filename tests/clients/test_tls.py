"""`--tls auto`: a local authority that clients can be told to trust."""

import json

from harness.process import run
from harness.registry import Registry


def test_skopeo_and_podman_trust_the_authority(launch, skopeo, podman, rng, folder):
    server = launch({"tls.mode": "auto"})
    alice = server.create_user("alice")
    assert server.authority.exists()
    certificates = folder / "certificates"
    certificates.mkdir()
    (certificates / "ca.crt").write_bytes(server.authority.read_bytes())

    skopeo.run("login", "--cert-dir", certificates, "--username", alice.name, "--password-stdin", server.address,
               input=alice.password)
    manifest = Registry(server, alice).push_image("alice/app", rng, "latest")
    seen = skopeo.run("inspect", "--raw", "--cert-dir", certificates, f"docker://{server.address}/alice/app:latest")
    assert json.loads(seen.stdout) == json.loads(manifest.data)
    podman.run("login", "--cert-dir", certificates, "--username", alice.name, "--password-stdin", server.address,
               input=alice.password)

    empty = folder / "empty"
    empty.mkdir()
    refused = skopeo.run(
        "inspect", "--raw", "--cert-dir", empty, f"docker://{server.address}/alice/app:latest", check=False
    )
    assert refused.returncode != 0
    assert "certificate" in refused.stdout


def test_curl_verifies_it_by_name_and_by_address(launch):
    server = launch({"tls.mode": "auto"})
    for host in ("127.0.0.1", "localhost"):
        url = f"https://{host}:{server.port}/healthz"
        run("curl", "--silent", "--show-error", "--fail", "--noproxy", "*", "--cacert", server.authority, url)
    refused = run(
        "curl", "--silent", "--noproxy", "*", f"https://127.0.0.1:{server.port}/healthz", check=False,
        env={"CURL_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt", "PATH": "/usr/bin:/bin"},
    )
    assert refused.returncode == 60
