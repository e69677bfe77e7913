"""The OpenAPI document held against the routes and schemas, both ways: what it says is so, and what is so it says."""

import re

import jsonschema
import pytest

from harness.management import Management, path
from harness.registry import Registry

METHODS = ("get", "put", "post", "delete", "patch")
# What a template's parameters are filled with; things of these names exist unless the test says otherwise.
PLACES = {
    "user": "alice",
    "repository": "alice/documented",
    "namespace": "alice",
    "subject": "mallory",
    "upload": "4zD0Ub3rSgYyQ0cF1mKq7h",
    "organization": "documented",
    "member": "alice",
    "team": "builders",
    "robot": "documented+ci",
    "session": "1",
    "token": "1",
    "credential": "1",
    "trust": "1",
    "invitation": "1",
    "provider": "corp",
    "group": "developers",
}
PARAMETER = re.compile(r"\{(\w+)\}")


@pytest.fixture(scope="module")
def document(server, admin):
    del admin
    answer = Management(server).get("/openapi.json")
    assert answer.status_code == 200
    return answer.json()


def operations(document):
    for template, item in document["paths"].items():
        for method, operation in item.items():
            assert method in METHODS, f"{template} has {method}"
            yield template, method, operation


def fill(template):
    assert template.startswith("/api/v1")
    return PARAMETER.sub(lambda match: path(PLACES[match.group(1)])[1:], template.removeprefix("/api/v1"))


def closed(schema):
    """The schema with every object closed: what is not described is a fault here, though clients would pass it over."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if "properties" in out and out.get("type") == "object":
        out["additionalProperties"] = False
    return out


@pytest.fixture(scope="module")
def conforms(document):
    """Fails unless the answer is as its operation's description says."""
    components = closed(document["components"])

    # Formats that are promised are looked at as well, as far as jsonschema knows them without more packages.
    checker = jsonschema.FormatChecker(["email", "ipv4", "ipv6", "date"])

    def check(answer, operation):
        described = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
        content = described.get("content")
        if content is None:
            assert answer.content == b"", f"a body that is not described: {answer.text}"
            return
        media_type = answer.headers["Content-Type"].partition(";")[0]
        assert media_type in content, f"{media_type} is not described"
        schema = {"components": components, **closed(content[media_type]["schema"])}
        if operation["operationId"] != "getDocument":
            jsonschema.Draft202012Validator(schema, format_checker=checker).validate(answer.json())

    return check


def test_the_document_is_well_formed(document):
    assert document["openapi"].startswith("3.1")
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids)) > 60
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert re.fullmatch(r"[A-Za-z]+", name)
    for template, _, operation in operations(document):
        named = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert named == PARAMETER.findall(template), f"{template} describes {named}"


def test_the_document_does_not_change(server, admin):
    del admin
    first, second = (Management(server).get("/openapi.json") for _ in range(2))
    assert first.content == second.content
    known = Management(server).get("/openapi.json", headers={"If-None-Match": first.headers["ETag"]})
    assert known.status_code == 304 and known.content == b""


def test_every_documented_operation_is_there(document, root, conforms):
    """Neither an unknown address nor a method that does not apply; and the answer is as described."""
    wrong = []
    for template, method, operation in operations(document):
        if operation["operationId"] in ("endCurrentSession", "endSessions", "setPassword"):
            continue
        answer = root.request(method.upper(), fill(template))
        if answer.status_code == 405 or "openapi.json says what there is" in answer.text:
            wrong.append(f"{method} {template}: {answer.status_code}")
        conforms(answer, operation)
    assert wrong == []


def test_every_method_that_works_is_documented(document, root):
    """The other way: Allow, which comes from the routes, names what the document has."""
    for template, item in document["paths"].items():
        answer = root.request("TRACEX", fill(template))
        assert answer.status_code == 405, f"{template}: {answer.status_code}"
        allowed = set(answer.headers["Allow"].split(", ")) - {"HEAD"}
        assert allowed == {method.upper() for method in item}, template


def test_every_operation_but_the_open_ones_asks_for_a_credential(document, nobody, conforms):
    for template, method, operation in operations(document):
        answer = nobody.request(method.upper(), fill(template))
        if operation.get("security") == []:
            assert answer.status_code != 401 or operation["operationId"] == "setUp", template
            continue
        assert answer.status_code == 401, f"{method} {template}: {answer.status_code}"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        conforms(answer, operation)


def test_a_wrong_credential_is_refused_everywhere(document, nobody):
    nobody.use("bhsession_" + "0" * 36)
    for template, method, operation in operations(document):
        if operation.get("security") != []:
            assert nobody.request(method.upper(), fill(template)).status_code == 401, template


