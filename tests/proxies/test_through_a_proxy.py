"""What clients do, done through the proxies of docs/guide/proxies.md."""

import http.client
import json
import os
import socket
import ssl

import pytest

from harness import content, process, raw
from harness.management import Management, path
from harness.registry import Registry, challenge

CLIENT = "127.0.0.9"  # Not an address of the proxies, so that the two can be told apart.


def from_client(front, head, body=b""):
    """One request as it stands, from an address of the client's own; the answer's status and headers."""
    context = ssl.create_default_context(cafile=front.authority)
    plain = socket.create_connection(("127.0.0.1", front.port), timeout=30, source_address=(CLIENT, 0))
    with context.wrap_socket(plain, server_hostname="127.0.0.1") as connection:
        connection.sendall(head.encode() + body)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer


def address_in_log(server, request_id):
    def found():
        for line in server.log().splitlines():
            if line.startswith("{") and json.loads(line).get("request") == request_id:
                return json.loads(line)["address"]
        return None

    return process.wait_until(found, "the request's line in the log")


def test_a_challenge_names_the_public_address(front, registry):
    response = registry.get("/v2/", authorized=False)
    assert response.status_code == 401
    assert challenge(response)[1]["realm"] == f"{front.url}/token"
    assert registry.get("/v2/").status_code == 200


def test_push_and_pull(registry, front, repository, rng):
    manifest = registry.push_image(repository, rng, "latest", layers=3, size=5_000_000)
    assert registry.get_manifest(repository, "latest").content == manifest.data
    for layer in json.loads(manifest.data)["layers"]:
        pulled = registry.get_blob(repository, layer["digest"]).content
        assert content.digest_of(pulled) == layer["digest"]
    started = registry.start_upload(repository)
    assert started.location.startswith(f"{front.url}/v2/")


def test_a_large_layer_is_not_kept_by_the_proxy(front, server, registry, repository):
    """Its bytes are at the server while the client still sends."""
    upload = registry.start_upload(repository)
    with raw.Connection(front) as connection:
        headers = {**registry.authorization(repository), "Transfer-Encoding": "chunked"}
        connection.send_head("PATCH", upload.path, headers)
        piece = b"100000\r\n" + bytes(1 << 20) + b"\r\n"
        for _ in range(40):
            connection.send(piece)
        arrived = lambda: sum(each.stat().st_size for each in (server.data / "blobs" / "staging").iterdir())  # noqa: E731
        process.wait_until(lambda: arrived() > 16 << 20, "the bytes to arrive behind the proxy")
        connection.send(b"0\r\n\r\n")
        assert connection.read_response().status == 202
    upload.cancel()


FORGED = [
    (),
    (("X-Forwarded-For", "10.9.9.9"),),
    (("X-Forwarded-For", "10.9.9.9"), ("X-Forwarded-For", "10.8.8.8, 127.0.0.1")),
    (("x-forwarded-for", "127.0.0.1"),),
    (("X-Forwarded-For", "unknown"),),
    (("Forwarded", "for=10.9.9.9"), ("X-Real-IP", "10.9.9.9")),
]


@pytest.mark.parametrize("lines", FORGED)
def test_the_client_is_the_one_whom_the_proxy_saw(front, server, lines):
    head = f"GET /v2/ HTTP/1.1\r\nHost: {front.address}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines) + "\r\n"
    answer = from_client(front, head)
    assert answer.status == 401
    assert address_in_log(server, answer.headers["X-Request-Id"]) == CLIENT


def test_evidence_names_the_client(front, server, alice):
    del alice
    head = f"GET /token HTTP/1.1\r\nHost: {front.address}\r\nX-Forwarded-For: 10.9.9.9\r\nAuthorization: Basic eDp5\r\n\r\n"
    answer = from_client(front, head)
    assert answer.status == 401
    events = server.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()
    found = [each for each in map(json.loads, events) if each.get("request_id") == answer.headers["X-Request-Id"]]
    assert [each["address"] for each in found] == [CLIENT]


def test_metrics_stay_inside(front):
    assert front.get("/metrics").status_code == 404
    assert front.server.get("/metrics").status_code == 200


def test_the_management_api_gets_its_paths_as_they_were_sent(front, registry, alice, repository, rng):
    registry.push_image(repository, rng, "latest")
    answer = Management(front, alice).get(path("repositories", repository))
    assert answer.status_code == 200, answer.text
    assert answer.json()["name"] == repository


