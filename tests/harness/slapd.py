"""A real LDAP directory: Debian's slapd with people and groups, which come and go while it runs.

People are inetOrgPerson entries below ou=people, groups are groupOfNames entries below ou=groups. `searcher` is the
account that may read them all; nobody else may read anything. LDAPS and StartTLS with a certificate for 127.0.0.1.
"""

import base64
import shutil

from harness import process

BASE = "dc=example,dc=org"
PEOPLE = f"ou=people,{BASE}"
GROUPS = f"ou=groups,{BASE}"
SEARCHER = f"cn=searcher,{BASE}"
SEARCHER_PASSWORD = "the-searcher-may-read-everything"
ADMINISTRATOR = f"cn=root,{BASE}"
ADMINISTRATOR_PASSWORD = "the-administrator-may-change-everything"

CONFIGURATION = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
argsfile {folder}/slapd.args
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSVerifyClient never
database mdb
suffix "{base}"
rootdn "{administrator}"
rootpw {password}
directory {folder}/database
maxsize 16777216
dbnosync
{more}
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{searcher}" read by anonymous auth by * none
"""


def person_dn(name):
    return f"uid={name},{PEOPLE}"


def group_dn(name):
    return f"cn={name},{GROUPS}"


def ldif(dn, *lines):
    """One record; each line is an (attribute, value) pair, written so that any value is a value."""
    record = [("dn", dn), *lines]
    return "".join(f"{key}:: {base64.b64encode(value.encode()).decode()}\n" for key, value in record) + "\n"


class Slapd:
    """`people` is a dict of passwords by name, `groups` one of lists of names by group; `more` are lines of the database's
    configuration."""

    def __init__(self, folder, people=None, groups=None, more=""):
        self.folder = folder
        self.port = process.free_port()
        self.tls_port = process.free_port()
        self.url = f"ldap://127.0.0.1:{self.port}"
        self.tls_url = f"ldaps://127.0.0.1:{self.tls_port}"
        self.authorities = folder / "ca.pem"
        self.daemon = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "database").mkdir()
        self._make_certificates()
        self._configuration = folder / "slapd.conf"
        self._configuration.write_text(CONFIGURATION.format(
            folder=folder, base=BASE, administrator=ADMINISTRATOR, password=ADMINISTRATOR_PASSWORD, searcher=SEARCHER,
            more=more))
        entries = folder / "entries.ldif"
        entries.write_text("".join([
            ldif(BASE, ("objectClass", "dcObject"), ("objectClass", "organization"), ("dc", "example"),
                 ("o", "Example")),
            ldif(PEOPLE, ("objectClass", "organizationalUnit"), ("ou", "people")),
            ldif(GROUPS, ("objectClass", "organizationalUnit"), ("ou", "groups")),
            ldif(SEARCHER, ("objectClass", "organizationalRole"), ("objectClass", "simpleSecurityObject"),
                 ("cn", "searcher"), ("userPassword", SEARCHER_PASSWORD)),
            *(self._person(name, password) for name, password in (people or {}).items()),
            *(self._group(name, members) for name, members in (groups or {}).items()),
        ]))
        process.run("/usr/sbin/slapadd", "-q", "-f", self._configuration, "-l", entries)

    def _make_certificates(self):
        def make(name, *more):
            process.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", f"/CN={name}", "-keyout", self.folder / f"{name}.key",
                        "-out", self.folder / f"{name}.pem", *more)

        make("ca")
        make("server", "-CA", self.folder / "ca.pem", "-CAkey", self.folder / "ca.key",
             "-addext", "subjectAltName=IP:127.0.0.1")

    @staticmethod
    def _person(name, password):
        return ldif(person_dn(name), ("objectClass", "inetOrgPerson"), ("uid", name), ("cn", name.title()),
                    ("sn", name.title()), ("mail", f"{name}@example.org"), ("userPassword", password))

    @staticmethod
    def _group(name, members):
        # A groupOfNames has at least one member; this one is nobody.
        dns = [f"cn=nobody,{BASE}", *map(person_dn, members)]
        return ldif(group_dn(name), ("objectClass", "groupOfNames"), ("cn", name),
                    *(("member", dn) for dn in dns))

    def start(self):
        self.daemon = process.Daemon(
            [shutil.which("slapd") or "/usr/sbin/slapd", "-d", "0", "-f", self._configuration,
             "-h", f"{self.url} {self.tls_url}"], self.folder / "slapd.log")
        process.wait_until(self._answers, "slapd to answer")
        return self

    def _answers(self):
        if not self.daemon.running():
            raise AssertionError(f"slapd ended:\n{self.daemon.log()[-4000:]}")
        return self._client("ldapwhoami", check=False).returncode == 0

    def _client(self, program, *arguments, check=True):
        return process.run(program, "-x", "-H", self.url, "-D", ADMINISTRATOR, "-w", ADMINISTRATOR_PASSWORD,
                           *arguments, check=check)

    def modify(self, text):
        """Runs change records in LDIF as the administrator."""
        changes = self.folder / "changes.ldif"
        changes.write_text(text)
        self._client("ldapmodify", "-f", changes)

    def add_person(self, name, password):
        self.modify(self._person(name, password).replace("\n", "\nchangetype: add\n", 1))

    def remove_person(self, name):
        self._client("ldapdelete", person_dn(name))

    def rename_person(self, name, new_name):
        self._client("ldapmodrdn", "-r", person_dn(name), f"uid={new_name}")

    def set_password(self, name, password):
        self.modify(f"dn: {person_dn(name)}\nchangetype: modify\nreplace: userPassword\nuserPassword: {password}\n")

    def add_group(self, name, members=()):
        self.modify(self._group(name, members).replace("\n", "\nchangetype: add\n", 1))

    def remove_group(self, name):
        self._client("ldapdelete", group_dn(name))

    def refer(self, base, url):
        """Below `base` the directory knows nothing itself, but where to ask (RFC 3296)."""
        self.modify(ldif(f"ou=elsewhere,{base}", ("objectClass", "referral"), ("objectClass", "extensibleObject"),
                         ("ou", "elsewhere"), ("ref", url)).replace("\n", "\nchangetype: add\n", 1))

    def add_member(self, group, name):
        self.modify(f"dn: {group_dn(group)}\nchangetype: modify\nadd: member\nmember: {person_dn(name)}\n")

    def remove_member(self, group, name):
        self.modify(f"dn: {group_dn(group)}\nchangetype: modify\ndelete: member\nmember: {person_dn(name)}\n")

    def log(self):
        return self.daemon.log() if self.daemon else ""

    def stop(self):
        daemon, self.daemon = self.daemon, None
        daemon.terminate()

    def close(self):
        if self.daemon is not None:
            self.stop()
