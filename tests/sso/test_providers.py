"""OpenID providers differ, and each of their ways that the standards allow lets people in; what one of them does wrong
reaches nobody of another."""

import json
import urllib.parse

import pytest
import requests

from harness.management import path
from harness.provider import Browser, Key, Provider

SESSION_COOKIE = "__Host-bulkhead-session"


@pytest.fixture
def providers():
    made = []

    def make(**members):
        made.append(Provider(**members))
        return made[-1]

    yield make
    for provider in made:
        provider.close()


@pytest.fixture
def provider(providers):
    return providers()


def made(answer):
    assert answer.status_code in (200, 201, 204), f"{answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def register(root, provider, name="corp", oidc=None, **members):
    settings = {"issuer": provider.url, "client_id": provider.client_id, **(oidc or {})}
    made(root.post("/login-providers", {"name": name, "secret": provider.secret, "oidc": settings, **members}))


@pytest.fixture
def corp(provider, root):
    provider.person = person("dora", groups=["devs"])
    register(root, provider)
    return provider


def new_browser():
    session = requests.Session()
    session.trust_env = False
    return Browser(session)


@pytest.fixture
def browser():
    return new_browser()


def person(who, **more):
    return {"sub": f"id-of-{who}", "preferred_username": who, "name": who.title(), "email": f"{who}@example.com", **more}


def log_in(server, browser=None, name="corp"):
    return (browser or new_browser()).follow(f"{server.url}/login/{name}")


def query_of(url):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query))


def events(server, action):
    return [json.loads(line) for line in server.run("audit", "query", "--action", action, "--json").stdout.splitlines()]


@pytest.fixture
def team(root):
    """The team acme/devs, whose members the groups of the provider make."""

    def members():
        return {each["account"] for each in root.items("/organizations/acme/teams/devs/members")}

    made(root.post("/organizations", {"name": "acme"}))
    made(root.post("/organizations/acme/teams", {"name": "devs"}))
    return members


def lead(root, group, provider="corp"):
    made(root.put(path("organizations", "acme", "teams", "devs", "groups", provider, group)))


# -- which provider an answer is of (RFC 9700 section 4.4)


def begin(server, browser, name):
    answer = browser.get(f"{server.url}/login/{name}")
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def test_a_hostile_provider_gets_no_code_of_an_honest_one(registry_server, root, providers):
    honest, evil = providers(), providers()
    honest.names_itself = evil.names_itself = False
    honest.person = person("victim")
    register(root, honest, "honest")
    register(root, evil, "evil")
    attacker, victim = new_browser(), new_browser()
    of_attacker = query_of(begin(registry_server, attacker, "honest"))
    of_victim = query_of(begin(registry_server, victim, "evil"))
    # What evil's authorization endpoint makes of the victim's request, instead of logging anybody in itself.
    mixed = {**of_attacker, "state": of_victim["state"]}
    answer = requests.get(f"{honest.url}/authorize?{urllib.parse.urlencode(mixed)}", allow_redirects=False, timeout=60)
    back = answer.headers["Location"]
    refused = victim.get(back)
    assert refused.status_code == 403, refused.text
    assert evil.forms == [], "the honest provider's code came to the hostile one"
    assert SESSION_COOKIE not in victim.cookies
    stolen = {"state": of_attacker["state"], "code": query_of(back)["code"]}
    assert of_attacker["redirect_uri"] != of_victim["redirect_uri"]
    assert events(registry_server, "login_failed")[-1]["detail"].find("oidc_wrong_callback") >= 0
    # Which would have been worth having: who knows it, finishes the log-in that it was asked for with.
    assert attacker.get(f"{of_attacker['redirect_uri']}?{urllib.parse.urlencode(stolen)}").status_code == 200
    assert log_in(registry_server, name="honest").status_code == 200


