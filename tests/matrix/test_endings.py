"""The table of docs/guide/credentials.md, line by line: each act carried out, each credential asked for afterwards."""

import dataclasses
import re
import time

import pytest

from breach.crypto import one_time_code
from harness import content, paths, raw
from harness.factors import enrol
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User

GUIDE = (paths.ROOT / "docs" / "guide" / "credentials.md").read_text(encoding="utf-8")
COLUMNS = ("password", "session", "bearer token", "access token", "push under way")


def table():
    """The cells of each act: whether the credential stays."""
    rows = [re.split(r" *\| *", line.strip("| \n")) for line in GUIDE.splitlines() if line.startswith("|")]
    assert tuple(rows[0][1:]) == COLUMNS
    return {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in rows[2:]}


TABLE = table()


class Person:
    """An account with one of everything, in a repository of alice's where it writes."""

    def __init__(self, server, root, rng):
        self.server, self.root = server, root
        self.user = server.create_user("bob")
        self.repository = "alice/app"
        server.create_user("alice")
        self.alice = User("alice", "correct horse alice staple")
        Registry(server, self.alice).push_image(self.repository, rng, "latest")
        server.run("grant", "set", "bob", "writer", self.repository)
        self.seed = None
        self.rng = rng

    def equip(self):
        """After whatever the act needs beforehand."""
        self.client = Management(self.server)
        self.client.user = self.user
        self.session = self.client.log_in(**self.code())["secret"]
        body = {"name": "t", "scopes": [{"actions": ["pull", "push"]}], "management": "read"}
        made = self.client.post(path("users", "bob", "tokens"), body)
        assert made.status_code == 201, made.text
        self.token, self.token_number = made.json()["secret"], made.json()["token"]["id"]
        # A client that knows a second factor's owner has the token in the password's place.
        self.registry = Registry(self.server, self.user if self.seed is None else User("bob", self.token))
        self.bearer = self.registry.token(f"repository:{self.repository}:pull,push")
        self.push = Push(self, content.random_blob(self.rng))
        for column, stays in self.ask(("password", "session", "bearer token", "access token")).items():
            assert stays or (column == "password" and self.seed), f"{column} before"

    def code(self):
        return {} if self.seed is None else {"code": one_time_code(self.seed, time.time() + 30)}

    def other_session(self):
        other = Management(self.server)
        other.user = self.user
        other.log_in(**self.code())
        return other

    # -- what each column means

    def password_works(self):
        return Registry(self.server, self.user).request_token("registry:catalog:*").status_code == 200

    def management_works(self, credential):
        client = Management(self.server)
        client.use(credential)
        return client.get("/whoami").status_code == 200

    def bearer_works(self):
        return self.server.get("/v2/", headers={"Authorization": f"Bearer {self.bearer}"}).status_code == 200

    def token_works(self):
        answer = Registry(self.server, User("bob", self.token)).request_token("registry:catalog:*")
        works = self.management_works(self.token)
        assert (answer.status_code == 200) == works
        return works

    def ask(self, columns=COLUMNS):
        checks = {
            "password": self.password_works,
            "session": lambda: self.management_works(self.session),
            "bearer token": self.bearer_works,
            "access token": self.token_works,
            "push under way": lambda: self.push.finish(),
        }
        return {column: checks[column]() for column in columns}


class Push:
    """A blob whose last bytes are kept back."""

    def __init__(self, person, blob):
        self.person, self.blob = person, blob
        upload = person.registry.start_upload(person.repository)
        self.connection = raw.Connection(person.server)
        headers = {"Authorization": f"Bearer {person.bearer}", "Content-Length": len(blob.data)}
        self.connection.send_head("PUT", upload.path_with_query(f"digest={blob.digest}"), headers)
        self.connection.send(blob.data[:-5])

    def finish(self):
        self.connection.send(self.blob.data[-5:])
        answer = self.connection.read_response()
        self.connection.close()
        assert answer.status in (201, 401, 403, 404), answer
        return answer.status == 201


@dataclasses.dataclass(frozen=True)
class Act:
    do: object
    before: object = lambda person: None
    undo: object = None


def command(*arguments, stdin=""):
    return lambda person: person.server.run(*arguments, stdin=stdin)


def policy(name, value, before):
    return Act(command("policy", "set", f"--{name}", value), undo=command("policy", "set", f"--{name}", before))


