"""Every refusal leaves evidence that names who, what and on what; at whichever step it was refused."""

import json

import pytest

from harness import process
from harness.management import Management, path
from harness.registry import Registry


def denials(server, operation, **fields):
    lines = server.run("audit", "query", "--action", "request_denied", "--json").stdout.splitlines()
    found = [json.loads(line) for line in lines]
    return [each for each in found if each.get("target") == operation and all(each.get(k) == v for k, v in fields.items())]


def names(event):
    detail = event.get("detail", "{}")
    return json.loads(detail) if isinstance(detail, str) else detail


@pytest.mark.parametrize("body", [{"system_role": "administrator"}, {"state": "disabled"}, {"email_verified": True}],
                         ids=lambda body: next(iter(body)))  # fmt: skip
def test_an_attempt_to_become_more(server, outsider, body):
    before = len(denials(server, "changeUser", account="mallory"))
    refused = outsider.change(path("users", "mallory"), body)
    assert refused.status_code == 403, refused.text
    found = denials(server, "changeUser", account="mallory")
    assert len(found) == before + 1
    assert names(found[-1]) == {"user": "mallory", "fields": [next(iter(body))], "reason": "role"}
    assert found[-1]["request_id"] == refused.headers["X-Request-Id"]


def test_a_maintainer_who_would_be_owner(server, owner, outsider, repository):
    owner.post("/repositories", {"name": repository})
    server.run("grant", "set", "mallory", "maintainer", repository)
    for body in ({"visibility": "public"}, {"owner": "mallory"}):
        assert outsider.change(path("repositories", repository), body).status_code == 403
    found = denials(server, "changeRepository", account="mallory", repository=repository)
    assert [names(each)["fields"] for each in found] == [["visibility"], ["owner"]]


def test_a_refusal_at_the_gate_names_its_object(server, outsider, organization):
    assert outsider.get(path("organizations", organization, "teams")).status_code == 404
    assert names(denials(server, "listTeams", account="mallory")[-1]) == {"organization": organization, "reason": "role"}
    assert outsider.change(path("users", "alice"), {"display_name": "x"}).status_code in (403, 404)
    assert names(denials(server, "changeUser", account="mallory")[-1])["user"] == "alice"


def test_no_value_of_the_body_is_written_down(server, outsider):
    refused = outsider.put(path("users", "root-admin", "password"), {"password": "canary of the refused"})
    assert refused.status_code in (403, 404)
    assert "canary" not in server.run("audit", "query", "--action", "request_denied", "--json").stdout


def test_what_a_person_may_is_no_denial(server, owner, repository):
    before = len(denials(server, "createRepository"))
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    assert owner.get(path("repositories", repository + "-absent")).status_code == 404
    assert owner.post("/repositories", {"name": "Not A Name"}).status_code == 400
    assert len(denials(server, "createRepository")) == before


def test_log_ins_over_the_limit_leave_what_the_table_says(launch):
    server = launch({"auth.login_attempts_per_account": 2, "auth.login_window": "60s"})
    alice = server.create_user("alice")
    wrong = Registry(server, type(alice)("alice", "not the password"))
    assert [wrong.request_token("registry:catalog:*").status_code for _ in range(4)] == [401, 401, 429, 429]

    def reasons():
        lines = server.run("audit", "query", "--action", "login_failed", "--json").stdout.splitlines()
        return [(each.get("target"), each["detail"]) for each in map(json.loads, lines)]

    process.wait_until(lambda: len(reasons()) >= 2, "the events")
    for target, detail in reasons():
        assert target == "alice"
        assert detail in ("wrong_password", "rate_limited")
    assert Management(server).get("/login").status_code == 200
