"""What a 401 tells a client, so that its next request is the right one: realm, scope, and no 401 where none helps."""

import base64
import json

import pytest
import requests

from harness import content, raw
from harness.registry import Registry, assert_error, challenge


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def scope_of(response):
    assert response.status_code == 401, f"{response.status_code} {response.text}"
    return challenge(response)[1].get("scope")


def bare(client, method, path, **headers):
    return client.request(method, path, authorized=False, headers=headers)


# -- the catalog


def test_the_catalog_asks_who_one_is(server, registry, repository, rng):
    """oras and regctl log in on 401 only."""
    registry.push_image(repository, rng, "latest")
    response = bare(registry, "GET", "/v2/_catalog")
    assert_error(response, 401, "UNAUTHORIZED")
    assert scope_of(response) == "registry:catalog:*"
    server.run("repo", "set", repository, "--visibility", "public")
    assert scope_of(bare(registry, "GET", "/v2/_catalog")) == "registry:catalog:*"
    # With a token of nobody's, what is public.
    listed = Registry(server).get("/v2/_catalog")
    assert listed.status_code == 200
    assert repository in listed.json()["repositories"]
    server.run("repo", "set", repository, "--visibility", "private")
    assert repository not in Registry(server).get("/v2/_catalog").json()["repositories"]


# -- scopes


def requests_of(repository):
    manifest, blob = content.digest_of(b"manifest"), content.digest_of(b"blob")
    here, push = f"/v2/{repository}", f"repository:{repository}:pull,push"
    pull, delete = f"repository:{repository}:pull", f"repository:{repository}:delete"
    return [
        ("GET", f"{here}/manifests/latest", pull),
        ("HEAD", f"{here}/manifests/{manifest}", pull),
        ("PUT", f"{here}/manifests/latest", push),
        ("DELETE", f"{here}/manifests/latest", delete),
        ("GET", f"{here}/blobs/{blob}", pull),
        ("HEAD", f"{here}/blobs/{blob}", pull),
        ("DELETE", f"{here}/blobs/{blob}", delete),
        ("POST", f"{here}/blobs/uploads/", push),
        ("PATCH", f"{here}/blobs/uploads/{'0' * 22}", push),
        ("PUT", f"{here}/blobs/uploads/{'0' * 22}?digest={blob}", push),
        ("GET", f"{here}/blobs/uploads/{'0' * 22}", push),
        ("DELETE", f"{here}/blobs/uploads/{'0' * 22}", push),
        ("GET", f"{here}/tags/list", pull),
        ("GET", f"{here}/referrers/{manifest}", pull),
        ("GET", "/v2/_catalog", "registry:catalog:*"),
        ("GET", "/v2/", None),
    ]


CREDENTIALS = {
    "none": None,
    "not a token": "Bearer garbage",
    "no longer valid": "Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.e30.AAAA",
    "a password": "Basic YWxpY2U6cGFzc3dvcmQ=",
}


@pytest.mark.parametrize("credential", CREDENTIALS.values(), ids=CREDENTIALS)
def test_every_challenge_names_the_scope(registry, repository, credential):
    """Clients that remember no scopes renew a token with the one that the challenge names."""
    headers = {"Authorization": credential} if credential else {}
    wrong = []
    for method, path, scope in requests_of(repository):
        found = scope_of(bare(registry, method, path, **headers))
        if found != scope:
            wrong.append(f"{method} {path}: {found}")
    assert not wrong, "\n".join(wrong)


def test_a_mount_names_its_source(registry, repository):
    source, digest = repository + "-source", content.digest_of(b"blob")
    wanted = f"repository:{repository}:pull,push repository:{source}:pull"
    mount = f"/v2/{repository}/blobs/uploads/?mount={digest}&from={source}"
    assert scope_of(bare(registry, "POST", mount)) == wanted
    assert scope_of(bare(registry, "POST", mount, Authorization="Bearer garbage")) == wanted
    # What is no repository's name is no part of a scope, nor is the target twice.
    for odd in ("UPPER", "a b", 'x"y', ""):
        response = bare(registry, "POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from={odd}")
        assert scope_of(response) == f"repository:{repository}:pull,push", odd
    response = bare(registry, "POST", f"/v2/{repository}/blobs/uploads/?mount={digest}&from={repository}")
    assert scope_of(response) == f"repository:{repository}:pull,push"


