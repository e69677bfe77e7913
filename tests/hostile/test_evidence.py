"""What strangers are refused is evidence, and pushes out nobody else's."""

import json
import random
import time

import pytest
import requests

from harness import process
from harness.management import Management, path
from harness.raw import Connection
from harness.registry import Registry
from hostile.conftest import measured

MIB = 1 << 20
SMALL = {"audit.journal_bytes": MIB, "audit.segment_bytes": 64 << 10}
AT_ONCE = 50


def events(server, *more):
    lines = server.run("audit", "query", "--json", *more).stdout.splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def flood(server, head, requests, rng):
    """Requests that cannot be compressed much, many to a connection; their statuses."""
    statuses = set()
    with Connection(server) as connection:
        for _ in range(requests // AT_ONCE):
            text = ""
            for _ in range(AT_ONCE):
                text += head(rng) + f"Host: {server.address}\r\nUser-Agent: {rng.randbytes(120).hex()}\r\n\r\n"
            connection.send(text)
            for _ in range(AT_ONCE):
                statuses.add(connection.read_response().status)
    return statuses


def denied(rng):
    return f"GET /v2/alice/{rng.randbytes(60).hex()}/tags/list HTTP/1.1\r\n"


def wrong_token(rng):
    import base64

    pair = base64.b64encode(f"{rng.randbytes(20).hex()}:bhpat_{rng.randbytes(20).hex()}".encode()).decode()
    return f"GET /token?service=bulkhead HTTP/1.1\r\nAuthorization: Basic {pair}\r\n"


def pull(_):
    return "GET /v2/alice/open/manifests/latest HTTP/1.1\r\n"


@pytest.mark.parametrize("head, expected", [(denied, {401}), (wrong_token, {401, 429}), (pull, {200})])
def test_strangers_push_out_nobody_elses_evidence(launch, rng, head, expected):
    server = launch(SMALL)
    server.create_user("root", admin=True)
    alice = Registry(server, server.create_user("alice"))
    alice.push_image("alice/app", rng, "latest")
    alice.push_image("alice/open", rng, "latest")
    server.run("repo", "set", "alice/open", "--visibility", "public")
    assert alice.get_manifest("alice/app", "latest").status_code == 200
    pulled = events(server, "--action", "manifest_pulled", "--repository", "alice/app")
    assert len(pulled) == 1
    statuses = flood(server, head, 12_000, random.Random(1))
    assert statuses <= expected, statuses
    time.sleep(2.5)  # the budget is looked at each second
    assert events(server, "--action", "manifest_pulled", "--repository", "alice/app") == pulled
    folder = server.data / "journal"
    size = sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())
    measured(f"the journal after 12,000 anonymous requests: {size >> 10} KiB")
    assert size < 3 * MIB, f"the journal takes {size} bytes"


def test_a_flood_is_told_in_few_words(launch):
    """How many there were, from where and when: not one event each."""
    server = launch()
    server.create_user("root", admin=True)
    folder = server.data / "journal"

    def size():
        return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())

    before = size()
    assert flood(server, denied, 10_000, random.Random(1)) == {401}
    assert size() - before < MIB, "10,000 refusals of one address are written one by one"

    def told():
        found = events(server, "--action", "request_denied")
        counted = sum(json.loads(each["detail"])["more"] for each in found if each.get("detail", "").startswith("{"))
        return counted + sum(1 for each in found if not each.get("detail", "").startswith("{"))

    # The count is written when its minute is over, or the server ends.
    server.restart()
    assert told() == 10_000


def test_the_first_refusals_of_a_network_are_told_one_by_one(launch):
    server = launch()
    server.create_user("root", admin=True)
    flood(server, denied, 50, random.Random(2))
    found = events(server, "--action", "request_denied")
    assert len(found) == 50 and all(each["repository"].startswith("alice/") for each in found)


def guess_at(server, name, count, headers=None):
    for number in range(count):
        body = {"name": name, "password": f"guess number {number}"}
        answer = requests.post(server.url + "/api/v1/sessions", json=body, headers=headers, timeout=60)
        assert answer.status_code in (401, 429)


def singly(server, *more):
    return [each for each in events(server, *more) if not each.get("detail", "").startswith('{"more"')]


