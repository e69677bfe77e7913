"""Secrets that clients send, in the right fields and in wrong ones, are written down nowhere.

What is evidence by design is no secret: the path, a name that an account can have, the User-Agent.
"""

import base64
import json
import os
import pathlib
import shutil
import tempfile

import pytest

from breach import decoding, filling
from breach import loot as looting
from breach.vault import Vault
from harness import process, raw
from harness.registry import Registry
from harness.server import Server, User

FORM = "application/x-www-form-urlencoded"


def basic(text):
    return "Basic " + base64.b64encode(text.encode()).decode()


class Canaries:
    """Secrets that are made on the spot, one for each place, and remembered."""

    def __init__(self):
        self.vault = Vault()

    def __call__(self, place, form="Canary-{}-Of-A-Secret!"):
        text = form.format(f"{len(self.vault.secrets):03}{os.urandom(6).hex()}")
        self.vault.add("canary", place, text)
        return text


def header_requests(canary):
    """GET with a secret in a header of the given name."""
    yield "Authorization", basic(f"alice:{canary('a wrong password')}")
    yield "Authorization", basic(f"{canary('a password in the name field')}:x")
    yield "Authorization", basic(canary("credentials without a colon"))
    yield "Authorization", f"Basic {canary('no base64')}"
    yield "Authorization", f"Bearer {canary('no token', 'Canary{}')}"
    yield "Authorization", f"Bearer {canary('a JWT', 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.Canary{}')}"
    yield "Authorization", f"Bearer {canary('a token of a right shape', 'bhpat_Canary{}0000000000')}"
    yield "Authorization", basic(f"alice:{canary('an access token as password', 'bhpat_Canary{}0000000000')}")
    yield "Authorization", basic(f"acme+ci:{canary('a robot token as password', 'bhrobot_Canary{}0000000000')}")
    yield "Authorization", f"Bearer {canary('a session', 'bhsession_Canary{}0000000000')}"
    yield "Authorization", f"Digest response={canary('another scheme')}"
    yield "Authorization", canary("no scheme")
    yield "Proxy-Authorization", basic(f"alice:{canary('a password for a proxy')}")
    yield "Cookie", f"__Host-session={canary('a cookie')}"
    yield "X-Api-Key", canary("an unknown header")
    yield "Referer", f"https://ci.example/?token={canary('a referrer')}"
    yield "X-Registry-Auth", canary("what docker sends to its daemon")
    yield "If-None-Match", f'"{canary("a tag of an entity")}"'
    yield "Idempotency-Key", canary("a key of a creation")


def send_everything(server, canary):
    """Every secret in its field, to a few routes."""
    manifest = "/v2/alice/app/manifests/latest"
    routes = ("/v2/", "/token?service=bulkhead", manifest, "/api/v1/whoami", "/nowhere", "/metrics")
    with raw.Connection(server) as connection:
        for target in routes:
            for name, value in header_requests(canary):
                answer = connection.request("GET", target, {name: value})
                for secret in canary.vault.secrets[-1:]:
                    assert secret.value not in answer.body, f"{secret.name} comes back in the answer of {target}"
        for target in routes:
            query = "&".join(
                f"{field}={canary(f'{field} in the query of {target}')}"
                for field in ("password", "access_token", "token", "refresh_token", "secret", "account_password")
            )
            connection.request("GET", f"{target}{'&' if '?' in target else '?'}{query}")
    for target, kind, body in bodies(canary):
        with raw.Connection(server) as connection:  # one each: who refuses a body unread closes
            connection.request("POST", target, {"Content-Type": kind}, body.encode())
    for broken in (
        f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization : {canary('a space before the colon')}\r\n\r\n",
        f"GET /v2/ HTTP/1.1\r\nHost: x\r\nAuthorization: Basic x\r\n {canary('a folded header')}\r\n\r\n",
        f"GET /v2/?password={canary('a broken request line')} HTTP/9.9\r\n\r\n",
        f"GET http://alice:{canary('a password in an absolute target')}@x/v2/ HTTP/1.1\r\nHost: x\r\n\r\n",
        f"{canary('no HTTP at all')}\r\n\r\n",
        f"GET /v2/ HTTP/1.1\r\nHost: alice:{canary('a password in the host')}@x\r\n\r\n",
    ):
        with raw.Connection(server) as connection:
            connection.send(broken)
            connection.read_response()