def test_each_provider_sends_people_back_to_an_address_of_its_own(registry_server, corp, root, browser):
    redirect = query_of(begin(registry_server, browser, "corp"))["redirect_uri"]
    assert redirect == registry_server.url + "/login/callback/corp"
    shown = made(root.get("/login-providers/corp"))
    assert shown["redirect_uri"].endswith("/login/callback/corp")
    for wrong in ("/login/callback", "/login/callback/other", "/login/callback/"):
        location = begin(registry_server, browser, "corp")
        answer = requests.get(location, allow_redirects=False, timeout=60).headers["Location"]
        parts = urllib.parse.urlsplit(answer)
        refused = browser.get(f"{registry_server.url}{wrong}?{parts.query}")
        assert refused.status_code in (403, 404), f"{wrong}: {refused.status_code}"
        assert SESSION_COOKIE not in browser.cookies


# -- claims in the ID token and at the userinfo endpoint (OpenID Connect Core sections 5.3 and 5.4)


def test_claims_that_are_at_the_userinfo_endpoint_alone_count(registry_server, corp, root, team, browser):
    lead(root, "devs")
    corp.in_id_token = {"sub"}
    answer = log_in(registry_server, browser)
    assert answer.status_code == 200, answer.text
    me = made(browser.get(registry_server.url + "/api/v1/whoami"))["user"]
    assert (me["name"], me["display_name"], me["email"]) == ("dora", "Dora", "dora@example.com")
    assert team() == {"dora"}


def test_the_id_token_leads(registry_server, corp, browser):
    corp.in_id_token = {"sub", "preferred_username", "groups"}
    corp.userinfo = {"sub": "id-of-dora", "preferred_username": "root-admin", "name": "Dora D", "email": "d@example.com"}
    assert log_in(registry_server, browser).status_code == 200
    me = made(browser.get(registry_server.url + "/api/v1/whoami"))["user"]
    assert (me["name"], me["display_name"], me["email"]) == ("dora", "Dora D", "d@example.com")


@pytest.mark.parametrize(
    "userinfo, status",
    [({"sub": "id-of-emil", "preferred_username": "emil"}, 403), ({"preferred_username": "dora"}, 403), (500, 503), (401, 503)],
)
def test_userinfo_that_is_needed_and_of_nobody_lets_nobody_in(registry_server, corp, root, browser, userinfo, status):
    corp.in_id_token = {"sub"}
    corp.userinfo = userinfo
    answer = log_in(registry_server, browser)
    assert answer.status_code == status, answer.text
    assert {each["name"] for each in root.items("/users")} == {"root-admin"}


def test_userinfo_is_not_asked_where_the_id_token_says_everything(registry_server, corp):
    corp.userinfo = 500
    assert log_in(registry_server).status_code == 200
    assert "/userinfo" not in corp.requests


def test_a_userinfo_endpoint_that_fails_keeps_nobody_out_whose_name_and_groups_are_known(registry_server, corp):
    corp.in_id_token = {"sub", "preferred_username", "groups"}
    corp.userinfo = 500
    assert log_in(registry_server).status_code == 200


def test_a_refresh_without_an_id_token_asks_the_userinfo_endpoint(registry_server, corp, root, team, browser):
    lead(root, "devs")
    assert log_in(registry_server, browser).status_code == 200
    assert team() == {"dora"}
    corp.mischief["answer"] = {"id_token": None}
    own = {"Origin": registry_server.url}
    corp.person = person("dora", groups=[])
    refreshed = browser.send("POST", registry_server.url + "/api/v1/sessions/current/refresh", headers=own)
    assert refreshed.status_code == 200, refreshed.text
    assert team() == set()


# -- how the client authenticates (OpenID Connect Discovery section 3)


@pytest.mark.parametrize("methods", [["client_secret_post"], ["client_secret_basic"], ["private_key_jwt", "client_secret_post"]])
def test_the_client_authenticates_as_the_provider_says(registry_server, corp, methods):
    corp.methods = methods
    answer = log_in(registry_server)
    assert answer.status_code == 200, answer.text


