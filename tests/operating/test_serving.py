"""Starting, stopping, logs, metrics and certificates."""

import json
import re
import shutil
import signal
import socket
import ssl
import time

import pytest

from harness import content, process, raw
from harness.registry import Registry


def test_first_start_prints_what_comes_next(launch):
    server = launch()
    assert server.setup_token()
    process.wait_until(lambda: "docker push" in server.log(), "the last of the commands that come next")
    output = server.log()
    assert server.address in output
    assert "docker login" in output


def test_setup_token_makes_one_administrator_once(launch):
    server = launch()
    anonymous = Registry(server)
    body = {"token": server.setup_token(), "name": "chief", "password": "a password of length"}
    wrong = anonymous.post("/api/v1/setup", json={**body, "token": "bhsetup_" + "0" * 36}, authorized=False)
    assert wrong.status_code == 401
    made = anonymous.post("/api/v1/setup", json=body, authorized=False)
    assert made.status_code in (200, 201), made.text
    again = anonymous.post("/api/v1/setup", json={**body, "name": "second"}, authorized=False)
    assert again.status_code == 401
    listed = json.loads(server.run("user", "list", "--json").stdout)
    assert [(user["name"], user["administrator"]) for user in listed] == [("chief", True)]


def test_no_setup_token_once_there_is_an_account(new_server):
    server = new_server()
    server.create_user("admin", admin=True)
    server.start()
    assert "bhsetup_" not in server.log()


