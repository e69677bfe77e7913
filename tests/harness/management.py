"""A client of the management API that shows every answer as it is, and logs in by itself."""

import urllib.parse

import requests


def segment(text):
    return urllib.parse.quote(str(text), safe="")


def path(*segments):
    """path("repositories", "alice/app") is "/repositories/alice%2Fapp"."""
    return "".join(f"/{segment(each)}" for each in segments)


class Management:
    """Requests to one server below /api/v1, as one user (None: without a credential)."""

    def __init__(self, server, user=None):
        self.server = server
        self.user = user
        self.session = requests.Session()
        self.session.verify = False
        self.session.trust_env = False
        if user is not None:
            self.log_in()

    def log_in(self, **more):
        answer = self.request("POST", "/sessions", json={"name": self.user.name, "password": self.user.password, **more})
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
        self.use(answer.json()["secret"])
        return answer.json()

    def use(self, token):
        self.session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, target, **options):
        url = self.server.url + "/api/v1" + target
        return self.session.request(method, url, allow_redirects=False, timeout=60 * self.server.patience, **options)

    def get(self, target, **options):
        return self.request("GET", target, **options)

    def post(self, target, json=None, **options):
        return self.request("POST", target, json=json, **options)

    def put(self, target, json=None, **options):
        return self.request("PUT", target, json=json, **options)

    def delete(self, target, **options):
        return self.request("DELETE", target, **options)

    def change(self, target, json):
        """PATCH of what GET shows now."""
        return self.request("PATCH", target, json=json, headers={"If-Match": self.get(target).headers.get("ETag", "*")})

    def join(self, organization, owner, role="member", team=None):
        """Is invited by the owner, and accepts."""
        body = {"account": self.user.name, "role": role} | ({"team": team} if team else {})
        invited = owner.post(path("organizations", organization, "invitations"), body)
        assert invited.status_code == 201, f"{invited.status_code} {invited.text}"
        accepted = self.post(path("invitations", invited.json()["invitation"]["id"], "acceptance"))
        assert accepted.status_code == 204, f"{accepted.status_code} {accepted.text}"

    def items(self, target, **parameters):
        """All pages of a list."""
        out, after = [], None
        while True:
            answer = self.get(target, params={**parameters, **({"after": after} if after else {})})
            assert answer.status_code == 200, f"{answer.status_code} {answer.text}"
            out += answer.json()["items"]
            after = answer.json().get("next")
            if after is None:
                return out
