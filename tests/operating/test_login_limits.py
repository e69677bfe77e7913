"""Wrong log-ins are limited, and the limit is no weapon: it stops who guesses and not whom they guess at."""

import base64
import concurrent.futures
import json
import time

import pytest
import requests

from breach import crypto
from harness import process
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User

# The tests stand for clients in many places; the server takes their word for where they are.
PLACES = {"trusted_proxies": "127.0.0.0/8"}
ATTACKER, HOME, OFFICE = "203.0.113.5", "198.51.100.7", "192.0.2.33"
LIMITED = {**PLACES, "auth.login_attempts_per_account": 3}


def place(address):
    return {"X-Forwarded-For": address}


def token(server, user, address=HOME, password=None):
    return requests.get(
        server.url + "/token",
        params={"service": "bulkhead"},
        auth=(user.name, password or user.password),
        headers=place(address),
        timeout=60 * server.patience,
    )


def guess(server, user, address=ATTACKER, times=3):
    return [token(server, user, address, f"not the password {number}").status_code for number in range(times)]


def log_in(server, user, address=HOME, **more):
    body = {"name": user.name, "password": user.password, **more}
    return Management(server).post("/sessions", body, headers=place(address))


def session(server, user, address=HOME, **more):
    answer = log_in(server, user, address, **more)
    assert answer.status_code == 201, answer.text
    person = Management(server)
    person.session.headers.update(place(address))
    person.use(answer.json()["secret"])
    return person


@pytest.fixture
def limited(launch):
    server = launch(LIMITED)
    server.create_user("root-admin", admin=True)
    return server, server.create_user("alice")


def test_guesses_from_elsewhere_leave_the_owner_in(limited):
    server, alice = limited
    assert guess(server, alice, times=4) == [401, 401, 401, 429]
    assert token(server, alice, ATTACKER).status_code == 429, "where they guess, the right one is not looked at either"
    assert token(server, alice, HOME).status_code == 200
    assert log_in(server, alice, HOME).status_code == 201


def test_a_guesser_with_many_networks_is_bounded_and_known_networks_stay_open(launch):
    server = launch({**LIMITED, "auth.login_attempts_in_all": 7})
    alice, bob = server.create_user("alice"), server.create_user("bob")
    assert token(server, alice, HOME).status_code == 200
    statuses = [
        token(server, alice, f"203.0.{network}.1", "not the password").status_code for network in range(9)
    ]  # fmt: skip
    assert statuses == [401] * 7 + [429] * 2
    assert token(server, alice, OFFICE).status_code == 429, "a network that alice was never seen in"
    assert token(server, alice, HOME).status_code == 200, "hers"
    assert token(server, bob, OFFICE).status_code == 200, "others are not meant"
    # Nor is the open network a way round: it has its own count.
    assert guess(server, alice, HOME, times=4) == [401, 401, 401, 429]
    refused = token(server, alice, OFFICE)
    assert 300 < int(refused.headers["Retry-After"]) <= 3600


def guess_everywhere(server, user, networks=9):
    for network in range(networks):
        assert token(server, user, f"203.0.{network}.1", "not the password").status_code in (401, 429)


@pytest.mark.parametrize("way", ["token", "session"])
def test_networks_that_know_an_account_outlast_the_process(launch, way):
    server = launch({**LIMITED, "auth.login_attempts_in_all": 7})
    alice = server.create_user("alice")
    if way == "token":
        assert token(server, alice, HOME).status_code == 200
    else:
        session(server, alice, HOME)
    for _ in range(2):
        server.restart()
        guess_everywhere(server, alice)
        assert token(server, alice, OFFICE).status_code == 429
        assert token(server, alice, HOME).status_code == 200, "hers"


@pytest.mark.parametrize("by", ["the operator", "the account itself"])
def test_a_new_password_is_known_nowhere_also_after_a_restart(launch, by):
    server = launch({**LIMITED, "auth.login_attempts_in_all": 7})
    alice = server.create_user("alice")
    session(server, alice, HOME)
    itself = Management(server, alice)
    alice = User("alice", "quite another long password")
    if by == "the operator":
        server.run("user", "password", "alice", "--password-stdin", stdin=alice.password + "\n")
    else:
        # Which ends the session that says so.
        answer = itself.request("PUT", path("users", "alice", "password"), json={"password": alice.password})
        assert answer.status_code == 204, answer.text
    server.restart()
    guess_everywhere(server, alice)
    assert token(server, alice, HOME).status_code == 429