def test_basic_is_preferred_where_both_are_taken(registry_server, corp):
    corp.methods = ["client_secret_post", "client_secret_basic"]
    assert log_in(registry_server).status_code == 200
    assert "client_secret" not in corp.forms[-1]


# -- keys (RFC 7517 section 4.5, OpenID Connect Core section 10.1)


def test_a_token_without_kid_is_taken_where_there_is_one_key(registry_server, corp):
    corp.mischief["mint"] = lambda claims: corp.key.mint(claims, kid=None)
    answer = log_in(registry_server)
    assert answer.status_code == 200, answer.text


def test_a_key_without_kid_is_taken_where_it_is_the_only_one(registry_server, corp):
    bare = {name: value for name, value in corp.key.jwk().items() if name != "kid"}
    corp.published = [bare]
    corp.mischief["mint"] = lambda claims: corp.key.mint(claims, kid=None)
    answer = log_in(registry_server)
    assert answer.status_code == 200, answer.text


def test_a_token_without_kid_is_refused_where_there_are_several_keys(registry_server, corp):
    corp.published = [corp.key.jwk(), Key("key-2").jwk()]
    corp.mischief["mint"] = lambda claims: corp.key.mint(claims, kid=None)
    answer = log_in(registry_server)
    assert answer.status_code in (403, 503) and SESSION_COOKIE not in answer.headers.get("Set-Cookie", "")


EC_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "use": "sig",
    "alg": "ES256",
    # RFC 7515 appendix A.3.1.
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}


@pytest.mark.parametrize("other", ["another kind", "the same", "another of its kind"])
def test_keys_may_share_their_kid(registry_server, corp, other):
    shared = {"another kind": {**EC_KEY, "kid": "key-1"}, "the same": corp.key.jwk(), "another of its kind": Key("key-1").jwk()}
    corp.published = [shared[other], corp.key.jwk()]
    answer = log_in(registry_server)
    assert answer.status_code == 200, answer.text
    corp.mischief["mint"] = Key("key-1").mint
    assert log_in(registry_server).status_code == 403


def test_a_rotation_just_after_the_keys_were_fetched_is_noticed(registry_server, corp, root):
    assert log_in(registry_server).status_code == 200
    asked = corp.requests.count("/keys")
    corp.key = Key("key-2")
    assert log_in(registry_server).status_code == 200, "one more fetch"
    assert corp.requests.count("/keys") == asked + 1
    # That is all: whoever signs with unknown keys does not make this server ask without end.
    corp.key, corp.published = Key("key-3"), [corp.key.jwk()]
    for _ in range(5):
        answer = log_in(registry_server)
        assert answer.status_code == 503, answer.text
        assert 1 <= int(answer.headers["Retry-After"]) <= 61
    assert corp.requests.count("/keys") <= asked + 2
    assert requests.get(registry_server.url + "/login/corp", allow_redirects=False, timeout=60).status_code == 302


# -- groups of every shape

ODD_GROUPS = {
    "an object": {"dev": {}},
    "a number": 5,
    "a list with a number": ["devs", 5],
    "a list with null": ["devs", None],
    "a list of objects": [{"name": "devs"}],
    "control characters": ["devs", "a\tb"],
    "too many": [f"group-{number}" for number in range(1001)] + ["devs"],
    "a long one": ["devs", "x" * 600],
    "nothing": None,
    "true": True,
    "lists in lists": [["devs"]],
}


@pytest.mark.parametrize("shape", ODD_GROUPS)
def test_groups_that_cannot_be_read_keep_nobody_out(registry_server, corp, shape):
    corp.person = person("dora", groups=ODD_GROUPS[shape])
    answer = log_in(registry_server)
    assert answer.status_code == 200, answer.text
    if shape != "nothing":
        said = [each for each in events(registry_server, "login_succeeded") if each.get("credential") == "oidc:corp"]
        assert "groups" in said[-1]["detail"], said[-1]


