"""What a permission on the operation does not decide: fields that take a higher role, names in bodies, and what lists
hold."""

import json

import pytest

from harness.management import path
from matrix import plan, wire
from matrix.cells import listing, told

WRITING = [
    caller for caller in plan.CALLERS if caller.alive and caller.reach == "write" and not caller.lacks_factor
]
READING = [caller for caller in plan.CALLERS if caller.alive and caller.reach != "none" and not caller.lacks_factor]
ALL_SEEING = ("auditor", "security_officer", "administrator")


def ask(world, requests):
    """Answers to (caller, method, target, body)."""
    rendered = [
        wire.render(
            world.server,
            method,
            "/api/v1" + target,
            [f"Authorization: Bearer {world.credentials[caller.name]}", "Content-Type: application/json", "If-Match: *"],
            json.dumps(body) if body is not None else "",
        )
        for caller, method, target, body in requests
    ]
    return wire.answers_to(world.server, rendered)


def differences(world, cells):
    """Of cells (caller, method, target, body, status), those that are answered otherwise; and nothing may change."""
    before = world.digest()
    answers = ask(world, [cell[:4] for cell in cells])
    wrong = [
        f"{method} {target} {body} by {caller.name}: {answer.status} {answer.body[:200].decode()} instead of {status}"
        for (caller, method, target, body, status), answer in zip(cells, answers, strict=True)
        if answer.status != status
    ]
    assert world.digest() == before
    return wrong


@pytest.mark.parametrize("name", ["alice/private", "acme/public", "house-private"])
def test_some_settings_of_a_repository_are_its_owners(world, name):
    target = path("repositories", name)
    now = world.people[world.owner_of(name)].get(target).json()
    cells = []
    for field in ("visibility", "owner", "immutable_tags", "protected_tags", "contact"):
        least = "owner" if field in ("visibility", "owner") else "maintainer"
        for caller in WRITING:
            seen = 403 if caller.may_pull(name) else 404
            status = 200 if plan.rank(caller.role(name)) >= plan.rank(least) else seen
            cells.append((caller, "PATCH", target, {field: now[field]}, status))
    wrong = differences(world, cells)
    assert not wrong, listing(wrong)


def test_who_changes_what_of_an_account(world):
    """A state that stops an account for now is set by security officers; all others, and roles, by administrators."""
    cells = []
    for name in ("dora", "alice", "bert"):
        target = path("users", name)
        state = "disabled" if name == "dora" else "active"
        for caller in WRITING:
            administrator, officer = caller.system_role == "administrator", caller.system_role == "security_officer"
            seen = 403 if officer or caller.account == name else 404
            cells += [
                # To let somebody in gives power, and so takes a recent proof.
                (
                    caller,
                    "PATCH",
                    target,
                    {"state": state},
                    (200 if state == "disabled" or caller.proved else 401) if administrator else seen,
                ),
                (caller, "PATCH", target, {"system_role": "none"}, 200 if administrator else seen),
                (caller, "PATCH", target, {"email_verified": False}, 200 if administrator else seen),
                (
                    caller,
                    "PATCH",
                    target,
                    {"display_name": ""},
                    200 if administrator or (caller.account == name and caller.session) else seen,
                ),
            ]
    wrong = differences(world, cells)
    assert not wrong, listing(wrong)


def test_an_officer_locks_an_account_and_does_not_open_it(world):
    officer, admin, target = world.people["officer"], world.people["admin"], path("users", "dora")
    assert officer.change(target, {"state": "locked"}).status_code == 200
    for state in ("active", "disabled"):
        assert officer.change(target, {"state": state}).status_code == 403
    assert admin.change(target, {"state": "disabled"}).status_code == 200


def test_an_officer_stops_a_robot_and_does_not_start_it(world):
    officer = world.people["officer"]
    target = path("robots", "acme+stray")
    assert officer.change(target, {"enabled": False}).status_code == 200
    assert officer.change(target, {"enabled": True}).status_code == 403
    assert world.people["boss"].change(target, {"enabled": True}).status_code == 200


