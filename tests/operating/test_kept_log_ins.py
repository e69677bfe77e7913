"""The command line uses the log-ins that its user has kept, and no other's."""

import http.server
import json
import os
import threading

import pytest

from harness.command_line import CommandLine


@pytest.fixture
def cli(server, admin, folder):
    made = CommandLine(server, folder)
    made.log_in(admin)
    return made


def said(cli, *arguments):
    ended = cli.run(*arguments, check=False)
    assert ended.returncode == 1
    return ended.stdout + ended.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")
@pytest.mark.parametrize("which", ["file", "folder"])
def test_what_belongs_to_somebody_else_is_not_used(cli, which):
    path = cli.store if which == "file" else cli.store.parent
    os.chown(path, 65534, 65534)
    assert f"{path} belongs to another user" in said(cli, "whoami")
    os.chown(path, 0, 0)
    cli.run("whoami")


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_what_others_may_put_there_is_not_used(cli, mode):
    cli.store.parent.chmod(mode)
    assert f"chmod 700 {cli.store.parent}" in said(cli, "whoami")
    cli.store.unlink()
    assert "chmod 700" in said(cli, "login", cli.server.url, "--name", "root-admin", "--password-stdin")
    cli.store.parent.chmod(0o700)


ODD = {
    "nothing": {},
    "no user": {"secret": "bhsession_x", "session": {"expires_at": "2030-01-01T00:00:00Z"}, "needs_factor": False},
    "no object": {"secret": "bhsession_x", "session": 5, "user": "root", "needs_factor": False},
    "no word on factors": {"secret": "bhsession_x", "session": {"expires_at": "x"}, "user": {"name": "root"}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_answer_to_a_log_in_is_said_and_leaves_nothing(server, folder, odd):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.dumps(odd).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    odd_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=odd_server.serve_forever, daemon=True)
    thread.start()
    try:
        cli = CommandLine(server, folder)
        url = f"http://127.0.0.1:{odd_server.server_port}"
        ended = cli.run("login", url, "--name", "root", "--password-stdin", stdin="a password\n", check=False)
    finally:
        odd_server.shutdown()
        odd_server.server_close()
        thread.join()
    assert ended.returncode == 1
    assert "is it a Bulkhead registry" in ended.stderr and "failed inside" not in ended.stderr
    assert not cli.store.exists()
