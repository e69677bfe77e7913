"""A registry client that shows every answer as it is: no retries, no redirects followed, no status hidden."""

import contextlib
import functools
import re

import requests
import urllib3

from harness import content

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

ACCEPT = ", ".join([content.OCI_MANIFEST, content.OCI_INDEX, content.DOCKER_MANIFEST, content.DOCKER_LIST])
ALL_ACTIONS = "pull,push,delete"
# A name may hold these words too, so the last of them counts.
REPOSITORY_PATH = re.compile(r"^/v2/(.+)/(?:blobs|manifests|tags|referrers)/")
CHALLENGE_PARAMETER = re.compile(r'(\w+)="([^"]*)"')


def challenge(response):
    """The scheme and the parameters of WWW-Authenticate."""
    scheme, _, parameters = response.headers["WWW-Authenticate"].partition(" ")
    return scheme, dict(CHALLENGE_PARAMETER.findall(parameters))


class TokenRefused(AssertionError):
    """The token endpoint answered something else than a token."""


class Registry:
    """Requests to one server as one user (None: anonymously), with a token for the repository that each one names."""

    def __init__(self, server, user=None):
        self.server = server
        self.user = user
        self.session = requests.Session()
        self.session.verify = False
        self.session.trust_env = False
        self.timeout = 60 * server.patience
        self._tokens = {}

    # -- credentials

    @functools.cached_property
    def _scheme(self):
        """Ours asks for Bearer; docker-registry for Basic, or for nothing."""
        response = self.session.get(self.server.url + "/v2/", timeout=self.timeout)
        return challenge(response)[0] if response.status_code == 401 else None

    def request_token(self, scope, user=None, **parameters):
        """The answer of the token endpoint, whatever it is."""
        user = user or self.user
        return self.session.get(
            self.server.url + "/token",
            params={"service": "bulkhead", "scope": scope, **parameters},
            auth=(user.name, user.password) if user else None,
            timeout=self.timeout,
        )

    def token(self, scope):
        if scope not in self._tokens:
            response = self.request_token(scope)
            if response.status_code != 200:
                raise TokenRefused(f"{response.status_code} {response.text}")
            self._tokens[scope] = response.json()["token"]
        return self._tokens[scope]

    def forget_tokens(self):
        self._tokens.clear()

    def authorization(self, *repositories):
        """The Authorization header for these repositories, or for the registry as a whole."""
        if self._scheme != "Bearer":
            if self._scheme is None or self.user is None:
                return {}
            return {"Authorization": requests.auth._basic_auth_str(self.user.name, self.user.password)}
        scopes = tuple(f"repository:{name}:{ALL_ACTIONS}" for name in repositories) or ("registry:catalog:*",)
        return {"Authorization": f"Bearer {self.token(scopes)}"}

    # -- requests

    def request(self, method, path, *, headers=None, authorized=True, also=(), **options):
        """`path` is absolute, or a whole URL as a Location header may hold it; `also` names further repositories that
        the token is to cover.

        A 401 is tried again once with a new token, as every client does: what a token may hold can have grown since.
        """
        url = path if path.startswith("http") else self.server.url + path
        match = REPOSITORY_PATH.match(url[len(self.server.url) :])
        names = ((match.group(1),) if match else ()) + tuple(also)

        def send():
            sent = self.authorization(*names) if authorized else {}
            return self.session.request(
                method, url, headers=sent | (headers or {}), allow_redirects=False, timeout=self.timeout, **options
            )

        response = send()
        replayable = isinstance(options.get("data"), bytes | str | None)
        if response.status_code == 401 and authorized and replayable and self._scheme == "Bearer":
            self.forget_tokens()
            with contextlib.suppress(TokenRefused):
                response = send()
        return response

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def head(self, path, **options):
        return self.request("HEAD", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def patch(self, path, **options):
        return self.request("PATCH", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    # -- what most tests begin with; these fail when the server refuses

    def start_upload(self, repository, **options):
        response = self.post(f"/v2/{repository}/blobs/uploads/", **options)
        assert response.status_code == 202, f"{response.status_code} {response.text}"
        return Upload(self, response)

    def make_repository(self, repository):
        """An empty one: an upload that is only begun makes none."""
        self.server.run("repo", "create", repository)

    def push_blob(self, repository, blob):
        response = self.start_upload(repository).finish(blob.digest, blob.data)
        assert response.status_code == 201, f"{response.status_code} {response.text}"
        return blob

    def put_manifest(self, repository, manifest, reference=None, **options):
        return self.put(
            f"/v2/{repository}/manifests/{reference or manifest.digest}",
            data=manifest.data,
            headers={"Content-Type": manifest.media_type},
            **options,
        )

    def push_manifest(self, repository, manifest, reference=None):
        response = self.put_manifest(repository, manifest, reference)
        assert response.status_code == 201, f"{response.status_code} {response.text}"
        return manifest

    def push_image(self, repository, rng, tag=None, layers=1, size=1000, **more):
        """A new image with everything it refers to."""
        config = self.push_blob(repository, content.config_blob(rng))
        blobs = [self.push_blob(repository, content.random_blob(rng, size)) for _ in range(layers)]
        return self.push_manifest(repository, content.image_manifest(config, blobs, **more), tag)

    def get_blob(self, repository, digest, **options):
        return self.get(f"/v2/{repository}/blobs/{digest}", **options)

    def get_manifest(self, repository, reference, **options):
        headers = {"Accept": ACCEPT} | options.pop("headers", {})
        return self.get(f"/v2/{repository}/manifests/{reference}", headers=headers, **options)


class Upload:
    """An upload session, followed from one Location to the next."""

    def __init__(self, registry, response):
        self.registry = registry
        self.location = response.headers["Location"]

    @property
    def path(self):
        """The Location without scheme and authority."""
        return re.sub(r"^https?://[^/]+", "", self.location)

    def with_query(self, query):
        return f"{self.location}{'&' if '?' in self.location else '?'}{query}"

    def path_with_query(self, query):
        return f"{self.path}{'&' if '?' in self.path else '?'}{query}"

    def chunk(self, data, start=None, **headers):
        """PATCH; with Content-Range when `start` is given."""
        if start is not None:
            headers["Content-Range"] = f"{start}-{start + len(data) - 1}"
        response = self.registry.patch(
            self.location,
            data=data,
            headers={"Content-Type": "application/octet-stream"} | {k.replace("_", "-"): v for k, v in headers.items()},
        )
        if response.status_code == 202:
            self.location = response.headers["Location"]
        return response

    def finish(self, digest, data=b"", **headers):
        return self.registry.put(
            self.with_query(f"digest={digest}"),
            data=data,
            headers={"Content-Type": "application/octet-stream"} | {k.replace("_", "-"): v for k, v in headers.items()},
        )

    def status(self):
        return self.registry.get(self.location)

    def offset(self):
        """How many bytes the server holds; a session of one byte and an empty one cannot be told apart."""
        response = self.status()
        assert response.status_code == 204, f"{response.status_code} {response.text}"
        last = int(response.headers["Range"].partition("-")[2])
        return last + 1 if last else 0

    def cancel(self):
        return self.registry.delete(self.location)


def errors_of(response):
    """The codes of an OCI error answer, whose form is checked."""
    kind = response.headers.get("Content-Type", "")
    assert kind.split(";")[0] == "application/json", f"an error of type {kind!r}: {response.text[:500]}"
    errors = response.json()["errors"]
    assert errors, "an error answer without errors"
    for error in errors:
        assert isinstance(error.get("message", ""), str)
    return [error["code"] for error in errors]


def assert_error(response, status, code):
    """`status` and `code` may each be a tuple of what is allowed."""
    statuses = status if isinstance(status, tuple) else (status,)
    codes = code if isinstance(code, tuple) else (code,)
    assert response.status_code in statuses, f"{response.status_code} instead of {status}: {response.text[:500]}"
    if response.request.method != "HEAD":
        found = errors_of(response)
        assert set(found) & set(codes), f"{found} instead of {code}: {response.text[:500]}"
