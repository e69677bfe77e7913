"""Acts that end something win against any stream of small writes, on both engines."""

import json

import pytest
import requests

from breach.postgres import Postgres
from harness.management import Management, path
from harness.provider import Provider
from harness.registry import Registry
from hostile.conftest import Background, Place

WRITERS = 6


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def world(request, work_folder):
    """A server on each engine with what there is to end, and a stream of small writes that goes on all the while."""
    import pathlib
    import tempfile

    from harness.server import Server

    postgres = Postgres() if request.param == "postgres" else None
    settings = {"outbound.networks": "127.0.0.0/8", "outbound.plain_hosts": "127.0.0.1"}
    if postgres:
        settings["database"] = postgres.url
    folder = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
    server = Server(request.config.getoption("--bulkhead").resolve(), folder, settings)
    server.start()
    place = Place(server)
    with Background(_writer(place), WRITERS) as writing:
        yield place
    assert len(writing.results) > 50
    unexpected = {status for status in writing.results if status >= 500}
    server.close()
    if postgres:
        postgres.close()
    assert not unexpected, f"small writes failed with {unexpected}"


def _writer(place):
    """Sessions that start and end, tokens that are made, repositories and grants: rows that what ends something
    touches too."""
    server, mallory = place.server, place.mallory
    owner = Management(server, mallory)
    registry = Registry(server, mallory)
    authorization = registry.authorization("mallory/app")
    url = server.url

    def work(number):
        kind = number % 3
        if kind == 0:
            body = {"name": f"t{number}", "scopes": [{"actions": ["pull"]}], "lifetime_seconds": 600}
            made = owner.post(path("users", "mallory", "tokens"), body)
            if made.status_code == 201:
                owner.delete(made.headers["Location"].removeprefix("/api/v1"))
            return made.status_code
        if kind == 1:
            return owner.put(
                path("repositories", "mallory/app", "grants", "alice"), {"role": "reader"}, headers={"If-Match": "*"}
            ).status_code
        name = f"mallory/app/manifests/t{number}"
        body = json.dumps({"schemaVersion": 2, "manifests": [], "annotations": {"n": str(id(object()))}})
        return requests.put(
            f"{url}/v2/{name}", data=body, timeout=60,
            headers={**authorization, "Content-Type": "application/vnd.oci.image.index.v1+json"},
        ).status_code  # fmt: skip

    registry.make_repository("mallory/app")
    return work


def ended(answer):
    assert answer.status_code in (200, 204), f"{answer.status_code} {answer.text}"


def test_a_session(world):
    bob = world.server.create_user("bob-session")
    manager = Management(world.server, bob)
    ended(manager.delete("/sessions/current"))
    assert manager.get("/whoami").status_code == 401


def test_an_access_token(world):
    carol = Management(world.server, world.server.create_user("carol-token"))
    body = {"name": "t", "scopes": [{"actions": ["pull"]}], "lifetime_seconds": 600}
    made = carol.post(path("users", "carol-token", "tokens"), body)
    ended(carol.delete(made.headers["Location"].removeprefix("/api/v1")))


def test_an_account_is_disabled(world):
    dave = world.server.create_user("dave-ends")
    managers = [Management(world.server, dave) for _ in range(20)]
    ended(world.root.change(path("users", "dave-ends"), {"state": "disabled"}))
    assert {manager.get("/whoami").status_code for manager in managers} == {401}


def test_a_password(world):
    erin = world.server.create_user("erin-password")
    manager = Management(world.server, erin)
    world.server.run("user", "password", "erin-password", "--password-stdin", stdin="another long password\n")
    assert manager.get("/whoami").status_code == 401


def test_a_grant(world):
    owner = Management(world.server, world.mallory)
    world.server.create_user("frank-grant")
    target = path("repositories", "mallory/app", "grants", "frank-grant")
    world.server.run("grant", "set", "frank-grant", "writer", "mallory/app")
    ended(owner.delete(target))


@pytest.fixture
def organization(world, request):
    name = "org-" + request.node.name.partition("[")[0].removeprefix("test_").replace("_", "-")[:30].strip("-")
    answer = world.root.post("/organizations", {"name": name, "owner": "root"})
    assert answer.status_code == 201, answer.text
    return name


def test_a_membership(world, organization):
    world.server.create_user("grace-member")
    world.server.run("org", "member", "set", organization, "grace-member", "member")
    ended(world.root.delete(path("organizations", organization, "members", "grace-member")))


def test_a_team_with_its_grants(world, organization):
    world.server.run("team", "create", organization + "/core")
    world.server.run("grant", "set", f"team:{organization}/core", "writer", "mallory/app")
    ended(world.root.delete(path("organizations", organization, "teams", "core")))


def test_a_robot_with_its_trusts(world, organization):
    made = world.root.post(path("organizations", organization, "robots"), {"name": "ci"})
    assert made.status_code == 201, made.text
    ended(world.root.delete(path("robots", organization + "+ci")))


def test_an_organization(world, organization):
    ended(world.root.delete(path("organizations", organization)))


def test_a_repository_with_all_its_content(world):
    registry = Registry(world.server, world.mallory)
    from harness import content

    for number in range(30):
        manifest = content.index([], annotations={"n": str(number)})
        registry.push_manifest("mallory/gone", manifest, f"v{number}")
    world.server.run("repo", "delete", "mallory/gone", "--yes")
    assert registry.get("/v2/mallory/gone/tags/list").status_code in (401, 404)


def test_a_manifest_that_others_are_pushed_beside(world):
    from harness import content

    registry = Registry(world.server, world.mallory)
    manifest = content.index([], annotations={"end": "me"})
    for number in range(40):
        registry.push_manifest("mallory/app", manifest, f"end-{number}")
    assert registry.delete("/v2/mallory/app/manifests/" + manifest.digest).status_code == 202


def test_a_login_provider_while_people_log_in_with_it(world):
    """Every session that it stands behind ends with it."""
    from harness.provider import Browser

    provider = Provider(secret="a secret")
    try:
        provider.person = {"sub": "heidi's id", "preferred_username": "heidi", "email": "h@example.org"}
        world.add_provider("corp", provider.url, provider.secret)
        start = f"http://localhost:{world.server.port}/login/corp"

        def log_in(_):
            session = requests.Session()
            session.trust_env = False
            browser = Browser(session)
            answer = browser.follow(start)
            return browser.cookies.get("__Host-bulkhead-session") if answer.status_code == 200 else None

        log_in(0)
        with Background(log_in, 4) as logging_in:
            from harness import process

            process.wait_until(lambda: any(logging_in.results), "a log-in", 60)
            ended(world.root.delete("/login-providers/corp"))
        for secret in filter(None, logging_in.results):
            answer = requests.get(
                world.server.url + "/api/v1/whoami", headers={"Authorization": f"Bearer {secret}"}, timeout=60
            )
            assert answer.status_code == 401
    finally:
        provider.close()


def test_a_key_generation(world):
    """Rotation writes to many rows in turn, among the others."""
    world.server.run("keys", "rotate")
