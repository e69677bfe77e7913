"""Log-ins that are begun and never finished stop nobody."""

import random

import pytest
import requests

from harness.provider import Browser, Provider
from hostile.conftest import Place

BEHIND_PROXY = {
    "outbound.networks": "127.0.0.0/8",
    "outbound.plain_hosts": "127.0.0.1",
    "trusted_proxies": "127.0.0.0/8",
}


@pytest.fixture
def provider():
    made = Provider(secret="a secret")
    made.person = {"sub": "dora's id", "preferred_username": "dora", "email": "dora@example.org"}
    yield made
    made.close()


def place_with(launch, provider, **more):
    place = Place(launch({**BEHIND_PROXY, **more}))
    place.add_provider("corp", provider.url, provider.secret)
    return place


def begin(place, address):
    return requests.get(
        f"http://localhost:{place.server.port}/login/corp", allow_redirects=False, timeout=60,
        headers={"X-Forwarded-For": address},
    )  # fmt: skip


def begin_device(place, address):
    return requests.post(
        place.server.url + "/api/v1/login/device", json={"provider": "corp"}, timeout=60,
        headers={"X-Forwarded-For": address},
    )  # fmt: skip


def test_log_ins_that_are_begun_take_nothing_from_others(launch, provider):
    place = place_with(launch, provider)
    session = requests.Session()
    session.trust_env = False
    for _ in range(250):
        answer = session.get(
            f"http://localhost:{place.server.port}/login/corp", allow_redirects=False, timeout=60,
            headers={"X-Forwarded-For": "198.51.100.7"},
        )  # fmt: skip
        assert answer.status_code == 302, answer.text
        session.cookies.clear()
    browser = Browser(session)
    finished = browser.follow(f"http://localhost:{place.server.port}/login/corp")
    assert finished.status_code == 200 and "dora" in finished.text, finished.text


def test_begun_log_ins_leave_nothing_in_the_database(launch, provider):
    import sqlite3

    place = place_with(launch, provider)
    for _ in range(5):
        assert begin(place, "198.51.100.7").status_code == 302
    with sqlite3.connect(place.server.data / "bulkhead.db") as database:
        assert database.execute("SELECT COUNT(*) FROM login_requests").fetchone() == (0,)


def test_a_log_in_is_good_once_and_in_its_own_browser(launch, provider):
    place = place_with(launch, provider)
    session = requests.Session()
    session.trust_env = False
    browser, other = Browser(session), Browser(session)
    start = browser.get(f"http://localhost:{place.server.port}/login/corp")
    back = browser.get(start.headers["Location"]).headers["Location"]
    stolen = other.get(back)
    assert stolen.status_code in (403, 404) and "not logged in" in stolen.text
    assert browser.get(back).status_code == 200
    binder = dict(browser.cookies)
    again = browser.get(back)
    assert again.status_code in (403, 404), binder


@pytest.mark.parametrize("change", ["first", "middle", "last", "cut"])
def test_a_changed_state_is_refused(launch, provider, change):
    place = place_with(launch, provider)
    session = requests.Session()
    session.trust_env = False
    browser = Browser(session)
    start = browser.get(f"http://localhost:{place.server.port}/login/corp")
    back = browser.get(start.headers["Location"]).headers["Location"]
    head, _, rest = back.partition("state=")
    state, _, tail = rest.partition("&")
    at = {"first": 0, "middle": len(state) // 2, "last": len(state) - 2, "cut": 0}[change]
    other = "A" if state[at] != "A" else "B"
    forged = state[:-4] if change == "cut" else state[:at] + other + state[at + 1 :]
    assert browser.get(f"{head}state={forged}&{tail}").status_code in (403, 404)


def test_devices_of_one_network_stop_only_that_network(launch, provider):
    place = place_with(launch, provider)
    statuses = [begin_device(place, f"198.51.100.{number % 250}").status_code for number in range(130)]
    assert statuses[0] in (200, 201) and 429 in statuses
    assert begin_device(place, "203.0.113.7").status_code in (200, 201)


def test_devices_of_many_networks_stop_no_other(launch, provider):
    """At the limit of all together, the oldest of the network that has most gives way."""
    place = place_with(launch, provider, **{"limits.device_logins": 40})
    assert begin_device(place, "203.0.113.7").status_code in (200, 201)
    mine = begin_device(place, "192.0.2.1").json()
    for number in range(120):
        assert begin_device(place, f"10.0.{number % 12}.1").status_code in (200, 201)
    assert begin_device(place, "203.0.114.7").status_code in (200, 201)
    polled = requests.post(
        place.server.url + "/api/v1/login/device/token", json={"device_code": mine["device_code"]}, timeout=60
    )
    assert polled.json()["type"].endswith("authorization_pending"), polled.text


def test_wrong_codes_of_a_neighbour_do_not_refuse_the_right_one(launch, provider):
    place = place_with(launch, provider)
    code = begin_device(place, "192.0.2.1").json()["user_code"]
    rng = random.Random(1)

    def enter(text, address):
        return requests.get(
            f"http://localhost:{place.server.port}/login/device", params={"user_code": text}, timeout=60,
            headers={"X-Forwarded-For": address},
        )  # fmt: skip

    statuses = [enter("".join(rng.choices("BCDFGHJKLMNPQRSTVWXZ", k=8)), "198.51.100.7").status_code for _ in range(12)]
    assert statuses[-1] == 429
    assert enter(code, "198.51.100.8").status_code == 200
