"""Directories differ: in how much they answer at once, in how they write names, in how many servers they have. And
whatever keeps somebody out leaves its evidence."""

import json
import pathlib
import signal
import time

import pytest
import requests

from harness import process, slapd
from harness.management import Management, path
from harness.server import User

PEOPLE = {"dora": "dora knows a long password", "emil": "emil knows another long one"}
MANY = 600  # groups; slapd's own limit is 500 entries of an answer


@pytest.fixture
def directories(folder):
    made = []

    def make(groups=None, more=""):
        directory = slapd.Slapd(folder / f"ldap-{len(made)}", PEOPLE, groups or {"developers": ["dora"]}, more)
        made.append(directory)
        return directory.start()

    yield make
    for directory in made:
        directory.close()


@pytest.fixture
def server(launch):
    server = launch({"outbound.plain_hosts": "127.0.0.1"})
    server.create_user("root-admin", admin=True)
    return server


@pytest.fixture
def root(server):
    return Management(server, User("root-admin", "correct horse root-admin staple"))


def register(root, url, ldap=None, **members):
    settings = {"url": url, "bind_dn": slapd.SEARCHER, "user_base": slapd.PEOPLE, "group_base": slapd.GROUPS, **(ldap or {})}
    answer = root.post("/login-providers", {"name": "corp", "secret": slapd.SEARCHER_PASSWORD, "ldap": settings, **members})
    assert answer.status_code == 201, answer.text


@pytest.fixture
def team(root):
    assert root.post("/organizations", {"name": "acme"}).status_code == 201
    assert root.post("/organizations/acme/teams", {"name": "backend"}).status_code == 201

    def members():
        return {each["account"] for each in root.items("/organizations/acme/teams/backend/members")}

    return members


def lead(root, group):
    answer = root.put(path("organizations", "acme", "teams", "backend", "groups", "corp", group))
    assert answer.status_code in (200, 201, 204), answer.text


def log_in(server, name="dora", password=None):
    body = {"name": name, "password": PEOPLE[name] if password is None else password, "provider": "corp"}
    return Management(server).post("/sessions", body)


def events(server, action):
    return [json.loads(line) for line in server.run("audit", "query", "--action", action, "--json").stdout.splitlines()]


# -- how much a directory answers


def test_more_groups_than_the_directory_answers_at_once_keep_nobody_out(server, root, team, directories):
    groups = {f"group-{number:04}": ["dora"] for number in range(MANY)}
    directory = directories(groups)
    register(root, directory.url)
    lead(root, "group-0000")
    answer = log_in(server)
    assert answer.status_code == 201, answer.text
    assert team() == {"dora"}
    said = next(each for each in reversed(events(server, "login_succeeded")) if each["target"] == "dora")
    assert "groups" in said["detail"] and "1000" not in said["detail"], said
    # What was not answered is not known, so it takes nothing away.
    lead(root, f"group-{MANY - 1:04}")
    assert log_in(server).status_code == 201
    directory.remove_member("group-0000", "dora")
    assert log_in(server).status_code == 201
    assert team() == {"dora"}


def test_a_directory_that_answers_in_pages_is_asked_for_all_of_them(server, root, team, directories):
    """Active Directory answers 1,000 at once, and the rest in further pages (RFC 2696); slapd does so with this setting."""
    groups = {f"group-{number:04}": ["dora"] for number in range(MANY)}
    directory = directories(groups, more="limits * size.soft=100 size.hard=100 size.pr=200 size.prtotal=unlimited")
    register(root, directory.url)
    lead(root, f"group-{MANY - 1:04}")
    answer = log_in(server)
    assert answer.status_code == 201, answer.text
    assert team() == {"dora"}
    said = next(each for each in reversed(events(server, "login_succeeded")) if each["target"] == "dora")
    assert "detail" not in said, "all is known"


def test_where_a_group_admits_an_answer_that_was_cut_off_does_not(server, root, directories):
    directory = directories({f"group-{number:04}": ["dora"] for number in range(MANY)})
    register(root, directory.url, admitted_groups=["staff"])
    refused = log_in(server)
    assert refused.status_code == 403, refused.text
    assert "limit" in refused.json()["detail"] and "500" in refused.json()["detail"], refused.text
    assert events(server, "login_failed")[-1]["target"] == "dora"


def test_what_a_directory_cannot_answer_leaves_an_event(server, root, directories):
    directory = directories()
    register(root, directory.url)
    directory.stop()
    assert log_in(server).status_code == 503
    event = events(server, "login_failed")[-1]
    assert (event["target"], event["credential"]) == ("dora", "ldap:corp") and "directory_unavailable" in event["detail"]