def test_hundreds_of_scopes(front, registry, repository):
    scopes = [f"repository:{repository}/with-a-name-as-long-as-they-are-{number:03}:pull,push" for number in range(200)]
    answer = registry.request_token(scopes)
    assert answer.status_code == 200, answer.text
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    for scope in (scopes[0], scopes[-1]):
        name = scope.split(":")[1]
        assert registry.get(f"/v2/{name}/tags/list", authorized=False, headers=headers).status_code == 404


def test_a_hundred_tags(registry, repository, rng):
    image = registry.push_image(repository, rng)
    tags = [f"{'t' * 100}-{number}" for number in range(100)]
    answer = registry.put(
        f"/v2/{repository}/manifests/{image.digest}?" + "&".join(f"tag={tag}" for tag in tags),
        data=image.data,
        headers={"Content-Type": image.media_type},
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["OCI-Tag"].split(", ") == tags


def test_what_is_pulled_is_not_touched(registry, repository, rng):
    """Ranges, conditions and ETags hold, whatever a client accepts."""
    blob = registry.push_blob(repository, content.Blob(b"a" * 100_000))
    every = {"Accept-Encoding": "gzip, br, zstd"}
    whole = registry.get_blob(repository, blob.digest, headers=every)
    assert whole.content == blob.data
    assert whole.headers["ETag"] == f'"{blob.digest}"'
    assert "Content-Encoding" not in whole.headers
    part = registry.get_blob(
        repository, blob.digest, headers={**every, "Range": "bytes=10-19", "If-Range": whole.headers["ETag"]}
    )
    assert (part.status_code, part.content) == (206, blob.data[10:20])
    same = registry.get_blob(repository, blob.digest, headers={**every, "If-None-Match": whole.headers["ETag"]})
    assert same.status_code == 304
    head = registry.head(f"/v2/{repository}/blobs/{blob.digest}", headers=every)
    assert head.headers["Content-Length"] == "100000"
    several = registry.get_blob(repository, blob.digest, headers={**every, "Range": "bytes=0-9,20-29"})
    assert several.status_code == 206
    assert several.headers["Content-Type"].startswith("multipart/byteranges")


def test_a_tag_is_moved_under_a_condition(registry, repository, rng):
    first, second = (registry.push_image(repository, rng, tag) for tag in ("latest", None))
    stale = registry.put(
        f"/v2/{repository}/manifests/latest",
        data=second.data,
        headers={"Content-Type": second.media_type, "If-Match": f'"{second.digest}"'},
    )
    assert stale.status_code == 412
    assert registry.get_manifest(repository, "latest").content == first.data


@pytest.mark.parametrize("size", [1 << 20, 32 << 20])
def test_an_early_refusal_is_seen(front, size):
    """By a client that sends all before it reads, and by one that does both at once."""
    with raw.Connection(front) as connection:
        connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": size})
        for _ in range(size >> 20):
            connection.send(bytes(1 << 20))
        assert connection.read_response().status == 401
    with raw.Connection(front) as connection:
        connection.send_head("PATCH", f"/v2/acme/app/blobs/uploads/{'0' * 22}", {"Content-Length": size})
        assert connection.send_and_read(bytes(size)).status == 401


def test_browsers_are_told_to_stay_with_tls_once(front):
    for target in ("/v2/", "/healthz", "/no/such/page"):
        values = front.get(target).raw.headers.getlist("Strict-Transport-Security")
        assert values == ["max-age=31536000"], target


def test_skopeo(front, registry, alice, repository, rng, folder):
    manifest = registry.push_image(repository, rng, "v1")
    (folder / "certs").mkdir()
    os.symlink(front.authority, folder / "certs" / "ca.crt")
    credentials = ["--creds", f"{alice.name}:{alice.password}", "--cert-dir", folder / "certs"]
    listed = process.run("skopeo", "list-tags", *credentials, f"docker://{front.address}/{repository}").stdout
    assert json.loads(listed)["Tags"] == ["v1"]
    raw_manifest = process.run("skopeo", "inspect", "--raw", *credentials, f"docker://{front.address}/{repository}:v1")
    assert json.loads(raw_manifest.stdout) == json.loads(manifest.data)


def test_nobody_pulls_what_is_private(front, registry, repository, rng):
    registry.push_image(repository, rng, "latest")
    assert Registry(front).get_manifest(repository, "latest").status_code == 401
