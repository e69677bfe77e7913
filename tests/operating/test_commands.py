"""The operator's command line: settings, accounts, evidence."""

import json
import pathlib
import random
import re
import tempfile

import pytest

from harness.registry import Registry
from harness.server import Server

COMMANDS = [
    (),
    ("serve",),
    ("user",),
    ("user", "create"),
    ("repo",),
    ("repo", "set"),
    ("grant",),
    ("grant", "set"),
    ("namespace", "set"),
    ("audit",),
    ("audit", "query"),
    ("audit", "tail"),
    ("config",),
    ("config", "check"),
    ("keys",),
    ("keys", "rotate"),
    ("keys", "retire"),
    ("keys", "passphrase"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help(new_server, command):
    shown = new_server().run(*command, "--help", data=False).stdout
    assert "--help" in shown
    assert len(shown.splitlines()) > 3


def test_version(new_server):
    assert re.search(r"\d+\.\d+\.\d+", new_server().run("--version", data=False).stdout)


def test_unknown_command_is_one_clear_answer(new_server):
    ended = new_server().run("sreve", check=False, data=False)
    assert ended.returncode != 0
    assert "sreve" in ended.stdout
    assert len(ended.stdout.splitlines()) < 8


def check(server, text):
    path = server.folder / "bulkhead.toml"
    path.write_text(text)
    return server.run("config", "check", "--config", path, check=False, data=False)


@pytest.fixture
def plain(new_server):
    """A server without settings from the environment."""
    server = new_server()
    server.settings = {}
    return server


def test_good_file(plain):
    checked = check(plain, 'listen = "127.0.0.1:5001"\n[limits]\npage_size = 50\n')
    assert checked.returncode == 0, checked.stdout


def test_unknown_key_names_the_line_and_the_nearest(plain):
    checked = check(plain, 'listen = "127.0.0.1:5001"\n\n[limits]\npage_sizes = 50\n')
    assert checked.returncode != 0
    assert "4" in checked.stdout
    assert "page_sizes" in checked.stdout
    assert "page_size" in checked.stdout.replace("page_sizes", "")


@pytest.mark.parametrize(
    "text",
    [
        "[limits]\npage_size = 0\n",
        '[limits]\npage_size = "many"\n',
        '[log]\nformat = "xml"\n',
        '[http]\nheader_timeout = "soon"\n',
        'listen = "nowhere"\n',
        "[limits]\npage_size = 5\npage_size = 6\n",
        "[limits\n",
    ],
)
def test_wrong_value_is_an_error_that_names_it(plain, text):
    checked = check(plain, text)
    assert checked.returncode != 0
    assert "bulkhead.toml:" in checked.stdout


def test_a_bearer_token_lives_for_a_minute_at_the_least(plain):
    """docker and skopeo count on it: the token protocol says so."""
    refused = check(plain, '[auth]\ntoken_lifetime = "59s"\n')
    assert refused.returncode != 0
    assert '"1m"' in refused.stdout
    assert check(plain, '[auth]\ntoken_lifetime = "60s"\n').returncode == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('listen = "0.0.0.0:5000"\n', "public_url"),
        ('listen = "[::]:5000"\n', "public_url"),
        ('listen = "192.0.2.2:5000"\n', "public_url"),
        ('listen = "0.0.0.0:5000"\npublic_url = "http://registry.example.com:5000"\n', "in the clear"),
        ('listen = "0.0.0.0:5000"\npublic_url = "https://registry.example.com"\n', ""),
        ('listen = "0.0.0.0:5000"\nhosts = ["registry.example.com:5000"]\n', "in the clear"),
        ('listen = "0.0.0.0:5000"\nhosts = ["registry.example.com:5000"]\n[tls]\nmode = "auto"\n', ""),
        ('listen = "127.0.0.1:5000"\n', ""),
        ('listen = "[::1]:5000"\n', ""),
        ('proxy_header = "forwarded"\n', "trusted_proxies"),
        ('proxy_header = "forwarded"\ntrusted_proxies = ["10.0.0.0/8"]\n', ""),
    ],
)
def test_what_is_allowed_and_hardly_meant_is_said(plain, text, said):
    checked = check(plain, text)
    assert checked.returncode == 0, checked.stdout
    *sentences, last = checked.stdout.strip().splitlines()
    assert last == "the settings are right"
    assert bool(sentences) == bool(said)
    assert said in " ".join(sentences)


