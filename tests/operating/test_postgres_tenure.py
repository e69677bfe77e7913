"""A server that was without its PostgreSQL database for a while: what it remembered of it, and whose database it comes back to."""

import shutil
import signal

import pytest

from harness import process
from harness.registry import Registry


@pytest.fixture
def server(new_server, postgres, database):
    return new_server({"database": postgres.url_of(database)}).start()


def cut_off(postgres, database):
    postgres.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")


def test_what_another_server_changed_meanwhile_holds(server, new_server, postgres, database, rng):
    """A virtual machine that is paused while a stand-by takes over, and goes on once that has gone again."""
    alice, bob, carol = (server.create_user(name) for name in ("alice", "bob", "carol"))
    registry = Registry(server, alice)
    old = registry.push_image("alice/app", rng, "moving")
    registry.push_image("alice/app", rng, "v1")
    for user in (bob, carol):
        server.run("grant", "set", user.name, "reader", "alice/app")
    readers = {user.name: Registry(server, user) for user in (bob, carol)}

    def pulls(name, tag="moving"):
        return readers[name].get_manifest("alice/app", tag)

    for _ in range(2):
        for name in readers:
            assert pulls(name).headers["Docker-Content-Digest"] == old.digest
            assert pulls(name, "v1").status_code == 200

    server.signal(signal.SIGSTOP)
    try:
        cut_off(postgres, database)
        second = new_server({"database": server.settings["database"]})
        shutil.copytree(server.data, second.data, ignore=shutil.ignore_patterns("control.sock"))
        second.data.chmod(0o700)
        second.start()
        second.run("grant", "remove", "bob", "alice/app")
        second.run("user", "disable", "carol")
        other = Registry(second, alice)
        new = other.push_image("alice/app", rng, "moving")
        assert other.delete("/v2/alice/app/manifests/v1").status_code == 202
        second.stop()
    finally:
        server.signal(signal.SIGCONT)
    # The bytes are in the other's data directory; which they are is in the database.
    process.wait_until(lambda: registry.head("/v2/alice/app/manifests/v1").status_code == 404, "the old tag to be forgotten", 5)
    assert pulls("bob").status_code in (401, 403, 404)
    assert pulls("carol").status_code == 401
    assert readers["carol"].request_token("repository:alice/app:pull").status_code == 401
    assert registry.get_manifest("alice/app", "moving").headers.get("Docker-Content-Digest") != old.digest
    assert new.digest != old.digest
    assert "was out of this server's hands" in server.log()


def test_another_database_in_its_place_ends_the_server(server, postgres, database):
    server.create_user("alice")
    server.signal(signal.SIGSTOP)
    try:
        cut_off(postgres, database)
        postgres.ask(f"ALTER DATABASE {database} RENAME TO {database}_before")
        postgres.create(database)
    finally:
        server.signal(signal.SIGCONT)
    process.wait_until(lambda: not server.daemon.running(), "the server to end", 30)
    daemon, server.daemon = server.daemon, None
    assert daemon.process.returncode == 1
    assert "another database" in server.log()
    assert postgres.ask("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'", database) == "0"


# -- what the server of the database gives


def role(postgres, database, name, more=""):
    postgres.ask(f"CREATE ROLE {name} LOGIN {more}")
    postgres.ask(f"ALTER DATABASE {database} OWNER TO {name}")
    return postgres.url_of(database).replace("user=postgres", f"user={name}")


def test_few_connections_are_waited_for(new_server, postgres, database, rng):
    server = new_server({"database": role(postgres, database, "few", "CONNECTION LIMIT 3")}).start()
    registry = Registry(server, server.create_user("alice"))
    image = registry.push_image("alice/app", rng, "first")
    registry.token("repository:alice/app:pull,push")
    tags = [f"t{number}" for number in range(60)]
    answers = process.at_once(lambda tag: registry.put_manifest("alice/app", image, tag).status_code, tags, 12)
    assert answers == [201] * len(tags)
    assert server.get("/readyz").status_code == 200


def test_two_connections_are_enough(new_server, postgres, database, rng):
    """One is the lock's: reading and writing take turns with the other."""
    server = new_server({"database": role(postgres, database, "two", "CONNECTION LIMIT 2")}).start()
    registry = Registry(server, server.create_user("alice"))
    for number in range(3):
        registry.push_image("alice/app", rng, f"t{number}")
        assert registry.get("/v2/alice/app/tags/list").status_code == 200


def test_a_password_that_is_changed_meanwhile_is_read_again(new_server, postgres, database, folder):
    rules = postgres.folder / "data" / "pg_hba.conf"
    rules.write_text("local all rotated scram-sha-256\n" + rules.read_text())
    postgres.ask("SELECT pg_reload_conf()")
    secret = folder / "password"
    secret.write_text("first @/ one\n")
    url = role(postgres, database, "rotated", "PASSWORD 'first @/ one'")
    server = new_server({"database": url, "database_password_file": secret}).start()
    server.create_user("alice")
    postgres.ask("ALTER ROLE rotated PASSWORD 'second'")
    secret.write_text("second\n")
    cut_off(postgres, database)
    process.wait_until(lambda: server.get("/readyz").status_code == 200, "the new password to be used")
    assert "alice" in server.run("user", "list").stdout
    secret.unlink()
    cut_off(postgres, database)
    process.wait_until(lambda: server.get("/readyz").status_code == 503, "the missing file to be noticed")
    process.wait_until(lambda: str(secret) in server.log(), "the log to say so")
    secret.write_text("second\n")
    process.wait_until(lambda: server.get("/readyz").status_code == 200, "the server to be ready again")
