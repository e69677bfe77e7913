"""The same for /v2: every kind of caller x own repositories and those of others, private, public and absent, x all that
one can do there."""

import base64
import dataclasses
import json

import pytest

from harness import content
from harness.registry import Registry
from harness.server import User
from matrix import plan, wire
from matrix.cells import listing
from matrix.filling import FIXED, MOVING, PROTECTED, other_image

ACTIONS = {"pull": "reader", "push": "writer", "delete": "maintainer"}
NOWHERE = content.digest_of(b"nowhere")
DEAD = ("dora's token", "revoked token", "leaked token")
CALLERS = [
    caller
    for caller in plan.CALLERS
    if (caller.alive and caller.name not in ("stale session",)) or caller.name == "nobody"
]


def actions_of(caller, repository):
    """What the caller may do, from the role alone; anybody pulls what is public."""
    role = plan.rank(caller.role(repository))
    allowed = {action for action, least in ACTIONS.items() if role >= plan.rank(least)}
    return allowed | ({"pull"} if repository in plan.PUBLIC else set())


@dataclasses.dataclass(frozen=True)
class Attempt:
    name: str
    caller: plan.Caller
    repository: str
    method: str
    target: str  # below /v2/NAME/
    statuses: tuple
    body: str = ""

    def describe(self, answer):
        return (
            f"{self.name} in {self.repository} by {self.caller.name}: {answer.status} {answer.body[:200].decode()} "
            f"instead of {self.statuses}"
        )


@pytest.fixture(scope="module")
def bearers(world):
    """By caller: a bearer token for all repositories and all actions, as far as it was given; None for nobody."""
    return {caller.name: _bearer(world, caller) for caller in CALLERS}


def _bearer(world, caller):
    scopes = [f"repository:{name}:pull,push,delete" for name in plan.ROLES]
    answer = _ask(world, caller, [*scopes, "registry:catalog:*"])
    assert answer.status_code == 200, f"{caller.name}: {answer.text}"
    return answer.json()["token"]


def _ask(world, caller, scopes):
    session = Registry(world.server).session
    login = (caller.account, world.registry_tokens[caller.name]) if caller.account else None
    parameters = {"service": "bulkhead", "scope": scopes}
    return session.get(world.server.url + "/token", params=parameters, auth=login, timeout=60)


def claims_of(token):
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_bearer_token_is_given_for_what_the_role_allows(bearers):
    wrong = []
    for caller in CALLERS:
        given = {each["name"]: set(each["actions"]) for each in claims_of(bearers[caller.name])["access"]}
        for repository in plan.ROLES:
            if given.get(repository, set()) != actions_of(caller, repository):
                wrong.append(f"{caller.name} in {repository}: {given.get(repository)}")
    assert not wrong, listing(wrong)


def test_a_dead_credential_gets_no_bearer_token(world):
    for name in DEAD:
        assert _ask(world, plan.BY_NAME[name], ["registry:catalog:*"]).status_code == 401, name


def attempts_of(world, uploads, caller, repository):
    may = actions_of(caller, repository)
    absent = repository in plan.ABSENT
    image = world.images["alice/private" if absent else repository]
    blob = json.loads(image.data)["layers"][0]["digest"]
    other = other_image(world, "alice/private" if absent else repository)

    def attempt(name, action, method, target, statuses, body=""):
        # Who may see it is told plainly; nobody, and who may not, to ask for another token.
        refused = (403,) if caller.account and "pull" in may else (401,)
        wanted = statuses if action in may else refused
        return Attempt(name, caller, repository, method, target, wanted, body)

    there = (404,) if absent else (200,)
    for method in ("GET", "HEAD"):
        yield attempt("a tag", "pull", method, f"manifests/{MOVING}", there)
        yield attempt("a manifest", "pull", method, f"manifests/{image.digest}", there)
        yield attempt("a blob", "pull", method, f"blobs/{blob}", there)
    yield attempt("tags", "pull", "GET", "tags/list", there)
    yield attempt("referrers", "pull", "GET", f"referrers/{image.digest}", (200,))

    # Refused are requests that would do something; allowed ones are found wrong behind the permission.
    pushes = "push" in may
    manifest = "{}" if pushes else other.data.decode()
    yield attempt("an upload", "push", "POST", "blobs/uploads/" + ("?digest=nonsense" if pushes else ""), (400,))
    yield attempt("a mount", "push", "POST", f"blobs/uploads/?mount={'nonsense' if pushes else blob}", (400,))
    yield attempt("a new tag", "push", "PUT", "manifests/intruder", (400,), manifest)
    if not absent:
        maintains = "delete" in may
        same = image.data.decode() if maintains else other.data.decode()
        yield attempt(
            "a protected tag", "push", "PUT", f"manifests/{PROTECTED}", (201,) if maintains else (403,), same
        )
        yield attempt("an immutable tag", "push", "PUT", f"manifests/{FIXED}", (409,), other.data.decode())
        for method in ("GET", "PATCH", "PUT", "DELETE"):
            target = f"blobs/uploads/{uploads[repository]}" + (f"?digest={NOWHERE}" if method == "PUT" else "")
            yield attempt("somebody else's upload", "push", method, target, (404,))
    deletes = "delete" in may
    yield attempt("deletion of a tag", "delete", "DELETE", f"manifests/{'none' if deletes else MOVING}", (404,))
    yield attempt("deletion of a manifest", "delete", "DELETE", f"manifests/{NOWHERE if deletes else image.digest}", (404,))
    yield attempt("deletion of a blob", "delete", "DELETE", f"blobs/{NOWHERE if deletes else blob}", (404,))


