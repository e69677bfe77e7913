"""Requests whose framing cannot be trusted, or which take too long (security.md 5 to 9)."""

import time

import pytest

from harness import content, process, raw
from harness.registry import Registry, Upload


@pytest.fixture
def connection(server):
    with raw.Connection(server) as opened:
        yield opened


def upload_target(registry, repository):
    upload = registry.start_upload(repository)
    return upload, registry.authorization(repository)


AMBIGUOUS = {
    "both lengths": ["Content-Length: 5", "Transfer-Encoding: chunked"],
    "both lengths, other order": ["Transfer-Encoding: chunked", "Content-Length: 5"],
    "two lengths": ["Content-Length: 5", "Content-Length: 6"],
    "length list": ["Content-Length: 5, 5"],
    "same length twice": ["Content-Length: 5", "Content-Length: 5"],
    "signed length": ["Content-Length: +5"],
    "negative length": ["Content-Length: -5"],
    "hex length": ["Content-Length: 0x5"],
    "length with trailing text": ["Content-Length: 5 bytes"],
    "empty length": ["Content-Length: "],
    "length beyond 64 bits": ["Content-Length: 99999999999999999999999"],
    "folded header": ["X-Folded: a", " b", "Content-Length: 5"],
    "space before the colon": ["Content-Length : 5"],
    "no colon": ["Content-Length 5"],
    "unknown coding": ["Transfer-Encoding: gzip"],
    "chunked not last": ["Transfer-Encoding: chunked, gzip"],
    "chunked twice": ["Transfer-Encoding: chunked, chunked"],
    "NUL in a value": ["X-Bad: a\0b", "Content-Length: 5"],
    "line feed only": ["X-Bad: a\nX-Smuggled: b", "Content-Length: 5"],
}


