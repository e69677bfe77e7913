"""The rules that hold all over the management API: conditions, pages, idempotency, secrets, recent proofs."""

import concurrent.futures
import uuid

import requests

from harness import raw
from harness.management import Management, path


def test_a_change_needs_the_state_it_was_made_for(owner, repository):
    target = path("repositories", repository)
    assert owner.post("/repositories", {"name": repository}).status_code == 201
    tag = owner.get(target).headers["ETag"]
    change = {"contact": "team-a@example.com"}
    assert owner.request("PATCH", target, json=change).status_code == 428
    assert owner.request("PATCH", target, json=change, headers={"If-Match": '"other"'}).status_code == 412
    done = owner.request("PATCH", target, json=change, headers={"If-Match": tag})
    assert done.status_code == 200
    assert done.headers["ETag"] == owner.get(target).headers["ETag"] != tag
    assert owner.request("PATCH", target, json={"contact": "b"}, headers={"If-Match": tag}).status_code == 412
    assert owner.get(target).json()["contact"] == "team-a@example.com"


def test_of_changes_at_once_for_one_state_one_is_made(owner, repository):
    target = path("repositories", repository)
    owner.post("/repositories", {"name": repository})
    tag = owner.get(target).headers["ETag"]
    headers = {**owner.session.headers, "If-Match": tag}

    def change(number):
        url = owner.server.url + "/api/v1" + target
        return requests.patch(url, json={"contact": f"c{number}"}, headers=headers, timeout=60).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(change, range(8)))
    assert statuses == [200] + [412] * 7


def spellings(target):
    """Other ways to write the same path: percent-encoding is a matter of taste (RFC 3986 section 6.2.2)."""
    name = target.rpartition("/")[2]
    last = f"%{ord(name[-1]):02x}"
    return [target, target.replace("%2F", "%2f"), target.replace("/alice", "/%61lice"), target[:-1] + last]


def test_of_changes_at_once_by_different_spellings_one_is_made(owner, repository):
    """What is changed is what the path names, however it is written."""
    target = path("repositories", repository)
    owner.post("/repositories", {"name": repository})
    assert len(set(spellings(target))) == 4
    for turn in range(10):
        tag = owner.get(target).headers["ETag"]
        headers = {**owner.session.headers, "If-Match": tag}

        def change(number, turn=turn, headers=headers):
            url = owner.server.url + "/api/v1" + spellings(target)[number % 4]
            body = {"contact": f"c{turn}-{number}"}
            request = requests.Request("PATCH", url, json=body, headers=headers).prepare()
            request.url = url  # not as requests would tidy it up
            with requests.Session() as session:
                return session.send(request, timeout=60).status_code

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(change, range(8)))
        assert statuses == [200] + [412] * 7


def test_a_condition_in_several_lines_is_one_list(server, owner, repository):
    target = path("repositories", repository)
    owner.post("/repositories", {"name": repository})
    tag = owner.get(target).headers["ETag"]
    authorization = ("Authorization", owner.session.headers["Authorization"])
    with raw.Connection(server) as connection:
        lines = [authorization, ("If-None-Match", '"other"'), ("If-None-Match", tag)]
        assert connection.request("GET", "/api/v1" + target, lines).status == 304
        lines = [authorization, ("If-Match", '"other"'), ("If-Match", tag), ("Content-Type", "application/json")]
        assert connection.request("PATCH", "/api/v1" + target, lines, b'{"contact": "x"}').status == 200


def test_a_change_of_what_is_there_can_be_made_to_depend_on_its_not_being_there(owner, repository):
    """RFC 9110 section 13.1.2: If-None-Match counts for changes too."""
    target = path("repositories", repository)
    owner.post("/repositories", {"name": repository})
    tag = owner.get(target).headers["ETag"]
    for condition in ("*", tag, f'"other", W/{tag}'):
        headers = {"If-Match": tag, "If-None-Match": condition}
        answer = owner.request("PATCH", target, json={"contact": "x"}, headers=headers)
        assert answer.status_code == 412, condition
    headers = {"If-Match": tag, "If-None-Match": '"other"'}
    assert owner.request("PATCH", target, json={"contact": "x"}, headers=headers).status_code == 200


def test_pages_join(owner, repository):
    names = [f"{repository}/{letter}" for letter in "abcde"]
    for name in names:
        assert owner.post("/repositories", {"name": name}).status_code == 201
    found = [item["name"] for item in owner.items("/repositories", limit=2)]
    assert [name for name in found if name.startswith(repository)] == names
    assert len(found) == len(set(found))
    first = owner.get("/repositories", params={"limit": 2})
    assert first.links["next"]["url"].endswith(first.json()["next"])


