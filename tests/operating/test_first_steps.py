"""What the server says at its start: the next steps work as they stand, and what will go wrong is said before it does."""

import re
import shlex
import subprocess
import time

import pytest

from harness import process
from harness.certificates import make_certificate

PASSWORD = "a password of good length"


def greeting(server):
    process.wait_until(lambda: "docker push" in server.log(), "the last of the commands that come next")
    return server.log()


def printed_setup(server):
    return shlex.split(re.search(r"^ +(\S*bulkhead setup .*)$", greeting(server), re.MULTILINE).group(1))


def carry_out_setup(server):
    command = printed_setup(server)
    done = subprocess.run([*command, "--password-stdin"], input=PASSWORD + "\n", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60, check=False, cwd=server.folder,
                          env=server.environment())  # fmt: skip
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("flags", [(), ("--tls", "auto")], ids=["plain", "tls"])
def test_the_printed_setup_works(new_server, flags):
    server = new_server()
    if flags:
        server.settings["tls.mode"] = "auto"
    server.start()
    assert f"docker login {server.address}" in carry_out_setup(server)


def test_with_a_certificate_of_ones_own_the_names_are_the_public_ones(new_server, folder):
    server = new_server({"public_url": "https://registry.example.com:5000"})
    server.start()
    said = greeting(server)
    assert "setup admin --server https://registry.example.com:5000 " in said
    assert "docker login registry.example.com:5000\n" in said
    assert "docker push registry.example.com:5000/admin/IMAGE" in said


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_everywhere_is_no_address(new_server, address):
    server = new_server({"tls.mode": "auto", "tls.names": "localhost,registry.example.com"})
    server.start("--listen", f"{address}:{server.port}")
    said = greeting(server).replace(f"serves https://{address}", "")
    assert f"docker login localhost:{server.port}" in said
    assert f"/etc/docker/certs.d/localhost:{server.port}/ca.crt" in said
    assert re.search(rf"setup admin --server https://localhost:{server.port} .*--ca ", said)
    assert address + ":" not in re.sub(r'^.*(level|info|warning).*$', "", said, flags=re.MULTILINE)
    carry_out_setup(server)


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_without_a_name_it_is_this_machine(new_server, address):
    server = new_server()
    server.start("--listen", f"{address}:{server.port}")
    assert f"docker login 127.0.0.1:{server.port}" in greeting(server)
    carry_out_setup(server)


@pytest.mark.parametrize("address", ["0.0.0.0", "[::]"])
def test_passwords_in_the_clear_are_said(new_server, address):
    server = new_server()
    server.start("--listen", f"{address}:{server.port}")
    line = next(line for line in greeting(server).splitlines() if " warning " in line and "clear" in line)
    assert "tls" in line
    # And that clients are sent to an address that is none.
    line = next(line for line in server.log().splitlines() if " warning " in line and "public_url" in line)
    assert address in line


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({}, ()),
        ({"tls.mode": "auto", "tls.names": "localhost,registry.example.com"}, ("--listen", "0.0.0.0:{port}")),
        ({"public_url": "https://registry.example.com", "trusted_proxies": "10.0.0.0/8"}, ("--listen", "0.0.0.0:{port}")),
    ],
    ids=["loopback", "tls", "behind a proxy"],
)
def test_nothing_is_said_where_nothing_is_wrong(new_server, settings, flags):
    server = new_server(settings)
    server.start(*(flag.format(port=server.port) for flag in flags))
    greeting(server)
    assert [line for line in server.log().splitlines() if " warning " in line and "swap" not in line] == []


def test_a_certificate_for_this_machine_names_nothing_to_others(new_server):
    server = new_server({"tls.mode": "auto"})
    server.start("--listen", f"0.0.0.0:{server.port}")
    assert any(" warning " in line and "public_url" in line for line in greeting(server).splitlines())


# -- certificates


def metric(server, name):
    found = re.search(rf"^{name} (\S+)$", server.get("/metrics").text, re.MULTILINE)
    return float(found.group(1)) if found else None


@pytest.mark.parametrize("days", [-2, 3, 30])
def test_a_certificate_that_ends_is_said_at_the_start_and_measured(new_server, folder, days):
    certificate, key = make_certificate(folder, days)
    server = new_server({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key}).start()
    said = [line for line in server.log().splitlines() if "certificate" in line and "registry.example.com" in line]
    left = metric(server, "bulkhead_certificate_not_after_seconds") - time.time()
    assert abs(left - days * 86400) < 600
    date = time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * 86400 + 60))
    assert all(date in line for line in said)
    worried = [line for line in said if " warning " in line or " error " in line]
    assert bool(worried) == (days < 14), server.log()
    assert any(" error " in line and "expired" in line for line in said) == (days < 0)


def test_a_certificate_that_is_not_valid_yet_is_said(new_server, folder):
    """Clients refuse it as they do one that has expired."""
    certificate, key = make_certificate(folder, 60, begins=3)
    server = new_server({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key}).start()
    date = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 3 * 86400))
    process.wait_until(
        lambda: any(" error " in line and "not valid yet" in line and date in line for line in server.log().splitlines()),
        "the log to say so",
    )


