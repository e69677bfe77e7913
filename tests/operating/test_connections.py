"""How connections end: what a client sees of an answer that came before its request was over, and what its going away is."""

import json
import os
import re
import shutil
import socket
import threading
import time

import pytest

from harness import content, mounts, paths, process, raw
from harness.registry import Registry

HERE = paths.ROOT / "tests" / "operating"


# -- answers before the end of the request


@pytest.fixture(scope="module")
def go_client():
    if not shutil.which("go"):
        pytest.skip("needs Go, which is not installed")
    program = paths.CACHE / "refused"
    paths.CACHE.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    process.run("go", "build", "-o", program, ".", env=environment, cwd=HERE / "refused")
    return program


@pytest.mark.parametrize("method_and_path", ["PATCH /v2/acme/app/blobs/uploads/abc", "PUT /v2/acme/app/manifests/latest"])
def test_go_sees_every_early_answer(server, go_client, method_and_path):
    """podman, docker, crane and the others send layers so, and told people of a broken pipe."""
    method, path = method_and_path.split(" ")
    done = process.run(go_client, method, server.url + path, 300 << 20, 100)
    assert done.stdout.split() == ["100", "401"]


@pytest.mark.parametrize("tls", ["off", "auto"])
@pytest.mark.parametrize("size", [1 << 20, 64 << 20])
def test_who_sends_first_and_reads_then_sees_the_answer(launch, tls, size):
    """Python's requests, for one, and every client that is not two threads."""
    server = launch({"tls.mode": tls})
    with raw.Connection(server) as connection:
        connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": size})
        piece = bytes(1 << 20)
        for _ in range(size // len(piece)):
            connection.send(piece)
        answer = connection.read_response()
        assert answer.status == 401
        assert answer.headers["connection"] == "close"


def test_who_pauses_sees_the_answer_too(server):
    """The connection is not reset while the client may still be about to read."""
    with raw.Connection(server) as connection:
        connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": 100 << 20})
        for _ in range(6):
            connection.send(bytes(2 << 20))
            time.sleep(0.2)
        assert connection.read_response().status == 401
        assert connection.closed_by_peer()


def test_a_limit_bounds_what_is_read_of_a_refused_request(launch):
    """In bytes and in time: nobody keeps a connection busy with what was refused."""
    server = launch({"http.linger": "1s", "http.linger_bytes": "1MiB"})
    with raw.Connection(server) as connection:
        connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": 1 << 40})
        started, sent = time.monotonic(), 0
        with pytest.raises((ConnectionError, TimeoutError)):
            while True:
                connection.send(bytes(64 << 10))
                sent += 64 << 10
                assert time.monotonic() - started < 10, "still being read"
        assert sent < 32 << 20, "no more than the limit and what sockets hold"
    with raw.Connection(server) as connection:
        connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": 1 << 20})
        assert connection.read_response().status == 401
        process.wait_until(lambda: connections(server) <= 1, "the end of the connection", 5)


def connections(server):
    return int(re.search(r"^bulkhead_connections (\d+)$", server.get("/metrics").text, re.MULTILINE).group(1))


def test_stopping_does_not_wait_for_who_was_refused(launch):
    server = launch()
    with raw.Connection(server) as connection:
        connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": 1 << 20})
        assert connection.read_response().status == 401
        started = time.monotonic()
        server.stop()
        assert time.monotonic() - started < 3 * server.patience


# -- clients that go away


def answers(server, group):
    """How many of these there were, over all routes: "5xx"."""
    found = re.findall(rf'^bulkhead_http_requests_total{{route="[^"]+",status="{group}"}} (\d+)$', server.get("/metrics").text, re.M)
    return sum(map(int, found))


def cut_requests(registry, upload):
    authorization = registry.authorization("alice/app")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    document = {"Content-Type": "application/json"}
    return [
        ("POST", "/token", form),
        ("POST", "/api/v1/sessions", document),
        ("POST", "/login/device", form),
        ("PATCH", upload.path, authorization),
        ("PUT", upload.path_with_query(f"digest={content.digest_of(b'x')}"), authorization),
        ("POST", f"/v2/alice/app/blobs/uploads/?digest={content.digest_of(b'x')}", authorization),
        ("PUT", "/v2/alice/app/manifests/latest", authorization | {"Content-Type": content.OCI_MANIFEST}),
    ]


@pytest.mark.parametrize("framing", ["length", "chunks"])
@pytest.mark.parametrize("end", ["close", "reset"])
def test_a_client_that_goes_away_is_no_error_of_the_server(launch, rng, framing, end):
    """Server errors are for an alarm; every cancelled push would ring it, and anybody could."""
    server = launch({"log.format": "json", "log.requests": "true"})
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "latest")
    requests = cut_requests(registry, registry.start_upload("alice/app"))
    before = answers(server, "4xx")
    for method, target, headers in requests:
        with raw.Connection(server) as connection:
            if framing == "length":
                connection.send_head(method, target, {**headers, "Content-Length": 1000})
                connection.send(b"x")
            else:
                connection.send_head(method, target, {**headers, "Transfer-Encoding": "chunked"})
                connection.send(b"5\r\nx")
            time.sleep(0.05)
            if end == "reset":
                connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    process.wait_until(lambda: answers(server, "4xx") - before >= len(requests) - 1, "their ends to be counted")
    assert answers(server, "5xx") == 0
    for line in server.log().splitlines():
        entry = json.loads(line) if line.startswith("{") else {}
        if "request" in entry or "fail" in entry.get("message", ""):
            assert entry["level"] == "info", line


