"""Local work takes turns by account: nobody waits behind all that one asks for."""

import contextlib
import selectors
import socket
import sqlite3
import threading

import pytest

from harness.management import Management, path
from harness.registry import Registry
from hostile.conftest import Place, assert_flat, timed

TOKENS, SCOPES, CONNECTIONS = 150, 100, 300


@pytest.fixture
def place(launch):
    """Mallory has a list that takes a while to read: tokens of many scopes, as far as the database knows."""
    made = Place(launch())
    owner = Management(made.server, made.mallory)
    body = {"name": "t", "scopes": [{"actions": ["pull"]}], "management": "read"}
    assert owner.post(path("users", "mallory", "tokens"), body).status_code == 201
    made.server.stop()
    with sqlite3.connect(made.server.data / "bulkhead.db") as database:
        columns = [row[1] for row in database.execute("PRAGMA table_info(access_tokens)") if row[1] not in ("id", "hash")]
        kept = ", ".join(columns)
        for number in range(TOKENS):
            database.execute(
                f"INSERT INTO access_tokens (hash, {kept}) SELECT ?, {kept} FROM access_tokens WHERE name = 't' LIMIT 1",
                (f"hash {number}",),
            )
        database.executemany(
            "INSERT INTO access_token_scopes (token_id, position, actions) SELECT id, ?, 'pull' FROM access_tokens",
            [(position,) for position in range(100, 100 + SCOPES)],
        )
    database.close()
    made.server.start()
    made.request = (
        f"GET /api/v1{path('users', 'mallory', 'tokens')}?limit=1000 HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: {owner.session.headers['Authorization']}\r\n\r\n"
    ).encode()
    return made


class Flood:
    """Asks again on each of many connections as soon as it was answered."""

    def __init__(self, place):
        self._request = place.request
        self._connections = [socket.create_connection(("127.0.0.1", place.server.port)) for _ in range(CONNECTIONS)]
        self._stop = threading.Event()
        self.answered = 0
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        selector = selectors.DefaultSelector()
        ends = {}
        for connection in self._connections:
            connection.setblocking(False)
            connection.send(self._request)
            selector.register(connection, selectors.EVENT_READ)
            ends[connection] = b""
        while not self._stop.is_set():
            for key, _ in selector.select(0.1):
                with contextlib.suppress(BlockingIOError):
                    ends[key.fileobj] = (ends[key.fileobj] + key.fileobj.recv(1 << 20))[-2:]
                if ends[key.fileobj].endswith(b"}"):
                    ends[key.fileobj] = b""
                    self.answered += 1
                    key.fileobj.send(self._request)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(30)
        for connection in self._connections:
            connection.close()


def test_nobody_waits_behind_one_accounts_requests(place):
    alice = Registry(place.server, place.alice)
    alice.make_repository("alice/app")
    manager = Management(place.server, place.alice)

    def tags():
        answer = alice.get("/v2/alice/app/tags/list")
        assert answer.status_code == 200, answer.text

    def look():
        answer = manager.get(path("repositories", "alice/app"))
        assert answer.status_code == 200, answer.text

    idle = {call: min(timed(call)[0] for _ in range(5)) for call in (tags, look)}
    with Flood(place) as flood:
        while flood.answered < 20:
            tags()
        during = {call: sorted(timed(call)[0] for _ in range(7))[3] for call in (tags, look)}
    assert_flat(during[tags], idle[tags], f"a list of tags beside {CONNECTIONS} requests of one account")
    assert_flat(during[look], idle[look], f"a look at a repository beside {CONNECTIONS} requests of one account")
