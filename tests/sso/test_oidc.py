"""Logging in with an OpenID provider: in a browser, for the command line, and what groups bring and take away."""

import html
import json
import os
import re
import subprocess
import urllib.parse

import pytest
import requests

from harness import process
from harness.provider import Browser, Key, Provider, b64url
from harness.registry import Registry
from harness.server import User

SESSION_COOKIE = "__Host-bulkhead-session"
BINDER_COOKIE = "__Host-bulkhead-login"


@pytest.fixture
def provider():
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def corp(provider, root):
    """The provider as this installation knows it; dora is at it."""
    provider.person = person("dora", groups=["devs"])
    body = {
        "name": "corp",
        "secret": provider.secret,
        "oidc": {"issuer": provider.url, "client_id": provider.client_id},
    }
    made(root.post("/login-providers", body))
    return provider


@pytest.fixture
def browser():
    session = requests.Session()
    session.trust_env = False
    return Browser(session)


def person(name, **more):
    return {"sub": f"id-of-{name}", "preferred_username": name, "email": f"{name}@example.com", **more}


def made(answer):
    assert answer.status_code in (200, 201, 204), f"{answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def log_in(server, browser):
    return browser.follow(server.url + "/login/corp")


def accounts(root):
    return {each["name"] for each in root.items("/users")}


def check_page(answer):
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] in ("no-referrer", "same-origin")
    assert "<script" not in answer.text and '<html lang="en">' in answer.text