def test_a_robot_that_was_locked_is_for_administrators_to_let_in_again(world):
    target = path("robots", "acme+stray")
    admin, boss = world.people["admin"], world.people["boss"]
    assert admin.change(path("users", "acme+stray"), {"state": "locked"}).status_code == 200
    for enabled in (True, False):
        refused = boss.change(target, {"enabled": enabled})
        assert refused.status_code == 403 and "locked" in refused.json()["detail"], refused.text
    assert boss.get(target).json()["state"] == "locked"
    assert admin.change(target, {"enabled": True}).status_code == 200


def test_members_are_their_organizations_to_choose(world):
    cells = []
    for caller in WRITING:
        membership = caller.membership("acme")
        administrator = caller.system_role == "administrator"
        if membership != "owner":
            seen = 403 if membership or administrator else 404
            target = path("organizations", "acme", "members", "mallory")
            cells.append((caller, "PUT", target, {"role": "member"}, seen))
            if caller.account != "member":
                target = path("organizations", "acme", "members", "member")
                cells.append((caller, "DELETE", target, None, 403 if membership else 404))
    wrong = differences(world, cells)
    assert not wrong, listing(wrong)


def test_only_members_go_into_teams(world):
    answers = ask(
        world,
        [
            (plan.BY_NAME["boss"], "PUT", path("organizations", "acme", "teams", "writers", "members", name), None)
            for name in ("mallory", "bert", "acme+ci")
        ],
    )
    assert [answer.status // 100 for answer in answers] == [4, 4, 4]


def test_repositories_are_made_by_writers_of_the_namespace(world):
    """What is there and hidden, and a place where one has no say, are the same refusal."""
    cells = []
    for name in plan.ROLES:
        for caller in WRITING:
            if name not in plan.ABSENT:
                cells.append((caller, "POST", "/repositories", {"name": name}, 409 if caller.may_pull(name) else 403))
            elif plan.rank(caller.role(name)) < plan.rank("writer"):
                cells.append((caller, "POST", "/repositories", {"name": name}, 403))
    wrong = differences(world, cells)
    assert not wrong, listing(wrong)


def test_repositories_are_not_renamed_into_what_one_may_not_write_to(world):
    alice = plan.BY_NAME["alice"]
    target = path("repositories", "alice/spare") + "/rename"
    names = ["acme/absent", "bert/absent", "bert/private", "bert/public", "other/private", "house-absent", "no-such-one/x"]
    status = {"bert/public": 409}
    cells = [(alice, "POST", target, {"name": name}, status.get(name, 403)) for name in names]
    wrong = differences(world, cells)
    assert not wrong, listing(wrong)


def test_a_token_is_not_scoped_to_what_one_may_not_see(world):
    mallory = plan.BY_NAME["mallory"]
    target = path("users", "mallory", "tokens")
    for field, hidden, absent in (
        ("repository", "alice/private", "alice/absent"),
        ("repository", "acme/pushed", "no-such-one/absent"),
        ("namespace", "alice", "no-such-one"),
        ("namespace", "/", "no-such-one"),
    ):
        bodies = [{"name": "x", "scopes": [{field: name, "actions": ["pull"]}]} for name in (hidden, absent)]
        answers = ask(world, [(mallory, "POST", target, body) for body in bodies])
        assert [answer.status for answer in answers] == [404, 404]
        assert told(answers[0]).replace(hidden, "NAME") == told(answers[1]).replace(absent, "NAME")


def test_only_sessions_are_proved_anew(world):
    body = {"password": world.users["alice"].password}
    cells = [
        (caller, "POST", "/sessions/current/proof", body, 403)
        for caller in WRITING
        if not caller.session
    ]
    wrong = differences(world, cells)
    assert not wrong, listing(wrong)


def test_what_belongs_to_another_looks_as_if_it_were_not_there(world):
    """Numbers of others under one's own path: the answer to somebody else's is that to one that never was."""
    wrong = []
    own = {
        "session": ("mallory", lambda number: [("GET", path("sessions", number)), ("DELETE", path("sessions", number))]),
        "token": (
            "mallory",
            lambda number: [
                ("GET", path("users", "mallory", "tokens", number)),
                ("DELETE", path("users", "mallory", "tokens", number)),
                ("POST", path("users", "mallory", "tokens", number) + "/rotation"),
            ],
        ),
        "credential": ("mallory", lambda number: [("DELETE", path("users", "mallory", "factors", "security-keys", number))]),
        "trust": (
            "boss",
            lambda number: [
                ("GET", path("robots", "acme+ci", "trusts", number)),
                ("DELETE", path("robots", "acme+ci", "trusts", number)),
            ],
        ),
        "invitation": (
            "boss",
            lambda number: [
                ("GET", path("organizations", "acme", "invitations", number)),
                ("DELETE", path("organizations", "acme", "invitations", number)),
                ("POST", path("invitations", number) + "/acceptance"),
                ("DELETE", path("invitations", number)),
            ],
        ),
    }
    strangers = {"session": "bert", "token": "bert", "credential": "bert", "trust": "other+ci", "invitation": "other"}
    before = world.digest()
    for kind, (caller, requests) in own.items():
        numbers = (world.numbers[kind, strangers[kind]], 4_000_000_000)
        theirs, absent = (
            ask(
                world,
                [
                    (plan.BY_NAME[caller], method, target, {} if target.endswith("rotation") else None)
                    for method, target in requests(number)
                ],
            )
            for number in numbers
        )
        for (method, target), one, other in zip(requests("NUMBER"), theirs, absent, strict=True):
            texts = [told(answer).replace(str(number), "NUMBER") for answer, number in zip((one, other), numbers)]
            if one.status != 404 or texts[0] != texts[1]:
                wrong.append(f"{method} {target}: {texts}")
    assert not wrong, listing(wrong)
    assert world.digest() == before


def _listed(world, target, name):
    answers = ask(world, [(caller, "GET", target, None) for caller in READING])
    for caller, answer in zip(READING, answers, strict=True):
        assert answer.status == 200, f"{target} by {caller.name}: {answer.body.decode()}"
        yield caller, {item[name] for item in json.loads(answer.body)["items"]}


def test_lists_hold_what_the_caller_may_see(world):
    wrong = []

    def compare(target, name, wanted):
        for caller, found in _listed(world, target, name):
            found = {each for each in found if not str(each).endswith("/scratch")}  # of other tests
            if found != wanted(caller):
                wrong.append(f"{target} by {caller.name}: {sorted(found ^ wanted(caller))}")

    compare(
        "/repositories?limit=1000",
        "name",
        # A token that is limited to some of them lists these and what anybody may pull.
        lambda caller: {
            name
            for name in plan.ROLES
            if name not in plan.ABSENT and (caller.system_role in ALL_SEEING or caller.may_pull(name))
        },
    )
    spaces = set(plan.NAMESPACES)
    compare(
        "/namespaces?limit=1000",
        "name",
        lambda caller: spaces
        if caller.system_role in ALL_SEEING
        else {name for name in spaces if caller.role_in_namespace(name) == "owner" and not caller.ceiling},
    )
    compare(
        "/organizations?limit=1000",
        "name",
        lambda caller: {
            name
            for name in plan.ORGANIZATIONS
            if caller.system_role in ALL_SEEING or (caller.membership(name) and not caller.ceiling)
        },
    )
    compare("/invitations", "organization", lambda caller: {"acme", "other"} if caller.account == "guest" else set())
    assert not wrong, listing(wrong)


def test_sessions_that_are_listed_are_ones_own(world):
    owners = {}
    for kind, label in world.numbers:
        if kind == "session":
            owners[world.numbers[kind, label]] = plan.BY_NAME[label].account if label in plan.BY_NAME else label
    for caller, found in _listed(world, "/sessions", "id"):
        assert {owners[number] for number in found} <= {caller.account}, caller.name
        assert bool(found) != caller.robot, caller.name
