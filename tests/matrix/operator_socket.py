"""The local socket, for those who command the machine."""

import http.client
import json
import socket


class OperatorConnection(http.client.HTTPConnection):
    """The local socket, through which whoever commands the machine reaches the same operations."""

    def __init__(self, server):
        super().__init__("localhost", timeout=60 * server.patience)
        self._path = str(server.data / "control.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def send_probe(self, probe):
        """{"status", "body", "etag"} of the operation's answer."""
        command = {
            "command": "api.request",
            "method": probe.operation.method,
            "path": probe.target.removeprefix("/api/v1"),
            "if_match": "*",
        }
        if probe.body:
            command["body"] = json.loads(probe.body)
        self.request("POST", "/", json.dumps(command))
        return json.loads(self.getresponse().read())["ok"]