def test_one_ipv6_network_closes_an_account_for_itself_alone(launch):
    """A /48 is one customer's, with 65,536 networks in it."""
    server = launch({**LIMITED, "auth.login_attempts_in_all": 20})
    alice = server.create_user("alice")
    statuses = [
        token(server, alice, f"2001:db8:1:{network:x}::1", "not the password").status_code for network in range(30)
    ]
    assert statuses == [401] * 5 + [429] * 25
    # Nor does a provider's /32.
    statuses = [
        token(server, alice, f"2001:db8:{network + 2:x}::1", "not the password").status_code for network in range(20)
    ]
    assert statuses == [401] * 5 + [429] * 15
    assert token(server, alice, "2001:db9::1").status_code == 200
    assert token(server, alice, OFFICE).status_code == 200


def test_a_network_that_guesses_leaves_those_in_who_are_known_there(launch):
    server = launch({**PLACES, "auth.login_attempts_per_network": 4})
    alice, bob = server.create_user("alice"), server.create_user("bob")
    assert token(server, alice, OFFICE).status_code == 200
    for number in range(4):
        guess(server, User(f"nobody{number}", ""), OFFICE, times=1)
    assert token(server, bob, OFFICE).status_code == 429
    assert token(server, alice, OFFICE).status_code == 200
    assert token(server, bob, HOME).status_code == 200


@pytest.mark.parametrize(
    "junk",
    ["bhpat_" + "A" * 36, "bhrobot_" + "A" * 36, "bhsession_" + "A" * 36, "bhpat_", "bhpat_short", "bhsetup_" + "A" * 36],
)
def test_a_malformed_token_is_no_guess_at_a_password(launch, junk):
    server = launch({"auth.login_attempts_per_account": 3, "auth.login_attempts_per_network": 5})
    alice = server.create_user("alice")
    for _ in range(12):
        assert token(server, alice, password=junk).status_code in (401, 429)
    assert token(server, alice).status_code == 200, "neither the account nor its network is closed for passwords"


