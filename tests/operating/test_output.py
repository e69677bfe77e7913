"""Output that cannot be written is an error, and what was asked for in vain is said."""

import json
import os
import subprocess

import pytest

from harness import process
from harness.command_line import CommandLine

SHOWING = [
    ("repo", "list"),
    ("user", "list"),
    ("user", "list", "--json"),
    ("audit", "tail"),
    ("audit", "query"),
    ("audit", "query", "--json"),
    ("keys", "list"),
    ("config", "print"),
    ("config", "reference"),
    ("--help",),
    ("audit", "--help"),
    ("--version",),
]


@pytest.fixture(scope="module")
def busy(server, admin):
    """Enough evidence that it does not fit into any buffer."""
    del admin
    for number in range(40):
        server.run("user", "create", f"person-{number}", "--password-stdin", stdin="a password of good length\n")
    return server


def run_into(server, output, *arguments):
    data = () if "--help" in arguments or "--version" in arguments or "reference" in arguments else ("--data", server.data)
    return subprocess.run(server.command(*arguments, *data), stdin=subprocess.DEVNULL, stdout=output,
                          stderr=subprocess.PIPE, text=True, timeout=60 * server.patience, check=False,
                          env=server.environment(), preexec_fn=process.die_with_parent)  # fmt: skip


@pytest.mark.parametrize("command", SHOWING, ids=" ".join)
def test_a_full_disk_is_an_error(busy, command):
    with open("/dev/full", "wb") as full:
        ended = run_into(busy, full, *command)
    assert ended.returncode == 1, ended
    assert ended.stderr == "bulkhead: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("more", [(), ("--json",)], ids=["text", "json"])
def test_a_token_that_nobody_has_seen_is_named(busy, more):
    for command in (("token", "create", "person-1", "t", "--scope", "*:pull"), ("token", "rotate", "person-1", None)):
        before = json.loads(busy.run("token", "list", "person-1", "--json").stdout)
        standing = [str(each["id"]) for each in before if each["state"] == "active"]
        command = [standing[0] if word is None else word for word in command]
        with open("/dev/full", "wb") as full:
            ended = run_into(busy, full, *command, *more)
        assert ended.returncode == 1 and "No space left on device" in ended.stderr
        made = json.loads(busy.run("token", "list", "person-1", "--json").stdout)
        number = max(each["id"] for each in made)
        assert number not in [each["id"] for each in before]
        assert f"bulkhead token revoke person-1 {number}\n" in ended.stderr


def test_an_invitation_that_nobody_has_seen_is_named(busy, folder):
    owner = busy.create_user("owner-of-lost")
    busy.run("org", "create", "lost", "--owner", owner.name)
    cli = CommandLine(busy, folder)
    cli.log_in(owner)
    command = busy.command("org", "invite", "lost", "--account", "person-1")
    with open("/dev/full", "wb") as full:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60,
                               check=False, env={"HOME": str(folder), "PATH": os.environ["PATH"]})  # fmt: skip
    number = cli.json("org", "invitations", "lost")[0]["id"]
    assert ended.returncode == 1 and f"bulkhead org withdraw lost {number}\n" in ended.stderr


@pytest.mark.parametrize("command", SHOWING, ids=" ".join)
def test_a_closed_pipe_is_an_error(busy, command):
    read, write = os.pipe()
    os.close(read)
    ended = run_into(busy, write, *command)
    os.close(write)
    assert ended.returncode == 1, ended
    assert ended.stderr == "bulkhead: cannot write the output: Broken pipe\n"


def test_a_closed_output_is_an_error(busy):
    ended = subprocess.run(["/bin/sh", "-c", 'exec "$@" >&-', "sh", *busy.command("user", "list", "--data", busy.data)],
                           stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=busy.environment())  # fmt: skip
    assert ended.returncode == 1 and "cannot write the output" in ended.stderr


def test_a_server_whose_greeting_nobody_reads_serves(new_server):
    server = new_server()
    with open("/dev/full", "wb") as full:
        running = subprocess.Popen(server.command("serve", "--data", server.data, "--listen", server.address),
                                   stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True,
                                   env=server.environment(), preexec_fn=process.die_with_parent)  # fmt: skip
    try:
        process.wait_until(lambda: running.poll() is not None or answers(server), "the server")
        assert running.poll() is None, running.stderr.read()
    finally:
        running.terminate()
        _, said = running.communicate(timeout=60)
    assert running.returncode == 0
    assert "No space left on device" in said


def answers(server):
    try:
        return server.get("/healthz").status_code == 200
    except OSError:
        return False
