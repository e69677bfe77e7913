"""Text from outside cannot drive a terminal, reorder a line or hide in one: in evidence, tables, logs, pages and messages."""

import contextlib
import json
import re
import socket
import threading

import pytest

from harness import process, raw
from harness.command_line import CommandLine
from harness.management import Management

# What a terminal obeys, what reorders a line, and what is there without being seen.
DANGEROUS = {
    "escape": "\x1b",
    "delete": "\x7f",
    "next line": "\x85",
    "control sequence introducer": "\x9b",
    "soft hyphen": "\u00ad",
    "Arabic letter mark": "\u061c",
    "Hangul filler": "\u115f",
    "Mongolian vowel separator": "\u180e",
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "right-to-left mark": "\u200f",
    "line separator": "\u2028",
    "right-to-left override": "\u202e",
    "word joiner": "\u2060",
    "left-to-right isolate": "\u2066",
    "nominal digit shapes": "\u206f",
    "byte order mark": "\ufeff",
    "interlinear annotation": "\ufff9",
    "noncharacter": "\uffff",
    "tag": "\U000e0041",
    "variation selector": "\U000e0101",
}
FORBIDDEN = re.compile("[" + "".join(f"{re.escape(c)}" for c in DANGEROUS.values()) + "]")
SAFE = "plain café Ж 漢字 🚀 ٣"


def assert_safe(text, *, lines=True):
    found = FORBIDDEN.search(text)
    assert found is None, f"U+{ord(found.group()):04X} in {text!r}"
    if not lines:
        assert "\n" not in text


@pytest.fixture(scope="module")
def troubled(server, admin):
    """A server on which a stranger has left everything, in everything that a stranger may choose."""
    agent = "agent " + "".join(f"<{c}>" for c in DANGEROUS.values() if c not in "\x1b\x7f") + SAFE
    with raw.Connection(server) as connection:
        connection.send(
            b"GET /token?service=bulkhead HTTP/1.1\r\nHost: x\r\nAuthorization: Basic Z2hvc3Q6bm90IHRoZSBwYXNzd29yZA==\r\n"
            b"User-Agent: " + agent.encode() + b" \xff\xfe\xc3(\r\nConnection: close\r\n\r\n"
        )
        connection.read_response()
    server.run("user", "list")
    return server


@pytest.mark.parametrize("command", [("tail", "-n", "50"), ("query",)], ids=" ".join)
@pytest.mark.parametrize("json_lines", [False, True], ids=["text", "json"])
def test_evidence(troubled, command, json_lines):
    shown = troubled.run("audit", *command, "--action", "login_failed", *(["--json"] if json_lines else [])).stdout
    assert shown.count("\n") == 1
    assert_safe(shown)
    if json_lines:
        agent = json.loads(shown)["user_agent"]
        for name, c in DANGEROUS.items():
            if c not in "\x1b\x7f":
                assert f"<{c}>" in agent, f"{name}: what was sent is not what is kept"
        assert SAFE in agent and SAFE in shown, "what is safe is shown as it is"


