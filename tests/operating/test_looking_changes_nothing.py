"""Commands that look, commands that fail and starts that are refused leave what is there as it was: also the schema of an older
program's database, and keys that are plain where the settings name what would seal them."""

import contextlib
import json
import socket
import sqlite3

import pytest

from harness import paths
from harness.data_directory import refused

MIGRATIONS = sorted((paths.ROOT / "src" / "db" / "migrations").glob("*.sql"))


def contents(server):
    """Every file that matters: SQLite makes and removes two beside its own when somebody looks."""
    return {
        path.relative_to(server.data): path.read_bytes()
        for path in server.data.rglob("*")
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }


@contextlib.contextmanager
def taken(server):
    """Its port, by somebody else."""
    with contextlib.closing(socket.socket()) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", server.port))
        other.listen()
        yield


def events(server, action):
    lines = server.run("audit", "query", "--action", action, "--json").stdout.splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture
def older(new_server):
    """What the last version but one has left of a first start."""
    server = new_server()
    server.data.mkdir(mode=0o700)
    path = server.data / "bulkhead.db"
    path.touch(mode=0o600)
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)")
        for version, file in enumerate(MIGRATIONS[:-1], 1):
            script = file.read_text().replace("{{id}}", "INTEGER PRIMARY KEY AUTOINCREMENT").replace("{{bytewise}}", "").replace("{{keyed}}", "WITHOUT ROWID")
            database.executescript(script)
            database.execute("INSERT INTO schema_migrations VALUES (?, ?, 1)", (version, file.stem))
        database.commit()
    (server.data / "lock").touch(mode=0o600)
    return server


def test_only_the_start_of_a_server_migrates(older):
    before = contents(older)
    for command in (("user", "list"), ("audit", "tail"), ("user", "disable", "nobody"),
                    ("user", "create", "admin", "--admin", "--password-stdin")):  # fmt: skip
        said = refused(older, *command)
        assert "older bulkhead" in said and "backup" in said and "bulkhead serve" in said
        assert contents(older) == before
    with taken(older):
        assert "cannot listen" in older.refuses_to_start()
    assert contents(older) == before
    older.start()
    steps = {"from": len(MIGRATIONS) - 1, "to": len(MIGRATIONS)}
    assert "brought up to this program's schema" in older.log()
    assert [json.loads(event["detail"]) for event in events(older, "schema_upgraded")] == [steps]
    older.create_user("alice")
    older.restart()
    assert len(events(older, "schema_upgraded")) == 1


def test_only_the_start_of_a_server_seals_the_keys(new_server, folder):
    server = new_server()
    server.create_user("admin", admin=True)
    file = folder / "passphrase"
    file.write_text("a passphrase for these tests\n")
    file.chmod(0o600)
    before = {path: path.read_bytes() for path in (server.data / "keys").iterdir()}

    def keys():
        return {path: path.read_bytes() for path in (server.data / "keys").iterdir()}

    server.settings["keys_passphrase_file"] = file
    for command in (("user", "list"), ("keys", "list"), ("audit", "tail")):
        said = server.run(*command).stdout
        assert "plain" in said and "bulkhead keys passphrase" in said
        assert keys() == before
    server.run("user", "disable", "nobody", check=False)
    with taken(server):
        assert "cannot listen" in server.refuses_to_start()
    assert keys() == before
    del server.settings["keys_passphrase_file"]
    server.start().stop()

    server.settings["keys_passphrase_file"] = file
    server.start()
    assert keys() != before and "are sealed now" in server.log()
    assert [event["detail"] for event in events(server, "keyring_protection_changed")] == ["passphrase"]
    server.restart()
    assert len(events(server, "keyring_protection_changed")) == 1
    server.stop()
    file.write_text("another passphrase for these tests\n")
    assert "not the one" in server.refuses_to_start()