def test_a_creation_is_made_once_for_a_key(owner, repository):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    made = owner.post("/repositories", {"name": repository}, headers=key)
    again = owner.post("/repositories", {"name": repository}, headers=key)
    assert made.status_code == again.status_code == 201
    assert "Idempotency-Replayed" not in made.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == made.headers["Location"]
    other = owner.post("/repositories", {"name": repository + "-b"}, headers=key)
    assert other.status_code == 422
    assert owner.post("/repositories", {"name": repository}).status_code == 409


def test_a_repeated_creation_does_not_show_the_secret_again(owner):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"name": "once", "scopes": [{"actions": ["pull"]}]}
    target = path("users", "alice", "tokens")
    made = owner.post(target, body, headers=key)
    assert made.json()["secret"].startswith("bhpat_")
    assert made.headers["Cache-Control"] == "no-store"
    again = owner.post(target, body, headers=key)
    assert again.json() == {"token": made.json()["token"]}


def test_of_creations_at_once_with_one_key_one_is_made(owner):
    key = str(uuid.uuid4())
    headers = {**owner.session.headers, "Idempotency-Key": key}
    url = owner.server.url + "/api/v1" + path("users", "alice", "tokens")
    body = {"name": key, "scopes": [{"actions": ["pull"]}]}

    def create(_):
        return requests.post(url, json=body, headers=headers, timeout=60).status_code

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(create, range(8)))
    assert 201 in statuses and statuses <= {201, 409}
    assert [token["name"] for token in owner.items(path("users", "alice", "tokens"))].count(key) == 1


def test_what_may_not_be_seen_and_what_is_not_there_are_the_same(owner, outsider, organization, repository):
    owner.post("/repositories", {"name": repository})
    owner.post(path("organizations", organization, "robots"), {"name": "ci"})
    pairs = [
        (path("repositories", repository), path("repositories", repository + "-none")),
        (path("organizations", organization), path("organizations", "no-such-one")),
        (path("organizations", organization, "members"), path("organizations", "no-such-one", "members")),
        (path("robots", f"{organization}+ci"), path("robots", f"{organization}+none")),
        (path("users", "alice"), path("users", "no-such-one")),
        (path("users", "alice", "tokens"), path("users", "no-such-one", "tokens")),
        (path("users", f"{organization}+ci", "tokens"), path("users", "no-such+ci", "tokens")),
        (path("namespaces", "alice"), path("namespaces", "no-such-one")),
        (path("sessions", owner.get("/sessions/current").json()["id"]), path("sessions", 10**9)),
    ]
    for hidden, absent in pairs:
        denied, missing = outsider.get(hidden), outsider.get(absent)
        assert denied.status_code == missing.status_code == 404, hidden
        for answer in (denied, missing):
            answer.document = {k: v for k, v in answer.json().items() if k != "instance"}
        assert denied.document == missing.document, hidden


def test_power_is_given_with_a_recent_proof_only(server, root, owner, outsider):
    """A stolen token makes nobody powerful, and takes power from whoever has too much."""
    assert root.post("/organizations", {"name": "powerful", "owner": "alice"}).status_code == 201
    outsider.join("powerful", owner)

    def token_of(client):
        body = {"name": "power", "scopes": [{"actions": ["pull", "push", "delete"]}], "management": "write"}
        answer = client.post(path("users", client.user.name, "tokens"), body)
        assert answer.status_code == 201, answer.text
        stolen = Management(server)
        stolen.use(answer.json()["secret"])
        return stolen

    chair, admin = token_of(owner), token_of(root)
    policy = {"mfa_required": False, "token_seconds": 7776000, "networks": [], "password_login": True}
    invitation = {"account": "mallory", "role": "owner"}
    condition = {"If-Match": "*"}
    for client, method, target, body in (
        (admin, "PATCH", path("users", "mallory"), {"system_role": "auditor"}),
        (admin, "PATCH", path("users", "mallory"), {"email_verified": True}),
        (admin, "PATCH", path("users", "mallory"), {"state": "active"}),
        (admin, "PUT", "/policy", policy),
        (chair, "PUT", path("organizations", "powerful", "policy"), policy),
        (chair, "PUT", path("organizations", "powerful", "members", "mallory"), {"role": "owner"}),
        (chair, "POST", path("organizations", "powerful", "invitations"), invitation),
    ):
        refused = client.request(method, target, json=body, headers=condition)
        assert refused.status_code == 401 and refused.json()["code"] == "proof_required", f"{target} {refused.text}"
        assert "insufficient_user_authentication" in refused.headers["WWW-Authenticate"]
    for client, method, target, body in (
        (admin, "PATCH", path("users", "mallory"), {"state": "locked"}),
        (admin, "PATCH", path("users", "mallory"), {"system_role": "none"}),
        (chair, "PUT", path("organizations", "powerful", "members", "mallory"), {"role": "member"}),
    ):
        answer = client.request(method, target, json=body, headers=condition)
        assert answer.status_code == 200, f"{target} {answer.text}"
    assert root.change(path("users", "mallory"), {"state": "active"}).status_code == 200


