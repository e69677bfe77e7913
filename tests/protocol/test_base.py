"""/v2/ itself, the challenge, and the Docker token protocol."""

import requests

from harness.registry import Registry, assert_error, challenge
from harness.server import User


def test_version_check_with_token(registry):
    response = registry.get("/v2/")
    assert response.status_code == 200
    assert response.headers["Docker-Distribution-API-Version"] == "registry/2.0"


def test_version_check_without_credentials_is_challenged(anonymous, server):
    response = anonymous.get("/v2/", authorized=False)
    assert_error(response, 401, "UNAUTHORIZED")
    assert response.headers["Docker-Distribution-API-Version"] == "registry/2.0"
    scheme, parameters = challenge(response)
    assert scheme == "Bearer"
    assert parameters["service"] == "bulkhead"
    assert parameters["realm"].endswith("/token")
    assert "scope" not in parameters
    # Every parameter is quoted: as many quoted ones as there are in all.
    assert response.headers["WWW-Authenticate"].count("=") == len(parameters)
    assert parameters["realm"].startswith(server.url)


def test_insufficient_scope_is_challenged_with_the_scope(registry, repository):
    """protocol.md 14."""
    token = registry.token(f"repository:{repository}:pull")
    response = registry.post(
        f"/v2/{repository}/blobs/uploads/", authorized=False, headers={"Authorization": f"Bearer {token}"}
    )
    assert response.status_code == 401
    _, parameters = challenge(response)
    kind, name, actions = parameters["scope"].split(":")
    assert (kind, name) == ("repository", repository)
    assert {"pull", "push"} <= set(actions.split(","))


def test_token_by_get(registry, repository):
    response = registry.request_token(f"repository:{repository}:pull,push")
    assert response.status_code == 200
    answer = response.json()
    assert answer["token"] == answer.get("access_token", answer["token"])
    assert 60 <= answer["expires_in"] <= 300
    assert answer["issued_at"].endswith("Z")


def test_token_by_oauth2_post(server, alice, repository):
    response = requests.post(
        server.url + "/token",
        data={
            "grant_type": "password",
            "service": "bulkhead",
            "client_id": "docker",
            "scope": f"repository:{repository}:pull,push",
            "username": alice.name,
            "password": alice.password,
        },
        timeout=30,
    )
    assert response.status_code == 200, response.text
    answer = response.json()
    assert answer["expires_in"] <= 300
    check = requests.get(
        server.url + "/v2/", headers={"Authorization": f"Bearer {answer['access_token']}"}, timeout=30
    )
    assert check.status_code == 200


def test_token_for_several_scopes(registry, repository, rng):
    one, two = f"{repository}-one", f"{repository}-two"
    for name in (one, two):
        registry.push_image(name, rng, "latest")
    response = registry.request_token([f"repository:{one}:pull", f"repository:{two}:pull"])
    token = response.json()["token"]
    for name in (one, two):
        response = registry.get(
            f"/v2/{name}/tags/list", authorized=False, headers={"Authorization": f"Bearer {token}"}
        )
        assert response.status_code == 200


def test_wrong_password_is_refused_alike_for_known_and_unknown_names(server, alice):
    known = Registry(server, User(alice.name, "not the password")).request_token("repository:alice/x:pull")
    unknown = Registry(server, User("nobody-here", "not the password")).request_token("repository:alice/x:pull")
    assert_error(known, 401, "UNAUTHORIZED")
    assert (known.status_code, known.json()["errors"][0]["code"], known.json()["errors"][0]["message"]) == (
        unknown.status_code,
        unknown.json()["errors"][0]["code"],
        unknown.json()["errors"][0]["message"],
    )


def test_wrong_password_by_oauth2_post(server, alice):
    response = requests.post(
        server.url + "/token",
        data={
            "grant_type": "password",
            "service": "bulkhead",
            "client_id": "docker",
            "username": alice.name,
            "password": "not the password",
        },
        timeout=30,
    )
    assert response.status_code in (400, 401)


def test_token_of_another_service_is_refused(registry, repository):
    response = registry.request_token(f"repository:{repository}:pull", service="another-registry")
    assert response.status_code in (400, 401)


def test_garbage_in_authorization_is_401(anonymous):
    for value in ("Bearer x", "Bearer a.b.c", "Bearer ", "Basic ####", "Negotiate abc", "Bearer " + "x" * 8000):
        response = anonymous.get("/v2/", authorized=False, headers={"Authorization": value})
        assert response.status_code == 401, value


def test_altered_token_is_refused(registry, repository):
    token = registry.token(f"repository:{repository}:pull")
    middle = len(token) // 2
    altered = token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1 :]
    response = registry.get("/v2/", authorized=False, headers={"Authorization": f"Bearer {altered}"})
    assert response.status_code == 401


def test_token_dies_with_the_password(server, registry):
    user = server.create_user("short-lived")
    client = Registry(server, user)
    assert client.get("/v2/").status_code == 200
    server.run("user", "password", user.name, "--password-stdin", stdin="another good password\n")
    assert client.get("/v2/").status_code == 401
    changed = Registry(server, User(user.name, "another good password"))
    assert changed.get("/v2/").status_code == 200


def test_token_dies_with_the_account(server, registry):
    user = server.create_user("soon-disabled")
    client = Registry(server, user)
    assert client.get("/v2/").status_code == 200
    server.run("user", "disable", user.name)
    assert client.get("/v2/").status_code == 401
    assert Registry(server, user).request_token("registry:catalog:*").status_code == 401
    server.run("user", "enable", user.name)
    assert Registry(server, user).get("/v2/").status_code == 200