def test_a_browser_logs_in_and_its_cookie_is_good_for_the_api(registry_server, corp, root, browser):
    answer = log_in(registry_server, browser)
    assert answer.status_code == 200, answer.text
    check_page(answer)
    assert "dora" in answer.text
    assert BINDER_COOKIE not in browser.cookies
    api = registry_server.url + "/api/v1"
    me = made(browser.get(api + "/whoami"))
    assert me["user"]["name"] == "dora" and me["user"]["email"] == "dora@example.com"
    assert "dora" in accounts(root)

    token = {"name": "laptop", "scopes": [{"actions": ["pull"]}]}
    for headers in ({}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        refused = browser.send("POST", api + "/users/dora/tokens", headers=headers, json=token)
        assert refused.status_code == 403, refused.text
    granted = browser.send("POST", api + "/users/dora/tokens", headers={"Origin": registry_server.url}, json=token)
    assert granted.status_code == 201, granted.text

    made(browser.send("DELETE", api + "/sessions/current", headers={"Origin": registry_server.url}))
    assert browser.get(api + "/whoami").status_code == 401


def test_the_binder_ties_a_log_in_to_its_browser(registry_server, corp, root, browser):
    """Nobody can have somebody else's browser finish their own log-in, nor use an answer twice."""
    first = browser.get(registry_server.url + "/login/corp")
    assert first.status_code == 302 and BINDER_COOKIE in browser.cookies
    back = requests.get(first.headers["Location"], allow_redirects=False, timeout=60).headers["Location"]
    other = Browser(requests.Session())
    refused = other.get(back)
    assert refused.status_code == 403 and "another browser" in refused.text
    check_page(refused)
    assert SESSION_COOKIE not in browser.cookies and SESSION_COOKIE not in other.cookies
    # Nobody spoils somebody else's log-in by that either.
    assert browser.get(back).status_code == 200
    assert browser.get(back).status_code == 403, "an answer is used once"

    first = browser.get(registry_server.url + "/login/corp")
    back = requests.get(first.headers["Location"], allow_redirects=False, timeout=60).headers["Location"]
    forged = back.replace("state=", "state=x")
    assert browser.get(forged).status_code == 404
    assert browser.get(back + "&code=another").status_code == 400
    assert browser.get(back).status_code == 200
    assert browser.get(back).status_code == 403
    assert accounts(root) == {"root-admin", "dora"}


def mixed_up(provider):
    provider.mischief["iss"] = "https://other.example"


def unsigned(provider):
    def mint(claims):
        return ".".join([*(b64url(json.dumps(part).encode()) for part in ({"alg": "none", "kid": "key-1"}, claims)), ""])

    provider.mischief["mint"] = mint


def signed_by_another(provider):
    provider.mischief["mint"] = Key("key-1").mint


FORGERIES = {
    "wrong nonce": (lambda it: it.mischief.update(claims={"nonce": "another"}), 403),
    "wrong audience": (lambda it: it.mischief.update(claims={"aud": "another"}), 403),
    "many audiences": (lambda it: it.mischief.update(claims={"aud": ["bulkhead"] * 10_000}), 403),
    "wrong issuer": (lambda it: it.mischief.update(claims={"iss": "https://other.example"}), 403),
    "expired": (lambda it: it.mischief.update(claims={"iat": 1, "exp": 2}), 403),
    "wrong at_hash": (lambda it: it.mischief.update(claims={"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}), 403),
    "a name that is none": (lambda it: it.mischief.update(claims={"preferred_username": "<script>"}), 400),
    "alg none": (unsigned, 403),
    "another key": (signed_by_another, 403),
    "mixed up": (mixed_up, 403),
    "not a token": (lambda it: it.mischief.update(answer={"id_token": ["a"]}), 503),
    "a redirect": (lambda it: it.mischief.update(token=302), 503),
    "a huge answer": (lambda it: it.mischief.update(answer={"x": "y" * (2 << 20)}), 503),
    "down": (lambda it: it.mischief.update(token=500), 503),
    "said no": (lambda it: it.mischief.update(error="access_denied"), 403),
    "a name that is taken": (lambda it: it.person.update(preferred_username="root-admin"), 409),
}


def test_every_forgery_gets_a_plain_answer_and_changes_nothing(registry_server, corp, root, browser):
    for name, (forge, status) in FORGERIES.items():
        corp.mischief.clear()
        corp.person = person("dora")
        forge(corp)
        answer = log_in(registry_server, browser)
        assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text}"
        check_page(answer)
        assert "<script>" not in answer.text
        assert SESSION_COOKIE not in browser.cookies, name
    assert accounts(root) == {"root-admin"}
    corp.mischief.clear()
    corp.person = person("dora")
    assert log_in(registry_server, browser).status_code == 200


def start_login(server, folder):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BULKHEAD_")}
    environment |= {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    process_ = subprocess.Popen(
        server.command("login", server.url, "--sso", "corp", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=process.die_with_parent,
    )
    line = process_.stderr.readline()
    found = re.match(r"Open (\S+) in a browser, and compare the code there: ([A-Z]{4}-[A-Z]{4})", line)
    assert found, line
    return process_, found[1].replace("localhost", "127.0.0.1"), found[2], environment


def form_of(page):
    return {
        name: html.unescape(value)
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
    }


def test_the_command_line_logs_in_with_a_browsers_help(registry_server, corp, browser, folder):
    login, address, code, environment = start_login(registry_server, folder)
    page = browser.get(address)
    assert page.status_code == 200 and code in page.text and "bulkhead-cli" in page.text
    check_page(page)
    form = form_of(page) | {"answer": "yes"}
    device = registry_server.url + "/login/device"
    own = {"Origin": registry_server.url}
    # From elsewhere, without the page's mark, or without its cookie.
    assert browser.send("POST", device, data=form).status_code == 403
    assert browser.send("POST", device, data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.send("POST", device, data=form | {"form": "0" * 64}, headers=own).status_code == 403
    assert Browser(requests.Session()).send("POST", device, data=form, headers=own).status_code == 403
    answer = browser.send("POST", device, data=form, headers=own)
    assert answer.status_code == 200, answer.text
    onward = answer.headers["Refresh"].removeprefix("0;url=")
    done = browser.follow(onward)
    assert done.status_code == 200 and "command line" in done.text
    assert SESSION_COOKIE not in browser.cookies
    out, err = login.communicate(timeout=60 * registry_server.patience)
    assert login.returncode == 0, err
    assert json.loads(out)["name"] == "dora"
    whoami = process.run(*registry_server.command("whoami", "--json"), env=environment)
    assert json.loads(whoami.stdout)["user"]["name"] == "dora"
    assert browser.get(address).status_code == 404  # the code is used up


def test_the_command_line_is_told_of_a_no(registry_server, corp, browser, folder):
    login, address, _, _ = start_login(registry_server, folder)
    form = form_of(browser.get(address)) | {"answer": "no"}
    own = {"Origin": registry_server.url}
    assert browser.send("POST", registry_server.url + "/login/device", data=form, headers=own).status_code == 200
    _, err = login.communicate(timeout=60 * registry_server.patience)
    assert login.returncode != 0 and "refused" in err


def test_polls_are_answered_as_the_rfc_says(registry_server, corp, root):
    begun = made(root.post("/login/device", {"provider": "corp"}))
    assert begun["verification_uri_complete"] == f"{begun['verification_uri']}?user_code={begun['user_code']}"
    ask = {"device_code": begun["device_code"]}

    def code(body):
        answer = root.post("/login/device/token", body)
        assert answer.status_code == 400, answer.text
        return answer.json()["code"]

    assert code(ask) == "authorization_pending"
    assert code(ask) == "slow_down"
    assert code({"device_code": "bhdevice_nonsense"}) == "invalid_grant"
    assert root.post("/login/device", {"provider": "nobody"}).status_code == 404


def test_groups_bring_push_rights_and_take_them_away(registry_server, corp, root, browser, rng):
    made(root.post("/organizations", {"name": "acme"}))
    made(root.post("/organizations/acme/teams", {"name": "devs"}))
    made(root.post("/repositories", {"name": "acme/app"}))
    made(root.put("/namespaces/acme/grants/" + urllib.parse.quote("team:acme/devs", safe=""), {"role": "writer"}))
    made(root.put("/organizations/acme/teams/devs/groups/corp/devs"))

    def push():
        assert log_in(registry_server, browser).status_code == 200
        headers = {"Origin": registry_server.url}
        body = {"name": f"t{rng.random()}", "scopes": [{"actions": ["pull", "push"]}]}
        made_token = browser.send("POST", registry_server.url + "/api/v1/users/dora/tokens", headers=headers, json=body)
        token = made(made_token)["secret"]
        registry = Registry(registry_server, User("dora", token))
        return registry.post("/v2/acme/app/blobs/uploads/").status_code

    assert push() == 202
    corp.person = person("dora", groups=[])
    assert push() in (401, 403, 404)
    corp.person = person("dora", groups=["devs"])
    assert push() == 202
