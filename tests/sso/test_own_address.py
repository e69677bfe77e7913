"""Where browsers find the registry is said as it is, or said to be unknown: an address that is wrong ends at the provider, or
at the reader's own machine."""

import urllib.parse

import pytest
import requests

from harness.management import Management
from harness.provider import Provider

UNKNOWN = "does not know its own address"


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.close()


def launched(launch, provider, **settings):
    """The server, an administrator there, and what creating the provider gave back."""
    server = launch({"outbound.plain_hosts": "127.0.0.1", "outbound.networks": "127.0.0.0/8", **settings})
    root = Management(server, server.create_user("root-admin", admin=True))
    oidc = {"issuer": provider.url, "client_id": provider.client_id}
    made = root.post("/login-providers", {"name": "corp", "secret": provider.secret, "oidc": oidc})
    assert made.status_code == 201, made.text
    return server, root, made.json()


def test_the_operators_command_shows_the_redirect_address_of_the_configuration(launch, provider):
    server, root, made = launched(launch, provider, public_url="https://registry.example")
    wanted = "https://registry.example/login/callback/corp"
    assert made["redirect_uri"] == wanted and "notice" not in made
    assert root.get("/login-providers/corp").json()["redirect_uri"] == wanted
    for _ in range(2):
        shown = server.run("sso", "provider", "show", "corp").stdout
        assert wanted in shown and "localhost" not in shown, shown
        if server.daemon is not None:
            server.stop()


def test_an_address_that_is_not_known_is_said_to_be_so(launch, provider):
    server, root, made = launched(launch, provider)
    assert UNKNOWN in made["notice"]
    shown = server.run("sso", "provider", "show", "corp").stdout
    assert "/login/callback" not in shown and UNKNOWN in shown, shown
    body = f"--issuer={provider.url}", "--client-id=again", "--no-secret"
    assert UNKNOWN in server.run("sso", "provider", "create", "other", *body).stdout
    # On the machine itself it is what the log-in sends.
    shown = root.get("/login-providers/corp").json()["redirect_uri"]
    sent = requests.get(f"{server.url}/login/corp", allow_redirects=False, timeout=60).headers["Location"]
    assert shown == f"{server.url}/login/callback/corp"
    assert dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(sent).query))["redirect_uri"] == shown
    elsewhere = root.get("/login-providers/corp", headers={"Host": "vm:7430"}).json()
    assert "redirect_uri" not in elsewhere and UNKNOWN in elsewhere["notice"]


def test_a_device_is_not_sent_to_the_readers_own_machine(launch, provider):
    server, _, _ = launched(launch, provider)
    client = Management(server)
    refused = client.post("/login/device", {"provider": "corp"}, headers={"Host": "vm:7430"})
    assert refused.status_code == 400 and UNKNOWN in refused.json()["detail"], refused.text
    begun = client.post("/login/device", {"provider": "corp"})
    assert begun.status_code == 200, begun.text
    assert begun.json()["verification_uri"] == f"{server.url}/login/device"
