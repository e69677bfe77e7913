"""nginx and HAProxy in front of a server, with the configurations of docs/guide/proxies.md.

What a reader has to put in (names, addresses, paths of certificates) is put in here; the rest is as it stands there.
"""

import os
import re
import shutil

import requests

from harness import paths, process

GUIDE = paths.ROOT / "docs" / "guide" / "proxies.md"
BLOCK = r"^<!-- test: {} -->\n```\w+\n(.*?)^```$"


def configuration(name):
    """The block of that name in the guide."""
    found = re.findall(BLOCK.format(name), GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"the guide has {len(found)} configurations for {name}"
    return found[0]


def replaced(text, replacements):
    """With all of `replacements` made, each of which has to be in the text."""
    for written, meant in replacements.items():
        assert written in text, f"the guide's configuration has no {written!r}"
        text = text.replace(written, str(meant))
    return text


def make_certificate(folder):
    process.run(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", folder / "key.pem", "-out", folder / "chain.pem",
    )  # fmt: skip


class Proxy:
    """Stands where a server does for `Registry`, `Management` and `raw.Connection`: they get to it through here."""

    tls = True

    def __init__(self, folder, port):
        self.folder = folder
        self.port = port
        self.server = None  # set by whoever starts what is behind
        self.daemon = None
        make_certificate(folder)

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    @property
    def url(self):
        return f"https://{self.address}"

    @property
    def authority(self):
        return self.folder / "chain.pem"

    @property
    def patience(self):
        return self.server.patience

    def get(self, path, **options):
        return requests.get(self.url + path, verify=str(self.authority), timeout=30 * self.patience, **options)

    def start(self, server):
        self.server = server
        self.write(server)
        process.run(*self.checking())
        self.daemon = process.Daemon(self.serving(), self.folder / "proxy.log")
        process.wait_until(self._answers, "the proxy to answer", 30)
        return self

    def _answers(self):
        assert self.daemon.running(), f"the proxy ended:\n{self.log()}"
        try:
            return self.get("/healthz").status_code == 200
        except requests.RequestException:
            return False

    def log(self):
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    def close(self):
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon = None


class Nginx(Proxy):
    program = "nginx"

    def write(self, server):
        os.chmod(self.folder, 0o755)
        site = replaced(
            configuration("nginx"),
            {
                "127.0.0.1:5000": server.address,
                "listen 443 ssl": f"listen {self.address} ssl",
                "registry.example.com": "127.0.0.1",
                "/etc/ssl/registry/": f"{self.folder}/",
            },
        )
        (self.folder / "site.conf").write_text(site)
        temporary = "".join(
            f"  {kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.folder / "nginx.conf").write_text(
            f"daemon off;\nworker_processes 1;\npid {self.folder}/nginx.pid;\nerror_log {self.folder}/error.log notice;\n"
            + ("user root;\n" if os.geteuid() == 0 else "")
            + "events { worker_connections 1024; }\n"
            + f"http {{\n  access_log {self.folder}/access.log;\n{temporary}  include {self.folder}/site.conf;\n}}\n"
        )

    def _command(self, *more):
        return [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.folder, "-c", self.folder / "nginx.conf", *more]

    def checking(self):
        return self._command("-e", self.folder / "error.log", "-t")

    def serving(self):
        return self._command("-e", self.folder / "error.log")


class HaProxy(Proxy):
    program = "haproxy"

    def write(self, server):
        both = (self.folder / "chain.pem").read_text() + (self.folder / "key.pem").read_text()
        (self.folder / "both.pem").write_text(both)
        text = replaced(
            configuration("haproxy"),
            {
                "bind :443": f"bind {self.address}",
                "127.0.0.1:5000": server.address,
                "/etc/haproxy/registry.pem": self.folder / "both.pem",
            },
        )
        (self.folder / "haproxy.cfg").write_text(text)

    def _command(self, *more):
        return [shutil.which("haproxy") or "/usr/sbin/haproxy", "-f", self.folder / "haproxy.cfg", *more]

    def checking(self):
        return self._command("-c")

    def serving(self):
        return self._command("-db")


PROXIES = {"nginx": Nginx, "haproxy": HaProxy}


def installed(name):
    return shutil.which(name) or os.access(f"/usr/sbin/{name}", os.X_OK)