def test_a_mount_with_a_token_for_the_target_alone(server, registry, stranger, repository, rng):
    """Clients ask again with what the challenge names, and then mount. What they may not read looks absent."""
    source = repository + "-source"
    blob = registry.push_blob(source, content.random_blob(rng, 100))
    registry.push_blob(repository, content.random_blob(rng, 100))

    def mount(client, target, *scopes):
        token = client.request_token(list(scopes)).json()["token"]
        return client.post(
            f"/v2/{target}/blobs/uploads/?mount={blob.digest}&from={source}",
            authorized=False,
            headers={"Authorization": f"Bearer {token}"},
        )

    target = f"repository:{repository}:pull,push"
    refused = mount(registry, repository, target)
    assert scope_of(refused) == f"{target} repository:{source}:pull"
    assert challenge(refused)[1]["error"] == "insufficient_scope"
    assert mount(registry, repository, *scope_of(refused).split(" ")).status_code == 201
    # A stranger is not told that there is something to ask a token for.
    own = "mallory/mounts-from-alice"
    assert mount(stranger, own, f"repository:{own}:pull,push").status_code == 202
    server.run("repo", "set", source, "--visibility", "public")
    assert scope_of(mount(stranger, own, f"repository:{own}:pull,push")).endswith(f"repository:{source}:pull")
    server.run("repo", "set", source, "--visibility", "private")


def test_who_may_pull_is_told_plainly_that_he_may_not_push(server, registry, repository, rng):
    """403: another token would not help. Who may not even pull gets the answer for what is absent, and nobody a 401."""
    registry.push_image(repository, rng, "latest")
    reader = Registry(server, server.create_user("plain-reader"))
    assert reader.post(f"/v2/{repository}/blobs/uploads/").status_code == 401
    server.run("grant", "set", "plain-reader", "reader", repository)
    assert_error(reader.post(f"/v2/{repository}/blobs/uploads/"), 403, "DENIED")
    assert_error(reader.delete(f"/v2/{repository}/manifests/latest"), 403, "DENIED")
    server.run("repo", "set", repository, "--visibility", "public")
    assert Registry(server).post(f"/v2/{repository}/blobs/uploads/").status_code == 401
    # A token that would be enough is still worth asking for.
    token = reader.request_token(f"repository:{repository}:pull").json()["token"]
    server.run("grant", "set", "plain-reader", "writer", repository)
    narrow = reader.post(
        f"/v2/{repository}/blobs/uploads/", authorized=False, headers={"Authorization": f"Bearer {token}"}
    )
    assert scope_of(narrow) == f"repository:{repository}:pull,push"


# -- the realm


def realm_for(server, host):
    with raw.Connection(server) as connection:
        connection.send(f"GET /v2/ HTTP/1.1\r\nHost: {host}\r\n\r\n")
        answer = connection.read_response()
    assert answer.status == 401
    return answer.headers["www-authenticate"].partition('realm="')[2].partition('"')[0]


HOSTS_OF_OTHERS = [
    "127.evil.example",
    "127.evil.example:80",
    "127.0.0.1.evil.example",
    "127.0.0.1.evil.example:80",
    "127.0.0.1:evil.example",
    "127.0.0.1:80:80",
    "127.1",
    "127.0.0.256",
    "127.0.0.1.",
    "localhost.evil.example",
    "localhost:80.evil.example",
    "[::1]:evil.example",
    "[::1].evil.example",
    "[::1]evil.example",
    "[::1%25lo]",
    "::1",
    "registry.example",
    "10.1.2.3",
]


@pytest.mark.parametrize("host", HOSTS_OF_OTHERS)
def test_the_realm_follows_no_host_but_this_machines(server, host):
    """Passwords go to the realm: a request's Host must not choose it."""
    assert realm_for(server, host) == f"{server.url}/token"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:5000", "127.8.9.10:81", "localhost", "LocalHost:5000", "[::1]", "[::1]:5000"]
)
def test_the_realm_names_loopback_as_it_was_called(server, host):
    assert realm_for(server, host) == f"http://{host}/token"


def test_the_realm_of_a_server_on_all_addresses_is_where_it_was_reached(new_server):
    """A client elsewhere cannot do anything with 0.0.0.0, and would take the password to itself."""
    server = new_server()
    server.create_user("alice")
    reached = f"127.0.0.1:{server.port}"
    server.address = f"0.0.0.0:{server.port}"
    server.start()
    assert "public_url" in server.log(), "the start says what clients of other machines need"
    assert realm_for(server, reached) == f"http://{reached}/token"
    for other in ("registry.example", "10.1.2.3:5000"):
        assert realm_for(server, other) == f"http://{reached}/token", other