def test_the_log(launch):
    server = launch({"log.requests": "true"})
    for form in ("text", "json"):
        server.settings["log.format"] = form
        server.restart()
        with raw.Connection(server) as connection:
            path = "/v2/" + "".join(f"%{byte:02X}" for c in DANGEROUS.values() for byte in c.encode()) + "/x" + form
            connection.send(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
            connection.read_response()
        process.wait_until(lambda seen="x" + form: seen in server.log(), "the request's line")
    assert_safe(server.log())


@pytest.mark.parametrize("character", DANGEROUS.values(), ids=DANGEROUS)
@pytest.mark.parametrize("remotely", [False, True], ids=["locally", "remotely"])
def test_names_that_people_choose(server, admin, folder, character, remotely):
    """Contacts and display names are refused with what is wrong in them, and the refusal itself is safe to show."""
    cli = CommandLine(server, folder)
    cli.log_in(admin)
    where = () if remotely else ("--data", server.data)
    cli.run("repo", "create", "root-admin/named", *where, check=False)
    text = f"team{character}blue"
    contact = cli.run("repo", "set", "root-admin/named", "--contact", text, *where, check=False)
    assert contact.returncode == 1
    display = cli.run("org", "create", "named", "--owner", "root-admin", "--display-name", text, *where, check=False)
    assert display.returncode == 1
    for refused in (contact.stderr, display.stderr):
        assert_safe(refused)
        assert len(refused.splitlines()) == 1
    assert cli.run("repo", "set", "root-admin/named", "--contact", SAFE, *where).returncode == 0


@pytest.mark.parametrize("character", DANGEROUS.values(), ids=DANGEROUS)
def test_what_was_typed_comes_back_safely(server, admin, folder, character):
    """Each message that quotes a value."""
    if character == "\x00":
        return
    text = f"x{character}y"
    cli = CommandLine(server, folder)
    (folder / "c.toml").write_text(f'"un{character}known" = 1\n' if character >= " " and character != "\x7f" else "x = 1\n")
    for command in (
        ("user", "disable", text),
        ("repo", "create", text),
        ("repo", "create", f"alice/{text}"),
        ("grant", "set", text, "reader", "/"),
        ("org", "delete", text, "--yes"),
        ("team", "members", f"acme/{text}"),
        ("token", "list", text),
        ("audit", "query", "--action", text),
        ("audit", "query", "--since", text),
        ("keys", "retire", text, "1"),
        ("namespace", "set", text, "--quota", text),
        ("sso", "identities", text),
        (text,),
        ("repo", text),
        ("repo", "list", f"--{text}"),
        ("config", "check", "--config", folder / "c.toml"),
        ("config", "check", "--listen", text),
        ("repo", "list", "--data", folder / text),
        ("login", text, "--name", "x", "--password-stdin"),
    ):
        where = () if "--data" in command or command[0] in (text, "config", "login") else ("--data", server.data)
        ended = cli.run(*command, *where, stdin="password\n", check=False)
        assert ended.returncode in (1, 2), (command, ended)
        assert_safe(ended.stdout + ended.stderr)


class Liar:
    """A server that answers every request with what it was told to."""

    def __init__(self, answers):
        self.answers = answers
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                with connection:
                    head = b""
                    while b"\r\n\r\n" not in head:
                        head += connection.recv(65536)
                    length = re.search(rb"content-length: (\d+)", head.lower())
                    while length and len(head.split(b"\r\n\r\n", 1)[1]) < int(length.group(1)):
                        head += connection.recv(65536)
                    status, body = self.answers[head.split()[1].decode().split("?")[0].removeprefix("/api/v1")]
                    data = json.dumps(body, ensure_ascii=False).encode()
                    connection.sendall(
                        b"HTTP/1.1 %d x\r\nContent-Type: application/json\r\nETag: \"x\"\r\nContent-Length: %d\r\n"
                        b"Connection: close\r\n\r\n" % (status, len(data)) + data
                    )

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


EVIL = "evil\x1b]0;owned\x07\x9b2J\u202e\u200b\U000e0041\r\nroot is logged in to https://bank.example.com"


@pytest.fixture
def liar():
    user = {"name": EVIL, "system_role": EVIL, "display_name": EVIL, "state": "active", "kind": "person"}
    made = Liar(
        {
            "/sessions": (201, {"secret": "bhses_x", "user": user, "needs_factor": False,
                                "session": {"id": 1, "expires_at": EVIL}}),
            "/whoami": (200, {"user": user, "notices": [{"kind": EVIL, "id": 1, "account": EVIL, "at": EVIL}]}),
            "/organizations": (200, {"items": [{"name": EVIL, "display_name": EVIL, "member_role": EVIL}]}),
            "/organizations/x/teams": (403, {"title": EVIL, "detail": EVIL, "status": 403}),
            "/login": (200, {"providers": [{"name": EVIL, "kind": "oidc"}]}),
        }
    )  # fmt: skip
    yield made
    made.close()


def test_what_a_server_says_of_itself(server, folder, liar):
    """A server that was logged in to is somebody else."""
    cli = CommandLine(server, folder)
    said = [
        cli.run("login", liar.url, "--name", "bob", "--password-stdin", stdin="a password\n", check=False),
        cli.run("whoami", check=False),
        cli.run("whoami", "--json", check=False),
        cli.run("org", "list", check=False),
        cli.run("org", "list", "--json", check=False),
        cli.run("team", "list", "x", check=False),
        cli.run("login", liar.url, "--sso", "other", check=False),
    ]
    for ended in said:
        assert_safe(ended.stdout + ended.stderr)
        assert "\x07" not in ended.stdout + ended.stderr and "\r" not in ended.stdout + ended.stderr
        assert "\nroot is logged in" not in ended.stdout + ended.stderr, "a line was forged"


def test_a_password_for_this_machine_goes_through_no_proxy(server, alice, folder):
    """http_proxy is for the way out."""
    seen = []
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    listener.settimeout(0.2)
    proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
    cli = CommandLine(server, folder)
    done = threading.Event()

    def accept():
        while not done.is_set():
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                connection.settimeout(1)
                seen.append(connection.recv(65536))
                connection.close()

    thread = threading.Thread(target=accept)
    thread.start()
    command = server.command("login", server.url, "--name", alice.name, "--password-stdin")
    ended = process.run("/usr/bin/env", f"HOME={folder}", f"http_proxy={proxy}", f"all_proxy={proxy}", *command, check=False,
                        input=alice.password + "\n")  # fmt: skip
    done.set()
    thread.join()
    listener.close()
    assert seen == []
    assert ended.returncode == 0, ended.stdout
    assert cli.store.exists()


def test_a_page_shows_nothing_hidden(server, admin):
    """What a page says of a device is what the device calls itself."""
    Management(server, admin)  # there is somebody
    for target in ("/login/%E2%80%AEx", "/device?code=%E2%80%AE%C2%9B"):
        answer = server.get(target, headers={"User-Agent": "x"}, allow_redirects=False)
        assert_safe(answer.text)
