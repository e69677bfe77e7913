"""The servers that are compared, each with a folder of its own on the same disk."""

import os
import re

import requests

from harness import process, raw
from harness.peer import DockerRegistry
from harness.registry import Registry
from harness.server import Server

NGINX = """
daemon off;
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
{user}
events {{ worker_connections 4096; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  default_type application/vnd.oci.image.manifest.v1+json;
  open_file_cache max=1000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {address};
    root {folder}/files;
  }}
}}
"""


class Nginx:
    """Static files; put() places one at a path."""

    name = "nginx"
    tls = False
    patience = 1

    def __init__(self, folder):
        self.folder = folder
        self.port = process.free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        configuration = folder / "nginx.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        configuration.write_text(NGINX.format(folder=folder, address=self.address, user=user))
        self._daemon = process.Daemon(
            ["/usr/sbin/nginx", "-p", folder, "-e", folder / "error.log", "-c", configuration], folder / "nginx.log"
        )
        process.wait_until(self._answers, "nginx to answer")

    def _answers(self):
        try:
            return requests.get(self.url, timeout=5).status_code
        except requests.RequestException:
            return None

    def put(self, path, data):
        file = self.folder / "files" / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def headers(self, repository):
        del repository
        return {}

    def close(self):
        self._daemon.terminate()


class Target:
    """A registry under measurement: how to authorize, and how to push without getting in the way."""

    def __init__(self, name, server, user=None):
        self.name = name
        self.server = server
        self.registry = Registry(server, user)
        self._authorized = user is not None

    def headers(self, repository):
        """Fresh ones: a token lives for five minutes."""
        if not self._authorized:
            return {}
        self.registry.forget_tokens()
        return self.registry.authorization(repository)

    def connect(self):
        return raw.Connection(self.server, timeout=600)

    def memory(self):
        return self.server.memory()


def upload_path(response):
    """The path of a Location header, absolute or relative."""
    assert response.status == 202, f"{response.status} {response.body[:300]}"
    return re.sub(r"^https?://[^/]+", "", response.headers["location"])


class Peers:
    """Starts each server when it is first asked for, and stops them all."""

    def __init__(self, binary, folder):
        self.folder = folder
        self._binary = binary
        self._started = []
        self._bulkhead = self._docker_registry = self._nginx = None

    def _new_folder(self, name):
        made = self.folder / f"{name}-{len(self._started)}"
        made.mkdir()
        return made

    def new_bulkhead(self):
        """One more, on an empty folder, with the settings it ships with."""
        server = Server(self._binary, self._new_folder("bulkhead"))
        server.settings = {}
        server.start()
        self._started.append(server)
        return Target("bulkhead", server, server.create_user("bench"))

    @property
    def bulkhead(self):
        self._bulkhead = self._bulkhead or self.new_bulkhead()
        return self._bulkhead

    @property
    def docker_registry(self):
        if not self._docker_registry:
            server = DockerRegistry(self._new_folder("docker-registry"), authenticated=False).start()
            self._started.append(server)
            self._docker_registry = Target("docker-registry", server)
        return self._docker_registry

    @property
    def nginx(self):
        if not self._nginx:
            self._nginx = Nginx(self._new_folder("nginx"))
            self._started.append(self._nginx)
        return self._nginx

    def close(self):
        for server in reversed(self._started):
            server.close()