# -- a full disk


def test_a_full_disk_is_told_in_words_and_the_rest_in_the_log(new_server, rng):
    reason = mounts.lacks_privileges()
    if reason:
        pytest.skip(f"a small file system {reason}")
    server = new_server({"log.format": "json"})
    mounts.tmpfs(server.data, 48 << 20)
    try:
        server.start()
        registry = Registry(server, server.create_user("alice"))
        refusals = []
        for _ in range(60):
            blob = content.random_blob(rng, 2 << 20)
            response = registry.start_upload("alice/app")
            response = response.finish(blob.digest, blob.data)
            if response.status_code != 201:
                refusals.append(response)
                break
        (refusal,) = refusals
        assert refusal.status_code == 507
        assert "disk" in refusal.json()["errors"][0]["message"]
        for inside in (str(server.data), "staging", "No space left", "blobs/"):
            assert inside not in refusal.text, refusal.text
        logged = [json.loads(line) for line in server.log().splitlines() if line.startswith("{")]
        of_this = [entry for entry in logged if entry.get("request") == refusal.headers["X-Request-Id"]]
        assert any("space" in entry.get("error", "") for entry in of_this), of_this
    finally:
        server.close()
        mounts.unmount(server.data)


# -- TLS


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_plain_request_to_a_tls_port_is_answered_in_plain_words(launch, method):
    """Clients take names of their own machine for plain ones."""
    server = launch({"tls.mode": "auto"})
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        plain.sendall(f"{method} /v2/ HTTP/1.1\r\nHost: {server.address}\r\nContent-Length: 0\r\n\r\n".encode())
        answer = b""
        while piece := plain.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"Strict-Transport-Security" not in head
    assert "an HTTP request to an HTTPS server" in json.loads(body)["errors"][0]["message"]
    # And nothing else has changed for those who speak TLS.
    assert server.get("/healthz").status_code == 200


def test_what_is_neither_is_not_answered(launch):
    server = launch({"tls.mode": "auto", "http.header_timeout": "500ms"})
    for nonsense in (b"\x16\x03\x01", b"SSH-2.0-OpenSSH\r\n", b"\0\0\0\0", b"G"):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
            plain.sendall(nonsense)
            received = b""
            try:
                while piece := plain.recv(65536):
                    received += piece
            except ConnectionError:
                pass
            assert not received.startswith(b"HTTP"), nonsense


def test_a_slow_plain_request_to_a_tls_port(launch):
    """Byte by byte, as a slow network brings it."""
    server = launch({"tls.mode": "auto"})
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as plain:
        for byte in b"GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n":
            try:
                plain.sendall(bytes([byte]))
            except ConnectionError:
                break
            time.sleep(0.01)
        assert plain.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_browsers_are_told_to_stay_with_tls(launch):
    """RFC 6797: in every answer over TLS, and in none that is not."""
    server = launch({"tls.mode": "auto"})
    paths_ = ("/v2/", "/token", "/healthz", "/api/v1/openapi.json", "/login", "/no/such/page")
    for path in paths_:
        header = server.get(path, headers={"Host": "registry.example"}).headers["Strict-Transport-Security"]
        assert int(re.fullmatch(r"max-age=(\d+)", header).group(1)) >= 31536000, path
    with raw.Connection(server) as connection:
        connection.send("GET /v2/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert "max-age=" in connection.read_response().headers["strict-transport-security"]
    # A name that each machine has: what is on its other ports need not speak TLS.
    for host in ("localhost", "localhost:5000", "app.localhost"):
        assert "Strict-Transport-Security" not in server.get("/v2/", headers={"Host": host}).headers
    plain = launch()
    for path in paths_:
        assert "Strict-Transport-Security" not in plain.get(path).headers, path


def test_the_time_that_browsers_stay_with_tls_is_a_setting(launch):
    shorter = launch({"tls.mode": "auto", "tls.hsts": "1h"})
    assert shorter.get("/v2/").headers["Strict-Transport-Security"] == "max-age=3600"
    without = launch({"tls.mode": "auto", "tls.hsts": "0s"})
    assert "Strict-Transport-Security" not in without.get("/v2/").headers


# -- many at once


def test_refused_requests_do_not_crowd_out_others(launch):
    """Connections that are only waited for cost next to nothing."""
    server = launch()
    refused = []
    try:
        for _ in range(200):
            connection = raw.Connection(server)
            connection.send_head("PUT", "/v2/acme/app/manifests/latest", {"Content-Length": 1 << 20})
            refused.append(connection)
        for connection in refused:
            assert connection.read_response().status == 401
        slowest = []

        def ask():
            started = time.monotonic()
            assert server.get("/healthz").status_code == 200
            slowest.append(time.monotonic() - started)

        threads = [threading.Thread(target=ask) for _ in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert max(slowest) < 2 * server.patience
    finally:
        for connection in refused:
            connection.close()