def test_sigterm_lets_a_transfer_finish(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    blob = content.random_blob(rng, 1_000_000)
    upload = registry.start_upload("alice/app")
    with raw.Connection(server) as connection:
        connection.send_head(
            "PUT",
            upload.path_with_query(f"digest={blob.digest}"),
            {**registry.authorization("alice/app"), "Content-Length": len(blob.data)},
        )
        connection.send(blob.data[:400_000])
        time.sleep(0.2)
        server.signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.send(blob.data[400_000:])
        assert connection.read_response().status == 201
    server.stop()
    server.start()
    assert registry.get_blob("alice/app", blob.digest).content == blob.data


def test_slow_download_finishes_too(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    blob = registry.push_blob("alice/app", content.random_blob(rng, 20_000_000))
    with raw.Connection(server, receive_buffer=65536) as connection:
        connection.send_head("GET", f"/v2/alice/app/blobs/{blob.digest}", registry.authorization("alice/app"))
        head = connection.read_head()
        assert head.status == 200
        server.signal(signal.SIGTERM)
        time.sleep(0.5)
        assert connection._take(len(blob.data)) == blob.data
    server.stop()


def test_stop_has_a_deadline(launch):
    server = launch({"http.stop_deadline": "1s"})
    registry = Registry(server, server.create_user("alice"))
    upload = registry.start_upload("alice/app")
    with raw.Connection(server) as connection:
        connection.send_head(
            "PATCH", upload.path, {**registry.authorization("alice/app"), "Content-Length": 1_000_000}
        )
        connection.send(b"x" * 1000)
        time.sleep(0.2)
        started = time.monotonic()
        server.stop(seconds=20 * server.patience)
        assert time.monotonic() - started < 6 * server.patience


def test_readiness_fails_before_the_listener_closes(launch):
    server = launch({"http.stop_delay": "2s"})
    server.signal(signal.SIGTERM)

    def not_ready():
        return server.get("/readyz").status_code == 503

    process.wait_until(not_ready, "/readyz to fail", 1.5)
    assert server.get("/healthz").status_code == 200
    server.stop()


def test_second_server_on_the_same_data_directory_is_refused(launch):
    server = launch()
    other = server.run("serve", "--listen", f"127.0.0.1:{process.free_port()}", check=False)
    assert other.returncode != 0
    assert len(other.stdout.strip().splitlines()) <= 3


def test_taken_port_is_one_clear_line(new_server):
    server = new_server()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", server.port))
        taken.listen()
        ended = server.run("serve", "--listen", server.address, check=False)
    assert ended.returncode != 0
    assert server.address in ended.stdout or str(server.port) in ended.stdout
    assert "terminate called" not in ended.stdout


def test_start_up_does_not_depend_on_what_is_stored(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    for number in range(60):
        registry.push_image(f"alice/app-{number}", rng, "latest", layers=3)
    server.stop()
    started = time.monotonic()
    server.start()
    assert time.monotonic() - started < 3 * server.patience


def test_metrics(launch, rng):
    server = launch()
    registry = Registry(server, server.create_user("alice"))
    registry.push_image("alice/app", rng, "latest")
    registry.get_manifest("alice/app", "latest")
    response = server.get("/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    assert re.search(r'_bucket\{.*route="manifest".*le="\+Inf".*\} [1-9]', response.text)
    for line in response.text.splitlines():
        assert re.fullmatch(r"#.*|\w+(\{[^{}]*\})? -?[0-9.e+-]+|\w+(\{[^{}]*\})? (NaN|\+Inf)", line), line


def test_metrics_can_be_turned_off(launch):
    assert launch({"metrics.enabled": "false"}).get("/metrics").status_code == 404


def test_request_id(launch):
    server = launch({"log.requests": "true", "log.format": "json"})
    first, second = (server.get("/healthz").headers["X-Request-Id"] for _ in range(2))
    assert first != second
    process.wait_until(lambda: second in server.log(), "the request's line in the log", 5)


def test_json_logs_without_a_secret(launch, rng):
    """Planted canaries appear nowhere: in no log line, no metric, no evidence, not in the database."""
    server = launch({"log.format": "json", "log.level": "debug", "log.requests": "true"})
    canary = "canary-7f3a-secret-password"
    user = server.create_user("alice", password=canary)
    registry = Registry(server, user)
    registry.push_image("alice/app", rng, "latest")
    token = registry.token("repository:alice/app:pull,push,delete")
    Registry(server, type(user)("alice", canary + "-mistyped")).request_token("repository:alice/app:pull")
    registry.get("/v2/", headers={"Authorization": f"Bearer {token}x"}, authorized=False)
    registry.get(f"/v2/?access_token={token}", authorized=False)
    server.run("user", "password", "alice", "--password-stdin", stdin=canary + "-changed\n")
    evidence = server.run("audit", "query", "--json").stdout
    metrics = server.get("/metrics").text
    setup_token = server.setup_token()
    server.stop()

    started = 0
    for line in server.log().splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            assert {"level", "message"} <= entry.keys() or {"level", "msg"} <= entry.keys(), line
            started += 1
            assert setup_token not in line
    assert started > 3
    signature = token.rsplit(".", 1)[-1]
    stored = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    for secret in (canary, token, signature):
        for text in (server.log(), evidence, metrics):
            assert secret not in text
        assert secret.encode() not in stored
    assert setup_token.encode() not in stored


def test_secret_files_are_closed_to_others(launch):
    server = launch()
    server.create_user("alice")
    open_files = [
        path for path in [server.data, *server.data.rglob("*")] if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    assert open_files == []


def test_no_secret_in_the_process_list(launch):
    server = launch()
    server.create_user("alice")
    with open(f"/proc/{server.daemon.pid}/cmdline", "rb") as file:
        assert b"bhsetup_" not in file.read()


def test_log_in_limit_of_an_account(launch):
    server = launch({"auth.login_attempts_per_account": 3, "auth.login_window": "4s"})
    alice, bob = server.create_user("alice"), server.create_user("bob")
    wrong = Registry(server, type(alice)("alice", "not the password"))
    statuses = [wrong.request_token("registry:catalog:*").status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    # The right password is not tried either, and other accounts are not touched.
    assert Registry(server, alice).request_token("registry:catalog:*").status_code == 429
    assert Registry(server, bob).request_token("registry:catalog:*").status_code == 200
    # An unknown name is limited the same way.
    ghost = Registry(server, type(alice)("ghost", "not the password"))
    assert [ghost.request_token("registry:catalog:*").status_code for _ in range(5)] == statuses
    process.wait_until(
        lambda: Registry(server, alice).request_token("registry:catalog:*").status_code == 200,
        "the window to pass",
        15,
        interval=0.5,
    )


def test_log_in_limit_of_a_network(launch):
    server = launch({"auth.login_attempts_per_network": 4})
    alice = server.create_user("alice")
    statuses = [
        Registry(server, type(alice)(f"user{number}", "not the password")).request_token("registry:catalog:*").status_code
        for number in range(6)
    ]
    assert statuses == [401, 401, 401, 401, 429, 429]
    assert Registry(server, alice).request_token("registry:catalog:*").status_code == 429


def test_log_in_takes_as_long_for_a_name_that_is_not(launch):
    server = launch()
    user = server.create_user("alice")

    def seconds(name):
        client = Registry(server, type(user)(name, "not the password"))
        started = time.monotonic()
        client.request_token("registry:catalog:*")
        return time.monotonic() - started

    # In turns, and the shortest of each: what else the machine does is in none of these.
    known, unknown = (min(times) for times in zip(*((seconds("alice"), seconds("nobody")) for _ in range(15))))
    assert 0.5 < known / unknown < 2


def served_certificate(server):
    return ssl.get_server_certificate(("127.0.0.1", server.port))


def make_certificate(folder, name):
    process.run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.crt",
    )  # fmt: skip
    return folder / f"{name}.crt", folder / f"{name}.key"


def test_certificate_is_read_again_when_it_changes(launch, folder):
    certificate, key = make_certificate(folder, "first")
    server = launch({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key})
    assert served_certificate(server) == certificate.read_text()
    # A connection that is open keeps working.
    with raw.Connection(server) as connection:
        new_certificate, new_key = make_certificate(folder, "second")
        shutil.copy(new_key, key)
        shutil.copy(new_certificate, certificate)
        process.wait_until(
            lambda: served_certificate(server) == new_certificate.read_text(), "the new certificate", 15, 0.3
        )
        assert connection.request("GET", "/healthz").status == 200


def test_broken_certificate_leaves_the_old_one(launch, folder):
    certificate, key = make_certificate(folder, "first")
    text = certificate.read_text()
    server = launch({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key})
    certificate.write_text("no certificate")
    process.wait_until(lambda: "certificate" in server.log().lower(), "a word in the log", 15, 0.3)
    assert served_certificate(server) == text


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(launch, version):
    server = launch({"tls.mode": "auto"})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises((ssl.SSLError, ConnectionError)):
        with socket.create_connection(("127.0.0.1", server.port)) as plain, context.wrap_socket(plain):
            pass


def test_push_and_pull_over_tls(launch, rng):
    server = launch({"tls.mode": "auto"})
    registry = Registry(server, server.create_user("alice"))
    blob = registry.push_blob("alice/app", content.random_blob(rng, 3_000_000))
    assert registry.get_blob("alice/app", blob.digest).content == blob.data