def bodies(canary):
    yield "/token", FORM, f"grant_type=password&username=alice&service=bulkhead&password={canary('a form', 'Canary{}')}"
    yield "/token", FORM, f"grant_type=refresh_token&refresh_token={canary('a refresh token', 'Canary{}')}"
    yield "/token", FORM, f"grant_type=x&client_secret={canary('a secret of a client', 'Canary{}')}&username=alice"
    yield "/token", "text/plain", canary("a body of a wrong type")
    for target in ("/api/v1/setup", "/api/v1/sessions", "/api/v1/users", "/api/v1/credentials/leaked"):
        for field in ("token", "password", "code", "secret", "text"):
            body = {"name": "alice", "token": "bhsetup_x", "password": "x" * 12}
            yield target, "application/json", json.dumps(body | {field: canary(f"{field} in the body of {target}")})
        yield target, "application/json", f'{{"password": "{canary(f"broken JSON for {target}")}'
        yield target, "application/json", json.dumps({canary(f"a name of a field for {target}"): 1})


@pytest.fixture(scope="module")
def told(request, work_folder):
    """A server that was told every secret, with its most talkative log, and what it leaves behind."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
    server = Server(request.config.getoption("--bulkhead").resolve(), folder, filling.SETTINGS)
    canary = Canaries()
    server.start()
    alice = User("alice", canary("alice's password", "{} correct horse"))
    server.run("user", "create", "alice", "--admin", "--password-stdin", stdin=alice.password + "\n")
    refused = server.run(
        "user", "create", "Bob!", "--password-stdin", stdin=canary("a refused account's password") + "\n", check=False
    )
    assert refused.returncode != 0
    registry = Registry(server, alice)
    token = registry.token("repository:alice/app:pull,push")
    canary.vault.add("bearer", "a bearer token", token)
    canary.vault.add("bearer", "a signature", token.rpartition(".")[2])
    send_everything(server, canary)
    assert registry.request_token("registry:catalog:*").status_code == 200
    server.canary = canary
    yield server
    server.close()
    shutil.rmtree(server.folder, ignore_errors=True)


def leaks(vault, parts):
    found = {f"{secret.name} in {part.kind} {part.name}" for part in parts for secret in vault.found_in(part.data)}
    return sorted(found)


def test_no_secret_is_written_down(told, folder, result_line):
    taken = looting.steal(told, folder)
    process.wait_until(lambda: told.log().count('"message"') + told.log().count('"msg"') > 100, "the log")
    taken.add("log", "standard error, a moment later", told.log().encode())
    for part in [*taken.parts]:
        taken.add(part.kind, f"{part.name}, unpacked", decoding.unpack(part.data))
    assert leaks(told.canary.vault, taken.parts) == []
    result_line(f"{len(told.canary.vault.secrets)} secrets sent in as many places: none was written down")


def test_such_a_leak_would_be_seen(told, folder):
    """A client's User-Agent is evidence: a secret in it is found, in the journal and in what the auditor sees."""
    secret = told.canary("planted in the User-Agent")
    vault = Vault()
    vault.add("canary", "planted", secret)
    with raw.Connection(told) as connection:
        headers = {"User-Agent": secret, "Authorization": basic("alice:wrong password")}
        assert connection.request("GET", "/token?service=bulkhead", headers).status == 401
    told.canary.vault.secrets.pop()

    for _ in range(50):
        attempt = folder / os.urandom(4).hex()
        attempt.mkdir()
        found = {part.kind for part in looting.steal(told, attempt).parts if list(vault.found_in(part.data))}
        if {"data", "audit", "backup"} <= found:
            return
    raise AssertionError(f"the planted secret was found in {found} only")
