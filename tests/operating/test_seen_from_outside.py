"""What somebody sees who looks at a server without working with it: its metrics, its first line, its front page."""

import json
import pathlib
import re
import subprocess
import time

import pytest
import requests

from harness.management import Management
from harness.registry import Registry

ROOT = pathlib.Path(__file__).parents[2]
MONITORING = ROOT / "packaging/monitoring"
METRIC = re.compile(r"\b(?:bulkhead|process)_[a-z_]+\b")


def metrics(server):
    text = requests.get(server.url + "/metrics", timeout=30, verify=False).text
    found = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, value = line.rsplit(" ", 1)
            found[name] = float(value)
    return found


def families(found):
    histogram = re.compile(r"_(bucket|sum|count)$")
    return {histogram.sub("", name.partition("{")[0]) for name in found}


def wait_for(server, wanted):
    """Measured every now and then: at the start, and each 15 seconds."""
    end = time.monotonic() + 60 * server.patience
    while time.monotonic() < end:
        found = metrics(server)
        if wanted(found):
            return found
        time.sleep(0.25)
    raise AssertionError(found)


@pytest.fixture(scope="module")
def secured(request, work_folder):
    """A server with all that may have a metric of its own."""
    from conftest import _new_server

    server = _new_server(request.config, pathlib.Path(work_folder) / "secured", {"tls.mode": "auto"})
    server.folder.mkdir(exist_ok=True)
    server.start()
    yield server
    server.close()


def test_documents_alerts_and_dashboard_name_the_metrics_that_there_are(secured):
    there = families(metrics(secured))
    page = (ROOT / "docs/guide/monitoring.md").read_text()
    documented = set(METRIC.findall(page[page.index("## What is measured") :]))
    assert documented == there
    for name in ("alerts.yml", "dashboard.json"):
        used = {re.sub(r"_(bucket|sum|count)$", "", word) for word in METRIC.findall((MONITORING / name).read_text())}
        assert used and used <= there, name


def test_documents_name_the_routes_that_there_are(secured):
    there = {label for name in metrics(secured) for label in re.findall(r'route="(\w+)"', name)}
    page = (ROOT / "docs/guide/monitoring.md").read_text()
    sentence = page[page.index("\nRoutes are") :]
    assert set(re.findall(r"`(\w+)`", sentence)) == there


def test_promtool_accepts_the_rules_the_scrape_job_and_the_metrics(secured):
    for arguments in (["check", "rules", "alerts.yml"], ["check", "config", "prometheus.yml"]):
        done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    text = requests.get(secured.url + "/metrics", timeout=30, verify=False).text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if line.strip()]
    assert not complaints, complaints


def test_the_dashboard_is_one():
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert dashboard["title"] == "Bulkhead" and len(ids) == len(set(ids)) > 10
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def test_pulls_pushes_log_ins_and_denials_are_counted(launch, rng):
    server = launch()
    server.create_user("root-admin", admin=True)
    alice, bob = server.create_user("alice"), server.create_user("bob")
    before = metrics(server)
    registry = Registry(server, alice)
    registry.push_image("alice/app", rng, "v1")
    assert registry.get("/v2/alice/app/manifests/v1").status_code == 200
    assert requests.get(server.url + "/token", auth=("alice", "wrong"), timeout=30).status_code == 401
    Management(server, alice)
    assert Management(server, bob).get("/users").status_code == 403
    after = metrics(server)

    def more(name):
        return after[name] - before[name]

    assert more("bulkhead_pushes_total") == 1
    assert more("bulkhead_pulls_total") >= 1
    assert more('bulkhead_logins_total{outcome="accepted"}') >= 3
    assert more('bulkhead_logins_total{outcome="refused"}') == 1
    assert more("bulkhead_denials_total") >= 1


def test_what_is_stored_is_measured(launch, rng):
    server = launch()
    server.create_user("root-admin", admin=True)
    alice = server.create_user("alice")
    Registry(server, alice).push_image("alice/app", rng, "v1", size=1_000_000)
    found = wait_for(server, lambda found: found["bulkhead_stored_bytes"] > 1_000_000)
    assert found["bulkhead_repositories"] == 1 and found["bulkhead_accounts"] == 2
    assert found["bulkhead_database_bytes"] > 10_000 and found["bulkhead_journal_bytes"] > 0
    assert 0 < found["bulkhead_disk_free_bytes"] < found["bulkhead_disk_size_bytes"]
    assert abs(found["process_start_time_seconds"] - time.time()) < 3600
    assert found["process_resident_memory_bytes"] > 1_000_000
    made = [value for name, value in found.items() if name.startswith("bulkhead_key_created_seconds")]
    assert len(made) == 5 and all(abs(value - time.time()) < 3600 for value in made)


def test_the_first_line_says_what_was_started(secured):
    line = next(line for line in secured.log().splitlines() if "serving" in line)
    version = secured.run("--version").stdout.split()[-1]
    for part in (version, secured.url.split("://")[1], "keys", "sqlite", "tls=true", str(secured.folder)):
        assert part in line, line


def test_the_front_page_says_what_this_is(launch):
    server = launch({"public_url": "https://registry.example.com"})
    plain = requests.get(server.url + "/", timeout=30)
    assert plain.status_code == 200 and plain.headers["Content-Type"].startswith("text/plain")
    assert "docker login registry.example.com" in plain.text
    page = requests.get(server.url + "/", headers={"Accept": "text/html,*/*;q=0.8"}, timeout=30)
    assert "docker login registry.example.com" in page.text and 'href="/login"' in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    icon = requests.get(server.url + "/favicon.svg", timeout=30)
    assert icon.headers["Content-Type"] == "image/svg+xml" and icon.text.startswith("<svg")
    refused = requests.post(server.url + "/", timeout=30)
    assert refused.status_code == 405 and refused.headers["Allow"] == "GET, HEAD"


def test_the_front_page_repeats_no_name_that_a_stranger_made_up(launch):
    server = launch()
    for accept in ("*/*", "text/html"):
        answer = requests.get(server.url + "/", headers={"Host": "evil.example", "Accept": accept}, timeout=30)
        assert answer.status_code == 200 and "evil.example" not in answer.text
        assert server.run("--version").stdout.split()[-1] not in answer.text


def test_a_mistyped_code_is_asked_for_again(launch):
    server = launch()
    answer = requests.get(server.url.replace("127.0.0.1", "localhost") + "/login/device?user_code=WDJB-MJHX", timeout=30)
    assert answer.status_code in (403, 404), answer.text
    assert 'role="alert"' in answer.text and 'name="user_code"' in answer.text
