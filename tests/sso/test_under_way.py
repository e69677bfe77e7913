"""What an administrator changes reaches the log-ins that wait for their provider's answer just then."""

import contextlib
import socket
import threading

import pytest
import requests

from harness import slapd
from harness.provider import Browser, Provider

SESSION = "__Host-bulkhead-session"
PASSWORD = "dora knows a long password"
TIMEOUT = 30

CHANGES = {
    "disabled": {"enabled": False},
    "other groups": {"admitted_groups": ["bosses"]},
    "no accounts": {"creates_accounts": False},
}


class Gate:
    """Stands before a directory, and lets nothing through to it while it is shut."""

    def __init__(self, port):
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.opened = threading.Event()
        self.asked = threading.Event()
        self.opened.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                here = self._listener.accept()[0]
                there = socket.create_connection(("127.0.0.1", self._target))
                threading.Thread(target=self._carry, args=(here, there, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(there, here, False), daemon=True).start()

    def _carry(self, source, target, asking):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if asking:
                    self.asked.set()
                    self.opened.wait(TIMEOUT)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    @contextlib.contextmanager
    def shut(self):
        self.opened.clear()
        self.asked.clear()
        yield
        self.opened.set()

    def close(self):
        self.opened.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Directory:
    """An LDAP directory behind a gate, and log-ins by the API."""

    def __init__(self, folder, server, root):
        self.server = server
        self._slapd = slapd.Slapd(folder / "ldap", {"dora": PASSWORD}, {"developers": ["dora"]}).start()
        self.gate = Gate(self._slapd.port)
        answer = root.post("/login-providers", {"name": "corp", "secret": slapd.SEARCHER_PASSWORD, "ldap": {
            "url": f"ldap://127.0.0.1:{self.gate.port}", "bind_dn": slapd.SEARCHER,
            "user_base": slapd.PEOPLE, "group_base": slapd.GROUPS}})  # fmt: skip
        assert answer.status_code == 201, answer.text

    def log_in(self):
        """The session's secret, or None."""
        body = {"name": "dora", "password": PASSWORD, "provider": "corp"}
        answer = requests.post(self.server.url + "/api/v1/sessions", json=body, timeout=TIMEOUT)
        assert answer.status_code < 500, answer.text
        return answer.json().get("secret")

    def close(self):
        self.gate.close()
        self._slapd.close()


class Oidc:
    """An OpenID provider whose token endpoint has a gate, and log-ins by browser."""

    def __init__(self, folder, server, root):
        del folder
        self.server = server
        self._provider = Provider()
        self._provider.person = {"sub": "id-of-dora", "preferred_username": "dora", "groups": ["developers"]}
        self.gate = self
        self.opened, self.asked = threading.Event(), threading.Event()
        self.opened.set()
        post = self._provider._post

        def wait_and_post(handler):
            self.asked.set()
            self.opened.wait(TIMEOUT)
            return post(handler)

        self._provider._post = wait_and_post
        oidc = {"issuer": self._provider.url, "client_id": self._provider.client_id}
        answer = root.post("/login-providers", {"name": "corp", "secret": self._provider.secret, "oidc": oidc})
        assert answer.status_code == 201, answer.text

    shut = Gate.shut

    def log_in(self):
        session = requests.Session()
        session.trust_env = False
        browser = Browser(session)
        answer = browser.follow(self.server.url + "/login/corp")
        assert answer.status_code < 500, answer.text
        return browser.cookies.get(SESSION)

    def close(self):
        self._provider.close()


@pytest.fixture(params=[Directory, Oidc])
def provider(request, folder, registry_server, root):
    made = request.param(folder, registry_server, root)
    yield made
    made.close()


def change(root, **members):
    now = root.get("/login-providers/corp").json()
    kept = ("name", "enabled", "ldap", "oidc", "creates_accounts", "admitted_groups")
    body = {**{name: value for name, value in now.items() if name in kept}, **members}
    answer = root.put("/login-providers/corp", body, headers={"If-Match": "*"})
    assert answer.status_code in (200, 204), answer.text


@pytest.mark.parametrize("what", CHANGES)
def test_a_log_in_that_waits_for_its_provider_is_let_in_by_what_holds_then(provider, root, what):
    if what != "no accounts":
        assert provider.log_in(), "and has an account"
    secrets = []
    waiting = threading.Thread(target=lambda: secrets.append(provider.log_in()))
    with provider.gate.shut():
        waiting.start()
        assert provider.gate.asked.wait(TIMEOUT)
        change(root, **CHANGES[what])
    waiting.join()
    assert secrets == [None]
    assert ("dora" in {each["name"] for each in root.items("/users")}) == (what != "no accounts")
    # And can log in as ever once it is as it was.
    change(root, enabled=True, admitted_groups=[], creates_accounts=True)
    assert provider.log_in()