def test_a_referral_is_not_followed_and_said(server, root, directories):
    directory = directories()
    elsewhere = "ldap://192.0.2.1/ou=elsewhere,dc=example,dc=com"
    directory.refer(slapd.PEOPLE, elsewhere)
    register(root, directory.url)
    assert log_in(server).status_code == 201, "who is here is not concerned"
    refused = Management(server).post("/sessions", {"name": "nobody", "password": "any words that fit", "provider": "corp"})
    assert refused.status_code == 401
    event = events(server, "login_failed")[-1]
    assert "referral" in event["detail"] and "192.0.2.1" in event["detail"], event
    assert "192.0.2.1" not in refused.text


def test_a_base_that_is_elsewhere_is_said_to_be(server, root, directories):
    directory = directories()
    directory.refer(slapd.PEOPLE, "ldap://192.0.2.1/ou=elsewhere,dc=example,dc=com")
    register(root, directory.url, ldap={"user_base": f"ou=elsewhere,{slapd.PEOPLE}"})
    assert log_in(server).status_code == 503
    assert "referral" in server.log() and "192.0.2.1" in server.log()
    assert "referral" in events(server, "login_failed")[-1]["detail"]


# -- how names are written (RFC 4514, RFC 4517)


@pytest.mark.parametrize("group", ["developers", "Developers", "developers ", " DEVELOPERS"])
def test_names_of_groups_are_compared_as_directories_do(server, root, team, directories, group):
    directory = directories()
    register(root, directory.url)
    lead(root, group)
    assert log_in(server).status_code == 201
    assert team() == {"dora"}