def test_every_mistake_is_named(plain):
    checked = check(plain, "[limits]\npage_size = 0\nnonsense = 1\n")
    assert "page_size" in checked.stdout
    assert "nonsense" in checked.stdout


def test_wrong_environment_and_flag(plain):
    plain.settings = {"limits.page_size": "lots"}
    checked = plain.run("config", "check", check=False, data=False)
    assert checked.returncode != 0
    assert "BULKHEAD_LIMITS_PAGE_SIZE" in checked.stdout
    plain.settings = {}
    ended = plain.run("serve", "--limits-page-size", "lots", check=False)
    assert ended.returncode != 0
    assert "--limits-page-size" in ended.stdout


def test_print_shows_where_each_value_comes_from(plain):
    path = plain.folder / "bulkhead.toml"
    path.write_text("[limits]\npage_size = 50\nmanifest_bytes = 2000000\n")
    plain.settings = {"limits.page_size": 60}
    printed = plain.run("config", "print", "--config", path, data=False).stdout
    assert re.search(r"page_size = 60.*BULKHEAD_LIMITS_PAGE_SIZE", printed)
    assert re.search(r"manifest_bytes = .*bulkhead\.toml:3", printed)
    # What it prints is a file that it takes back.
    assert check(plain, printed).returncode == 0


def test_flag_wins_over_environment_over_file(new_server, rng):
    server = new_server({"limits.page_size": 3})
    path = server.folder / "bulkhead.toml"
    path.write_text("[limits]\npage_size = 2\n")
    for flags, expected in ((("--config", path), 3), (("--config", path, "--limits-page-size", "4"), 4)):
        server.start(*flags)
        if expected == 3:
            registry = Registry(server, server.create_user("alice"))
            manifest = registry.push_image("alice/app", rng)
            for tag in "abcdef":
                registry.put_manifest("alice/app", manifest, tag)
        assert len(registry.get("/v2/alice/app/tags/list").json()["tags"]) == expected
        server.stop()


def test_commands_work_on_a_stopped_data_directory(new_server):
    server = new_server()
    alice = server.create_user("alice")
    server.create_user("admin", admin=True)
    listed = json.loads(server.run("user", "list", "--json").stdout)
    assert [(user["name"], user["administrator"]) for user in listed] == [("admin", True), ("alice", False)]
    server.start()
    assert Registry(server, alice).get("/v2/").status_code == 200


@pytest.mark.parametrize("name", ["a", "Alice", "v2", "api", "library", "al/ice", "al ice", "a" * 65, ""])
def test_bad_account_name(launch, name):
    server = launch()
    made = server.run("user", "create", name, "--password-stdin", stdin="a good password\n", check=False)
    assert made.returncode != 0


@pytest.mark.parametrize("password", ["", "short", "password", "x" * 129])
def test_bad_password(launch, password):
    made = launch().run("user", "create", "alice", "--password-stdin", stdin=password + "\n", check=False)
    assert made.returncode != 0
    assert len(made.stdout.strip().splitlines()) == 1


def test_taken_name_in_one_line(launch):
    server = launch()
    server.create_user("alice")
    again = server.run("user", "create", "alice", "--password-stdin", stdin="another password\n", check=False)
    assert again.returncode != 0
    assert "alice" in again.stdout
    assert len(again.stdout.strip().splitlines()) == 1


def test_absent_things_are_named(launch):
    server = launch()
    for command in (
        ("user", "disable", "nobody"),
        ("grant", "set", "nobody", "reader", "/"),
        ("repo", "set", "alice/nothing", "--visibility", "public"),
        ("repo", "delete", "alice/nothing", "--yes"),
        ("namespace", "set", "nobody", "--quota", "1GiB"),
    ):
        ended = server.run(*command, check=False)
        assert ended.returncode != 0, command
        assert any(name in ended.stdout for name in ("nobody", "alice/nothing", "alice/app")), ended.stdout