def test_credentials_are_made_with_a_recent_proof_only(server, owner):
    token = owner.post(
        path("users", "alice", "tokens"), {"name": "writes", "scopes": [], "management": "write"}
    ).json()["secret"]
    machine = Management(server)
    machine.use(token)
    assert machine.get("/whoami").json()["credential"].startswith("token:")
    refused = machine.post(path("users", "alice", "tokens"), {"name": "more", "scopes": []})
    assert refused.status_code == 401
    assert 'error="insufficient_user_authentication"' in refused.headers["WWW-Authenticate"]
    assert refused.json()["code"] == "proof_required"


def test_an_access_token_reaches_as_far_as_it_says(server, owner, repository):
    for management, may_read, may_write in (("none", 403, 403), ("read", 200, 403), ("write", 200, 201)):
        token = owner.post(
            path("users", "alice", "tokens"),
            {"name": management, "scopes": [{"namespace": "alice", "actions": ["pull", "push"]}], "management": management},
        )
        machine = Management(server)
        machine.use(token.json()["secret"])
        assert machine.get("/repositories").status_code == may_read
        assert machine.post("/repositories", {"name": f"{repository}-{management}"}).status_code == may_write


def test_a_revoked_token_and_an_ended_session_are_dead_at_once(server, owner, alice):
    made = owner.post(path("users", "alice", "tokens"), {"name": "x", "scopes": [], "management": "read"}).json()
    machine = Management(server)
    machine.use(made["secret"])
    assert machine.get("/whoami").status_code == 200
    assert owner.delete(path("users", "alice", "tokens", made["token"]["id"])).status_code == 204
    assert machine.get("/whoami").status_code == 401
    session = Management(server, alice)
    assert session.delete("/sessions/current").status_code == 204
    assert session.get("/whoami").status_code == 401


def test_a_password_lets_nobody_else_in(server, nobody, alice):
    wrong = nobody.post("/sessions", {"name": alice.name, "password": "not the password"})
    unknown = nobody.post("/sessions", {"name": "no-such-one", "password": "not the password"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]
    assert wrong.headers["Cache-Control"] == "no-store"


def test_leaked_credentials_are_taken_out_of_use(server, owner, nobody):
    made = owner.post(path("users", "alice", "tokens"), {"name": "leaks", "scopes": [], "management": "read"}).json()
    machine = Management(server)
    machine.use(made["secret"])
    assert machine.get("/whoami").status_code == 200
    assert nobody.post("/credentials/leaked", {"text": f"in a log: {made['secret']}!"}).status_code == 204
    assert nobody.post("/credentials/leaked", {"text": "nothing here"}).status_code == 204
    assert machine.get("/whoami").status_code == 401


def test_bodies_are_bounded(owner):
    big = owner.request("POST", "/repositories", data=b"[" * 70_000, headers={"Content-Type": "application/json"})
    assert big.status_code == 413
    deep = owner.request("POST", "/repositories", data=b"[" * 1000, headers={"Content-Type": "application/json"})
    assert deep.status_code == 400
    form = owner.request("POST", "/repositories", data={"name": "alice/x"})
    assert form.status_code == 415


def test_a_denial_is_evidence(server, owner, outsider, repository):
    owner.post("/repositories", {"name": repository})
    outsider.delete(path("repositories", repository))
    seen = server.run("audit", "query", "--repository", repository, "--action", "request_denied", "--json").stdout
    assert '"account":"mallory"' in seen and '"target":"deleteRepository"' in seen


def test_the_owner_of_a_leaked_token_is_told(owner, nobody):
    made = owner.post(path("users", "alice", "tokens"), {"name": "left in a log", "scopes": [{"actions": ["pull"]}]}).json()
    assert nobody.post("/credentials/leaked", {"text": f"found: {made['secret']}"}).status_code in (200, 202, 204)
    told = owner.get("/whoami").json()["notices"][0]
    assert (told["account"], told["kind"], told["id"]) == ("alice", "access_token", made["token"]["id"])
