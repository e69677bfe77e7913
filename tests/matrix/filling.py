"""The installation of plan.py: made through the management API, by those who may."""

import hashlib
import json
import random
import sqlite3

from harness import content
from harness.management import Management, path
from harness.registry import Registry
from harness.server import User
from matrix import plan
from matrix.operator_socket import OperatorConnection

SETTINGS = {
    "auth.login_attempts_per_account": 1_000_000,
    "auth.login_attempts_per_network": 1_000_000,
    "auth.login_attempts_in_all": 1_000_000,
    "limits.token_scopes": 100,
    "log.level": "warning",
}
# An hour ago, where a quarter of one counts as recent.
STALE_MICROSECONDS = 3600 * 1_000_000
EVERYTHING = [{"actions": ["pull", "push", "delete"]}]
# Not state: evidence on its way to the journal, and when and from where a token was last used.
PASSING_TABLES = {"events", "schema_migrations"}
PASSING_COLUMNS = {"last_used_at", "last_used_address", "last_used_client"}
PROTECTED, FIXED, MOVING = "release-1", "fixed-1", "latest"


class World:
    def __init__(self, server):
        self.server = server
        self.users = {}
        self.people = {}  # by name: a Management that is logged in as they
        self.credentials = {}  # by caller: what stands behind "Bearer", None for nothing
        self.registry_tokens = {}  # by caller: the access token that it logs in with at /token
        self.numbers = {}  # of things that have numbers instead of names
        self.images = {}  # by repository
        self._rng = random.Random("matrix")
        server.start()
        self._add_people()
        self._add_organizations()
        provider = {"name": "corp", "enabled": False, "oidc": {"issuer": "https://id.example.com", "client_id": "matrix"}}
        self._made("admin", "/login-providers", provider)
        self._add_repositories()
        self._add_robots()
        self._add_grants()
        self._add_credentials()
        self._add_invitations()
        self._age()

    # -- filling

    def _add_people(self):
        for name, system_role in plan.PEOPLE.items():
            self.users[name] = User(name, f"correct horse {name} staple")
            if name == "admin":
                self.server.create_user(name, admin=True, password=self.users[name].password)
            else:
                self._made("admin", "/users", {"name": name, "password": self.users[name].password})
                if system_role:
                    self._done(self.people["admin"].change(path("users", name), {"system_role": system_role}))
            self.people[name] = Management(self.server, self.users[name])

    def _add_organizations(self):
        for name, (owner, access, members) in plan.ORGANIZATIONS.items():
            self._made("admin", "/organizations", {"name": name, "owner": owner})
            boss = self.people[owner]
            self._done(boss.change(path("organizations", name), {"member_role": access}))
            for member in sorted(members):
                self.people[member].join(name, boss)
        for (organization, name), (parent, member) in plan.TEAMS.items():
            owner = plan.ORGANIZATIONS[organization][0]
            teams = path("organizations", organization, "teams")
            self._made(owner, teams, {"name": name} | ({"parent": parent} if parent else {}))
            self._done(self.people[owner].put(teams + path(name, "members", member)))

    def _add_repositories(self):
        self._operate("grant.set", subject="pusher", role="writer", target="acme/")
        for name in plan.ROLES:
            if name in plan.ABSENT:
                continue
            maker = "pusher" if name == "acme/pushed" else self.owner_of(name)
            self._made(maker, "/repositories", {"name": name})
        self._done(self.people["boss"].delete(path("namespaces", "acme", "grants", "pusher")))

    def _add_robots(self):
        for name, (kind, place, _) in plan.ROBOTS.items():
            owner = self.owner_of(place) if kind == "repository" else plan.ORGANIZATIONS[place][0]
            robots = path("organizations" if kind == "organization" else "repositories", place, "robots")
            self._made(owner, robots, {"name": name.partition("+")[2]})
            trust = {
                "name": "matrix",
                "issuer": "https://ci.example.com",
                "audience": "https://registry.example.com",
                "claims": {"sub": "a job"},
                "scopes": [{"namespace": plan.namespace_of(self.repository_of(name)), "actions": ["pull"]}],
            }
            made = self._made(owner, path("robots", name, "trusts"), trust)
            self.numbers["trust", name] = made["id"]

    def _add_grants(self):
        for repository, roles in plan.ROLES.items():
            if repository in plan.ABSENT:
                continue
            client = self.people[self.owner_of(repository)]
            target = path("repositories", repository)
            if repository != "acme/pushed":
                # Appointed, so that it is no matter who made it.
                owner = "appointed" if "appointed" in roles else self.owner_of(repository)
                self._operate("repo.set", name=repository, owner=owner)
            if repository in plan.PUBLIC:
                self._done(client.change(target, {"visibility": "public"}))
            self._done(client.change(target, {"protected_tags": "release-*"}))
            for subject, role in roles.items():
                team = next((f"team:acme/{name}" for (_, name), (_, who) in plan.TEAMS.items() if who == subject), subject)
                if role == "owner" or subject in ("lodger", "child", "colleague"):
                    continue
                # By those who see everybody: these people have nothing in common with the owners.
                self._operate("grant.set", subject=team, role=role, target=repository)
            self._push_image(client, repository, target)
        self._operate("grant.set", subject="lodger", role="maintainer", target="alice/")

    def _push_image(self, client, repository, target):
        registry = Registry(self.server, client.user)
        image = registry.push_image(repository, self._rng, PROTECTED)
        for tag in (FIXED, MOVING):
            registry.push_manifest(repository, image, tag)
        self._done(client.change(target, {"immutable_tags": "fixed-*"}))
        self.images[repository] = image

    def _add_credentials(self):
        for name in plan.PEOPLE:
            client = self.people[name]
            self.credentials[name] = client.session.headers["Authorization"].partition(" ")[2]
            self.numbers["session", name] = client.get("/sessions/current").json()["id"]
            self.registry_tokens[name] = self.token(name, name, reach="none")
        make = {
            "dora's token": ("dora", {}),
            "revoked token": ("alice", {}),
            "leaked token": ("alice", {}),
            "alice's token": ("alice", {}),
            "alice's reading token": ("alice", {"reach": "read"}),
            "alice's registry token": ("alice", {"reach": "none"}),
            "alice's token for alice/spare": (
                "alice",
                {"scopes": [{"repository": "alice/spare", "actions": ["pull", "push", "delete"]}]},
            ),
            "boss's token for acme/private": (
                "boss",
                {"scopes": [{"repository": "acme/private", "actions": ["pull", "push", "delete"]}]},
            ),
            "admin's token": ("admin", {}),
            "boss's reading token": ("boss", {"reach": "read"}),
            "robot": ("acme+ci", {}),
            "reading robot": ("acme+ci", {"reach": "read"}),
            "pushing robot": ("acme+ci", {"reach": "none"}),
            "robot of a repository": ("alice+bot", {}),
            "other's robot": ("other+ci", {}),
        }
        for caller, (account, options) in make.items():
            self.credentials[caller] = self.registry_tokens[caller] = self.token(caller, account, **options)
        for caller in ("stale session", "ended session"):
            client = Management(self.server, self.users["alice"])
            self.credentials[caller] = client.session.headers["Authorization"].partition(" ")[2]
            self.numbers["session", caller] = client.get("/sessions/current").json()["id"]
        self.credentials |= {
            "nobody": None,
            "garbage": "bhsession_" + "0" * 36,
            "mistyped": self.credentials["alice's token"][:-1] + "~",
            "dora's session": self.credentials.pop("dora"),
            "registry bearer": Registry(self.server, self.users["alice"]).token(("registry:catalog:*",)),
        }
        self._done(self.people["alice"].delete(path("users", "alice", "tokens", self.numbers["token", "revoked token"])))
        leak = {"text": f"found in a log: {self.credentials['leaked token']}"}
        self._done(Management(self.server).post("/credentials/leaked", leak))
        self._done(client.delete("/sessions/current"))
        self._done(self.people["admin"].change(path("users", "dora"), {"state": "disabled"}))
        # By the operator: sage has no second factor, and nobody sets a policy that keeps themselves out.
        policy = {"mfa_required": True, "token_seconds": 86400 * 90, "networks": [], "password_login": True}
        for name in plan.STRICT:
            target = path("organizations", name, "policy")
            answer = self._operate("api.request", method="PUT", path=target, if_match="*", body=policy)
            assert answer["status"] == 200, answer

    def token(self, caller, account, reach="write", scopes=None):
        keeper = account if account in self.people else self.keeper_of(account)
        body = {"name": caller, "scopes": scopes or EVERYTHING, "management": reach}
        made = self._made(keeper, path("users", account, "tokens"), body)
        self.numbers["token", caller] = made["token"]["id"]
        return made["secret"]

    def _add_invitations(self):
        for organization in ("acme", "other"):
            owner = plan.ORGANIZATIONS[organization][0]
            target = path("organizations", organization, "invitations")
            made = self._made(owner, target, {"account": "guest"})
            self.numbers["invitation", organization] = made["invitation"]["id"]

    def _age(self):
        """What the API does not make: a session whose proof is old, and a security key of bert's."""
        self.server.stop()
        with self.database() as connection:
            session = self.numbers["session", "stale session"]
            connection.execute(
                "UPDATE sessions SET proved_at = proved_at - ? WHERE id = ?", (STALE_MICROSECONDS, session)
            )
            connection.execute(
                "INSERT INTO webauthn_credentials (account_id, name, credential_id, public_key, aaguid, sign_count, "
                "created_at) SELECT id, 'key', 'bWF0cml4', '', '', 0, 0 FROM accounts WHERE name = 'bert'"
            )
            self.numbers["credential", "bert"] = connection.execute("SELECT MAX(id) FROM webauthn_credentials").fetchone()[0]
        self.server.start()

    # -- what is asked of it

    def database(self):
        (file,) = self.server.data.glob("*.db")
        return sqlite3.connect(file)

    def digest(self):
        """Of all that is stored and is not passing: by table."""
        digests = {}
        with self.database() as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
            for (table,) in sorted(tables.fetchall()):
                columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
                kept = ", ".join(name for name in columns if name not in PASSING_COLUMNS)
                if table not in PASSING_TABLES:
                    rows = sorted(map(repr, connection.execute(f"SELECT {kept} FROM {table}")))
                    digests[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
        return digests

    def owner_of(self, repository):
        """Whose it is by its namespace."""
        namespace = plan.namespace_of(repository)
        return next(name for name, role in plan.NAMESPACES[namespace].items() if role == "owner")

    def keeper_of(self, robot):
        kind, place, _ = plan.ROBOTS[robot]
        return self.owner_of(place) if kind == "repository" else plan.ORGANIZATIONS[place][0]

    def repository_of(self, robot):
        kind, place, _ = plan.ROBOTS[robot]
        return place if kind == "repository" else f"{place}/private"

    def _operate(self, command, **arguments):
        """What whoever commands the machine says, through the local socket."""
        connection = OperatorConnection(self.server)
        connection.request("POST", "/", json.dumps({"command": command, **arguments}))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        assert "ok" in answer, f"{command} {arguments}: {answer}"
        return answer["ok"]

    def _made(self, who, target, body):
        client = self.people[who]
        answer = client.post(target, body)
        assert answer.status_code == 201, f"POST {target} {json.dumps(body)}: {answer.status_code} {answer.text}"
        return answer.json()

    def _done(self, answer, statuses=(200, 204)):
        assert answer.status_code in statuses, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"


def other_image(world, repository):
    """A manifest of what the repository has, which is not the one that its tags are on."""
    document = json.loads(world.images[repository].data)
    return content.Manifest(content.render({**document, "annotations": {"of": "another"}}), content.OCI_MANIFEST)
