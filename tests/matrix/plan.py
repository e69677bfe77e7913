"""Who there is, what there is, and who has which part in it: the plan that the installation is filled by (filling.py),
and that the rules (rules.py) are read against. Nothing here is asked of the program."""

import dataclasses

RANKS = ("none", "reader", "writer", "maintainer", "owner")

PEOPLE = {
    # name: system role
    "admin": "administrator",
    "auditor": "auditor",
    "officer": "security_officer",
    "alice": "",  # a namespace with repositories
    "bert": "",  # the same for the other side, and an organization of his own
    "boss": "",  # owns acme
    "member": "",  # of acme, in no team
    "team-reader": "",
    "team-writer": "",
    "team-maintainer": "",
    "child": "",  # in a team below the writers
    "reader": "",  # these by grants to themselves
    "writer": "",
    "maintainer": "",
    "lodger": "",  # maintainer of the whole namespace alice/
    "appointed": "",  # the owner of repositories in the namespaces of others
    "colleague": "",  # a member of bert's organization, whose members are readers
    "pusher": "",  # made acme/pushed when a grant allowed it, and has lost the grant
    "guest": "",  # invited by both organizations
    "mallory": "",  # a stranger to all of it
    "sage": "",  # owns an organization that asks for a second factor, and has none
    "bare": "",  # a member of that
    "dora": "",  # disabled
}
ROBOTS = {
    # name: whose it is, and who looks after it
    "acme+ci": ("organization", "acme", {"boss"}),
    "other+ci": ("organization", "other", {"bert"}),
    "alice+bot": ("repository", "alice/private", {"alice", "appointed"}),
    "acme+stray": ("repository", "acme/pushed", {"boss"}),
}
ORGANIZATIONS = {
    # name: owner, what every member may do, members
    "acme": ("boss", "none", {"member", "team-reader", "team-writer", "team-maintainer", "child"}),
    "other": ("bert", "reader", {"colleague"}),
    "strict": ("sage", "none", {"bare"}),
}
STRICT = {"strict"}  # those whose policy asks for a second factor
TEAMS = {
    # organization and name: parent, who is in it
    ("acme", "readers"): (None, "team-reader"),
    ("acme", "writers"): (None, "team-writer"),
    ("acme", "maintainers"): (None, "team-maintainer"),
    ("acme", "children"): ("writers", "child"),
    ("other", "others"): (None, "colleague"),
}
_CREW = {
    "reader": "reader",
    "writer": "writer",
    "maintainer": "maintainer",
    "team-reader": "reader",
    "team-writer": "writer",
    "team-maintainer": "maintainer",
    "child": "writer",
    "appointed": "owner",
}
# What everybody may do in each repository; who is not named has no role there.
ROLES = {
    "alice/private": {"alice": "owner", "lodger": "maintainer", "alice+bot": "reader", **_CREW},
    "alice/public": {"alice": "owner", "lodger": "maintainer", **_CREW},
    "alice/spare": {"alice": "owner", "lodger": "maintainer"},
    "alice/absent": {"alice": "owner", "lodger": "maintainer"},
    "acme/private": {"boss": "owner", "acme+ci": "writer", **_CREW},
    "acme/public": {"boss": "owner", "acme+ci": "writer", **_CREW},
    "acme/pushed": {"boss": "owner"},
    "acme/absent": {"boss": "owner"},
    "other/private": {"bert": "owner", "colleague": "reader"},
    "bert/private": {"bert": "owner"},
    "bert/public": {"bert": "owner"},
    "bert/absent": {"bert": "owner"},
    "house-private": {"admin": "owner", "reader": "reader", "writer": "writer", "maintainer": "maintainer"},
    "house-public": {"admin": "owner"},
    "no-such-one/absent": {},
}
PUBLIC = {"alice/public", "acme/public", "bert/public", "house-public"}
ABSENT = {name for name in ROLES if name.endswith("/absent")}
# The role in a namespace as a whole; "" stands for those whose namespace it is by name.
NAMESPACES = {
    "alice": {"alice": "owner", "lodger": "maintainer"},
    "acme": {"boss": "owner"},
    "other": {"bert": "owner", "colleague": "reader"},
    "strict": {"sage": "owner"},
    "/": {"admin": "owner"},
} | {name: {name: "owner"} for name in PEOPLE if name != "alice"}


def namespace_of(repository):
    return repository.partition("/")[0] if "/" in repository else "/"


def rank(role):
    return RANKS.index(role)


@dataclasses.dataclass(frozen=True)
class Caller:
    """A credential, and what it is. `ceiling` is a repository to which it is limited."""

    name: str
    account: str = ""  # "" for nobody
    alive: bool = True  # somebody's, and not taken out of use
    session: bool = False
    reach: str = "write"  # of tokens: none, read or write
    recent: bool = True  # of sessions: the person proved a short time ago who they are
    lacks_factor: bool = False  # and belongs to an organization that asks for one
    ceiling: str | None = None

    @property
    def robot(self):
        return self.account in ROBOTS

    @property
    def system_role(self):
        return PEOPLE.get(self.account, "")

    @property
    def proved(self):
        return self.session and self.recent

    def role(self, repository):
        """In the repository, as far as the credential goes."""
        if not self.account or self.ceiling not in (None, repository):
            return "none"
        return ROLES[repository].get(self.account, "none")

    def role_in_namespace(self, namespace):
        return NAMESPACES.get(namespace, {}).get(self.account, "none")

    def membership(self, organization):
        owner, _, members = ORGANIZATIONS.get(organization, ("", "", set()))
        if self.account == owner and owner:
            return "owner"
        return "member" if self.account in members else None

    def may_pull(self, repository):
        return repository in PUBLIC or self.role(repository) != "none"


def _session(account, **more):
    return Caller(account, account, session=True, **more)


CALLERS = (
    [
        Caller("nobody", alive=False),
        Caller("garbage", alive=False),
        Caller("mistyped", alive=False),
        Caller("dora's session", "dora", alive=False),
        Caller("dora's token", "dora", alive=False),
        Caller("revoked token", "alice", alive=False),
        Caller("leaked token", "alice", alive=False),
        Caller("registry bearer", "alice", alive=False),
        Caller("ended session", "alice", alive=False),
    ]
    + [_session(name) for name in PEOPLE if name not in ("sage", "bare", "dora")]
    + [
        _session("sage", lacks_factor=True),
        _session("bare", lacks_factor=True),
        Caller("stale session", "alice", session=True, recent=False),
        Caller("alice's token", "alice"),
        Caller("alice's reading token", "alice", reach="read"),
        Caller("alice's registry token", "alice", reach="none"),
        Caller("alice's token for alice/spare", "alice", ceiling="alice/spare"),
        Caller("boss's token for acme/private", "boss", ceiling="acme/private"),
        Caller("admin's token", "admin"),
        Caller("boss's reading token", "boss", reach="read"),
        Caller("robot", "acme+ci"),
        Caller("reading robot", "acme+ci", reach="read"),
        Caller("pushing robot", "acme+ci", reach="none"),
        Caller("robot of a repository", "alice+bot"),
    ]
)
BY_NAME = {caller.name: caller for caller in CALLERS}
assert len(BY_NAME) == len(CALLERS)
