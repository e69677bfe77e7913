"""What each operation is tried on, and with what: the things of every kind of path, one's own and those of others, and a
request that would do something if it were let through."""

import dataclasses

from matrix import plan
from matrix.rules import Thing

ABSENT_NUMBER = 4_000_000_000
ABSENT_NAME = "no-such-one"

_PROVIDER = {"name": "intruders", "oidc": {"issuer": "https://id.example.net", "client_id": "intruders"}}
# Of every operation that takes a body, one that is valid; of those that are open to anybody, none is needed.
BODIES = {
    "createUser": {"name": "intruder", "password": "a password of an intruder"},
    "changeUser": {"display_name": "somebody else"},
    "setPassword": {"password": "a password of an intruder"},
    "proveSession": {"password": "not the password"},
    "confirmTotp": {"code": "123456"},
    "registerSecurityKey": {"name": "key", "response": {}},
    "createLoginProvider": _PROVIDER,
    "changeLoginProvider": _PROVIDER,
    "testLoginProvider": {"user": "intruder"},
    "linkIdentity": {"subject": "intruder"},
    "createToken": {"name": "intruder", "scopes": [{"actions": ["pull"]}]},
    "rotateToken": {"overlap_seconds": 60},
    "setPolicy": {"mfa_required": False, "token_seconds": 86400, "networks": [], "password_login": False},
    "setOrganizationPolicy": {"mfa_required": False, "token_seconds": 86400, "networks": [], "password_login": False},
    "createOrganization": {"name": "intruders", "owner": "mallory"},
    "changeOrganization": {"display_name": "intruders"},
    "renameOrganization": {"name": "intruders"},
    "setMember": {"role": "owner"},
    "createTeam": {"name": "intruders"},
    "changeTeam": {"name": "intruders"},
    "invite": {"account": "mallory", "role": "owner"},
    "acceptInvitationToken": {"token": "bhinvite_" + "0" * 36},
    "createOrganizationRobot": {"name": "intruder"},
    "createRepositoryRobot": {"name": "intruder"},
    "changeRobot": {"enabled": False},
    "createTrust": {
        "name": "intruder",
        "issuer": "https://ci.example.net",
        "audience": "https://registry.example.com",
        "claims": {"sub": "a job"},
        "scopes": [{"actions": ["pull"]}],
    },
    "changeNamespace": {"quota_bytes": 1},
    "setNamespaceGrant": {"role": "maintainer"},
    "createRepository": {"name": "bert/private"},
    "changeRepository": {"contact": "intruder@example.com"},
    "renameRepository": {"name": "mallory/taken"},
    "setRepositoryGrant": {"role": "maintainer"},
}

NAMESPACES = ("alice", "acme", "other", "bert", "mallory", "/", ABSENT_NAME)
USERS = ("alice", "bert", "member", "admin", "acme+ci", "other+ci", "alice+bot", "acme+stray", ABSENT_NAME)
# What these name need not be there before.
MAKING = {"setRepositoryGrant", "setNamespaceGrant", "setMember"}


def things(world, caller, operation):
    """Everything that the operation's path can name, for this caller."""
    for thing in _OF[operation.parameters](world, caller):
        if operation.id == "setMember":
            thing = dataclasses.replace(thing, stray=False)  # who is no member, there or not, is told so later
        elif operation.id == "removeMember" and caller.membership(thing.get("organization")) != "owner":
            thing = dataclasses.replace(thing, stray=False)  # others than owners are refused whoever it is
        elif operation.id == "addTeamMember":
            thing = dataclasses.replace(thing, stray=_stray_team(thing))
        elif operation.id in MAKING and ABSENT_NAME not in dict(thing.values).values():
            thing = dataclasses.replace(thing, stray=False)
        elif operation.id in ("getCurrentSession", "endCurrentSession"):
            thing = dataclasses.replace(thing, stray=not caller.session)
        yield thing


def _thing(label, *values, **more):
    return Thing(label, values, **more)


def _users(world, caller):
    del world
    names = dict.fromkeys((caller.account or "mallory", *USERS))
    return [_thing(name, ("user", name), absent=name == ABSENT_NAME) for name in names]


def _organizations(world, caller):
    del world, caller
    return [
        _thing(name, ("organization", name), absent=name == ABSENT_NAME) for name in ("acme", "other", "strict", ABSENT_NAME)
    ]


def _namespaces(world, caller):
    del world, caller
    return [_thing(name, ("namespace", name), absent=name == ABSENT_NAME) for name in NAMESPACES]


def _repositories(world, caller):
    del world, caller
    return [_thing(name, ("repository", name), absent=name in plan.ABSENT) for name in plan.ROLES]


def _robots(world, caller):
    del world, caller
    names = (*plan.ROBOTS, "acme+none", ABSENT_NAME)
    return [_thing(name, ("robot", name), absent=name not in plan.ROBOTS) for name in names]


def _inside(outer, parameter, inner):
    """`inner` gives (label, value, stray) of what is in each thing of `outer`."""

    def make(world, caller):
        out = []
        for thing in outer(world, caller):
            for label, value, stray in inner(world, caller, thing):
                out.append(
                    Thing(f"{thing.label}/{label}", (*thing.values, (parameter, str(value))), thing.absent, stray)
                )
        return out

    return make


