"""A provider's word for an e-mail address holds for as long as the provider knows the person as that account, and for one
account alone: whoever is shown an address's invitations is whose address it is."""

import pytest
import requests

from harness.management import Management, path
from harness.provider import Browser, Provider


@pytest.fixture
def providers(root):
    made = []

    def make(name, who):
        provider = Provider()
        made.append(provider)
        provider.person = {
            "sub": f"id-of-{who}", "preferred_username": who, "name": who.title(),
            "email": "gina@example.com", "email_verified": True}  # fmt: skip
        oidc = {"issuer": provider.url, "client_id": provider.client_id}
        answer = root.post("/login-providers", {"name": name, "secret": provider.secret, "oidc": oidc})
        assert answer.status_code == 201, answer.text
        return provider

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def log_in(registry_server):
    def log_in(provider):
        session = requests.Session()
        session.trust_env = False
        answer = Browser(session).follow(f"{registry_server.url}/login/{provider}")
        assert answer.status_code == 200, answer.text

    return log_in


@pytest.fixture
def alice(registry_server, root):
    del root
    return registry_server.create_user("alice")


def link(root, account, provider, subject):
    assert root.put(path("users", account, "identities", provider), {"subject": subject}).status_code == 204


def address(root, account):
    user = root.get(path("users", account)).json()
    return user["email"], user["email_verified"]


def unlink(root):
    assert root.delete(path("users", "alice", "identities", "corp")).status_code == 204


def remove(root):
    removed = root.delete(path("login-providers", "corp"))
    assert removed.json() == {"identities": 1, "mappings": 0, "sessions": 1}, removed.text


def test_removing_a_provider_says_how_much_ended(registry_server, root, alice, providers, log_in):
    providers("corp", "gina")
    link(root, "alice", "corp", "id-of-gina")
    log_in("corp")
    said = registry_server.run("sso", "provider", "remove", "corp").stdout
    assert said == "corp is removed; links to accounts that ended: 1, mappings: 0, sessions: 1\n"


def admit_others(root):
    """The provider's people are let in no more, and the next log-in says so."""
    target = path("login-providers", "corp")
    current = root.get(target)
    body = {key: current.json()[key] for key in ("name", "oidc")} | {"admitted_groups": ["others"]}
    body["oidc"].pop("redirect_uri", None)
    answer = root.put(target, body, headers={"If-Match": current.headers["ETag"]})
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("undo", [unlink, remove])
def test_an_address_is_unverified_when_the_provider_knows_the_account_no_more(
    registry_server, root, alice, providers, log_in, undo
):
    providers("corp", "gina")
    link(root, "alice", "corp", "id-of-gina")
    log_in("corp")
    assert address(root, "alice") == ("gina@example.com", True)
    root.post("/organizations", {"name": "acme"})
    assert root.post("/organizations/acme/invitations", {"email": "gina@example.com"}).status_code == 201
    client = Management(registry_server, alice)
    assert len(client.get("/invitations").json()["items"]) == 1
    undo(root)
    assert address(root, "alice") == ("gina@example.com", False)
    assert client.get("/invitations").json()["items"] == []
    changed = registry_server.run("audit", "query", "--action", "account_profile_changed", "--json").stdout
    assert r'{\"email_verified\":false}' in changed.splitlines()[-1]


def test_an_address_is_unverified_when_the_person_is_let_in_no_more(registry_server, root, providers, log_in):
    providers("corp", "gina")
    log_in("corp")
    assert address(root, "gina") == ("gina@example.com", True)
    admit_others(root)
    session = requests.Session()
    session.trust_env = False
    assert Browser(session).follow(f"{registry_server.url}/login/corp").status_code == 403
    assert address(root, "gina") == ("gina@example.com", False)


def test_what_an_administrator_has_verified_since_stays(root, alice, providers, log_in):
    providers("corp", "gina")
    link(root, "alice", "corp", "id-of-gina")
    log_in("corp")
    changed = root.change(path("users", "alice"), {"email": "alice@example.com", "email_verified": True})
    assert changed.status_code == 200, changed.text
    unlink(root)
    assert address(root, "alice") == ("alice@example.com", True)


def test_an_address_is_verified_for_one_account_alone(registry_server, root, alice, providers, log_in):
    providers("corp", "gina")
    providers("other", "george")
    log_in("corp")
    log_in("other")
    assert address(root, "gina") == ("gina@example.com", True)
    assert address(root, "george") == ("gina@example.com", False)
    refused = root.change(path("users", "alice"), {"email": "Gina@example.com", "email_verified": True})
    assert refused.status_code == 409 and "gina" in refused.json()["detail"], refused.text
    said = registry_server.run("user", "email", "alice", "gina@example.com", "--verified", check=False)
    assert said.returncode == 1 and "verified as the address of" in said.stdout
    assert root.change(path("users", "gina"), {"email": ""}).status_code == 200
    log_in("other")
    assert address(root, "george") == ("gina@example.com", True)
