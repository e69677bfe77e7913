"""The configurations of docs/guide/proxies.md that no test starts are at least what their programs take."""

import shutil

import pytest

from harness import process, proxy


def test_caddy_takes_the_configuration(folder):
    text = proxy.configuration("caddy")
    assert text.count("{") == text.count("}")
    if not shutil.which("caddy"):
        pytest.skip("Caddy is not in Debian 12; its configuration was not checked")
    (folder / "Caddyfile").write_text(text)
    process.run("caddy", "validate", "--adapter", "caddyfile", "--config", folder / "Caddyfile", env={"HOME": str(folder), "PATH": "/"})


def test_traefik_takes_the_configuration(folder):
    port = process.free_port()
    proxy.make_certificate(folder)
    static = proxy.replaced(proxy.configuration("traefik"), {":443": f"127.0.0.1:{port}", "registry.yaml\n": f"{folder}/registry.yaml\n"})
    dynamic = proxy.replaced(proxy.configuration("traefik-registry"), {"/etc/ssl/registry/": f"{folder}/"})
    if not shutil.which("traefik"):
        pytest.skip("Traefik is not in Debian 12; its configuration was not checked")
    (folder / "traefik.yaml").write_text(static)
    (folder / "registry.yaml").write_text(dynamic)
    daemon = process.Daemon(["traefik", f"--configFile={folder}/traefik.yaml"], folder / "traefik.log")
    try:
        process.wait_until(lambda: not daemon.running() or "Starting provider" in daemon.log(), "Traefik to read its files")
        assert daemon.running(), daemon.log()
        assert "level=error" not in daemon.log().lower()
    finally:
        daemon.kill()


def test_every_configuration_of_the_guide_is_looked_at():
    named = proxy.GUIDE.read_text(encoding="utf-8").count("<!-- test: ")
    assert named == len(["nginx", "haproxy", "caddy", "traefik", "traefik-registry"])