def _stray_team(thing):
    return {"acme": "writers", "other": "others"}.get(thing.get("organization")) != thing.get("team")


def _teams(world, caller, thing):
    del world, caller
    for name in ("writers", "others", "no-such-team"):
        yield name, name, _stray_team(dataclasses.replace(thing, values=(*thing.values, ("team", name))))


def _members(world, caller, thing):
    del world
    organization = thing.get("organization")
    owner, _, members = plan.ORGANIZATIONS.get(organization, ("", "", set()))
    for name in dict.fromkeys((caller.account or "mallory", "member", "boss", "colleague", "mallory", ABSENT_NAME)):
        yield name, name, name != owner and name not in members


def _team_members(world, caller, thing):
    del world
    for name in dict.fromkeys((caller.account or "mallory", "member", ABSENT_NAME)):
        yield name, name, thing.stray or name == ABSENT_NAME


def _numbered(kind, owners):
    """Numbers of one's own and of others under one path."""

    def make(world, caller, thing):
        seen = {}
        for label in owners:
            seen[world.numbers[kind, label]] = label
        yield "absent", ABSENT_NUMBER, True
        for number, label in seen.items():
            yield label, number, not _belongs(kind, label, caller, thing)

    return make


_TOKENS = ("alice", "bert", "robot", "other's robot", "robot of a repository")


def _belongs(kind, label, caller, thing):
    if kind == "session":
        return plan.BY_NAME[label].account == thing.get("user")
    if kind == "token":
        account = "other+ci" if label == "other's robot" else label if label in plan.PEOPLE else plan.BY_NAME[label].account
        return thing.get("user") == account
    if kind == "trust":
        return thing.get("robot") == label
    if kind == "credential":
        return thing.get("user") == label
    return thing.get("organization") == label


def _providers(world, caller):
    del world, caller
    return [_thing(name, ("provider", name), absent=name == ABSENT_NAME) for name in ("corp", ABSENT_NAME)]


def _linked(world, caller, thing):
    del world, caller, thing
    yield "corp", "corp", False
    yield ABSENT_NAME, ABSENT_NAME, True


def _groups(world, caller, thing):
    del world, caller, thing
    yield "a group", "a group", False


def _own_sessions(world, caller):
    out = [Thing("absent", (("session", str(ABSENT_NUMBER)),), stray=True)]
    for label in ("alice", "bert", "mallory", "admin", "stale session"):
        own = plan.BY_NAME[label].account == caller.account
        out.append(Thing(label, (("session", str(world.numbers["session", label])),), stray=not own))
    return out


def _own_invitations(world, caller):
    out = [Thing("absent", (("invitation", str(ABSENT_NUMBER)),), stray=True)]
    for label in ("acme", "other"):
        number = str(world.numbers["invitation", label])
        out.append(Thing(label, (("invitation", number),), stray=caller.account != "guest"))
    return out


def _subjects(world, caller, thing):
    """Who has a grant there, where there is one, and who has none."""
    del world, caller
    repository = thing.get("repository")
    granted = "writer" if repository else "lodger"
    there = "writer" in plan.ROLES[repository] if repository else thing.get("namespace") == "alice"
    yield granted, granted, not there
    yield "mallory", "mallory", True


def _uploads(world, caller, thing):
    del world, caller, thing
    yield ABSENT_NAME, ABSENT_NAME, True


_OF = {
    (): lambda world, caller: [Thing("-")],
    ("user",): _users,
    ("organization",): _organizations,
    ("namespace",): _namespaces,
    ("repository",): _repositories,
    ("robot",): _robots,
    ("organization", "team"): _inside(_organizations, "team", _teams),
    ("organization", "member"): _inside(_organizations, "member", _members),
    ("organization", "invitation"): _inside(_organizations, "invitation", _numbered("invitation", ("acme", "other"))),
    ("organization", "team", "member"): _inside(_inside(_organizations, "team", _teams), "member", _team_members),
    ("user", "token"): _inside(_users, "token", _numbered("token", _TOKENS)),
    ("user", "session"): _inside(_users, "session", _numbered("session", ("alice", "bert", "mallory", "admin"))),
    ("user", "credential"): _inside(_users, "credential", _numbered("credential", ("bert",))),
    ("robot", "trust"): _inside(_robots, "trust", _numbered("trust", tuple(plan.ROBOTS))),
    ("provider",): _providers,
    ("organization", "team", "provider", "group"): _inside(
        _inside(_inside(_organizations, "team", _teams), "provider", _linked), "group", _groups
    ),
    ("user", "provider"): _inside(_users, "provider", _linked),
    ("session",): _own_sessions,
    ("invitation",): _own_invitations,
    ("repository", "upload"): _inside(_repositories, "upload", _uploads),
    ("repository", "subject"): _inside(_repositories, "subject", _subjects),
    ("namespace", "subject"): _inside(_namespaces, "subject", _subjects),
}
# The kinds of path that there are things for.
PATHS = set(_OF)
