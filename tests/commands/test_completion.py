"""What shells complete: commands, flags, and the names of what is on the server."""

import http.server
import json
import shutil
import subprocess
import threading
import time

import pytest

from harness import process


def complete(cli, *words, env=None):
    done = cli.run("__complete", *words, env=env)
    assert done.stderr == ""
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


def test_commands_flags_and_values(cli):
    assert complete(cli, "us") == ["user", "use"]
    assert set(complete(cli, "user", "dis")) == {"disable", "display-name"}
    assert set(complete(cli, "token", "create", "--man")) == {"--management"}
    assert complete(cli, "token", "create", "--management", "") == ["none", "read", "write"]
    assert complete(cli, "grant", "set", "alice", "") == ["reader", "writer", "maintainer"]
    assert complete(cli, "completion", "") == ["bash", "zsh", "fish"]
    assert complete(cli, "login", "--ca", "") == [":files"]
    assert complete(cli, "help", "org", "mem") == ["member"]
    assert complete(cli, "team", "mem") == ["member"], "older names work, and are not offered"
    assert complete(cli, "__") == [], "what is for shells alone is not listed"


def test_names_come_from_the_server(cli, alice, server):
    server.run("org", "create", "acme", "--owner", "alice")
    server.run("team", "create", "acme/devs")
    server.run("robot", "create", "ci", "--org", "acme")
    server.run("repo", "create", "alice/first")
    server.run("repo", "create", "acme/second")
    cli.log_in(alice)
    assert set(complete(cli, "repo", "delete", "")) >= {"alice/first", "acme/second"}
    assert complete(cli, "repo", "set", "alice/") == ["alice/first"]
    assert complete(cli, "repo", "rename", "al") == ["alice/first"]
    assert complete(cli, "repo", "create", "al") == [], "what is made has no name yet"
    assert "acme" in complete(cli, "org", "delete", "")
    assert complete(cli, "team", "member", "list", "acme/") == ["acme/devs"]
    assert complete(cli, "robot", "delete", "acme+") == ["acme+ci"]
    assert "team:acme/devs" in complete(cli, "grant", "set", "team:acme/")
    assert set(complete(cli, "grant", "set", "bob", "reader", "a")) >= {"alice/first", "alice/", "acme/"}
    assert complete(cli, "robot", "list", "--org", "ac") == ["acme"]
    assert complete(cli, "use", "") == [server.address]


def test_nothing_is_said_where_nothing_can_be_asked(cli, alice, folder):
    del alice
    assert complete(cli, "repo", "delete", "") == [], "nobody is logged in"
    assert complete(cli, "repo", "delete", "", env={"BULKHEAD_SERVER": "http://127.0.0.1:1", "BULKHEAD_TOKEN": "x"}) == []
    assert complete(cli, "no", "such", "") == [] and complete(cli, "repo", "list", "x", "") == []
    assert not (folder / "data").exists() and not cli.store.parent.exists()


class Hostile(http.server.BaseHTTPRequestHandler):
    """A server whose names are after the shell."""

    names = ["$(touch${IFS}hit)", "`touch hit`", "a;touch hit", "x\ntouch hit", "--flag", "a b", "'", "$HOME", "\x1b[2J", "fine/app"]
    delay = 0

    def do_GET(self):
        time.sleep(self.delay)
        body = json.dumps({"items": [{"name": name} for name in self.names]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def hostile(access_token):
    """Its address and a token for it, as the environment says it."""
    Hostile.delay = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"BULKHEAD_SERVER": f"http://127.0.0.1:{server.server_port}", "BULKHEAD_TOKEN": access_token()}
    server.shutdown()


def test_names_that_are_after_the_shell_are_left_out(cli, hostile):
    assert complete(cli, "repo", "delete", "", env=hostile) == ["fine/app"]


def test_a_slow_server_keeps_nobody_waiting(cli, hostile):
    Hostile.delay = 5
    begun = time.monotonic()
    assert complete(cli, "repo", "delete", "", env=hostile) == []
    assert time.monotonic() - begun < 2 * cli.server.patience


def in_shell(cli, hostile, shell, script):
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    programs = cli.home / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "bulkhead").symlink_to(cli.server.binary)
    env = cli.environment(**hostile)
    env["PATH"] = f"{programs}:{env['PATH']}"
    made = subprocess.run(["bulkhead", "completion", shell], env=env, capture_output=True, text=True, check=True, timeout=60)
    (cli.home / f"completion.{shell}").write_text(made.stdout)
    return subprocess.run([shell, *(["--norc"] if shell == "bash" else []), "-c", script], env=env, cwd=cli.home, check=False,
                          capture_output=True, text=True, timeout=60, preexec_fn=process.die_with_parent)  # fmt: skip


BASH = r"""
source ./completion.bash
compopt() { :; }
try() {
  COMP_LINE=$1 COMP_POINT=${#1}
  _bulkhead && printf '%s\n' "${COMPREPLY[@]}"
}
"""


def test_bash_completes(cli, hostile):
    done = in_shell(cli, hostile, "bash", BASH + "try 'bulkhead repo del'; try 'bulkhead repo delete '; try 'bulkhead token create --management r'")
    assert done.stdout.split() == ["delete", "fine/app", "read"] and done.stderr == ""
    assert not (cli.home / "hit").exists()


def test_bash_completes_words_that_it_breaks(cli, hostile):
    Hostile.names, before = ["acme"], Hostile.names
    try:
        done = in_shell(cli, hostile, "bash", BASH + "try 'bulkhead grant set team:ac'")
    finally:
        Hostile.names = before
    assert done.stdout.split() == ["acme/"], "of team:acme/, bash replaces what stands after the colon"


def test_fish_completes(cli, hostile):
    done = in_shell(cli, hostile, "fish", "source completion.fish; complete -C 'bulkhead repo delete '; complete -C 'bulkhead us'")
    assert {line.split("\t")[0] for line in done.stdout.splitlines()} == {"fine/app", "user", "use"}
    assert not (cli.home / "hit").exists()


def test_zsh_completes(cli, hostile):
    """Zsh's completion takes an editor: the function is called with what it would be given."""
    script = r"""
compdef() { :; }
_files() { print files; }
_describe() { print -rl -- "${(P@)3}"; }
source ./completion.zsh
words=(bulkhead repo delete '') CURRENT=4; _bulkhead
words=(bulkhead login --ca '') CURRENT=4; _bulkhead
"""
    done = in_shell(cli, hostile, "zsh", script)
    assert done.stdout.splitlines() == ["fine/app:", "files"], done.stderr
    assert not (cli.home / "hit").exists()
