"""People of an LDAP directory (Debian's slapd) log in, and have what its groups give them."""

import base64
import json
import time

import pytest
import requests

from breach import crypto
from harness import slapd
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User

PEOPLE = {"dora": "dora knows a long password", "emil": "emil knows another long one", "gone": "soon forgotten words"}


@pytest.fixture
def directory(folder):
    made = slapd.Slapd(folder / "ldap", PEOPLE, {"developers": ["dora", "gone"], "staff": ["dora", "emil", "gone"]})
    made.start()
    yield made
    made.close()


@pytest.fixture
def server(launch):
    server = launch({"outbound.plain_hosts": "127.0.0.1", "auth.login_attempts_per_account": 10})
    server.create_user("root-admin", admin=True)
    server.create_user("alice")
    return server


def root_of(server):
    return Management(server, User("root-admin", "correct horse root-admin staple"))


@pytest.fixture
def root(server):
    return root_of(server)


def settings_of(directory, url=None):
    return {
        "url": url or directory.url,
        "bind_dn": slapd.SEARCHER,
        "user_base": slapd.PEOPLE,
        "group_base": slapd.GROUPS,
    }


@pytest.fixture
def company(server, root, directory):
    """acme, whose team acme/backend is the directory's group "developers"; its backend may write acme/app."""
    answer = root.post("/organizations", {"name": "acme", "owner": "alice"})
    assert answer.status_code == 201, answer.text
    server.run("team", "create", "acme/backend")
    server.run("grant", "set", "team:acme/backend", "writer", "acme/")
    server.run("repo", "create", "acme/app")
    answer = root.post(
        "/login-providers", {"name": "corp", "secret": slapd.SEARCHER_PASSWORD, "ldap": settings_of(directory)}
    )
    assert answer.status_code == 201, answer.text
    server.run("sso", "map", "add", "corp", "developers", "acme/backend")
    return server


def log_in(server, name, password=None, **more):
    body = {"name": name, "password": PEOPLE[name] if password is None else password, "provider": "corp", **more}
    return Management(server).post("/sessions", body)


def session_of(server, name):
    answer = log_in(server, name)
    assert answer.status_code == 201, answer.text
    person = Management(server)
    person.use(answer.json()["secret"])
    return person


def token_of(person, name):
    answer = person.post(path("users", name, "tokens"), {"name": "docker", "scopes": [{"actions": ["pull", "push"]}]})
    assert answer.status_code == 201, answer.text
    return Registry(person.server, User(name, answer.json()["secret"]))


def may_push(registry):
    return registry.post("/v2/acme/app/blobs/uploads/").status_code == 202


def test_a_first_log_in_makes_the_account_with_what_the_groups_give(company):
    person = session_of(company, "dora")
    me = person.get("/whoami").json()["user"]
    assert (me["name"], me["display_name"], me["email"], me["email_verified"]) == ("dora", "Dora", "dora@example.org", True)
    assert may_push(token_of(person, "dora"))
    assert not may_push(token_of(session_of(company, "emil"), "emil"))


def test_the_directorys_password_is_for_nothing_else(company):
    session_of(company, "dora")
    as_local = Management(company).post("/sessions", {"name": "dora", "password": PEOPLE["dora"]})
    assert as_local.status_code == 401
    lines = company.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()
    assert [json.loads(line)["detail"] for line in lines] == ["no_password"]
    refused = requests.get(
        f"{company.url}/token", params={"service": "bulkhead"}, auth=("dora", PEOPLE["dora"]), verify=False, timeout=60
    )
    assert refused.status_code == 401


@pytest.mark.parametrize(
    "name, password",
    [("dora", ""), ("dora", "wrong words for her"), ("nobody", "any words that fit"), ("*", PEOPLE["dora"]),
     ("dora)(uid=*", PEOPLE["dora"]), ("DORA", "x" * 129), ("searcher", slapd.SEARCHER_PASSWORD)],
)  # fmt: skip
def test_who_is_not_who_they_say_is_refused_alike(company, name, password):
    answer = log_in(company, name, password)
    assert answer.status_code in (400, 401), answer.text
    if answer.status_code == 401:
        assert answer.json()["detail"] == "the user name or the password is wrong"
    users = {each["name"] for each in root_of(company).items("/users")}
    assert users == {"root-admin", "alice"}


def test_groups_are_looked_at_with_each_log_in_and_refresh(company, directory):
    person = session_of(company, "dora")
    registry = token_of(person, "dora")
    assert may_push(registry)
    directory.remove_member("developers", "dora")
    assert may_push(registry), "nobody has asked the directory yet"
    before = person.get("/sessions/current").json()
    refreshed = person.post("/sessions/current/refresh")
    assert refreshed.status_code == 200, refreshed.text
    assert refreshed.json()["expires_at"] > before["expires_at"]
    assert not may_push(registry)
    directory.add_member("developers", "dora")
    session_of(company, "dora")
    assert may_push(registry)


def test_an_owner_removes_nobody_whom_the_directory_brings_back(company, directory):
    person = session_of(company, "dora")
    owner = Management(company, User("alice", "correct horse alice staple"))
    dora = path("organizations", "acme", "members", "dora")
    by_operator = company.run("org", "member", "remove", "acme", "dora", check=False).stdout
    for said in (owner.delete(dora).json()["detail"], by_operator):
        assert "acme/backend" in said and "mapping" in said
    assert person.delete(dora).status_code == 204, "whoever leaves may"
    assert session_of(company, "dora").get("/organizations").json()["items"], "and is brought back"
    directory.remove_member("developers", "dora")
    session_of(company, "dora")
    assert owner.get(dora).status_code == 404
    company.run("org", "member", "set", "acme", "dora")
    assert owner.delete(dora).status_code == 204


