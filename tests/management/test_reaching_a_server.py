"""A server that cannot be reached as it was named: the command line says why, and what to do."""

import subprocess

import pytest

from harness import process
from harness.certificates import make_certificate
from harness.command_line import CommandLine

LOGIN = ("--name", "alice", "--password-stdin")


@pytest.fixture
def encrypted(launch):
    return launch({"tls.mode": "auto", "tls.names": "localhost"})


@pytest.fixture
def cli(encrypted, folder):
    return CommandLine(encrypted, folder)


def refused(cli, *arguments):
    done = cli.run("login", *arguments, *LOGIN, stdin="a password\n", check=False)
    assert done.returncode == 1 and done.stderr.startswith("bulkhead: "), done.stderr
    return done.stderr


def test_plain_http_at_a_tls_port(cli):
    for address in (f"localhost:{cli.server.port}", f"http://localhost:{cli.server.port}"):
        assert "HTTPS server; use https://" in refused(cli, address)


def test_an_authority_that_nobody_trusts(cli):
    said = refused(cli, f"https://localhost:{cli.server.port}")
    assert "self-signed certificate" in said and "--ca FILE" in said


def test_a_name_that_the_certificate_is_not_made_out_to(launch, folder):
    server = launch({"tls.mode": "auto", "tls.names": "registry.example.com"})
    said = refused(CommandLine(server, folder), f"https://127.0.0.1:{server.port}", "--ca", server.authority)
    assert "no alternative certificate subject name matches" in said and "made out to" in said


def test_a_file_that_is_no_authority(cli):
    (cli.home / "no.pem").write_text("none\n")
    assert "PEM" in refused(cli, f"https://localhost:{cli.server.port}", "--ca", cli.home / "no.pem")


def test_a_certificate_that_has_expired(launch, folder):
    certificate, key = make_certificate(folder, -2, names="DNS:localhost")
    server = launch({"tls.mode": "files", "tls.certificate": str(certificate), "tls.key": str(key)})
    said = refused(CommandLine(server, folder), f"https://localhost:{server.port}", "--ca", certificate)
    assert "certificate has expired" in said and "clock" in said


def test_https_where_no_tls_is_spoken(launch, folder):
    server = launch()
    said = refused(CommandLine(server, folder), f"https://127.0.0.1:{server.port}")
    assert "http:// in front" in said, said
    setup = ("setup", "admin", "--server", f"https://127.0.0.1:{server.port}", "--token", "bhsetup_x", "--password-stdin")
    done = process.run(server.binary, *setup, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 1 and "http:// in front" in done.stdout
