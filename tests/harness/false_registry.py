"""A registry in this process that answers what a test tells it to, by path, and remembers what it was asked.

`answers` maps a path without its query to an Answer, a list of them (one for each request, the last for all that follow), or
a function of the request. What is not there is a 404.
"""

import dataclasses
import http.server
import json
import ssl
import threading
import urllib.parse


@dataclasses.dataclass
class Answer:
    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    length: int | None = None  # Content-Length, where it is not that of the body
    pieces: object = None  # an iterable of bytes instead of the body, without a length


@dataclasses.dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: str
    headers: dict


class FalseRegistry:
    """`certificate` and its key for one that speaks TLS."""

    def __init__(self, certificate=None):
        self.answers = {}
        self.asked = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                del arguments

            def handle_one(self):
                outer._serve(self)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                """Clients that go away are what is tested."""

        self._http = Quiet(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self.address = f"127.0.0.1:{self._http.server_address[1]}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"

    def __enter__(self):
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self._http.shutdown()
        self._http.server_close()

    def paths(self, method=None):
        return [each.path for each in self.asked if method in (None, each.method)]

    # -- contents

    def add_blob(self, repository, blob, **answer):
        self.answers[f"/v2/{repository}/blobs/{blob.digest}"] = Answer(body=blob.data, **answer)

    def add_manifest(self, repository, manifest, tag=None):
        headers = {"Content-Type": manifest.media_type, "Docker-Content-Digest": manifest.digest}
        for reference in (manifest.digest, *([tag] if tag else [])):
            self.answers[f"/v2/{repository}/manifests/{reference}"] = Answer(body=manifest.data, headers=headers)

    def add_tags(self, repository, *tags):
        self.answers[f"/v2/{repository}/tags/list"] = Answer(body=json.dumps({"name": repository, "tags": tags}).encode())

    # -- serving

    def _serve(self, handler):
        target = urllib.parse.urlsplit(handler.path)
        asked = Asked(handler.command, target.path, target.query, dict(handler.headers.items()))
        self.asked.append(asked)
        answer = self.answers.get(target.path, Answer(404, b'{"errors":[{"code":"NOT_FOUND","message":"not found"}]}'))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(asked)
        handler.send_response(answer.status)
        for name, value in answer.headers.items():
            handler.send_header(name, value)
        if answer.pieces is not None:
            handler.send_header("Connection", "close")
        else:
            handler.send_header("Content-Length", str(len(answer.body) if answer.length is None else answer.length))
        handler.end_headers()
        if handler.command != "HEAD":
            for piece in answer.pieces if answer.pieces is not None else [answer.body]:
                handler.wfile.write(piece)
        if answer.pieces is not None or answer.length not in (None, len(answer.body)):
            handler.close_connection = True
