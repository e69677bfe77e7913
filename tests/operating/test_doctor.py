"""version, status and doctor: what they see of a server that is well, and of one that is not."""

import contextlib
import http.server
import json
import os
import shutil
import threading
import urllib.parse

import pytest
import requests

from harness.certificates import make_certificate
from harness.command_line import CommandLine


@pytest.fixture
def cli(folder):
    def make(server):
        return CommandLine(server, folder)

    return make


def checks(done):
    """What doctor found, by name; the worst of each."""
    found = {}
    for each in json.loads(done.stdout.splitlines()[0])["checks"]:
        worst = found.get(each["name"])
        if worst is None or ["ok", "warn", "fail"].index(each["level"]) > ["ok", "warn", "fail"].index(worst["level"]):
            found[each["name"]] = each
    return found


def doctor(server, *flags):
    return server.run("doctor", "--json", *flags, check=False)


@contextlib.contextmanager
def careless_proxy(server):
    """One that decodes paths, passes a megabyte at most, and has pages of its own."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if len(body) > 1 << 20:
                return self.answer(413, b"")
            if self.path.startswith("/login"):
                return self.answer(200, b"<h1>Welcome to our intranet</h1>")
            there = requests.request(
                self.command, server.url + urllib.parse.unquote(self.path), data=body, timeout=30, allow_redirects=False
            )
            return self.answer(there.status_code, there.content, there.headers)

        def answer(self, status, body, headers=()):
            self.send_response(status)
            for name in ("Content-Type", "WWW-Authenticate", "Docker-Distribution-Api-Version"):
                if name in headers:
                    self.send_header(name, headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            del arguments

        do_GET = do_POST = do_DELETE = forward

    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{proxy.server_port}"
    proxy.shutdown()
    proxy.server_close()


def test_versions_are_told(launch, cli):
    server = launch()
    user = server.create_user("alice")
    mine = cli(server)
    assert mine.run("version").stdout == mine.run("--version").stdout
    mine.log_in(user)
    told = mine.json("version")
    assert told["server"] == {"url": server.url, "version": told["client"]}
    assert f"at {server.url}" in mine.run("version").stdout
    server.stop()
    assert mine.run("version", check=False).returncode == 1
    assert mine.run("version", "--client").returncode == 0


def test_the_status_of_a_server_is_told_as_far_as_one_may_see(launch, cli):
    server = launch()
    admin, user = server.create_user("root", admin=True), server.create_user("alice")
    mine = cli(server)
    mine.log_in(user)
    seen = mine.json("status")
    assert seen["ready"] and seen["engine"] == "sqlite" and seen["user"] == {"name": "alice", "system_role": "none"}
    assert abs(seen["clock_ahead_seconds"]) <= 1 and "disk" not in seen
    mine.log_in(admin)
    seen = mine.json("status")
    assert seen["disk"]["free_bytes"] > 0 and seen["disk"]["reserve_bytes"] > 0
    shown = mine.run("status").stdout
    assert "free of" in shown and "root (administrator)" in shown and "as this machine's" in shown
    server.stop()
    assert "cannot reach" in mine.run("status", check=False).stderr


def test_the_operator_is_told_which_process_it_is(launch):
    server = launch()
    seen = json.loads(server.run("status", "--json").stdout)
    assert seen["pid"] == server.daemon.pid and seen["address"] == server.address
    assert seen["data"] == str(server.data)
    server.stop()
    refused = server.run("status", check=False)
    assert refused.returncode == 1 and "no server runs on" in refused.stdout
    assert "no Bulkhead data" in server.run("status", "--data", "/nowhere/at/all", data=False, check=False).stdout


def test_strangers_are_told_nothing_of_the_server(launch):
    server = launch()
    assert server.get("/api/v1/server").status_code == 401


def test_a_server_that_is_well(launch):
    server = launch()
    server.create_user("alice")
    done = doctor(server)
    found = checks(done)
    assert done.returncode == 0, done.stdout
    assert {name for name, each in found.items() if each["level"] == "fail"} == set()
    for name in ("settings", "data directory", "server", "database", "disk", "reach", "clock", "/v2/", "/api/v1/", "/login"):
        assert name in found, found
    assert found["large bodies"]["level"] == "ok"
    shown = server.run("doctor").stdout
    assert "ok    reach: " in shown


def test_a_stopped_server_is_looked_at_and_left_alone(launch):
    server = launch()
    server.create_user("alice")
    server.stop()
    before = {path: path.read_bytes() for path in (server.data / "keys").iterdir()}
    done = doctor(server)
    found = checks(done)
    assert done.returncode == 0, done.stdout
    assert found["server"]["level"] == "warn" and "bulkhead serve" in found["server"]["cure"]
    assert found["database"]["level"] == "ok" and found["keyring"]["level"] == "ok"
    assert {path: path.read_bytes() for path in (server.data / "keys").iterdir()} == before
    server.start()


def test_a_foreign_keyring_is_seen_and_not_mended(launch):
    server, other = launch(), launch()
    for each in (server, other):
        each.create_user("alice")
        each.stop()
    shutil.rmtree(server.data / "keys")
    shutil.copytree(other.data / "keys", server.data / "keys")
    done = doctor(server)
    assert done.returncode == 1 and checks(done)["keyring"]["level"] == "fail"
    shutil.rmtree(server.data / "keys")
    done = doctor(server)
    assert done.returncode == 1 and "keys" in checks(done)["keyring"]["cure"]
    assert not (server.data / "keys").exists(), "looking has made some"


def test_an_open_directory_and_a_lost_database(launch):
    server = launch()
    server.create_user("alice")
    server.stop()
    server.data.chmod(0o755)
    found = checks(doctor(server))
    assert found["data directory"]["level"] == "warn" and "chmod 700" in found["data directory"]["cure"]
    server.data.chmod(0o700)
    for path in server.data.glob("bulkhead.db*"):
        path.unlink()
    done = doctor(server)
    assert done.returncode == 1 and "backup" in checks(done)["database"]["detail"]
    done = server.run("doctor", "--data", "/nowhere/at/all", "--json", data=False, check=False)
    assert done.returncode == 1 and checks(done)["data directory"]["level"] == "fail"
    assert not os.path.exists("/nowhere")


def test_settings_that_are_wrong_are_one_finding_among_others(launch):
    server = launch()
    server.settings["limits.page_size"] = "many"
    done = doctor(server)
    assert done.returncode == 1 and "PAGE_SIZE" in checks(done)["settings"]["detail"]


def test_a_log_in_and_docker_are_looked_at(launch, cli):
    server = launch()
    user = server.create_user("alice")
    mine = cli(server)
    mine.log_in(user)
    (mine.home / ".docker").mkdir()
    config = mine.home / ".docker" / "config.json"
    config.write_text(json.dumps({"auths": {f"localhost:{server.port}": {}}}))
    done = mine.run("doctor", "--json")
    found = checks(done)
    assert "alice" in found["log-in"]["detail"] and found["docker"]["cure"] == f"docker login {server.address}"
    config.write_text(json.dumps({"credHelpers": {server.address: "bulkhead"}}))
    done = mine.run("doctor", "--json", check=False)
    assert done.returncode == 1 and "PATH" in checks(done)["docker"]["detail"]
    mine.store.chmod(0o644)
    done = mine.run("doctor", "--json", check=False)
    assert done.returncode == 1 and "chmod 600" in checks(done)["log-ins"]["detail"]


def test_a_proxy_that_does_not_pass_what_clients_need(launch):
    server = launch()
    server.create_user("alice")
    with careless_proxy(server) as address:
        server.stop()
        server.settings["public_url"] = address
        server.start()
        done = doctor(server)
    found = checks(done)
    assert done.returncode == 1
    assert {name for name, each in found.items() if each["level"] == "fail"} == {"/api/v1/", "/login", "large bodies"}
    assert "413" in found["large bodies"]["detail"] and "proxies.md" in found["large bodies"]["cure"]


@pytest.mark.parametrize(("days", "level"), [(100, "ok"), (3, "warn"), (-1, "fail")])
def test_the_end_of_a_certificate_is_seen(new_server, folder, days, level):
    certificate, key = make_certificate(folder, days, names="DNS:localhost")
    server = new_server({"tls.mode": "files", "tls.certificate": certificate, "tls.key": key})
    found = checks(doctor(server))
    assert found["certificate"]["level"] == level and "localhost" in found["certificate"]["detail"]
