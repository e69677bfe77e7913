"""A client of /api/v1: what it can do is read from the server's own OpenAPI document."""

import functools

import requests


class Management:
    def __init__(self, server):
        self.server = server
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = False

    @functools.cached_property
    def operations(self):
        """Method and path of each operation, by its id."""
        response = self.server.get("/api/v1/openapi.json")
        assert response.status_code == 200, response.text
        return {
            operation["operationId"]: (method.upper(), path)
            for path, methods in response.json()["paths"].items()
            for method, operation in methods.items()
            if isinstance(operation, dict) and "operationId" in operation
        }

    def call(self, operation, credential=None, *, body=None, headers=None, expect=(200, 201, 204), **path):
        """The parsed answer; fails when the server refuses."""
        method, template = self.operations[operation]
        url = template.format(**{name: requests.utils.quote(str(value), safe="") for name, value in path.items()})
        url = url if url.startswith("/api/v1") else "/api/v1" + url
        sent = dict(headers or {})
        if credential:
            sent["Authorization"] = f"Bearer {credential}"
        response = self.session.request(
            method, self.server.url + url, json=body, headers=sent, timeout=30 * self.server.patience
        )
        if expect is not None:
            assert response.status_code in expect, f"{method} {url}: {response.status_code} {response.text}"
        return response

    def log_in(self, user, code=None):
        body = {"name": user.name, "password": user.password} | ({"code": code} if code else {})
        return self.call("startSession", body=body).json()["secret"]

    def create_token(self, session, user_name, scopes, name="laptop", **more):
        """The token's number and its secret."""
        body = {"name": name, "scopes": scopes, **more}
        made = self.call("createToken", session, body=body, user=user_name).json()
        return made["token"]["id"], made["secret"]
