"""Attackers, and what is measured beside them: all bounded, on this machine alone."""

import contextlib
import socket
import threading
import time

import pytest
import requests

from harness.management import Management, path
from harness.server import User


class BlackHole:
    """Accepts every connection and never says a word."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.held = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self.held.append(self._listener.accept()[0])

    def close(self):
        """Who waits for it learns at once that nobody is there any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # an accept() under way would hold it open
        self._thread.join(10)
        self._listener.close()
        for connection in self.held:
            connection.close()


class BlackHoles:
    """Makes servers that accept and never answer."""

    def __init__(self):
        self._made = []

    def __call__(self):
        self._made.append(BlackHole())
        return self._made[-1]

    def close(self):
        while self._made:
            self._made.pop().close()


@pytest.fixture
def black_hole():
    holes = BlackHoles()
    yield holes
    holes.close()


class Background:
    """Calls `work` in threads of its own until the block ends, and `end`, which lets the last calls return; keeps what
    the calls returned."""

    def __init__(self, work, threads, end=lambda: None):
        self._work, self._end = work, end
        self._stop = threading.Event()
        self.results, self.failures = [], []
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(threads)]

    def _run(self, number):
        while not self._stop.is_set():
            try:
                self.results.append(self._work(number))
            except requests.RequestException as error:
                self.failures.append(error)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._end()
        for thread in self._threads:
            thread.join(120)


def timed(call):
    """How long it took, and what it returned."""
    start = time.monotonic()
    result = call()
    return time.monotonic() - start, result


def best(call, times=5):
    """The shortest of several: what a busy machine adds is not in it."""
    return min(timed(call)[0] for _ in range(times))


_figures = []


def measured(text):
    """A line for the suite's summary."""
    _figures.append(text)


@pytest.fixture(autouse=True)
def figures(result_line):
    yield
    for text in _figures:
        result_line(text)
    _figures.clear()


def assert_flat(during, idle, what):
    """Generous: what is looked for is a factor of hundreds, and a machine may be busy with other things."""
    measured(f"{what}: {during:.3f} s beside the attack, {idle:.3f} s without it")
    assert during < 25 * idle + 1, f"{what} took {during:.2f} s beside the attack, and {idle:.3f} s without it"


class Place:
    """A server with an administrator `root`, and alice and mallory, who are nobody in particular."""

    def __init__(self, server):
        self.server = server
        self.admin = server.create_user("root", admin=True)
        self.alice = server.create_user("alice")
        self.mallory = server.create_user("mallory")
        self.root = Management(server, self.admin)

    def robot(self, owner, repository, name):
        """A robot of the owner's repository, which may write there."""
        manager = Management(self.server, owner)
        made = manager.post(path("repositories", repository, "robots"), {"name": name})
        assert made.status_code == 201, made.text
        robot = made.json()["name"]
        granted = manager.put(path("repositories", repository, "grants", robot), {"role": "writer"})
        assert granted.status_code in (200, 201, 204), granted.text
        scopes = [{"actions": ["pull", "push"]}]
        token = manager.post(path("users", robot, "tokens"), {"name": "t", "scopes": scopes})
        assert token.status_code == 201, token.text
        return User(robot, token.json()["secret"])

    def log_in_here(self, user=None):
        """With a local password, at the token service."""
        user = user or self.alice
        answer = requests.get(
            self.server.url + "/token", params={"service": "bulkhead"}, auth=(user.name, user.password), timeout=60
        )
        assert answer.status_code == 200, f"{answer.status_code} {answer.text}"

    def add_directory(self, name, url):
        answer = self.root.post(
            "/login-providers",
            {
                "name": name,
                "secret": "the searcher's",
                "ldap": {
                    "url": url,
                    "bind_dn": "cn=searcher,dc=example,dc=org",
                    "user_base": "dc=example,dc=org",
                    "group_base": "dc=example,dc=org",
                },
            },
        )
        assert answer.status_code == 201, answer.text

    def add_provider(self, name, issuer, secret="a secret"):
        body = {"name": name, "secret": secret, "oidc": {"issuer": issuer, "client_id": "bulkhead"}}
        answer = self.root.post("/login-providers", body)
        assert answer.status_code == 201, answer.text


def used_bytes(server, namespace, user=None):
    manager = Management(server, user or User("root", "correct horse root staple"))
    answer = manager.get(path("namespaces", namespace))
    assert answer.status_code == 200, answer.text
    return answer.json()["used_bytes"]
