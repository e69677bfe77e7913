"""Debian's docker-registry behind the same methods as our server.

The client tests may run against it (`pytest --peer clients`): what fails there too is the fault of the test or of the
client, not of the server. The benchmarks compare with it.
"""

import crypt
import json

import requests

from harness import process
from harness.server import User


class DockerRegistry:
    tls = False
    sanitized = False
    patience = 1

    def __init__(self, folder, authenticated=True):
        self.folder = folder
        self.data = folder / "data"
        self.port = process.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.daemon = None
        self._passwords = folder / "htpasswd"
        self._authenticated = authenticated

    def start(self):
        settings = {
            "version": "0.1",
            "log": {"level": "error", "accesslog": {"disabled": True}},
            "storage": {
                "filesystem": {"rootdirectory": str(self.data)},
                "cache": {"blobdescriptor": "inmemory"},
                "delete": {"enabled": True},
            },
            "http": {"addr": self.address},
        }
        if self._authenticated:
            self._passwords.touch()
            settings["auth"] = {"htpasswd": {"realm": "peer", "path": str(self._passwords)}}
        configuration = self.folder / "registry.json"  # JSON is YAML
        configuration.write_text(json.dumps(settings))
        self.daemon = process.Daemon(["docker-registry", "serve", configuration], self.folder / "registry.log")
        process.wait_until(self._answers, "docker-registry to answer")
        return self

    def _answers(self):
        try:
            return requests.get(self.url + "/v2/", timeout=5).status_code in (200, 401)
        except requests.RequestException:
            return False

    def create_user(self, name, admin=False, password=None):
        del admin  # everyone may do everything there
        user = User(name, password or f"correct-horse-{name}-staple")
        # The least cost there is: bcrypt is run at every request.
        salt = crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)
        with self._passwords.open("a") as file:
            file.write(f"{user.name}:{crypt.crypt(user.password, salt)}\n")
        return user

    def log(self):
        return self.daemon.log() if self.daemon else ""

    def memory(self):
        with open(f"/proc/{self.daemon.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def stop(self):
        daemon, self.daemon = self.daemon, None
        daemon.terminate()

    def close(self):
        if self.daemon is not None:
            self.stop()
