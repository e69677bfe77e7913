"""sso test: each step of asking a log-in provider, and what is said when one fails."""

import json

import pytest

from harness import process, slapd
from harness.management import Management
from harness.provider import Provider

PEOPLE = {"dora": "dora knows a long password", "emil": "emil knows another long one"}


@pytest.fixture
def directory(folder):
    made = slapd.Slapd(folder / "ldap", PEOPLE, {"developers": ["dora"], "staff": ["dora", "emil"]})
    made.start()
    yield made
    made.close()


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.close()


def add_directory(server, url, base=slapd.PEOPLE, password=slapd.SEARCHER_PASSWORD):
    return server.run(
        "sso", "provider", "create", "branch", "--url", url, "--bind-dn", slapd.SEARCHER, "--user-base", base,
        "--group-base", slapd.GROUPS, "--secret-stdin", stdin=password,
    ).stdout  # fmt: skip


def steps(server, *flags, status=0):
    done = server.run("sso", "test", *flags, "--json", check=False)
    assert done.returncode == status, done.stdout
    return {each["name"]: each for each in json.loads(done.stdout.splitlines()[0])["steps"]}


def test_a_directory_is_asked_step_by_step(registry_server, directory):
    assert add_directory(registry_server, directory.url) == "created branch\n", "nothing to warn of"
    tried = steps(registry_server, "branch", "--user", "dora")
    assert [each["good"] for each in tried.values()] == [True] * 3
    assert "2 groups: developers, staff" in tried["search"]["detail"]
    assert set(steps(registry_server, "branch")) == {"connect", "bind", "search"}
    tried = steps(registry_server, "branch", "--user", "nobody-here", status=1)
    assert "nobody below" in tried["search"]["detail"] and tried["bind"]["good"]
    assert slapd.SEARCHER_PASSWORD not in registry_server.run("sso", "test", "branch").stdout + registry_server.log()


def test_what_is_wrong_with_a_directory_is_said(registry_server, directory):
    said = add_directory(registry_server, directory.url, password="not that one")
    assert "created branch" in said and "warning: branch cannot let anybody in yet: bind: " in said
    assert "bulkhead sso test branch" in said
    tried = steps(registry_server, "branch", status=1)
    assert tried["connect"]["good"] and not tried["bind"]["good"] and "search" not in tried
    registry_server.run("sso", "provider", "change", "branch", "--secret-stdin", stdin=slapd.SEARCHER_PASSWORD)
    assert all(each["good"] for each in steps(registry_server, "branch").values())
    directory.close()
    tried = steps(registry_server, "branch", status=1)
    assert set(tried) == {"connect"} and directory.url in tried["connect"]["detail"]


def test_an_openid_provider_is_asked_step_by_step(registry_server, provider):
    made = ("sso", "provider", "create", "corp", "--issuer", provider.url, "--client-id", provider.client_id, "--no-secret")
    assert registry_server.run(*made).stdout.startswith("created corp\n")
    tried = steps(registry_server, "corp")
    assert list(tried) == ["discovery", "endpoints", "keys"] and all(each["good"] for each in tried.values())
    refused = registry_server.run("sso", "test", "corp", "--user", "dora", check=False)
    assert refused.returncode == 1 and "browser" in refused.stdout


def test_an_issuer_that_is_not_there_is_warned_of(registry_server):
    nowhere = f"http://127.0.0.1:{process.free_port()}"
    said = registry_server.run(
        "sso", "provider", "create", "corp", "--issuer", nowhere, "--client-id", "x", "--no-secret"
    ).stdout
    assert "created corp" in said and "discovery" in said
    assert nowhere in steps(registry_server, "corp", status=1)["discovery"]["detail"]
    refused = registry_server.run("sso", "test", "crop", check=False)
    assert refused.returncode == 1 and "crop" in refused.stdout


def test_it_is_for_administrators(registry_server, root, provider):
    body = {"name": "corp", "secret": "", "oidc": {"issuer": provider.url, "client_id": provider.client_id}}
    assert root.post("/login-providers", body).status_code == 201
    answer = root.post("/login-providers/corp/test", {})
    assert answer.status_code == 200 and answer.json()["good"] is True
    other = Management(registry_server, registry_server.create_user("somebody"))
    assert other.post("/login-providers/corp/test", {}).status_code == 404, "as if it were not there"
