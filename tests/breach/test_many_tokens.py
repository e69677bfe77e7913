"""A million stored access tokens: finding one, and finding that it was revoked, takes no longer than with a few."""

import os
import sqlite3
import statistics
import time

from breach import attempts
from breach.management import Management
from harness import raw

STORED = 1_000_000
SAMPLES = 60
TARGET = "/token?service=bulkhead&scope=registry:catalog:*"
MOST_SECONDS = 0.001


def fill(database, account_id, count):
    """Rows like those of tokens that nobody has: random bytes in place of keyed hashes."""
    now = time.time_ns() // 1000
    rows = (
        (account_id, f"token {number}", f"v1:{os.urandom(32).hex()}", now, now + 86_400_000_000)
        for number in range(count)
    )
    with sqlite3.connect(database) as connection:
        connection.executemany(
            "INSERT INTO access_tokens (account_id, name, hash, created_at, expires_at) VALUES (?, ?, ?, ?, ?)", rows
        )
    connection.close()


def ask(connection, token):
    """The status, and how long it took."""
    headers = {"Authorization": attempts.basic("alice", token.encode())}
    started = time.perf_counter()
    status = connection.request("GET", TARGET, headers).status
    return status, time.perf_counter() - started


def first_uses(server, tokens):
    """Each token's first use after a start, which has to look it up; the middle time."""
    with raw.Connection(server) as connection:
        connection.request("GET", "/healthz")
        answers = [ask(connection, token) for token in tokens]
    assert {status for status, _ in answers} == {200}
    return statistics.median(seconds for _, seconds in answers)


def test_look_up_among_a_million(new_server, result_line):
    server = new_server({"auth.login_attempts_per_account": 100_000, "auth.login_attempts_per_network": 100_000})
    alice = server.create_user("alice", admin=True)
    server.create_user("bob")
    server.start()
    management = Management(server)
    session = management.log_in(alice)
    made = [
        management.create_token(session, "alice", [{"actions": ["pull"]}], name=f"used {number}")
        for number in range(SAMPLES)
    ]
    secrets = [secret for _, secret in made]
    server.restart()
    few = first_uses(server, secrets)
    server.stop()
    fill(server.data / "bulkhead.db", 2, STORED)  # bob's: how many alice has is limited
    server.start()
    many = first_uses(server, secrets)

    after = []
    with raw.Connection(server) as connection:
        for number, secret in made:
            assert ask(connection, secret)[0] == 200
            management.call("revokeToken", session, user="alice", token=number)
            status, seconds = ask(connection, secret)
            assert status == 401
            after.append(seconds)
    refused = statistics.median(after)
    result_line(
        f"{STORED:,} stored tokens: first use in {many * 1000:.2f} ms ({few * 1000:.2f} ms among {SAMPLES}), refused "
        f"after its revocation in {refused * 1000:.2f} ms (medians, with the request)"
    )
    assert many < few + MOST_SECONDS
    assert refused < few + MOST_SECONDS
