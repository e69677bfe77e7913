"""What others put around the server: variables of Kubernetes, certificates of a company, files that are gone."""

import subprocess

import pytest

from harness import process

OF_KUBERNETES = {
    "BULKHEAD_SERVICE_HOST": "10.0.0.1",
    "BULKHEAD_PORT": "tcp://10.0.0.1:5000",
    "BULKHEAD_POSTGRESQL_SERVICE_HOST": "10.0.0.1",
    "BULKHEAD_POSTGRESQL_SERVICE_PORT": "5432",
    "BULKHEAD_POSTGRESQL_SERVICE_PORT_TCP_POSTGRESQL": "5432",
    "BULKHEAD_POSTGRESQL_PORT": "tcp://10.0.0.1:5432",
    "BULKHEAD_POSTGRESQL_PORT_5432_TCP": "tcp://10.0.0.1:5432",
    "BULKHEAD_POSTGRESQL_PORT_5432_TCP_ADDR": "10.0.0.1",
    "BULKHEAD_DNS_PORT_53_UDP_PROTO": "udp",
}


def with_variables(server, variables):
    plain = server.environment
    server.environment = lambda: {**plain(), **variables}
    return server


def test_services_of_the_same_namespace_are_no_settings(new_server):
    server = with_variables(new_server(), OF_KUBERNETES)
    server.create_user("admin", admin=True)
    server.start()


@pytest.mark.parametrize("name", ["BULKHEAD_LISTEN_PORT", "BULKHEAD_HTTP_PORTS_1", "BULKHEAD_SERVICES_HOST"])
def test_a_misspelt_setting_is_still_told(new_server, name):
    server = with_variables(new_server(), {name: "5000"})
    assert name in server.run("user", "list", check=False).stdout


def certificate(folder, *extensions):
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "90",
               "-subj", "/CN=registry.example.com", "-keyout", folder / "key.pem", "-out", folder / "cert.pem"]  # fmt: skip
    process.run(*command, *(part for each in extensions for part in ("-addext", each)))
    return {"tls.mode": "files", "tls.certificate": folder / "cert.pem", "tls.key": folder / "key.pem",
            "public_url": "https://registry.example.com"}  # fmt: skip


@pytest.mark.parametrize("names", [(), ("subjectAltName=DNS:registry.example.com",)], ids=["subject only", "named"])
def test_a_certificate_that_engines_refuse_is_told(new_server, folder, names):
    """They look at subjectAltName alone."""
    server = new_server(certificate(folder, *names))
    said = server.run("config", "check", check=False).stdout
    assert ("is not made out to registry.example.com" in said) == (not names)


def fingerprint(server):
    command = ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", str(server.authority)]
    return subprocess.run(command, capture_output=True, check=True, timeout=30).stdout


def test_a_lost_key_of_the_local_authority_makes_no_other_one(launch):
    server = launch({"tls.mode": "auto", "tls.names": "a.example.com"})
    before = fingerprint(server)
    server.stop()
    (server.data / "tls" / "ca.key").unlink()
    server.start()
    assert fingerprint(server) == before and "ca.key is missing" in server.log()
    server.stop()
    server.settings["tls.names"] = "b.example.com"
    said = server.refuses_to_start()
    assert "ca.key" in said and "backup" in said
    assert fingerprint(server) == before
    server.authority.unlink()
    server.start()
    assert fingerprint(server) != before