@pytest.mark.parametrize("shape", ["a list with a number", "a list with null", "a long one", "control characters"])
def test_what_can_be_read_of_them_counts(registry_server, corp, root, team, shape):
    lead(root, "devs")
    corp.person = person("dora", groups=ODD_GROUPS[shape])
    assert log_in(registry_server).status_code == 200
    assert team() == {"dora"}


OVERAGE = {"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://graph.example/x"}}}


@pytest.mark.parametrize("unknown", [OVERAGE, {"groups": ODD_GROUPS["too many"]}])
def test_groups_that_are_elsewhere_or_too_many_take_nothing_away(registry_server, corp, root, team, unknown):
    lead(root, "devs")
    assert log_in(registry_server).status_code == 200
    corp.person = person("dora", **unknown)
    assert log_in(registry_server).status_code == 200
    assert team() == {"dora"}, "nobody said that she left"
    corp.person = person("dora", groups=[])
    assert log_in(registry_server).status_code == 200
    assert team() == set()


def test_where_a_group_admits_one_that_cannot_be_read_does_not(registry_server, provider, root):
    provider.person = person("dora", **OVERAGE)
    register(root, provider, admitted_groups=["devs"])
    refused = log_in(registry_server)
    assert refused.status_code == 403 and "groups" in refused.text
    provider.person = person("dora", groups=["devs", 5])
    assert log_in(registry_server).status_code == 200


def test_groups_can_be_switched_off(registry_server, provider, root):
    provider.person = person("dora", groups=5)
    refused = root.post(
        "/login-providers",
        {"name": "corp", "oidc": {"issuer": provider.url, "client_id": "x", "groups_claim": ""}, "admitted_groups": ["a"]},
    )
    assert refused.status_code == 400 and "groups_claim" in refused.text, refused.text
    register(root, provider, oidc={"groups_claim": ""})
    assert made(root.get("/login-providers/corp"))["oidc"]["groups_claim"] == ""
    assert log_in(registry_server).status_code == 200
    succeeded = [each for each in events(registry_server, "login_succeeded") if each.get("credential") == "oidc:corp"]
    assert "detail" not in succeeded[-1]


@pytest.mark.parametrize("claims", [{"email": 5}, {"name": {"given": "Dora"}}, {"email": "x" * 600}, {"name": "a\u0007b"}])
def test_what_is_only_shown_keeps_nobody_out(registry_server, corp, claims):
    corp.person = person("dora", **claims)
    assert log_in(registry_server).status_code == 200


# -- what people are told


def test_a_person_who_cannot_get_an_account_is_told_what_an_administrator_needs(registry_server, corp, root):
    corp.person = {"sub": "id-of-jürgen", "preferred_username": "jürgen"}
    refused = log_in(registry_server)
    assert refused.status_code == 400
    assert "jürgen" in refused.text and "id-of-jürgen" in refused.text, refused.text
    assert "id-of-j" in events(registry_server, "login_failed")[-1]["detail"]
    corp.person = person("root-admin")
    taken = log_in(registry_server)
    assert taken.status_code == 409 and "id-of-root-admin" in taken.text, taken.text


def test_a_provider_that_is_down_is_named_and_nothing_else_of_it(registry_server, corp, browser):
    port = corp.url.rpartition(":")[2]
    corp.server.shutdown()
    corp.server.server_close()
    for answer in (log_in(registry_server), log_in(registry_server, name="corp")):
        assert answer.status_code == 503
        assert "corp" in answer.text
        assert port not in answer.text and "127.0.0.1" not in answer.text and "onnect" not in answer.text, answer.text
    assert port in registry_server.log(), "the operator's log says why"


def test_a_token_endpoint_that_is_down_shows_nothing_either(registry_server, corp):
    corp.mischief["token"] = 500
    answer = log_in(registry_server)
    assert answer.status_code == 503 and "corp" in answer.text
    assert "status" not in answer.text and "endpoint" not in answer.text, answer.text
    assert "status 500" in registry_server.log()
