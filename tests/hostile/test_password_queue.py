"""Passwords are hashed slowly, and whoever sends many waits behind nobody but themselves."""

import json
import time

import pytest
import requests

from harness.raw import Connection
from hostile.conftest import Place, timed

HOME = {"X-Forwarded-For": "192.0.2.5"}
ELSEWHERE = {"X-Forwarded-For": "198.51.100.7"}
SLOW = {
    "auth.password_memory_kib": 65536,
    "auth.password_passes": 3,
    "auth.password_remembered": "0s",
    "http.stop_deadline": "1s",
}


def log_in(place, user, where, way):
    if way == "token":
        answer = requests.get(
            place.server.url + "/token",
            params={"service": "bulkhead"},
            auth=(user.name, user.password),
            headers=where,
            timeout=60,
        )
    else:
        body = {"name": user.name, "password": user.password}
        answer = requests.post(place.server.url + "/api/v1/sessions", json=body, headers=where, timeout=60)
    assert answer.status_code in (200, 201), f"{answer.status_code} {answer.text}"


def send_guesses(server, count):
    """Each from a network of its own within one IPv6 /48."""
    connections = []
    for number in range(count):
        body = json.dumps({"name": f"nobody{number}", "password": "wrong guess password"})
        connections.append(Connection(server))
        connections[-1].send_head(
            "POST",
            "/api/v1/sessions",
            {
                "Content-Type": "application/json",
                "X-Forwarded-For": f"2001:db8:1:{number:x}::1",
                "Content-Length": str(len(body)),
            },
        )
        connections[-1].send(body)
    return connections


@pytest.mark.parametrize("queue", [512, 100])
def test_a_log_in_waits_behind_no_flood(launch, queue):
    place = Place(launch({**SLOW, "trusted_proxies": "127.0.0.0/8", "auth.password_queue": queue}))
    log_in(place, place.alice, HOME, "token")
    idle = min(timed(lambda: log_in(place, place.alice, HOME, "token"))[0] for _ in range(3))
    connections = send_guesses(place.server, 250)
    try:
        time.sleep(0.5)
        for user, where, way in [
            (place.alice, HOME, "token"),
            (place.alice, HOME, "sessions"),
            (place.mallory, ELSEWHERE, "token"),
        ]:
            during, _ = timed(lambda user=user, where=where, way=way: log_in(place, user, where, way))
            assert during < 10 * idle + 1, f"{user.name} waited {during:.1f} s, and {idle:.2f} s without the flood"
    finally:
        for connection in connections:
            connection.close()
