"""Bounds that no single request breaks: memory, connections, tokens, JSON of the management interface."""

import base64
import json

import pytest

from harness import process, raw
from harness.registry import Registry


def answered(connections):
    """How many of the connections get an answer; the others were closed by the server."""
    count = 0
    for connection in connections:
        try:
            count += connection.request("GET", "/healthz").status == 200
        except ConnectionError:
            continue
    return count


def answered_anew(server):
    with raw.Connection(server) as connection:
        return answered([connection]) == 1


@pytest.mark.parametrize(
    ("settings", "limit"),
    [
        ({"http.connections": 20, "http.connections_per_address": 20}, 20),
        ({"http.connections_per_address": 5}, 5),
    ],
    ids=["in all", "of one address"],
)
def test_too_many_connections(launch, settings, limit):
    server = launch(settings)
    opened = [raw.Connection(server) for _ in range(3 * limit)]
    try:
        assert 1 <= answered(opened) <= limit
    finally:
        for connection in opened:
            connection.close()
    process.wait_until(lambda: answered_anew(server), "room for another connection")


def test_more_scopes_than_a_request_holds(registry):
    """As many as fit are granted (protocol/test_challenges.py); what is too long for a request is refused."""
    scopes = [f"repository:alice/r{number}:pull" for number in range(400)]
    assert registry.request_token(scopes[:100]).status_code == 200
    assert registry.request_token(scopes * 3).status_code in (414, 431)


def test_scopes_that_mean_nothing_are_passed_over(registry, repository):
    """Docker token protocol: unknown types and actions grant nothing and are no error."""
    for scope in ("", "x", "repository:", "repository:a", "repository:UPPER:pull", f"repository:{repository}:fly"):
        assert registry.request_token(scope).status_code == 200, scope


def test_memory_stays_flat_under_requests_that_never_finish(launch):
    """security.md: unbounded bodies. 300 clients announce a terabyte each and stall."""
    server = launch()
    if server.sanitized:
        pytest.skip("memory says nothing under a sanitizer")
    registry = Registry(server, server.create_user("alice"))
    authorization = registry.authorization("alice/app")
    uploads = [registry.start_upload("alice/app") for _ in range(50)]
    before = server.memory()
    opened = []
    try:
        for number in range(300):
            connection = raw.Connection(server)
            opened.append(connection)
            connection.send_head(
                "PATCH", uploads[number % 50].path, {**authorization, "Content-Length": str(1 << 40)}
            )
            connection.send(b"x" * 4096)
        assert server.memory() - before < 64 << 20
        assert server.get("/healthz").status_code == 200
    finally:
        for connection in opened:
            connection.close()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "null",
        "[]",
        "{",
        '{"token": 5, "name": "x", "password": "y"}',
        '{"token": "bhsetup_x", "name": "abc", "password": "long enough password", "administrator": true}',
        '{"token": "a", "token": "b", "name": "abc", "password": "long enough password"}',
        "[" * 100_000,
    ],
)
def test_management_json(anonymous, body):
    """security.md: mass assignment. Unknown fields are 400."""
    response = anonymous.post(
        "/api/v1/setup", data=body, headers={"Content-Type": "application/json"}, authorized=False
    )
    assert response.status_code in (400, 401, 413)
    if "administrator" in body or body.startswith('{"token": "a"'):
        assert response.status_code == 400


def test_management_body_is_bounded(server):
    with raw.Connection(server) as connection:
        connection.send_head(
            "POST", "/api/v1/setup", {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        )
        assert connection.send_until_answered(b"10000\r\n" + b" " * 65536 + b"\r\n", times=500).status in (400, 413)


def test_token_keys_in_headers_are_passed_over(anonymous):
    """security.md: distribution CVE-2025-24976. A token that brings its own key, or none, opens nothing."""
    def part(document):
        return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()

    claims = {"iss": "bulkhead", "aud": "bulkhead", "sub": "alice", "iat": 0, "exp": 1 << 40, "access": []}
    for header in (
        {"alg": "none", "typ": "JWT"},
        {"alg": "HS256", "typ": "JWT", "jwk": {"kty": "oct", "k": "AAAA"}},
        {"alg": "RS256", "typ": "JWT", "jku": "http://127.0.0.1:1/keys"},
        {"alg": "ES256", "typ": "JWT", "x5c": ["AAAA"]},
    ):
        token = f"{part(header)}.{part(claims)}." + ("" if header["alg"] == "none" else "AAAA")
        response = anonymous.get("/v2/", authorized=False, headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, header