def test_a_certificate_read_again_says_which(new_server, folder):
    certificate, key = make_certificate(folder, 30)
    server = new_server({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key}).start()
    other = folder / "other"
    other.mkdir()
    new_certificate, new_key = make_certificate(other, 5, "other")
    key.write_bytes(new_key.read_bytes())
    certificate.write_bytes(new_certificate.read_bytes())
    process.wait_until(lambda: "other.example.com" in server.log(), "the new certificate's name in the log", 15)
    lines = [line for line in server.log().splitlines() if "other.example.com" in line]
    assert any("has been read again" in line for line in lines)
    assert any(" warning " in line for line in lines)
    process.wait_until(lambda: abs(metric(server, "bulkhead_certificate_not_after_seconds") - time.time() - 5 * 86400) < 600,
                       "the metric", 5)


def test_a_certificate_that_cannot_be_used_is_said_once(new_server, folder):
    certificate, key = make_certificate(folder, 30)
    kept = certificate.read_text()
    server = new_server({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key}).start()

    def complaints():
        return [line for line in server.log().splitlines() if "cannot be used" in line]

    certificate.write_text("no certificate")
    process.wait_until(complaints, "a word in the log", 15)
    time.sleep(3.5)  # it is looked at each second
    assert len(complaints()) == 1
    certificate.unlink()
    process.wait_until(lambda: len(complaints()) == 2, "the other reason", 15)
    certificate.write_text(kept)
    process.wait_until(lambda: "has been read again" in server.log(), "the good one", 15)


def test_without_tls_there_is_no_certificate(launch):
    assert metric(launch(), "bulkhead_certificate_not_after_seconds") is None


def warnings(server):
    return [line for line in server.log().splitlines() if " warning " in line]


def check(server, *flags):
    return server.run("config", "check", *flags, check=False, data=False)


OTHER = ("--public-url", "https://other.example.com")


@pytest.mark.parametrize(
    "settings, flags, said",
    [
        ({"tls.mode": "auto"}, OTHER, "tls.names"),
        ({"tls.mode": "auto"}, ("--public-url", "http://localhost"), "https://"),
        ({"tls.mode": "auto", "tls.names": "localhost,Other.example.com"}, OTHER, None),
        ({"tls.mode": "auto", "trusted_proxies": "10.0.0.0/8"}, OTHER, None),
    ],
)
def test_a_public_url_that_the_own_certificate_is_not_for(new_server, settings, flags, said):
    server = new_server(settings)
    server.start(*flags)
    greeting(server)
    checked = check(server, *flags, *(f"--{'tls' if key == 'tls.mode' else key.replace('.', '-').replace('_', '-')}={value}"
                                      for key, value in settings.items()))  # fmt: skip
    for text in ("\n".join(line for line in warnings(server) if "public_url" in line), checked.stdout):
        assert ("public_url" in text and said in text) if said else "public_url" not in text, text
    assert checked.returncode == 0


def test_a_public_url_that_a_certificate_is_not_for(new_server, folder):
    certificate, key = make_certificate(folder, 30, names="DNS:*.example.com")
    settings = {"tls.mode": "files", "tls.certificate": certificate, "tls.key": key}
    files = ("--tls", "files", "--tls-certificate", certificate, "--tls-key", key)
    key.chmod(0o600)
    server = new_server(settings)
    server.start(*OTHER)
    greeting(server)
    assert warnings(server) == [] and check(server, *files, *OTHER).stdout == "the settings are right\n"
    other = folder / "other"
    other.mkdir()
    new_certificate, new_key = make_certificate(other, 30, names="DNS:registry.example.org")
    key.write_bytes(new_key.read_bytes())
    certificate.write_bytes(new_certificate.read_bytes())
    process.wait_until(lambda: any("other.example.com" in line and "registry.example.org" in line for line in warnings(server)),
                       "the warning", 15)  # fmt: skip
    assert "other.example.com, the host of public_url" in check(server, *files, *OTHER).stdout
    key.chmod(0o644)
    assert f"chmod o= {key}" in check(server, *files).stdout
    server.stop()
    server.start()
    process.wait_until(lambda: any("may read the key" in line for line in warnings(server)), "the warning", 15)


@pytest.mark.parametrize(
    "flags",
    [
        ("--tls", "files", "--tls-certificate", "/no/such/chain.pem", "--tls-key", "/no/such/key.pem"),
        ("--keys-passphrase-file", "/no/such/passphrase"),
        ("--outbound-authorities", "/no/such/authorities.pem"),
    ],
)
def test_a_file_that_is_not_there_is_told_by_the_check(new_server, flags):
    checked = check(new_server(), *flags)
    assert checked.returncode == 2 and "/no/such/" in checked.stdout and "settings are right" not in checked.stdout
