"""An installation with something in it to steal, at work."""

import base64
import contextlib
import dataclasses
import json
import pathlib
import random
import shutil
import tempfile
import threading
import time

from breach import attempts, crypto, loot, vault
from breach.management import Management
from harness import content, process, slapd
from harness.registry import ALL_ACTIONS, Registry
from harness.server import User

# Cheap hashing and room for a thief's attempts; a chatty log, because it is what must not tell.
SETTINGS = {
    "auth.login_attempts_per_account": 1_000_000,
    "auth.login_attempts_per_network": 1_000_000,
    "auth.login_attempts_in_all": 1_000_000,
    "log.format": "json",
    "log.level": "debug",
    "log.requests": "true",
    "audit.segment_bytes": "64KiB",  # sealed and compressed segments are part of what is stolen
    "outbound.plain_hosts": "127.0.0.1",  # the directory's
}
# Each somewhere in the thief's list of words.
PLANTED = {"alice": 77, "bob": 31_415, "carol": 99_999}
STRONG = {
    "root-admin": "a root of many words Xq7!",
    "dave": "dave has thought about it for long",
    "erin": "erin has a second factor too",
    "retired": "no longer of any use",
}
DIRECTORYS = User("dora", "dora is known to the directory alone")
THIEF = User("mallory", "a thief is a user as well")