def test_who_has_left_the_directory_is_out_with_the_next_refresh(company, directory):
    person = session_of(company, "gone")
    registry = token_of(person, "gone")
    assert may_push(registry)
    directory.remove_person("gone")
    assert person.post("/sessions/current/refresh").status_code == 401
    assert person.get("/whoami").status_code == 401, "the session has ended"
    assert not may_push(registry), "and what the groups gave has gone"
    assert log_in(company, "gone").status_code == 401


def test_a_directory_that_is_down_locks_out_no_token_and_lets_in_nobody_new(company, directory):
    person = session_of(company, "dora")
    registry = token_of(person, "dora")
    directory.stop()
    refused = log_in(company, "emil")
    assert refused.status_code == 503 and "corp" in refused.json()["detail"], refused.text
    assert log_in(company, "dora").status_code == 503
    assert person.post("/sessions/current/refresh").status_code == 503
    assert person.get("/whoami").status_code == 200
    assert may_push(registry)
    assert may_push(token_of(person, "dora"))
    directory.start()
    assert log_in(company, "emil").status_code == 201


def test_nobody_gets_an_account_for_having_its_name(company, directory):
    directory.add_person("alice", "another alice's long password")
    refused = log_in(company, "alice", "another alice's long password")
    assert refused.status_code == 409 and "link" in refused.json()["detail"], refused.text
    assert "external_identity_linked" not in company.run("audit", "tail").stdout


def test_a_renamed_person_stays_who_they_are(company, directory):
    first = session_of(company, "dora").get("/whoami").json()["user"]
    directory.rename_person("dora", "dora-smith")
    answer = log_in(company, "dora-smith", PEOPLE["dora"])
    assert answer.status_code == 201 and answer.json()["user"]["name"] == first["name"] == "dora"


def test_a_second_factor_here_is_asked_for_whoever_checked_the_password(company):
    person = session_of(company, "dora")
    seed = base64.b32decode(pad(person.post(path("users", "dora", "factors", "totp")).json()["secret"]))
    codes = [crypto.one_time_code(seed, time.time() - ago) for ago in (30, 0)]
    confirmed = person.post(path("users", "dora", "factors", "totp", "confirmation"), {"code": codes[0]})
    assert confirmed.status_code in (200, 204), confirmed.text
    without = log_in(company, "dora")
    assert without.status_code == 401 and "second factor" in without.json()["detail"], without.text
    with_code = log_in(company, "dora", code=codes[1])
    assert with_code.status_code == 201 and with_code.json()["session"]["multi_factor"]


def pad(text):
    return text + "=" * (-len(text) % 8)


def test_guesses_at_a_directorys_passwords_are_limited(company):
    for _ in range(10):
        assert log_in(company, "dora", "wrong words for her").status_code == 401
    limited = log_in(company, "dora")
    assert limited.status_code == 429, limited.text
    assert log_in(company, "emil").status_code == 201, "others are not meant"


def test_only_admitted_groups_get_in_and_an_installation_may_make_no_accounts(company, root):
    def change(**members):
        current = root.get("/login-providers/corp")
        body = {key: value for key, value in current.json().items() if key not in ("kind", "has_secret", "created_at")}
        changed = root.put("/login-providers/corp", {**body, **members}, headers={"If-Match": current.headers["ETag"]})
        assert changed.status_code == 200, changed.text

    change(admitted_groups=["developers"])
    refused = log_in(company, "emil")
    assert refused.status_code == 403 and "groups" in refused.json()["detail"], refused.text
    assert log_in(company, "dora").status_code == 201
    change(admitted_groups=[], creates_accounts=False)
    assert log_in(company, "emil").status_code == 403
    assert log_in(company, "dora").status_code == 201
    change(enabled=False)
    assert log_in(company, "dora").status_code == 400


def test_removing_the_provider_takes_back_what_it_gave(company, root):
    person = session_of(company, "dora")
    registry = token_of(person, "dora")
    assert may_push(registry)
    assert root.delete("/login-providers/corp").status_code == 200
    assert person.get("/whoami").status_code == 401
    assert not may_push(registry)
    assert [each["name"] for each in root.items("/users") if each["name"] == "dora"] == ["dora"]


def test_a_directory_is_spoken_to_over_tls_unless_a_setting_names_it(launch, folder):
    directory = slapd.Slapd(folder / "tls", PEOPLE)
    directory.start()
    try:
        trusting = launch({"outbound.authorities": str(directory.authorities)})
        trusting.create_user("root-admin", admin=True)
        root = root_of(trusting)
        plain = {"name": "plain", "secret": slapd.SEARCHER_PASSWORD, "ldap": settings_of(directory)}
        refused = root.post("/login-providers", plain)
        assert refused.status_code == 400 and "encrypted" in refused.text, refused.text
        body = {"name": "corp", "secret": slapd.SEARCHER_PASSWORD, "ldap": settings_of(directory, directory.tls_url)}
        assert root.post("/login-providers", body).status_code == 201
        assert log_in(trusting, "dora").status_code == 201
        wary = launch()
        wary.create_user("root-admin", admin=True)
        root = root_of(wary)
        assert root.post("/login-providers", body).status_code == 201
        assert log_in(wary, "dora").status_code == 503, "its certificate is nobody's that this server knows"
    finally:
        directory.close()