def test_a_flood_of_requests_hides_neither_guesses_nor_accounts_denials(launch):
    server = launch()
    server.create_user("root", admin=True)
    mallory = Management(server, server.create_user("mallory"))
    server.create_user("alice")
    assert flood(server, denied, 300, random.Random(3)) == {401}
    guess_at(server, "alice", 8)
    assert mallory.get("/users/root").status_code == 404
    assert mallory.change("/users/mallory", {"system_role": "administrator"}).status_code in (403, 404)
    assert len(singly(server, "--action", "login_failed", "--account", "alice")) == 8
    told = singly(server, "--action", "request_denied", "--account", "mallory")
    assert {each["target"] for each in told} == {"getUser", "changeUser"}


def test_nor_does_one_from_many_networks(launch):
    server = launch({"trusted_proxies": "127.0.0.0/8"})
    server.create_user("root", admin=True)
    server.create_user("alice")
    for number in range(21):
        def from_there(rng, number=number):
            return denied(rng) + f"X-Forwarded-For: 203.0.{number}.1\r\n"

        flood(server, from_there, 200, random.Random(number))
    guess_at(server, "alice", 8, {"X-Forwarded-For": "198.51.100.9"})
    assert len(singly(server, "--action", "login_failed", "--account", "alice")) == 8
    assert flood(server, lambda rng: denied(rng) + "X-Forwarded-For: 198.51.100.9\r\n", 50, random.Random(4)) == {401}
    found = singly(server, "--action", "request_denied")
    assert any(each["address"] == "198.51.100.9" for each in found), "the next network is told of too"


def test_an_accounts_own_flood_hides_nothing_else_that_it_tries(launch):
    server = launch()
    server.create_user("root", admin=True)
    mallory = server.create_user("mallory")
    token = Registry(server, mallory).request_token("repository:alice/secret:pull").json()["token"]
    head = lambda rng: denied(rng) + f"Authorization: Bearer {token}\r\n"  # noqa: E731
    assert flood(server, head, 400, random.Random(5)) <= {401, 403, 404}
    assert Management(server, mallory).change("/users/mallory", {"system_role": "administrator"}).status_code >= 400
    told = singly(server, "--action", "request_denied", "--account", "mallory")
    assert "changeUser" in {each["target"] for each in told}
    server.restart()
    sums = [each for each in events(server, "--action", "request_denied") if "more" in each.get("detail", "")]
    assert [(each["account"], each["target"]) for each in sums] == [("mallory", "pull")]


def test_robots_hide_nothing_that_their_owner_tries(launch):
    server = launch()
    server.create_user("root", admin=True)
    mallory = server.create_user("mallory")
    owner = Management(server, mallory)
    assert owner.post("/repositories", {"name": "mallory/app"}).status_code == 201
    for number in range(70):
        robot = owner.post(path("repositories", "mallory/app", "robots"), {"name": f"k{number}"}).json()["name"]
        scopes = [{"repository": "mallory/app", "actions": ["pull"]}]
        body = {"name": "t", "scopes": scopes, "management": "write"}
        machine = Management(server)
        machine.use(owner.post(path("users", robot, "tokens"), body).json()["secret"])
        for _ in range(4):
            assert machine.get("/users").status_code == 403
    assert owner.change("/users/mallory", {"system_role": "administrator"}).status_code == 403
    assert owner.get("/users/root").status_code in (403, 404)
    assert owner.post("/users", {"name": "x", "password": "a long password of x"}).status_code == 403
    server.restart()
    denials = events(server, "--action", "request_denied")
    own = {each.get("target") for each in denials if each["account"] == "mallory"}
    assert {"changeUser", "createUser"} <= own, own
    rest = [json.loads(each["detail"]) for each in denials if '"targets"' in each.get("detail", "")]
    assert [each["targets"] for each in rest] == [["listUsers"]], "and of the robots' it is known what they tried"


def test_a_tail_follows_all_of_it(launch, rng):
    """Evidence of accounts and of strangers stands in one order for who reads it."""
    server = launch()
    server.create_user("root", admin=True)
    alice = Registry(server, server.create_user("alice"))
    alice.push_image("alice/app", rng, "latest")
    nobody = Registry(server)
    for _ in range(3):
        assert alice.get_manifest("alice/app", "latest").status_code == 200
        assert nobody.get("/v2/alice/app/tags/list", authorized=False).status_code == 401
    process.wait_until(lambda: len(events(server, "--action", "request_denied")) == 3, "three refusals")
    lines = server.run("audit", "tail", "--count", "6", "--json").stdout.splitlines()
    actions = [json.loads(line)["action"] for line in lines]
    assert actions == ["manifest_pulled", "request_denied"] * 3