def likely_words(others=40):
    """The planted passwords among others of the list, for guessing at the server's own cost."""
    words = crypto.word_list()
    chosen = sorted({*range(0, len(words), len(words) // others), *PLANTED.values()})
    return [words[position].encode() for position in chosen]


@dataclasses.dataclass(frozen=True)
class Administrator:
    id: int
    name: str


class Installation:
    """Filled when made; keep_busy() uses what is there while the block runs."""

    def __init__(self, server, rng, postgres=None):
        self.server = server
        self.rng = rng
        self.postgres = postgres
        self.vault = vault.Vault()
        self.users = {}
        self.tokens = {}  # of access tokens: by account, who may log in with them
        self.sessions = {}
        self.directory = None
        server.start()
        server.setup_token()  # printed for the first administrator; worth nothing from the first account on
        self.management = Management(server)
        self._add_users()
        self._add_images()
        self._add_credentials()
        self.thief_bearer = self.bearer_of(THIEF.name)
        claims = json.loads(crypto.b64url_decode(self.bearer_of("root-admin").split(".")[1]))
        self.administrator = Administrator(int(claims["sub"]), "root-admin")
        self.vault.add_keyring(server.data / "keys")

    def _kept(self, kind, name, value):
        self.vault.add(kind, name, value)
        return value

    # -- filling

    def _add_users(self):
        words = crypto.word_list()
        passwords = {**STRONG, THIEF.name: THIEF.password}
        passwords |= {name: words[position] for name, position in PLANTED.items()}
        for name, password in passwords.items():
            self.users[name] = self.server.create_user(name, admin=name == "root-admin", password=password)
            self.vault.add("password", name, password)
        self.server.run("user", "disable", "retired")
        # A password that was one before.
        self.server.run("user", "password", "dave", "--password-stdin", stdin="dave thought again and again\n")
        self.users["dave"] = User("dave", "dave thought again and again")
        self.vault.add("password", "dave", "dave thought again and again")

    def _add_images(self):
        self.registries = {name: Registry(self.server, self.users[name]) for name in ("alice", "bob", "carol")}
        for name, registry in self.registries.items():
            registry.push_image(f"{name}/app", self.rng, "latest")
        self.server.run("grant", "set", "bob", "reader", "alice/app")
        # So many pulls that the journal seals and compresses a segment.
        pull = ("/v2/alice/app/manifests/latest", self.registries["alice"].authorization("alice/app"))
        assert set(attempts.requests_in_a_row(self.server, [pull] * 800)) == {200}
        journal = self.server.data / "journal"
        process.wait_until(lambda: list(journal.glob("*.seg.zst")), "a sealed segment of the journal")
        # Unfinished uploads, for the staging files.
        upload = self.registries["alice"].start_upload("alice/unfinished")
        assert upload.chunk(self.rng.randbytes(5000), 0).status_code == 202

    def _add_credentials(self):
        """What the management API gives: sessions, access tokens, an organization's robot and invitations."""
        for name in ("root-admin", "alice", "bob"):
            self.sessions[name] = self._kept("session", f"{name}'s session", self.management.log_in(self.users[name]))
        for name in ("alice", "bob"):
            self._add_token(name, name, management="read")
        _, revoked = self._add_token("alice", "alice", name="revoked soon", kept=False)
        self._kept("token", "a revoked access token", revoked)
        self.management.call("reportLeaked", body={"text": f"found in a build log: {revoked}"})
        self._add_second_factor("erin")
        alice = self.sessions["alice"]
        self.management.call("createOrganization", self.sessions["root-admin"], body={"name": "acme", "owner": "alice"})
        self.management.call("createOrganizationRobot", alice, organization="acme", body={"name": "ci"})
        self._add_token("alice", "acme+ci")
        invited = self.management.call("invite", alice, organization="acme", body={"email": "carol@example.com"}).json()
        self._kept("token", "an invitation", invited["secret"])
        self._add_sign_on()

    def _add_sign_on(self):
        """A directory and an OpenID provider, whose secrets the server has to know; one who logs in with the directory, and
        a device that waits for somebody to log in with the other."""
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.server.folder.parent))
        self.directory = slapd.Slapd(folder, {DIRECTORYS.name: DIRECTORYS.password}).start()
        self.vault.add("password", "the directory's password of dora", DIRECTORYS.password)
        root = self.sessions["root-admin"]
        searcher = self._kept("password", "the directory's own account", slapd.SEARCHER_PASSWORD)
        ldap = {"url": self.directory.url, "bind_dn": slapd.SEARCHER, "user_base": slapd.PEOPLE}
        self.management.call("createLoginProvider", root, body={"name": "corp", "secret": searcher, "ldap": ldap})
        client = self._kept("token", "the OpenID client's secret", "oidc-client-secret-" + self.rng.randbytes(16).hex())
        oidc = {"issuer": "https://id.example.com", "client_id": "bulkhead"}
        self.management.call("createLoginProvider", root, body={"name": "idp", "secret": client, "oidc": oidc})
        waiting = self.management.call("beginDeviceLogIn", body={"provider": "idp"}).json()
        self._kept("token", "a device that waits", waiting["device_code"])
        self._kept("code", "what its user is shown", waiting["user_code"])
        self.sessions["dora"] = self._kept("session", "dora's session", self._log_in_with_directory())
        self._add_token("dora", "dora")

    def _log_in_with_directory(self):
        body = {"provider": "corp", "name": DIRECTORYS.name, "password": DIRECTORYS.password}
        return self.management.call("startSession", body=body).json()["secret"]

    def close(self):
        self.server.close()
        shutil.rmtree(self.server.folder, ignore_errors=True)
        if self.directory is not None:
            self.directory.close()
            shutil.rmtree(self.directory.folder, ignore_errors=True)

    def _add_second_factor(self, name):
        """An authenticator app and recovery codes; all of them are used."""
        user = self.users[name]
        session = self._kept("session", f"{name}'s session of before", self.management.log_in(user))
        shown = self.management.call("beginTotp", session, user=name).json()["secret"]
        self._kept("token", f"{name}'s seed as text", shown)
        seed = self._kept("seed", f"{name}'s seed", base64.b32decode(shown + "=" * (-len(shown) % 8)))
        # A code of the step before and one of this step: each is good once.
        codes = [crypto.one_time_code(seed, time.time() - ago) for ago in (30, 0)]
        self.management.call("confirmTotp", session, user=name, body={"code": codes[0]})
        recovery = self.management.call("makeRecoveryCodes", session, user=name).json()["codes"]
        for number, code in enumerate(recovery):
            self._kept("code", f"{name}'s recovery code {number}", code)
            self._kept("code", f"{name}'s recovery code {number}, without hyphens", code.replace("-", ""))
        for number, code in enumerate([codes[1], recovery[0]]):
            self.sessions[name] = self._kept("session", f"{name}'s session {number}", self.management.log_in(user, code))
        self._add_token(name, name, management="write")

    def _add_token(self, session, account, kept=True, **more):
        scopes = [{"actions": ["pull", "push"]}]
        number, token = self.management.create_token(self.sessions[session], account, scopes, **more)
        if kept:
            self.tokens[account] = self._kept("token", f"{account}'s access token", token)
        return number, token

    def bearer_of(self, name):
        token = Registry(self.server, self.users[name]).request_token("registry:catalog:*").json()["token"]
        self._keep_bearer(name, token)
        return token

    def _keep_bearer(self, name, token):
        self._kept("bearer", f"a bearer token of {name}", token)
        # What makes it valid; the rest of a token anybody could write.
        self._kept("bearer", f"the signature of a bearer token of {name}", token.rpartition(".")[2])

    # -- use

    @contextlib.contextmanager
    def keep_busy(self):
        """Pulls, pushes, log-ins and failed log-ins by several clients, as long as the block runs."""
        stop = threading.Event()
        turns, problems = [], []

        def work(name):
            rng = random.Random(name)
            registry = Registry(self.server, self.users[name])
            try:
                while not stop.is_set():
                    self._one_turn(name, registry, rng)
                    turns.append(name)
            except Exception as problem:  # raised again below
                problems.append(problem)

        workers = [threading.Thread(target=work, args=(name,)) for name in self.registries]
        for worker in workers:
            worker.start()
        try:
            process.wait_until(lambda: problems or len(turns) >= 6, "some use of the server", 60 * self.server.patience)
            yield
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        if problems:
            raise problems[0]

    def _one_turn(self, name, registry, rng):
        registry.forget_tokens()
        manifest = registry.push_image(f"{name}/app", rng, "latest")
        assert registry.get_manifest(f"{name}/app", manifest.digest).content == manifest.data
        self._keep_bearer(name, registry.token((f"repository:{name}/app:{ALL_ACTIONS}",)))
        registry.request_token("registry:catalog:*", User(name, self._mistyped(name)))
        for account, token in self.tokens.items():
            by_token = registry.request_token("registry:catalog:*", User(account, token))
            assert by_token.status_code == 200, by_token.text
        if name in self.sessions:
            self.management.call("whoami", self.sessions[name])
        if self.directory is not None:
            self._kept("session", "another session of dora's", self._log_in_with_directory())

    def _mistyped(self, name):
        return f"{self.users[name].password}-mistyped"

    # -- what a thief asks

    def account_names(self):
        names = [*self.users, *(name for name in self.tokens if name not in self.users)]
        return sorted(names, key=lambda name: name != "root-admin")

    def guarded_paths(self):
        """Paths that answer 200 to any valid credential of their kind."""
        return ["/v2/", "/api/v1/whoami"]

    def steal(self, folder):
        with self.keep_busy():
            upload = self.registries["bob"].start_upload("bob/under-way")
            assert upload.chunk(self.rng.randbytes(3000), 0).status_code == 202
            taken = loot.steal(self.server, folder, self.postgres.dump() if self.postgres else None)
        if self.postgres:
            taken.add("log", "PostgreSQL's log", self.postgres.log())
        return taken
