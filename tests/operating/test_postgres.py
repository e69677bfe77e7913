"""A database on a PostgreSQL server: another program's is left alone, a second server is refused, and one that does not
answer delays nobody for long."""

import contextlib
import json
import shutil
import subprocess
import time

import pytest
import requests

from harness import content, process
from harness.registry import Registry

PASSWORD = "a password of good length"
TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"


@pytest.fixture
def on_postgres(new_server, postgres, database):
    return new_server({"database": postgres.url_of(database)})


def refused(server, *command):
    ended = server.run(*command, stdin=PASSWORD + "\n", check=False)
    assert ended.returncode == 1, ended.stdout
    return ended.stdout


# -- a database that is not this installation's


def test_a_refused_start_makes_nothing_in_a_wrong_database(on_postgres, postgres, database, rng):
    server = on_postgres.start()
    Registry(server, server.create_user("alice")).push_image("alice/app", rng, "latest")
    server.stop()
    server.settings["database"] = postgres.create("wrong")
    for said in (server.refuses_to_start(), refused(server, "user", "list"),
                 refused(server, "user", "create", "xavier", "--admin", "--password-stdin")):  # fmt: skip
        assert "blobs" in said and "backup" in said
    assert postgres.ask(TABLES, "wrong") == "0"
    # What is advised works.
    dump = postgres.dump(database)
    subprocess.run(["psql", "-h", postgres.folder, "-U", "postgres", "-d", "wrong", "-qv", "ON_ERROR_STOP=1"], input=dump,
                   check=True, stdout=subprocess.DEVNULL, timeout=60)  # fmt: skip
    server.start()
    assert "alice" in server.run("user", "list").stdout


@pytest.mark.parametrize("columns", ["id int", "version bigint, dirty boolean"], ids=["customers", "migrate"])
def test_another_programs_database_is_left_alone(on_postgres, postgres, database, columns):
    name = "schema_migrations" if "version" in columns else "customers"
    postgres.ask(f"CREATE TABLE {name} ({columns})", database)
    for said in (on_postgres.refuses_to_start(), refused(on_postgres, "user", "create", "xavier", "--admin", "--password-stdin")):
        assert name in said and "another program's" in said
    assert postgres.ask(TABLES, database) == "1"
    # What an extension brings along is nobody's.
    postgres.ask(f"DROP TABLE {name}; CREATE EXTENSION IF NOT EXISTS pg_buffercache", database)
    on_postgres.start()


@pytest.mark.parametrize("tables", [1, 0], ids=["another program's", "none"])
def test_another_programs_sqlite_file_is_left_alone(new_server, tables):
    server = new_server()
    server.data.mkdir(mode=0o700)
    path = server.data / "bulkhead.db"
    path.touch(mode=0o600)
    sql = "CREATE TABLE customers (id)" if tables else "PRAGMA user_version = 7"
    subprocess.run(["sqlite3", path, sql], check=True, timeout=30)
    before = path.read_bytes()
    if tables:
        assert "customers" in server.refuses_to_start()
    assert refused(server, "user", "list")
    assert path.read_bytes() == before
    assert not path.with_name("bulkhead.db-wal").exists()


# -- another server on the same database


def test_a_second_server_is_refused(on_postgres, new_server, postgres, database):
    server = on_postgres.start()
    server.create_user("alice")
    second = new_server({"database": server.settings["database"]})
    second.data.mkdir(mode=0o700)
    shutil.copytree(server.data / "keys", second.data / "keys")
    shutil.copytree(server.data / "journal", second.data / "journal")
    for said in (second.refuses_to_start(), refused(second, "user", "list")):
        assert "another bulkhead process" in said and database in said
        assert "password" not in said
    assert "alice" in server.run("user", "list").stdout, "commands go through the server that runs"
    server.crash()
    second.start()
    assert "alice" in second.run("user", "list").stdout


def test_a_server_takes_its_database_back_after_a_restart_of_postgres(on_postgres, new_server, postgres, database):
    server = on_postgres.start()
    server.create_user("alice")
    postgres.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    process.wait_until(lambda: server.get("/readyz").status_code == 200, "the server to be ready again")
    held = (
        "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE l.locktype = 'advisory' "
        f"AND l.granted AND l.classid = {0x62756C6B} AND l.objid = {0x686F6C64} AND d.datname = '{database}'"
    )
    process.wait_until(lambda: postgres.ask(held).strip() == "1", "the server to have it alone again")
    second = new_server({"database": server.settings["database"]})
    assert "another bulkhead process" in second.refuses_to_start()


