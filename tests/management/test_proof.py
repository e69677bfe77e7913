"""What takes a fresh proof of who one is asks for it on the spot."""

import sqlite3

import pytest

from harness.command_line import CommandLine
from harness.conversation import Conversation
from harness.factors import enrol
from harness.management import Management, path

HOUR = 3600 * 1_000_000


@pytest.fixture
def stale(launch, folder):
    """Somebody's command line whose proof is an hour old."""
    server = launch()
    cli = CommandLine(server, folder)
    cli.user = server.create_user("alice", admin=True)
    return cli


def let_time_pass(server):
    server.stop()
    with sqlite3.connect(server.data / "bulkhead.db") as database:
        assert database.execute("UPDATE sessions SET proved_at = proved_at - ?", (HOUR,)).rowcount > 0
    database.close()
    server.start()


def test_the_password_is_asked_for_and_the_request_made_again(stale):
    stale.log_in(stale.user)
    let_time_pass(stale.server)
    talk = Conversation(stale, "token", "create", "alice", "ci", "--scope", "*:pull")
    talk.answer(f"Password at {stale.server.url}: ", "not that one")
    talk.answer("Password at", stale.user.password)
    status, said = talk.end()
    assert status == 0 and "fresh proof that you are alice" in said and "bhpat_" in said, said
    assert stale.user.password not in said
    # And that is good for a while.
    assert stale.run("token", "create", "alice", "next", "--scope", "*:pull").returncode == 0


def test_three_wrong_passwords_are_enough(stale):
    stale.log_in(stale.user)
    let_time_pass(stale.server)
    talk = Conversation(stale, "token", "create", "alice", "ci", "--scope", "*:pull")
    for _ in range(3):
        talk.answer("Password at", "not that one")
    status, said = talk.end()
    assert status == 3 and said.rstrip().endswith("bulkhead: the user name or the password is wrong"), said
    talk = Conversation(stale, "token", "create", "alice", "ci", "--scope", "*:pull")
    talk.answer("Password at", "")
    assert talk.end()[0] == 3
    assert stale.json("token", "list", "alice") == []


def test_a_second_factor_is_asked_for_as_well(stale):
    """As every command does: also those that are no operator's command of before."""
    owner = Management(stale.server, stale.user)
    enrol(owner)
    codes = owner.post(path("users", "alice", "factors", "recovery-codes")).json()["codes"]
    stale.log_in(stale.user, "--code", codes[0])
    let_time_pass(stale.server)
    talk = Conversation(stale, "policy", "set", "--token-life", "30d")
    talk.answer("Password at", stale.user.password)
    talk.answer("Code of the second factor: ", codes[0])
    talk.answer("Code of the second factor: ", codes[1])
    status, said = talk.end()
    assert status == 0 and "the code is wrong or was used" in said and "live at most: 720h" in said, said


def test_without_a_terminal_it_says_what_to_do(stale):
    stale.log_in(stale.user)
    let_time_pass(stale.server)
    refused = stale.run("token", "create", "alice", "ci", "--scope", "*:pull", check=False)
    assert refused.returncode == 3 and f"bulkhead login {stale.server.url}" in refused.stderr
    assert "15 minutes" in refused.stderr