# -- what a token request may look like


def token_for(server, user, query):
    answer = requests.get(f"{server.url}/token?service=bulkhead&{query}", auth=(user.name, user.password), timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["token"]


def granted(token):
    return {each["name"]: each["actions"] for each in claims_of(token)["access"]}


@pytest.mark.parametrize("space", ["+", "%20", "&scope="])
def test_scopes_of_one_parameter_are_separated_by_spaces(server, alice, repository, space):
    """Forms write a space as '+': curl --data-urlencode, Go's url.Values, requests, URLSearchParams."""
    token = token_for(server, alice, f"scope=repository:{repository}-a:pull{space}repository:{repository}-b:pull%2Cpush")
    assert granted(token) == {f"{repository}-a": ["pull"], f"{repository}-b": ["pull", "push"]}


def test_a_plus_elsewhere_in_a_query_stays_one(registry, repository, rng):
    """Media types have it, and clients send it as it is."""
    subject = registry.push_image(repository, rng, "latest")
    kind = "application/vnd.example.thing+json"
    found = registry.push_image(repository, rng, None, artifactType=kind, subject=subject.descriptor())
    for written in (kind, kind.replace("+", "%2B")):
        answer = registry.get(f"/v2/{repository}/referrers/{subject.digest}?artifactType={written}")
        assert [each["digest"] for each in answer.json()["manifests"]] == [found.digest], written


def many_scopes(repository, count, end=""):
    return [f"repository:{repository}/with-a-name-as-long-as-they-are-{number:03}{end}:pull,push" for number in range(count)]


def works_for(registry, token, names):
    """The names among them that the token opens."""
    headers = {"Authorization": f"Bearer {token}"}
    return [name for name in names if registry.head(f"/v2/{name}/manifests/x", authorized=False, headers=headers).status_code == 404]


def test_hundreds_of_scopes_are_granted(server, registry, alice, repository):
    """regsync asks for all the repositories of a host at once."""
    scopes = many_scopes(repository, 200)
    names = [scope.split(":")[1] for scope in scopes]
    body = {"grant_type": "password", "service": "bulkhead", "username": alice.name, "password": alice.password}
    by_post = requests.post(f"{server.url}/token", data={**body, "scope": " ".join(scopes)}, timeout=30)
    by_get = registry.request_token(scopes)
    for answer in (by_get, by_post):
        assert answer.status_code == 200, answer.text
        token = answer.json()["token"]
        assert len(token) < 8000, "as much as a header may hold anywhere"
        assert works_for(registry, token, names) == names
        # A token that does not list its repositories opens no others all the same.
        others = [f"{repository}/of-another-name", repository, names[0] + "0", f"mallory/{names[0]}"]
        assert works_for(registry, token, others) == []


def test_of_too_many_scopes_the_last_named_are_granted(server, registry, alice, repository):
    """Clients put the newest last: it is the one that they are about to use."""
    scopes = many_scopes(repository, 450)
    body = {"grant_type": "password", "service": "bulkhead", "username": alice.name, "password": alice.password}
    answer = requests.post(f"{server.url}/token", data={**body, "scope": " ".join(scopes)}, timeout=30)
    assert answer.status_code == 200, answer.text
    token = answer.json()["token"]
    assert len(token) < 8000
    names = [scope.split(":")[1] for scope in scopes]
    assert works_for(registry, token, names[-200:]) == names[-200:]
    assert works_for(registry, token, names[:5]) == []


def test_scopes_that_are_repeated_or_mean_nothing_take_no_room(server, registry, alice, repository):
    name = f"{repository}-kept"
    for filler in (f"repository:{name}:pull", "plugin:x:y", "repository:UPPER:pull", "registry:catalog:*"):
        scopes = [f"repository:{name}:pull,push", *[filler] * 200]
        answer = requests.get(
            server.url + "/token",
            params={"service": "bulkhead", "scope": " ".join(scopes)},
            auth=(alice.name, alice.password),
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        assert granted(answer.json()["token"])[name] == ["pull", "push"], filler


def test_a_setting_bounds_the_scopes_of_a_token(launch):
    server = launch({"limits.token_scopes": 3})
    alice = server.create_user("alice")
    scopes = "&".join(f"scope=repository:alice/{name}:pull" for name in "abcde")
    assert set(granted(token_for(server, alice, scopes))) == {"alice/c", "alice/d", "alice/e"}