DEVELOPERS = f"cn=developers,{slapd.GROUPS}"
SPELLINGS = {
    "as it is": (DEVELOPERS, True),
    "capitals": ("CN=Developers,OU=groups,DC=example,DC=org", True),
    "spaces": ("cn=developers, ou=groups , dc=example,dc=org", True),
    "object identifiers": ("2.5.4.3=developers,2.5.4.11=groups,dc=example,dc=org", True),
    "another name": (f"cn=developer,{slapd.GROUPS}", False),
    "another place": (f"cn=developers,{slapd.PEOPLE}", False),
    "the name alone": ("developers", False),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_distinguished_names_are_compared_by_their_rules(server, root, team, directories, spelling):
    text, same = SPELLINGS[spelling]
    directory = directories()
    register(root, directory.url, ldap={"group_name_attribute": "dn"})
    lead(root, text)
    assert log_in(server).status_code == 201
    assert team() == ({"dora"} if same else set())


def test_escapes_in_distinguished_names_are_one_spelling(server, root, team, directories):
    directory = directories({r"dev\, ops": ["dora"]})
    register(root, directory.url, ldap={"group_name_attribute": "dn"})
    lead(root, rf"CN=Dev\2C  Ops,{slapd.GROUPS}")
    assert log_in(server).status_code == 201
    assert team() == {"dora"}


def test_the_rules_hold_for_who_is_admitted_too(server, root, directories):
    directory = directories()
    register(root, directory.url, admitted_groups=["DEVELOPERS"])
    assert log_in(server).status_code == 201
    assert log_in(server, "emil").status_code == 403


# -- several servers of one directory


def test_another_server_of_the_directory_is_asked_when_one_is_down(server, root, directories):
    first, second = directories(), directories()
    # Copies that these two are not would have one entryUUID for a person.
    register(root, f"{first.url} {second.url}", ldap={"id_attribute": "uid"})
    assert log_in(server).status_code == 201
    first.stop()
    assert log_in(server).status_code == 201
    assert log_in(server, "emil", "not the password of emil").status_code == 401
    second.stop()
    assert log_in(server).status_code == 503
    first.start()
    assert log_in(server).status_code == 201, "and the first again, at once"


@pytest.fixture
def frozen(directories):
    """A directory that accepts and does not answer, as one whose disk hangs: the kernel goes on for it."""
    directory = directories()
    directory.daemon.signal(signal.SIGSTOP)
    yield directory
    directory.daemon.signal(signal.SIGCONT)


def test_another_server_of_the_directory_is_asked_when_one_does_not_answer(server, root, directories, frozen):
    second = directories()
    register(root, f"{frozen.url} {second.url}", ldap={"id_attribute": "uid"})
    assert log_in(server).status_code == 201
    began = time.monotonic()
    assert log_in(server).status_code == 201
    assert log_in(server, "emil", "not the password of emil").status_code == 401
    assert time.monotonic() - began < 2, "it is remembered which one does not answer"


def stopped(pid):
    """With all its threads, each of which stops by itself."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks)


def test_a_directory_that_does_not_answer_is_away_and_not_the_clients_fault(server, root, directories):
    """RFC 9110 15.5.9: a 408 says that the client was slow, and has it try again at once."""
    directory = directories()
    register(root, directory.url)
    made = log_in(server)
    assert made.status_code == 201
    directory.daemon.signal(signal.SIGSTOP)
    try:
        process.wait_until(lambda: stopped(directory.daemon.pid), "the directory to stand still")
        person = Management(server)
        person.use(made.json()["secret"])
        for answer in (log_in(server), person.post("/sessions/current/refresh")):
            assert answer.status_code == 503, answer.text
            assert int(answer.headers["Retry-After"]) >= 1
            assert "corp" in answer.json()["detail"] and str(directory.port) not in answer.text
    finally:
        directory.daemon.signal(signal.SIGCONT)


@pytest.mark.parametrize("bad", ["ldap://127.0.0.1 http://127.0.0.1", "ldap://127.0.0.1  ldap://elsewhere.example", " ".join(
    f"ldap://127.0.0.1:{port}" for port in range(1, 10))])  # fmt: skip
def test_each_of_several_addresses_is_checked(server, root, directories, bad):
    settings = {"url": bad, "bind_dn": slapd.SEARCHER, "user_base": slapd.PEOPLE}
    answer = root.post("/login-providers", {"name": "corp", "secret": "x", "ldap": settings})
    assert answer.status_code == 400 and "url" in answer.text, answer.text


def test_another_server_is_not_sent_the_old_ones_secret(server, root, directories):
    directory = directories()
    register(root, directory.url)
    current = root.get("/login-providers/corp")
    body = {key: value for key, value in current.json().items() if key not in ("kind", "has_secret", "created_at")}
    body["ldap"]["url"] += " ldap://127.0.0.1:1"
    refused = root.put("/login-providers/corp", body, headers={"If-Match": current.headers["ETag"]})
    assert refused.status_code == 400 and "secret" in refused.text, refused.text


# -- what people are told


def test_who_gives_a_directorys_password_to_the_registry_is_told_what_it_takes(server, root, directories):
    directory = directories()
    register(root, directory.url)
    assert log_in(server).status_code == 201

    def asked(name, password):
        return requests.get(f"{server.url}/token", params={"service": "bulkhead"}, auth=(name, password), timeout=60)

    known, unknown = asked("dora", PEOPLE["dora"]), asked("nobody", "any words that fit")
    assert known.status_code == unknown.status_code == 401
    assert "access token" in known.json()["errors"][0]["message"]
    assert known.json()["errors"][0]["message"] == unknown.json()["errors"][0]["message"]


def test_a_live_session_of_a_directory_proves_itself_while_somebody_guesses(launch, directories):
    server = launch({"outbound.plain_hosts": "127.0.0.1", "auth.login_attempts_per_account": 3})
    root = Management(server, server.create_user("root-admin", admin=True))
    directory = directories()
    register(root, directory.url)
    person = Management(server)
    person.use(log_in(server).json()["secret"])
    for _ in range(4):
        last = log_in(server, password="not the password of dora")
    assert last.status_code == 429 and int(last.headers["Retry-After"]) > 250
    assert person.post("/sessions/current/proof", {"password": PEOPLE["dora"]}).status_code == 204
    server.run("user", "unlock", "dora")
    assert log_in(server).status_code == 201


def test_an_access_token_is_no_guess_at_a_directorys_password(launch, directories):
    server = launch({"outbound.plain_hosts": "127.0.0.1", "auth.login_attempts_per_account": 3})
    root = Management(server, server.create_user("root-admin", admin=True))
    register(root, directories().url)
    client = Management(server)
    for _ in range(4):
        answer = client.post("/sessions", {"name": "dora", "password": "bhpat_" + "0" * 36, "provider": "corp"})
        assert answer.status_code == 400 and "access token" in answer.json()["detail"], answer.text
    answer = client.post("/sessions", {"name": "dora", "password": PEOPLE["dora"], "provider": "corp"})
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize("which", ["user_base", "group_base"])
def test_evidence_names_the_base_that_the_directory_does_not_know(server, root, directories, which):
    register(root, directories().url, {which: "ou=nowhere,dc=example,dc=com"})
    answer = Management(server).post("/sessions", {"name": "dora", "password": PEOPLE["dora"], "provider": "corp"})
    assert answer.status_code == 503 and "nowhere" not in answer.text, answer.text
    failed = json.loads(server.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()[-1])
    assert 'below "ou=nowhere,dc=example,dc=com"' in json.loads(failed["detail"])["error"]
    assert "ou=nowhere" in server.log()
