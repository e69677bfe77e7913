"""Work on what strangers send is linear in it, whatever they choose."""

import hashlib
import json

import pytest

from harness import content
from harness.raw import Connection
from harness.registry import Registry
from hostile.conftest import assert_flat, best, measured

COUNT = 10_000


def index_of(digests):
    children = [{"mediaType": "a", "size": 1, "digest": digest} for digest in digests]
    return json.dumps({"schemaVersion": 2, "manifests": children}).encode()


def common_beginning():
    return [f"sha256:deadbeefcafebabe{number:048x}" for number in range(COUNT)]


def common_end():
    return [f"sha256:{number:048x}deadbeefcafebabe" for number in range(COUNT)]


def random_ones():
    return [f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}" for number in range(COUNT)]


@pytest.mark.parametrize("chosen", [common_beginning, common_end])
@pytest.mark.parametrize("sparse", [False, True])
def test_digests_that_begin_alike_cost_what_others_cost(launch, chosen, sparse):
    server = launch({"storage.sparse_manifests": str(sparse).lower()})
    server.create_user("root", admin=True)
    registry = Registry(server, server.create_user("mallory"))
    registry.make_repository("mallory/x")

    def put(digests):
        body = index_of(digests)
        answer = registry.put("/v2/mallory/x/manifests/t", data=body, headers={"Content-Type": content.OCI_INDEX})
        assert answer.status_code == (201 if sparse else 400), answer.text[:300]

    idle = best(lambda: put(random_ones()), 3)
    attacked = best(lambda: put(chosen()), 3)
    measured(f"10,000 digests with a {chosen.__name__.replace('_', ' ')}: {attacked:.2f} s; random ones: {idle:.2f} s")
    assert attacked < 5 * idle + 0.3, f"{attacked:.2f} s, and {idle:.2f} s with digests that nobody chose"


def test_many_parameters_cost_what_as_many_bytes_cost(launch):
    server = launch()
    host = f"localhost:{server.port}"
    server.address = host

    def ask(query):
        with Connection(server) as connection:
            connection.send_head("GET", "/login/callback?" + query)
            return connection.read_response().status

    # Four bytes each, as many as the head's limit takes.
    many = "&".join(f"{number:03x}" for number in range(4000))
    one = "state=" + "a" * (len(many) - 6)
    assert ask(one) in (400, 404)
    assert ask(many) == 400
    idle = best(lambda: ask(one), 10)
    attacked = best(lambda: ask(many), 10)
    measured(f"4,000 parameters: {attacked * 1000:.1f} ms; as many bytes in one: {idle * 1000:.1f} ms")
    assert attacked < 3 * idle + 0.01, f"{attacked * 1000:.1f} ms, and {idle * 1000:.1f} ms in one parameter"


def test_a_repeated_parameter_is_refused_wherever_it_stands(launch):
    server = launch()
    server.address = f"localhost:{server.port}"
    for query in ("state=a&state=b", "state=a&x=1&code=2&state=a", "a&b&a"):
        with Connection(server) as connection:
            connection.send_head("GET", "/login/callback?" + query)
            answer = connection.read_response()
        assert answer.status == 400 and b"not properly encoded" in answer.body, query


def test_others_are_served_beside_hashes_that_collide(launch):
    """Several such pushes at once, for as long as another account is watched."""
    from hostile.conftest import Background

    server = launch()
    server.create_user("root", admin=True)
    alice, mallory = server.create_user("alice"), server.create_user("mallory")
    registry = Registry(server, alice)
    registry.make_repository("alice/app")
    attacker = Registry(server, mallory)
    attacker.make_repository("mallory/x")
    authorization = attacker.authorization("mallory/x")
    body = index_of(common_beginning())

    def attack(_):
        import requests

        return requests.put(
            server.url + "/v2/mallory/x/manifests/t", data=body, timeout=60,
            headers={**authorization, "Content-Type": content.OCI_INDEX},
        ).status_code  # fmt: skip

    def look():
        assert registry.get("/v2/alice/app/tags/list").status_code == 200

    look()
    idle = best(look)
    with Background(attack, 24) as attacking:
        from harness import process

        process.wait_until(lambda: attacking.results, "the first answer", 60)
        during = max(best(look, 1) for _ in range(5))
    assert_flat(during, idle, "another account's list of tags")