@pytest.fixture(scope="module")
def uploads(world):
    """In each repository the number of an upload that its namespace's owner has begun, and no caller here."""
    begun = {}
    for repository in plan.ROLES:
        if repository not in plan.ABSENT:
            owner = world.owner_of(repository)
            registry = Registry(world.server, User(owner, world.registry_tokens[owner]))
            begun[repository] = registry.start_upload(repository).path.rpartition("/")[2].partition("?")[0]
    return begun


def render(world, bearers, attempt):
    headers = [f"Authorization: Bearer {bearers[attempt.caller.name]}", f"Accept: {content.OCI_MANIFEST}"]
    if attempt.method == "PUT":
        headers.append(f"Content-Type: {content.OCI_MANIFEST}")
    return wire.render(world.server, attempt.method, f"/v2/{attempt.repository}/{attempt.target}", headers, attempt.body)


def test_the_matrix_has_no_unexpected_cell(world, bearers, uploads, result_line):
    before = world.digest()
    attempts = [
        attempt
        for repository in plan.ROLES
        for caller in CALLERS
        for attempt in attempts_of(world, uploads, caller, repository)
        # Whose upload it is may go on with it.
        if attempt.name != "somebody else's upload" or caller.account != world.owner_of(repository)
    ]
    answers = wire.answers_to(world.server, [render(world, bearers, attempt) for attempt in attempts])
    wrong = [
        attempt.describe(answer)
        for attempt, answer in zip(attempts, answers, strict=True)
        if answer.status not in attempt.statuses
    ]
    result_line(f"{len(attempts)} requests in {len(plan.ROLES)} repositories by {len(CALLERS)} callers")
    assert not wrong, listing(wrong)
    assert world.digest() == before


def test_the_catalog_lists_what_may_be_pulled(world, bearers):
    requests = [
        wire.render(world.server, "GET", "/v2/_catalog?n=1000", [f"Authorization: Bearer {bearers[caller.name]}"])
        for caller in CALLERS
    ]
    for caller, answer in zip(CALLERS, wire.answers_to(world.server, requests), strict=True):
        assert answer.status == 200, f"{caller.name}: {answer.body.decode()}"
        listed = set(json.loads(answer.body)["repositories"]) & set(plan.ROLES)
        wanted = {name for name in plan.ROLES if name not in plan.ABSENT and "pull" in actions_of(caller, name)}
        assert listed == wanted, caller.name


def mount_target(caller, kind):
    """Where the caller may push, and nothing of the other tests is looked at."""
    if caller.ceiling:
        return caller.ceiling
    return f"{caller.account}/{kind}/scratch" if caller.account in plan.PEOPLE else "acme/private"


@pytest.mark.parametrize("named", [True, False], ids=["named", "anywhere"])
def test_a_blob_is_mounted_from_where_it_may_be_pulled_and_from_nowhere_else(world, named):
    """Knowing the digest of something private gains nothing."""
    wrong = []
    for caller in CALLERS:
        if not caller.account or caller.name == "robot of a repository":
            continue
        target = mount_target(caller, "named" if named else "anywhere")
        sources = [name for name in plan.ROLES if name not in plan.ABSENT and name != target]
        scopes = [f"repository:{name}:pull,push" for name in (target, *sources)]
        bearer = [f"Authorization: Bearer {_ask(world, caller, scopes).json()['token']}"]
        blobs = {name: json.loads(world.images[name].data)["layers"][0]["digest"] for name in sources}
        uploads = f"/v2/{target}/blobs/uploads/"
        mounts = [
            wire.render(
                world.server, "POST", f"{uploads}?mount={blobs[name]}" + (f"&from={name}" if named else ""), bearer
            )
            for name in sources
        ]
        answers = wire.answers_to(world.server, mounts)
        heads = [wire.render(world.server, "HEAD", f"/v2/{target}/blobs/{blobs[name]}", bearer) for name in sources]
        for name, answer, head in zip(sources, answers, wire.answers_to(world.server, heads), strict=True):
            pulls = "pull" in actions_of(caller, name)
            if (answer.status, head.status) != ((201, 200) if pulls else (202, 404)):
                wrong.append(f"{caller.name} from {name} to {target}: {answer.status}, then {head.status}")
        ends = [answer.headers["location"] for answer in answers if answer.status == 202]
        ends = [wire.render(world.server, "DELETE", end.partition(world.server.address)[2] or end, bearer) for end in ends]
        assert {answer.status for answer in wire.answers_to(world.server, ends)} <= {204}
    assert not wrong, listing(wrong)