def change(**fields):
    def act(person):
        done = person.root.change(path("users", "bob"), fields)
        assert done.status_code == 200, done.text

    return act


def with_factor(person):
    person.seed = enrol(Management(person.server, person.user))


def enrol_elsewhere(person):
    enrol(person.other_session())


def take_off(person):
    assert person.client.delete(path("users", "bob", "factors", "totp")).status_code == 204


def retire(purpose):
    def act(person):
        person.server.run("keys", "rotate", purpose)
        person.server.run("keys", "retire", purpose, 1, "--force")

    return act


def new_password(person):
    person.server.run("user", "password", "bob", "--password-stdin", stdin="another password of his\n")


def disable_and_enable(person):
    person.server.run("user", "disable", "bob")
    person.server.run("user", "enable", "bob")


def end_tokens(person):
    done = person.client.delete(path("users", "bob", "tokens", person.token_number))
    assert done.status_code == 204, done.text


def rotate(person):
    done = person.client.post(path("users", "bob", "tokens", person.token_number, "rotation"), {})
    assert done.status_code == 201, done.text


def end_session(person):
    assert person.client.delete("/sessions/current").status_code == 204


def end_sessions(person):
    assert person.root.delete(path("users", "bob", "sessions")).status_code == 204


def rename(person):
    person.server.run("repo", "rename", person.repository, "alice/renamed")
    person.repository = "alice/renamed"


ACTS = {
    "a new password, by whoever sets it": Act(new_password),
    "a second factor is enrolled": Act(enrol_elsewhere),
    "a second factor is taken off by its owner": Act(take_off, with_factor),
    "the second factors are reset by somebody else": Act(command("user", "reset-factors", "bob"), with_factor),
    "the account is disabled": Act(change(state="disabled")),
    "the account is locked": Act(change(state="locked")),
    "the account is enabled again": Act(disable_and_enable),
    "the session is ended": Act(end_session),
    "all sessions are ended": Act(end_sessions),
    "the access token is revoked, or reported as leaked": Act(end_tokens),
    "the access token is rotated without overlap": Act(rotate),
    # By the operator: nobody sets a policy that keeps themselves out.
    "the installation's policy allows other networks only": policy("network", "203.0.113.0/24", ""),
    "the installation's policy asks for a second factor": policy("mfa-required", "true", "false"),
    "the installation's policy allows no passwords": policy("password-login", "false", "true"),
    "the installation's policy shortens the life of tokens": policy("token-life", "1h", "90d"),
    "the role is taken away": Act(command("grant", "remove", "bob", "alice/app")),
    "the repository is renamed": Act(rename),
    "the key `token-hash` is rotated, and retired by force": Act(retire("token-hash")),
    "the key `token-signing` is rotated, and retired by force": Act(retire("token-signing")),
}


def test_the_table_has_a_line_for_each_act():
    assert set(TABLE) == set(ACTS)
    cells = {cell for row in TABLE.values() for cell in row.values()}
    assert all(cell.startswith(("ends", "stays", "suspended")) for cell in cells), cells
    suspends = {act for act, row in TABLE.items() if any(cell.startswith("suspended") for cell in row.values())}
    assert suspends == {act for act, carried_out in ACTS.items() if carried_out.undo}


@pytest.fixture
def person(launch, rng):
    # Guesses are counted in other tests.
    server = launch({"auth.login_attempts_per_account": 100_000, "auth.login_attempts_per_network": 100_000})
    return Person(server, Management(server, server.create_user("root-admin", admin=True)), rng)


@pytest.mark.parametrize("act", ACTS)
def test_what_ends_with(person, act):
    ACTS[act].before(person)
    person.equip()
    ACTS[act].do(person)
    if act == "a new password, by whoever sets it":
        assert Registry(person.server, User("bob", "another password of his")).request_token("").status_code == 200
    wanted = {column: cell.startswith("stays") for column, cell in TABLE[act].items()}
    found = person.ask()
    assert found == wanted, {column: TABLE[act][column] for column in COLUMNS if found[column] != wanted[column]}
    if ACTS[act].undo:
        ACTS[act].undo(person)
        wanted = {column: not cell.startswith("ends") for column, cell in TABLE[act].items() if column != "push under way"}
        assert person.ask(wanted) == wanted, "what is suspended works again, what has ended does not"