@pytest.mark.parametrize("lines", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_ambiguous_framing_is_400_and_close(registry, repository, connection, lines):
    """security.md 6."""
    upload, authorization = upload_target(registry, repository)
    head = [f"PATCH {upload.path} HTTP/1.1", f"Host: {connection.host}"]
    head += [f"{name}: {value}" for name, value in authorization.items()]
    # If the server trusted either length, the rest would be a second request.
    connection.send("\r\n".join([*head, *lines]) + "\r\n\r\n0\r\n\r\nGET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n")
    response = connection.read_response()
    assert response.status in (400, 501)
    assert connection.closed_by_peer()
    status = upload.status()
    assert status.status_code == 204
    assert status.headers["Range"] == "0-0"


CHUNKS = {
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "not hex": b"zz\r\nhello\r\n0\r\n\r\n",
    "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "beyond 64 bits": b"fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "no line end after the data": b"5\r\nhelloX\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("body", CHUNKS.values(), ids=CHUNKS)
def test_broken_chunks(registry, repository, connection, body):
    upload, authorization = upload_target(registry, repository)
    connection.send_head("PATCH", upload.path, {**authorization, "Transfer-Encoding": "chunked"})
    connection.send(body)
    assert connection.read_response().status == 400
    assert connection.closed_by_peer()
    assert upload.status().status_code == 204


# RFC 9110 section 6.5.1: what frames, routes or authenticates a message, or says what its content is.
FORBIDDEN_TRAILERS = [
    "Content-Length: 5",
    "transfer-encoding: chunked",
    "Host: elsewhere",
    "Authorization: Bearer x",
    "Content-Range: 0-4",
    "CONTENT-TYPE: text/plain",
    "Content-Encoding: gzip",
    "Trailer: X",
    "X-Forwarded-For: 10.0.0.1",
    "Forwarded: for=10.0.0.1",
    "Expect: 100-continue",
    "If-Match: *",
    "Cookie: a=b",
]


@pytest.mark.parametrize("line", FORBIDDEN_TRAILERS)
def test_a_trailer_that_belongs_into_the_head_is_refused(registry, repository, connection, line):
    upload, authorization = upload_target(registry, repository)
    connection.send_head("PATCH", upload.path, {**authorization, "Transfer-Encoding": "chunked"})
    connection.send(f"5\r\nhello\r\n0\r\nX-Checksum: 1\r\n{line}\r\n\r\n")
    assert connection.read_response().status == 400
    assert connection.closed_by_peer()


def test_other_trailers_are_passed_over(registry, repository, connection):
    upload, authorization = upload_target(registry, repository)
    connection.send_head("PATCH", upload.path, {**authorization, "Transfer-Encoding": "chunked"})
    connection.send("5\r\nhello\r\n0\r\nX-Checksum: 1\r\nContent-Lengthy: 1\r\nHos: t\r\n\r\n")
    assert connection.read_response().status == 202
    assert upload.offset() == 5


# What can be said once: the first to read it and the last would not agree.
SAID_TWICE = {
    "Content-Type": ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"),
    "Content-Range": ("0-4", "0-9"),
    "Range": ("bytes=0-4", "bytes=5-9"),
    "If-Range": ('"a"', '"b"'),
    "Idempotency-Key": ("a", "b"),
    "Authorization": ("Bearer a", "Bearer b"),
    "Content-Encoding": ("identity", "gzip"),
    "Origin": ("https://a.example", "https://b.example"),
}


@pytest.mark.parametrize("field", SAID_TWICE)
def test_a_field_that_says_two_things_is_refused(registry, repository, connection, field):
    for values, wrong in ((SAID_TWICE[field], True), (SAID_TWICE[field][:1] * 2, False)):
        lines = [(field, value) for value in values]
        if field != "Authorization":
            lines += registry.authorization(repository).items()
        with raw.Connection(registry.server) as fresh:
            answer = fresh.request("GET", f"/v2/{repository}/manifests/latest", lines)
        if wrong or field == "Authorization":
            assert answer.status == 400
            assert field.lower() in answer.body.decode().lower()
        else:
            assert answer.status == 404, "the same twice is the same"


def test_headers_over_32_kib(connection):
    """security.md 7."""
    connection.send("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Big: " + "x" * 40_000 + "\r\n\r\n")
    assert connection.read_response().status == 431
    assert connection.closed_by_peer()


def test_header_that_never_ends(connection):
    connection.send("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Big: ")
    try:
        for _ in range(100):
            connection.send("x" * 10_000)
    except ConnectionError:
        pass
    try:
        assert connection.read_response().status == 431
    except ConnectionError:
        pass  # closed while we were still sending: the answer may be lost to a reset
    assert connection.closed_by_peer()


def test_over_100_headers(connection):
    """security.md 7."""
    assert connection.request("GET", "/v2/", [(f"X-{number}", "x") for number in range(101)]).status == 431


def test_target_too_long(connection):
    connection.send("GET /v2/" + "a" * 29_000 + " HTTP/1.1\r\nHost: x\r\n\r\n")
    assert connection.read_response().status == 414


def test_target_as_long_as_hundreds_of_scopes(connection):
    assert connection.request("GET", "/token?scope=" + "a" * 28_000).status == 200


def test_trace(connection):
    """security.md 7."""
    assert connection.request("TRACE", "/v2/").status == 405


@pytest.mark.parametrize("method", ["OPTIONS", "CONNECT", "BREW", "get"])
def test_unknown_method(connection, method):
    assert connection.request(method, "/v2/").status in (400, 405, 501)


def test_wrong_method_for_a_route(registry, repository):
    response = registry.request("POST", f"/v2/{repository}/tags/list")
    assert response.status_code == 405


@pytest.mark.parametrize("line", ["GARBAGE", "GET /v2/", "GET /v2/ HTTP/9.9", "GET  /v2/ HTTP/1.1", "\0\0\0\0"])
def test_not_a_request(connection, line):
    connection.send(line + "\r\nHost: x\r\n\r\n")
    try:
        assert connection.read_response().status in (400, 505)
    except ConnectionError:
        pass
    assert connection.closed_by_peer()


def test_no_host(connection):
    connection.send("GET /v2/ HTTP/1.1\r\n\r\n")
    assert connection.read_response().status == 400


def test_two_hosts(connection):
    connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert connection.read_response().status == 400


REFUSED_AT_ONCE = {
    "no host": ("GET /v2/ HTTP/1.1\r\n\r\n", 400),
    "a control character": ("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Bad: a\1b\r\n\r\n", 400),
    "an unknown coding": ("PATCH /v2/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: foo\r\n\r\n", 400),
    "a long target": ("GET /v2/" + "a" * 29_000 + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "large headers": ("GET /v2/ HTTP/1.1\r\nHost: x\r\nX-Big: " + "x" * 40_000 + "\r\n\r\n", 431),
    "TRACE": ("TRACE /v2/ HTTP/1.1\r\nHost: x\r\n\r\n", 405),
}


@pytest.mark.parametrize("name", REFUSED_AT_ONCE)
def test_what_is_refused_at_once_has_an_id_like_every_answer(new_server, name):
    """By whose absence the guide tells what a proxy refused."""
    server = new_server({"log.requests": "true"}).start()
    sent, status = REFUSED_AT_ONCE[name]
    with raw.Connection(server) as connection:
        connection.send(sent)
        answer = connection.read_response()
    assert answer.status == status
    line = process.wait_until(lambda: next((x for x in server.log().splitlines() if f"status={status}" in x), None), "the log")
    assert answer.headers["x-request-id"] in line


def test_tls_hello_on_a_plain_port(connection):
    connection.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 600)
    # At once: engines try TLS first, and would otherwise wait at every step.
    assert connection.closed_by_peer(2)


def test_pipelined_requests_are_answered_in_order(server, registry, repository, rng):
    blobs = [registry.push_blob(repository, content.random_blob(rng, size)) for size in (10, 2000, 30)]
    authorization = registry.authorization(repository)
    with raw.Connection(server) as connection:
        for blob in blobs:
            connection.send_head("GET", f"/v2/{repository}/blobs/{blob.digest}", authorization)
        for blob in blobs:
            assert connection.read_response().body == blob.data


def test_short_body_commits_nothing_and_resumes(registry, server, repository, rng):
    """security.md 5."""
    blob = content.random_blob(rng, 200_000)
    upload, authorization = upload_target(registry, repository)
    with raw.Connection(server) as connection:
        target = upload.path_with_query(f"digest={blob.digest}")
        connection.send_head("PUT", target, {**authorization, "Content-Length": "200000"})
        connection.send(blob.data[:120_000])
        time.sleep(0.5)
    time.sleep(0.5)
    assert registry.get_blob(repository, blob.digest).status_code == 404
    resumed = Upload(registry, upload.status())
    offset = resumed.offset()
    assert offset <= 120_000
    # What the first request had sent may still be on its way to the disk: 409 until it is there.
    response = process.wait_until(
        lambda: (found := resumed.finish(blob.digest, blob.data[offset:])).status_code != 409 and found, "an end", 10
    )
    assert response.status_code == 201
    assert registry.get_blob(repository, blob.digest).content == blob.data


def test_slow_headers(server):
    """security.md 8: 5 seconds for the headers, however steadily they trickle in."""
    with raw.Connection(server) as connection:
        started = time.monotonic()
        connection.send("GET /v2/ HTTP/1.1\r\n")
        connection.socket.settimeout(0.5)
        while time.monotonic() - started < 15:
            try:
                connection.send("X: y\r\n")
                response = connection.read_response()
                assert response.status == 408
                break
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert 3 < time.monotonic() - started < 12


def test_silent_connection_is_closed(launch):
    server = launch({"http.idle_timeout": "1s", "http.header_timeout": "1s"})
    with raw.Connection(server) as connection:
        assert connection.closed_by_peer(10)


def test_slow_body(launch, rng):
    """security.md 8: under the least rate for the grace period, 408; what came is kept."""
    server = launch({"http.body_grace": "2s", "http.body_rate": "1KiB"})
    server.create_user("admin", admin=True)
    registry = Registry(server, server.create_user("alice"))
    repository = "alice/slow"
    blob = content.random_blob(rng, 10_000)
    upload, authorization = upload_target(registry, repository)
    with raw.Connection(server) as connection:
        connection.send_head("PATCH", upload.path, {**authorization, "Content-Length": "10000"})
        started = time.monotonic()
        sent = 0
        connection.socket.settimeout(0.25)
        response = None
        while response is None and time.monotonic() - started < 20:
            try:
                connection.send(blob.data[sent : sent + 10])
                sent += 10
                response = connection.read_response()
            except TimeoutError:
                continue
            except ConnectionError:
                break
        assert response is not None, "closed without an answer"
        assert response.status == 408
        assert time.monotonic() - started > 1.5
    resumed = Upload(registry, upload.status())
    offset = resumed.offset()
    assert 0 < offset <= sent
    assert resumed.finish(blob.digest, blob.data[offset:]).status_code == 201


def test_expect_without_permission(server, repository):
    """security.md 9: refused before a byte of the body is read."""
    with raw.Connection(server) as connection:
        connection.send_head(
            "POST", f"/v2/{repository}/blobs/uploads/", {"Content-Length": "1000000", "Expect": "100-continue"}
        )
        assert connection.read_head().status == 401


def test_expect_with_permission(server, registry, repository, rng):
    blob = content.random_blob(rng, 1000)
    upload, authorization = upload_target(registry, repository)
    with raw.Connection(server) as connection:
        target = upload.path_with_query(f"digest={blob.digest}")
        connection.send_head("PUT", target, {**authorization, "Content-Length": "1000", "Expect": "100-continue"})
        assert connection.read_head().status == 100
        connection.send(blob.data)
        assert connection.read_response().status == 201


def test_unauthorized_body_is_not_swallowed(server, repository):
    """An unauthenticated client must not be able to make the server read for ever."""
    with raw.Connection(server) as connection:
        connection.send_head("PUT", f"/v2/{repository}/manifests/x", {"Content-Length": str(1 << 40)})
        assert connection.read_response().status == 401
        assert connection.closed_by_peer(10) or connection.request("GET", "/healthz").status in (200, 400)
