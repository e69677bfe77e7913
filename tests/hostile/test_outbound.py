"""Somebody else's server that hangs slows only those who need it."""

import threading

import pytest
import requests

from harness.ci_issuer import CiIssuer
from harness.management import Management, path
from harness.registry import Registry
from hostile.conftest import Background, Place, assert_flat, best, timed

AUDIENCE = "https://registry.example.com"
OUTBOUND = {"outbound.networks": "127.0.0.0/8", "outbound.plain_hosts": "127.0.0.1"}


@pytest.fixture
def place(launch):
    made = Place(launch(OUTBOUND))
    Registry(made.server, made.alice).make_repository("alice/app")
    return made


def watch(place):
    """What anybody does who needs no other server, each with its name."""
    registry = Registry(place.server, place.alice)

    def tags():
        assert registry.get("/v2/alice/app/tags/list").status_code == 200

    def operator():
        place.server.run("user", "list")

    return {"a local log-in": place.log_in_here, "a list of tags": tags, "an operator's command": operator}


def compare(place, attack, threads, black_hole):
    watched = watch(place)
    idle = {name: best(call, 3) for name, call in watched.items()}
    with Background(attack, threads, black_hole.close):
        threading.Event().wait(1)
        during = {name: max(timed(call)[0] for _ in range(2)) for name, call in watched.items()}
    for name, seconds in during.items():
        assert_flat(seconds, idle[name], name)


def log_in_at(place, provider, address=None):
    body = {"name": "dora", "password": "whatever it is", "provider": provider}
    headers = {"X-Forwarded-For": address} if address else {}
    return requests.post(place.server.url + "/api/v1/sessions", json=body, headers=headers, timeout=120)


@pytest.mark.parametrize("many", [8, 80])
def test_a_directory_that_hangs(place, black_hole, many):
    place.add_directory("corp", f"ldap://127.0.0.1:{black_hole().port}")
    compare(place, lambda _: log_in_at(place, "corp").status_code, many, black_hole)


def test_too_many_who_wait_for_a_directory_are_told_so_at_once(place, black_hole):
    place.add_directory("corp", f"ldap://127.0.0.1:{black_hole().port}")
    with Background(lambda _: log_in_at(place, "corp"), 100, black_hole.close) as attacking:
        threading.Event().wait(2)
        refused = [answer for answer in list(attacking.results) if answer.status_code == 503]
        assert refused, "a hundred may wait for a directory that does not answer"
        assert int(refused[0].headers["Retry-After"]) >= 1


def test_one_network_does_not_take_all_places_at_a_directory(launch, black_hole):
    place = Place(launch({**OUTBOUND, "trusted_proxies": "127.0.0.0/8"}))
    place.add_directory("corp", f"ldap://127.0.0.1:{black_hole().port}")
    with Background(lambda _: log_in_at(place, "corp", "203.0.113.5"), 60, black_hole.close) as attacking:
        threading.Event().wait(2)
        answer = log_in_at(place, "corp", "192.0.2.5")
        full = [each for each in attacking.results if "too many are waiting" in each.text]
    assert full, "the attack was none"
    assert "too many are waiting" not in answer.text, "somebody else has a place"


def test_a_provider_that_hangs(place, black_hole):
    for number in range(3):
        place.add_provider(f"slow{number}", f"http://127.0.0.1:{black_hole().port}")

    def depart(number):
        return requests.get(
            f"{place.server.url}/login/slow{number % 3}", timeout=120, allow_redirects=False,
            headers={"Host": f"localhost:{place.server.port}"},
        ).status_code  # fmt: skip

    compare(place, depart, 30, black_hole)


def test_one_provider_that_hangs_leaves_the_others(place, black_hole):
    """Directories and OpenID providers alike: each has a bound of its own."""
    from harness.provider import Provider

    live = Provider(secret="a secret")
    try:
        place.add_directory("hung", f"ldap://127.0.0.1:{black_hole().port}")
        place.add_provider("slow", f"http://127.0.0.1:{black_hole().port}")
        place.add_provider("live", live.url, live.secret)
        headers = {"Host": f"localhost:{place.server.port}"}

        def depart(name):
            return requests.get(
                f"{place.server.url}/login/{name}", timeout=120, allow_redirects=False, headers=headers
            ).status_code

        def attack(number):
            return log_in_at(place, "hung").status_code if number % 2 else depart("slow")

        assert depart("live") == 302
        idle = best(lambda: depart("live"), 3)
        with Background(attack, 60, black_hole.close):
            threading.Event().wait(1)
            during, status = timed(lambda: depart("live"))
        assert status == 302
        assert_flat(during, idle, "a log-in at another provider")
    finally:
        live.close()


def trust(place, name, url):
    owner = Management(place.server, place.mallory)
    answer = owner.post(
        path("robots", "mallory+ci") + "/trusts",
        {
            "name": name, "issuer": url, "audience": AUDIENCE, "claims": {"sub": "job"},
            "scopes": [{"repository": "mallory/app", "actions": ["pull"]}],
        },
    )  # fmt: skip
    assert answer.status_code == 201, answer.text


def exchange(place, issuer, url=None):
    token = issuer.token(AUDIENCE, **({"iss": url} if url else {}))
    return requests.post(place.server.url + "/api/v1/workload/token", json={"token": token, "robot": "mallory+ci"}, timeout=120)


@pytest.fixture
def issuer():
    made = CiIssuer()
    yield made
    made.close()


@pytest.fixture
def ci(place, issuer):
    """mallory's robot, which trusts an issuer that answers."""
    Registry(place.server, place.mallory).make_repository("mallory/app")
    owner = Management(place.server, place.mallory)
    made = owner.post(path("repositories", "mallory/app") + "/robots", {"name": "ci"})
    assert made.status_code == 201, made.text
    place.server.run("grant", "set", "mallory+ci", "writer", "mallory/app")
    trust(place, "live", issuer.url)
    return place


def test_issuers_that_hang(ci, issuer, black_hole):
    urls = [f"http://127.0.0.1:{black_hole().port}" for _ in range(8)]
    for number, url in enumerate(urls):
        trust(ci, f"slow{number}", url)
    compare(ci, lambda number: exchange(ci, issuer, urls[number % len(urls)]).status_code, 40, black_hole)


def test_issuers_that_hang_leave_the_others(ci, issuer, black_hole):
    urls = [f"http://127.0.0.1:{black_hole().port}" for _ in range(12)]
    for number, url in enumerate(urls):
        trust(ci, f"slow{number}", url)
    assert exchange(ci, issuer).status_code == 200
    idle = best(lambda: exchange(ci, issuer), 3)
    with Background(lambda number: exchange(ci, issuer, urls[number % len(urls)]).status_code, 48):
        threading.Event().wait(1)
        during, answer = timed(lambda: exchange(ci, issuer))
    assert answer.status_code == 200, answer.text
    assert_flat(during, idle, "a job's log-in with an issuer that answers")
