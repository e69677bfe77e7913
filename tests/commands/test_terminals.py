"""What a terminal shows that a pipe does not: colours, times from now on, tables that fit; and what it can show at all."""

import json
import re

import pytest

from harness.command_line import CommandLine

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture
def listed(cli, alice, server):
    cli.log_in(alice)
    if not any(each["name"] == "alice/app" for each in cli.json("repo", "list")):
        server.run("repo", "create", "alice/app")
        server.run("token", "create", "alice", "a-token-with-a-name-that-is-rather-long", "--scope", "*:pull")
    return cli


def test_a_pipe_is_plain_and_exact(listed):
    done = listed.run("token", "list", "alice")
    assert "\x1b" not in done.stdout and "a-token-with-a-name-that-is-rather-long" in done.stdout
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", done.stdout)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_table_fits_the_terminal(listed, columns):
    shown = listed.at_terminal("token", "list", "alice", columns=columns)
    assert shown.returncode == 0
    for line in shown.lines:
        assert len(ESCAPE.sub("", line)) <= columns, line
    assert re.search(r"in \d+ days", shown.text) if columns > 100 else "…" in shown.text


def test_a_terminal_too_narrow_for_a_table_shows_one_line_a_cell(listed):
    shown = ESCAPE.sub("", listed.at_terminal("token", "list", "alice", columns=20).text)
    assert "NAME: a-token-with-a-name-that-is-rather-long\n" in shown and re.search(r"^EXPIRES: in \d+ days$", shown, re.MULTILINE)


def test_a_terminal_without_a_size_has_80_columns(listed):
    shown = listed.at_terminal("token", "list", "alice", columns=0)
    assert shown.text == listed.at_terminal("token", "list", "alice", columns=80).text
    assert listed.at_terminal("help", "serve", columns=0).text == listed.run("help", "serve").stdout


def test_wide_is_exact_on_a_terminal_too(listed):
    shown = listed.at_terminal("token", "list", "alice", "--wide", columns=40)
    assert shown.text == listed.run("token", "list", "alice").stdout


def test_headers_are_bold_and_states_coloured(listed, server):
    shown = listed.at_terminal("token", "list", "alice", columns=200)
    assert "\x1b[1mNUMBER\x1b[0m" in shown.text and "\x1b[32mactive\x1b[0m" in shown.text
    made = server.run("token", "create", "alice", "gone", "--scope", "*:pull").stdout
    number = re.search(r"Token (\d+)", made).group(1)
    server.run("token", "revoke", "alice", number)
    assert "\x1b[31mrevoked\x1b[0m" in listed.at_terminal("token", "list", "alice", columns=200).text


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}], ids=str)
def test_no_colours_where_they_are_not_wanted(listed, env):
    shown = listed.at_terminal("token", "list", "alice", columns=200, env=env)
    assert "\x1b" not in shown.text and "active" in shown.text


def test_a_locale_without_utf8_is_shown_ascii_alone(listed, alice, server):
    del alice
    server.run("org", "create", "umlaut", "--owner", "alice", "--display-name", "Müller …")
    for words in (("org", "list"), ("help", "setup"), ("token", "list", "alice"), ("config", "reference")):
        shown = listed.at_terminal(*words, columns=60, env={"LC_ALL": "C"})
        assert shown.text.isascii(), words
    assert r"M\u{fc}ller ..." in listed.at_terminal("org", "list", columns=200, env={"LC_ALL": "C"}).text
    assert "Müller …" in listed.at_terminal("org", "list", columns=200).text
    assert "Müller …" in listed.run("org", "list", env={"LC_ALL": "C"}).stdout, "a pipe gets every byte"


def test_what_is_shown_at_a_terminal_is_safe(listed, server):
    refused = server.run("org", "create", "evil", "--owner", "alice", "--display-name", "a\x1b[2Jb", check=False)
    shown = listed.at_terminal("org", "list", columns=200)
    assert "\x1b[2J" not in shown.text + refused.stdout


def test_json_errors_are_problem_documents(listed):
    refused = listed.run("repo", "set", "alice/nothing-there", "--contact", "x", "--json", check=False)
    problem = json.loads(refused.stderr)
    assert refused.stdout == "" and problem["status"] == 404 and problem["code"] == "not_found" and problem["instance"]
    here = json.loads(listed.run("use", "nowhere.example.com", "--json", check=False).stderr)
    assert here["code"] == "not_found" and "bulkhead servers" in here["detail"]


def test_nothing_secret_goes_into_a_pipe_unasked(listed):
    refused = listed.run("factor", "enroll", check=False)
    assert refused.returncode == 1 and "terminal" in refused.stderr and refused.stdout == ""


def test_what_has_no_server_to_ask_prints_json_too(listed):
    settings = {each["key"]: each for each in json.loads(listed.run("config", "print", "--json").stdout)}
    assert settings["listen"] == {"key": "listen", "value": '"127.0.0.1:5000"', "from": "default"}
    assert json.loads(listed.run("config", "check", "--json").stdout) == {"right": True, "advice": []}
    wrong = listed.run("config", "check", "--json", env={"BULKHEAD_LIMITS_PAGE_SIZE": "none"}, check=False)
    assert wrong.returncode == 2 and "BULKHEAD_LIMITS_PAGE_SIZE" in json.loads(wrong.stderr)["detail"]


def test_setup_prints_json(launch, folder):
    server = launch()
    line = CommandLine(server, folder)
    made = line.run("setup", "first", "--server", server.url, "--token", server.setup_token(), "--password-stdin", "--json",
                    stdin="a password of good length\n")  # fmt: skip
    assert json.loads(made.stdout)["name"] == "first"