def test_a_token_that_has_ended_is_no_guess_at_a_password(launch):
    """A build whose secret is stale asks again and again; the people of its network log in all the same."""
    server = launch({"auth.login_attempts_per_account": 3, "auth.login_attempts_per_network": 5})
    alice, bob = server.create_user("alice"), server.create_user("bob")
    owner = Management(server, alice)
    made = owner.post(path("users", "alice", "tokens"), {"name": "ci", "scopes": [{"actions": ["pull"]}]}).json()
    assert owner.delete(path("users", "alice", "tokens", made["token"]["id"])).status_code in (200, 204)
    statuses = [token(server, alice, password=made["secret"]).status_code for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3, "such a network's tokens are limited, as they were"
    assert token(server, alice).status_code == 200
    assert token(server, bob).status_code == 200


def test_a_live_session_proves_itself_while_somebody_guesses(limited):
    server, alice = limited
    person = session(server, alice)
    assert guess(server, alice, HOME, times=4)[-1] == 429
    assert log_in(server, alice).status_code == 429
    assert person.post("/sessions/current/proof", {"password": alice.password}).status_code == 204
    # A session is no way round the limit.
    wrong = [person.post("/sessions/current/proof", {"password": "not the password"}) for _ in range(4)]
    assert [answer.status_code for answer in wrong] == [401, 401, 401, 429]
    assert person.post("/sessions/current/proof", {"password": alice.password}).status_code == 429
    assert token(server, alice, OFFICE).status_code == 200, "and what is guessed in it closes nothing else"


LIFTS = {
    "password": (lambda server, alice: server.run(
        "user", "password", "alice", "--password-stdin", stdin=alice.password + "\n")),
    "enable": lambda server, alice: server.run("user", "enable", "alice"),
    "unlock": lambda server, alice: server.run("user", "unlock", "alice"),
}  # fmt: skip


@pytest.mark.parametrize("way", LIFTS)
def test_the_operator_lets_somebody_in_again(limited, way):
    server, alice = limited
    for address in (HOME, OFFICE):
        assert guess(server, alice, address, times=4)[-1] == 429
    LIFTS[way](server, alice)
    for address in (HOME, OFFICE):
        assert token(server, alice, address).status_code == 200
    if way == "unlock":
        events = server.run("audit", "query", "--action", "login_limits_lifted").stdout
        assert "alice" in events and "operator:" in events


@pytest.mark.parametrize("way", ["password", "enable", "unlock"])
def test_an_administrator_lets_somebody_in_again(limited, way):
    server, alice = limited
    root = session(server, User("root-admin", "correct horse root-admin staple"))
    assert guess(server, alice, HOME, times=4)[-1] == 429
    if way == "password":
        done = root.put(path("users", "alice", "password"), {"password": alice.password})
    elif way == "enable":
        done = root.change(path("users", "alice"), {"state": "active"})
    else:
        done = root.delete(path("users", "alice", "log-in-limits"))
        assert session(server, alice, OFFICE).delete(path("users", "root-admin", "log-in-limits")).status_code == 404
    assert done.status_code in (200, 204), done.text
    assert token(server, alice).status_code == 200


def test_ninety_right_passwords_at_once_all_succeed(launch):
    """A pool of machines starts: each of its pulls begins with the same name and password."""
    server = launch({"auth.password_memory_kib": 65536, "auth.password_passes": 3})
    alice = server.create_user("alice")
    started = time.monotonic()
    assert token(server, alice, password="not the password").status_code == 401
    one = time.monotonic() - started
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(90) as pool:
        statuses = list(pool.map(lambda _: token(server, alice).status_code, range(90)))
    assert statuses == [200] * 90
    # Two are hashed at a time.
    assert time.monotonic() - started < 90 * one / 2 / 2


def test_a_password_that_was_right_just_now_is_forgotten_with_any_change(launch):
    server = launch()
    server.create_user("root-admin", admin=True)
    alice = server.create_user("alice")
    assert [token(server, alice).status_code for _ in range(2)] == [200, 200]
    new = User("alice", "quite another long password")
    server.run("user", "password", "alice", "--password-stdin", stdin=new.password + "\n")
    assert token(server, alice).status_code == 401
    assert [token(server, new).status_code for _ in range(2)] == [200, 200]
    server.run("user", "disable", "alice")
    assert token(server, new).status_code == 401
    server.run("user", "enable", "alice")
    assert token(server, new).status_code == 200
    owner = Management(server, new)
    seed = base64.b32decode(pad(owner.post(path("users", "alice", "factors", "totp")).json()["secret"]))
    code = crypto.one_time_code(seed, time.time())
    confirmed = owner.post(path("users", "alice", "factors", "totp", "confirmation"), {"code": code})
    assert confirmed.status_code in (200, 204), confirmed.text
    assert token(server, new).status_code == 401, "who has a second factor gives a token"


def pad(text):
    return text + "=" * (-len(text) % 8)


def test_it_is_remembered_for_as_long_as_the_setting_says_and_not_at_all_with_none(launch):
    server = launch({"auth.password_remembered": "0s", "auth.password_memory_kib": 65536, "auth.password_passes": 3})
    alice = server.create_user("alice")
    taken = []
    for _ in range(6):
        started = time.monotonic()
        assert token(server, alice).status_code == 200
        taken.append(time.monotonic() - started)
    assert sorted(taken[1:])[2] > taken[0] / 4


def says_so(answer, least, most):
    """The header is the message's own number, and it is what is meant."""
    assert answer.status_code == 429, answer.text
    wait = int(answer.headers["Retry-After"])
    assert least <= wait <= most, answer.headers
    assert f" {wait} seconds" in answer.text, f"{wait}: {answer.text}"


def test_retry_after_is_how_long_it_takes(limited):
    server, alice = limited
    guess(server, alice, HOME, times=3)
    says_so(token(server, alice), 280, 300)
    form = {"grant_type": "password", "username": "alice", "password": alice.password, "service": "bulkhead"}
    says_so(requests.post(server.url + "/token", data=form, headers=place(HOME), timeout=60), 280, 300)
    says_so(log_in(server, alice), 280, 300)


def test_retry_after_of_pages_and_exchanges_is_how_long_it_takes(launch):
    server = launch({"auth.login_attempts_per_network": 3})
    for _ in range(3):
        answer = requests.get(server.url + "/login/callback?state=nobody-gave-this", timeout=60)
        assert answer.status_code == 404, answer.text
    says_so(requests.get(server.url + "/login/callback?state=nor-this", timeout=60), 280, 300)
    says_so(requests.post(server.url + "/api/v1/workload/token", json={"token": "x", "robot": "acme+ci"}, timeout=60), 280, 300)


def test_every_refusal_names_whom_it_is_about(limited):
    server, alice = limited
    guess(server, alice, HOME, times=3)
    assert token(server, alice).status_code == 429
    assert log_in(server, alice).status_code == 429
    lines = server.run("audit", "query", "--account", "alice", "--action", "login_failed", "--json").stdout.splitlines()
    refused = [event for event in map(json.loads, lines) if event["detail"] == "rate_limited"]
    assert len(refused) == 2, lines
    for event in refused:
        assert (event["target"], event["address"]) == ("alice", HOME), event
    assert "too many attempts" not in server.run("audit", "query", "--action", "login_failed", "--json").stdout


@pytest.fixture
def with_factor(launch):
    """alice has an authenticator app and recovery codes; her last right code came from HOME."""
    server = launch(PLACES)
    alice = server.create_user("alice")
    person = session(server, alice)
    seed = base64.b32decode(pad(person.post(path("users", "alice", "factors", "totp")).json()["secret"]))

    def code(ago=0):
        return crypto.one_time_code(seed, time.time() - ago)

    confirmed = person.post(path("users", "alice", "factors", "totp", "confirmation"), {"code": code(30)})
    assert confirmed.status_code in (200, 204), confirmed.text
    person = session(server, alice, code=code())
    made = person.post(path("users", "alice", "factors", "recovery-codes"))
    assert made.status_code in (200, 201), made.text
    return server, alice, person, seed, made.json()["codes"]


def next_code(seed):
    """The coming one, which is taken half a minute early: a code is good once."""
    return crypto.one_time_code(seed, time.time() + 30)


def test_wrong_codes_of_who_has_the_password_leave_the_owner_in(with_factor):
    server, alice, person, seed, recovery = with_factor
    wrong = [log_in(server, alice, ATTACKER, code=f"{number:06d}") for number in range(11)]
    assert [answer.status_code for answer in wrong[:2]] == [401, 401], wrong[0].text
    says_so(wrong[-1], 3500, 3600)
    assert log_in(server, alice, HOME, code=next_code(seed)).status_code == 201
    assert log_in(server, alice, OFFICE, code=recovery[0]).status_code == 201, "80 random bits are not guessed"
    says_so(log_in(server, alice, ATTACKER, code="123456"), 3500, 3600)
    assert log_in(server, alice, ATTACKER, code=recovery[1]).status_code == 201


def test_a_live_session_proves_its_factor_while_somebody_tries_codes(with_factor):
    server, alice, person, seed, _ = with_factor
    for number in range(11):
        last = log_in(server, alice, HOME, code=f"{number:06d}")
    assert last.status_code == 429
    proof = {"password": alice.password, "code": next_code(seed)}
    assert person.post("/sessions/current/proof", proof).status_code == 204


def test_the_operator_lifts_the_limit_on_codes_too(with_factor):
    server, alice, _, seed, _ = with_factor
    for number in range(11):
        last = log_in(server, alice, HOME, code=f"{number:06d}")
    assert last.status_code == 429
    server.run("user", "unlock", "alice")
    assert log_in(server, alice, HOME, code=next_code(seed)).status_code == 201


def test_unlocking_is_for_accounts_that_are_there(limited):
    server, _ = limited
    refused = server.run("user", "unlock", "nobody", check=False)
    assert refused.returncode == 1 and "nobody" in refused.stdout


def test_guesses_made_at_once_count_like_guesses_one_after_another(limited):
    server, alice = limited
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(lambda n: guess(server, alice, ATTACKER, times=1)[0], range(20)))
    assert statuses.count(401) <= 3 and set(statuses) == {401, 429}


def test_the_limit_passes(launch):
    server = launch({**LIMITED, "auth.login_window": "3s"})
    alice = server.create_user("alice")
    guess(server, alice, HOME, times=3)
    assert token(server, alice).status_code == 429
    process.wait_until(lambda: token(server, alice).status_code == 200, "the window to pass", 15, interval=0.5)
    assert Registry(server, alice).request_token("registry:catalog:*").status_code == 200