def test_unknown_fields_are_refused(server, document, owner, root, outsider, organization, conforms):
    """security.md: mass assignment. Also where the rest of the body is missing."""
    del outsider
    places = {"organization": organization}
    owner.post("/repositories", {"name": "alice/documented"})
    server.run("grant", "set", "mallory", "reader", "alice/documented")
    owner.post(path("organizations", organization, "teams"), {"name": "builders"})
    owner.post(path("organizations", organization, "robots"), {"name": "ci"})
    places["robot"] = f"{organization}+ci"
    wrong = []
    for template, method, operation in operations(document):
        if "requestBody" not in operation:
            continue
        target = PARAMETER.sub(
            lambda match: path(places.get(match.group(1), PLACES[match.group(1)]))[1:], template.removeprefix("/api/v1")
        )
        answers = [
            client.request(method.upper(), target, json={"administrator_": True}, headers={"If-Match": "*"})
            for client in (owner, root)
        ]
        named = [
            answer
            for answer in answers
            if answer.status_code == 400
            and any(part.get("pointer") == "/administrator_" for part in answer.json().get("errors", []))
        ]
        if not named:
            wrong.append(f"{method} {template}: {[answer.status_code for answer in answers]}")
        for answer in answers:
            conforms(answer, operation)
    assert wrong == []


def test_unknown_parameters_are_refused(document, root):
    for template, method, operation in operations(document):
        if method != "get" or PARAMETER.search(template):
            continue
        answer = root.get(fill(template), params={"surprise": "1"})
        assert answer.status_code == 400, f"{template}: {answer.status_code}"
        assert answer.json()["errors"][0]["parameter"] == "surprise"


def test_lists_and_things_are_as_described(server, document, owner, root, outsider, organization, conforms):
    """What is really there, through every GET that the caller may make."""
    del outsider
    owner.post("/repositories", {"name": "alice/documented"})
    server.run("grant", "set", "mallory", "reader", "alice/documented")
    server.run("grant", "set", "mallory", "reader", "alice/")
    teams = path("organizations", organization, "teams")
    owner.post(teams, {"name": "all"})
    owner.post(teams, {"name": "builders", "parent": "all"})
    owner.put(path("organizations", organization, "teams", "builders", "members", "alice"))
    owner.post(path("organizations", organization, "robots"), {"name": "ci", "description": "builds"})
    invited = owner.post(path("organizations", organization, "invitations"), {"email": "bob@example.com"})
    directory = {"url": "ldaps://ldap.example.com", "user_base": "ou=people,dc=example,dc=com"}
    root.post("/login-providers", {"name": "corp", "ldap": directory})
    root.put(path("users", "alice", "identities", "corp"), {"subject": "6f1ed002-ab5c-4d5f"})
    owner.put(path("organizations", organization, "teams", "builders", "groups", "corp", "developers"))
    made = owner.post(
        path("users", "alice", "tokens"),
        {"name": "t", "scopes": [{"repository": "alice/documented", "actions": ["pull"]}], "networks": ["192.0.2.0/24"]},
    )
    places = {
        "organization": organization,
        "robot": f"{organization}+ci",
        "token": made.json()["token"]["id"],
        "invitation": invited.json()["invitation"]["id"],
        "session": owner.get("/sessions/current").json()["id"],
        "upload": Registry(server, owner.user).start_upload("alice/documented").path.rsplit("/", 1)[1],
    }
    missing = []
    for template, method, operation in operations(document):
        if method != "get":
            continue
        target = PARAMETER.sub(
            lambda match: path(places.get(match.group(1), PLACES[match.group(1)]))[1:], template.removeprefix("/api/v1")
        )
        answers = [owner.get(target), root.get(target)]
        for answer in answers:
            conforms(answer, operation)
        if not any(answer.status_code == 200 for answer in answers):
            missing.append(f"{target}: {[answer.text for answer in answers]}")
    assert [each for each in missing if "/trusts/1" not in each] == []


ODD_TEXTS = {
    "escape": "\x1b[31mred",
    "line break": "a\r\nb",
    "delete": "a\x7fb",
    "C1": "a\x9bb",
    "right to left": "a\u202eb",
    "isolate": "a\u2066b",
    "no width": "a\u200bb",
    "tag": "a\U000e0041b",
}


@pytest.mark.parametrize("text", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_a_refusal_repeats_nothing_that_does_not_show(document, root, conforms, text):
    """What is quoted in an answer is printed by somebody, to a terminal or a page."""
    described = {operation["operationId"]: operation for _, _, operation in operations(document)}
    answers = [
        (root.get("/users", params={text: "1"}), "listUsers"),
        (root.post("/organizations", {"name": "org-x", "owner": "alice", text: 1}), "createOrganization"),
        (root.post("/organizations", {"name": text, "owner": "alice"}), "createOrganization"),
        (root.get(path("users", text)), "getUser"),
    ]
    for answer, operation in answers:
        assert 400 <= answer.status_code < 500
        conforms(answer, described[operation])
        for shown in (answer.json().get("detail", ""), str(answer.json().get("errors", ""))):
            assert not [c for c in shown if c in text and not c.isprintable()], shown