def events(server, *filters):
    lines = server.run("audit", "query", "--json", *filters).stdout.splitlines()
    return [json.loads(line) for line in lines]


def actions(found):
    return [event["action"] for event in found]


@pytest.fixture(scope="module")
def history(work_folder, request):
    """A server on which something has happened."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
    server = Server(request.config.getoption("--bulkhead").resolve(), folder).start()
    rng = random.Random(1)
    alice, bob = server.create_user("alice"), server.create_user("bob")
    registry = Registry(server, alice)
    server.first = registry.push_image("alice/app", rng, "latest")
    server.second = registry.push_image("alice/app", rng, "latest")
    registry.get_manifest("alice/app", "latest")
    registry.get_blob("alice/app", json.loads(server.second.data)["layers"][0]["digest"])
    Registry(server, bob).get_manifest("alice/app", "latest")
    Registry(server, type(alice)("alice", "wrong password")).request_token("registry:catalog:*")
    server.run("grant", "set", "bob", "reader", "alice/app")
    server.run("repo", "set", "alice/app", "--visibility", "public")
    registry.delete("/v2/alice/app/manifests/latest")
    yield server
    server.close()


def test_every_change_and_observation_is_there(history):
    found = set(actions(events(history)))
    assert {
        "account_created", "repository_created", "blob_pushed", "manifest_pushed", "tag_set", "tag_deleted",
        "grant_set", "repository_visibility_changed",
        "manifest_pulled", "blob_pulled", "request_denied", "login_failed", "login_succeeded",
    } <= found  # fmt: skip


def test_event_says_who_what_and_from_where(history):
    event = next(event for event in reversed(events(history)) if event["action"] == "tag_set")
    text = json.dumps(event)
    for part in ("alice", "alice/app", "latest", history.first.digest, history.second.digest, "127.0.0.1"):
        assert part in text, part
    assert "python-requests" in text
    assert any("request" in key for key in event)


def test_filters(history):
    assert set(actions(events(history, "--account", "bob"))) >= {"request_denied"}
    by_digest = events(history, "--digest", history.first.digest)
    assert by_digest
    assert all(history.first.digest in json.dumps(event) for event in by_digest)
    by_repository = events(history, "--repository", "alice/app")
    assert "account_created" not in actions(by_repository)
    assert events(history, "--repository", "alice/other") == []
    assert "blob_pushed" in actions(events(history, "--address", "127.0.0.1"))
    assert events(history, "--address", "192.0.2.1") == []
    assert events(history, "--since", "2100-01-01T00:00:00Z") == []
    assert events(history, "--until", "2000-01-01T00:00:00Z") == []
    assert events(history, "--since", "2000-01-01T00:00:00Z", "--until", "2100-01-01T00:00:00Z") == events(history)


def test_events_are_in_the_order_of_time(history):
    times = [event.get("at") or event.get("time") for event in events(history)]
    assert None not in times
    assert times == sorted(times)


def test_tail_shows_the_newest(history):
    shown = history.run("audit", "tail").stdout
    assert "tag_deleted" in shown


def test_evidence_is_readable_on_a_stopped_directory(new_server, rng):
    server = new_server().start()
    registry = Registry(server, server.create_user("alice"))
    manifest = registry.push_image("alice/app", rng, "latest")
    registry.get_manifest("alice/app", "latest")
    server.stop()
    found = actions(events(server, "--digest", manifest.digest))
    assert {"manifest_pushed", "tag_set", "manifest_pulled"} <= set(found)


def test_later_flag_wins(server):
    """scripts/run puts its own flags before those that it is given."""
    ended = server.run("config", "print", "--listen", "127.0.0.1:1", "--listen", "127.0.0.1:2", check=False)
    assert 'listen = "127.0.0.1:2"' in ended.stdout, ended.stdout
