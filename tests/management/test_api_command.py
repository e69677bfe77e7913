"""`bulkhead api`: any request, as whoever is logged in and as the operator."""

import json

import pytest

from harness.command_line import CommandLine


@pytest.fixture
def cli(server, folder, alice):
    made = CommandLine(server, folder)
    made.log_in(alice)
    return made


def test_what_is_there_is_printed(cli):
    assert json.loads(cli.run("api", "GET", "/whoami").stdout)["user"]["name"] == "alice"
    for path in ("users/alice", "/api/v1/users/alice"):
        assert json.loads(cli.run("api", "get", path).stdout)["kind"] == "person"
    assert json.loads(cli.run("api", "GET", "/openapi.json").stdout)["openapi"].startswith("3.1")


def test_an_error_prints_the_problem_and_fails(cli):
    refused = cli.run("api", "GET", "/users/nobody-here", check=False)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["code"] == "not_found" and "users/nobody-here" in refused.stderr


def test_a_change_names_the_state_that_it_was_made_for(cli):
    body = json.dumps({"display_name": "Alice A."})
    assert cli.run("api", "PATCH", "/users/alice", "--json", body, check=False).returncode == 1, "428"
    stale = cli.run("api", "PATCH", "/users/alice", "--if-match", '"old"', "--json", body, check=False)
    assert stale.returncode == 1 and json.loads(stale.stdout)["status"] == 412
    changed = cli.run("api", "PATCH", "/users/alice", "--if-match", "auto", "--json", "-", stdin=body)
    assert json.loads(changed.stdout)["display_name"] == "Alice A."


def test_headers_are_sent(cli):
    made = ("api", "POST", "/repositories", "--json", '{"name": "alice/once"}', "--header", "Idempotency-Key: one")
    assert cli.run(*made).stdout == cli.run(*made).stdout, "else there would be one already"
    assert cli.run(*made[:-2], check=False).returncode == 1


@pytest.mark.parametrize(
    "words, said",
    [
        (("POST", "/repositories", "--json", "{"), "--json"),
        (("GET", "/whoami", "--header", "no colon"), "is no header"),
        (("GET", "/whoami", "--header", "Authorization: Bearer x"), "the log-in is the authorization"),
        (("POST", "/repositories", "--all"), "--all is for lists"),
        (("BREW", "/whoami"), "answers GET"),
    ],
)
def test_a_request_that_cannot_be_is_refused(cli, words, said):
    refused = cli.run("api", *words, check=False)
    assert refused.returncode == 1 and said in refused.stderr


def test_all_pages_are_one(cli, server):
    for number in range(3):
        server.run("repo", "create", f"alice/page-{number}")
    first = json.loads(cli.run("api", "GET", "/repositories?limit=1").stdout)
    assert len(first["items"]) == 1 and "next" in first
    whole = json.loads(cli.run("api", "GET", "/repositories", "--all").stdout)
    assert len(whole["items"]) >= 3 and "next" not in whole


def test_the_operators_socket_takes_them_as_well(server, alice):
    del alice
    assert json.loads(server.run("api", "GET", "/users/alice").stdout)["name"] == "alice"
    made = server.run("api", "PATCH", "/users/alice", "--if-match", "auto", "--json", '{"display_name": "A"}')
    assert json.loads(made.stdout)["display_name"] == "A"
    refused = server.run("api", "GET", "/whoami", "--header", "X: y", check=False)
    assert refused.returncode == 1 and "leave them out" in refused.stdout
    refused = server.run("api", "GET", "/nothing/here", check=False)
    assert refused.returncode == 1 and "no GET /nothing/here" in refused.stdout


def test_nothing_is_printed_where_nothing_is_answered(cli, server):
    server.run("repo", "create", "alice/to-go")
    assert cli.run("api", "DELETE", "/repositories/alice%2Fto-go").stdout == ""