def test_a_server_that_lost_its_database_ends(on_postgres, new_server, postgres, database):
    """Whoever comes in between has it: two of them would not tell each other what changes."""
    server = on_postgres.start()
    server.create_user("alice")
    lock = "x'62756c6b686f6c64'::bigint"
    # As a second server would, before the first one has noticed that its own is gone.
    holder = subprocess.Popen(
        ["psql", "-h", postgres.folder, "-U", "postgres", "-d", database, "-qtA", "-c",
         f"SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'; SELECT pg_advisory_lock({lock});"
         " SELECT pg_sleep(60)"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=process.die_with_parent,
    )  # fmt: skip
    try:
        process.wait_until(lambda: not server.daemon.running(), "the server to end", 30)
    finally:
        holder.kill()
        holder.wait()
    daemon, server.daemon = server.daemon, None
    assert daemon.process.returncode == 1
    assert "another bulkhead process" in server.log()


# -- a database that is away


def test_strangers_are_not_told_where_the_database_is(on_postgres, postgres, database):
    server = on_postgres.start()
    alice = server.create_user("alice")
    postgres.ask(f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS false")
    postgres.ask(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'")
    log_in = {"name": "alice", "password": "not this one", "provider": "corp"}
    answers = [
        server.get("/api/v1/login"),
        server.get("/token?service=bulkhead&scope=repository:alice/app:pull"),
        server.get("/token?service=bulkhead", auth=(alice.name, alice.password)),
        requests.post(server.url + "/api/v1/sessions", json=log_in, timeout=60),
        server.get("/login/corp", headers={"Host": f"localhost:{server.port}"}, allow_redirects=False),
        server.get("/readyz"),
    ]
    assert 503 in {answer.status_code for answer in answers}
    for answer in answers:
        for inside in (database, str(postgres.folder), "PostgreSQL", "postgres"):
            assert inside not in answer.text, answer.text
    failed = next(answer for answer in answers if answer.status_code == 503 and "X-Request-Id" in answer.headers)
    line = next(line for line in server.log().splitlines()
                if failed.headers["X-Request-Id"] in line and "a request failed" in line)  # fmt: skip
    assert database in line and "not currently accepting connections" in line
    postgres.ask(f"ALTER DATABASE {database} WITH ALLOW_CONNECTIONS true")


@pytest.fixture
def pulled(on_postgres, rng):
    """A server with an image that was pulled already, and what pulls it again without the database."""
    server = on_postgres.start()
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "v1")
    assert registry.get("/v2/alice/app/manifests/v1").status_code == 200
    return server, registry


def test_a_database_that_does_not_answer_delays_nobody_for_long(pulled, postgres):
    server, registry = pulled
    body = json.dumps({"schemaVersion": 2, "manifests": []})
    headers = {**registry.authorization("alice/app"), "Content-Type": content.OCI_INDEX}
    target = f"{server.url}/v2/alice/app/manifests/slow"
    with postgres.frozen():
        began = time.monotonic()
        # The limit of a statement is 10 s; the client's own comes a little later.
        assert requests.put(target, data=body, headers=headers, timeout=40).status_code == 503
        assert time.monotonic() - began < 30
        # From here on it is known, and nobody else waits.
        began = time.monotonic()
        for _ in range(5):
            assert requests.put(target, data=body, headers=headers, timeout=40).status_code == 503
        assert server.get("/readyz").status_code == 503
        assert registry.get("/v2/alice/app/manifests/v1").status_code in (200, 503)
        assert time.monotonic() - began < 25
    process.wait_until(
        lambda: requests.put(target, data=body, headers=headers, timeout=40).status_code == 201, "pushes to go on", 60
    )
    process.wait_until(lambda: server.get("/readyz").status_code == 200, "the server to be ready again", 60)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "with a request that waits"])
def test_sigterm_is_heard_while_the_database_does_not_answer(on_postgres, postgres, busy):
    on_postgres.settings["http.stop_deadline"] = "2s"
    server = on_postgres.start()
    alice = server.create_user("alice")
    with postgres.frozen():
        waiting = None
        if busy:
            waiting = subprocess.Popen(
                ["curl", "-s", "-u", f"{alice.name}:{alice.password}", server.url + "/token?service=bulkhead"],
                stdout=subprocess.DEVNULL, preexec_fn=process.die_with_parent,
            )  # fmt: skip
        # Long enough for the housekeeping to be in the middle of asking.
        time.sleep(7)
        began = time.monotonic()
        server.stop(30)
        assert time.monotonic() - began < 12
        with contextlib.suppress(AttributeError):
            waiting.wait(10)
