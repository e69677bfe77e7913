"""Repository names, tags and digests that are not (security.md 1 to 3), sent by hand so that nothing normalises them."""

import pytest

from harness import content, raw

DIGEST = content.digest_of(b"x")


@pytest.fixture
def ask(server, registry, repository):
    """Sends one request with a valid token; the answer."""
    authorization = registry.authorization(repository)

    def send(method, target, headers=None, body=b""):
        with raw.Connection(server) as connection:
            return connection.request(method, target, {**authorization, **(headers or {})}, body)

    return send


BAD_NAMES = {
    "uppercase": "alice/App",
    "dots": "alice/..",
    "dots inside": "alice/../mallory",
    "dot": "alice/./app",
    "leading dot": "alice/.app",
    "double slash": "alice//app",
    "leading separator": "alice/-app",
    "trailing separator": "alice/app-",
    "double dot": "alice/a..b",
    "mixed separators": "alice/a-_b",
    "triple underscore": "alice/a___b",
    "over 255": "alice/" + "a" * 250,
    "encoded slash": "alice%2Fapp",
    "encoded dots": "alice/%2e%2e",
    "encoded twice": "alice/%252e%252e",
    "NUL": "alice/a%00b",
    "overlong UTF-8": "alice/a%C0%AFb",
    "UTF-8": "alice/%C3%A9",
    "space": "alice/a%20b",
    "backslash": "alice/a%5Cb",
    "broken escape": "alice/a%zz",
    "cut escape": "alice/a%2",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
@pytest.mark.parametrize("end", ["tags/list", "manifests/latest", f"blobs/{DIGEST}", "blobs/uploads/"])
def test_name(ask, name, end):
    response = ask("POST" if end.endswith("uploads/") else "GET", f"/v2/{name}/{end}")
    assert response.status == 400
    assert response.codes() == ["NAME_INVALID"]


def test_escape_is_decoded_once(registry, repository, ask, rng):
    registry.push_image(repository, rng, "latest")
    escaped = repository.replace("alice/t", "alice/%74")
    assert escaped != repository
    assert ask("GET", f"/v2/{escaped}/tags/list").status == 200


def test_name_of_255_is_a_name(registry):
    name = "alice/" + "a" * 249
    response = registry.get(f"/v2/{name}/tags/list")
    assert response.status_code == 404


@pytest.mark.parametrize(
    "tag", ["t" * 129, ".hidden", "-dash", "a%20b", "a%2Fb", "%C3%A9", "a%00", "a:b", "a+b", "a%25"]
)
def test_tag(ask, repository, tag):
    body = content.render({"schemaVersion": 2})
    response = ask("PUT", f"/v2/{repository}/manifests/{tag}", {"Content-Type": content.OCI_MANIFEST}, body)
    assert response.status == 400
    assert response.codes()[0] in ("MANIFEST_INVALID", "NAME_INVALID", "DIGEST_INVALID", "UNSUPPORTED")


def test_tag_over_128(ask, repository):
    body = content.render({"schemaVersion": 2})
    response = ask("PUT", f"/v2/{repository}/manifests/{'t' * 129}", {"Content-Type": content.OCI_MANIFEST}, body)
    assert (response.status, response.codes()) == (400, ["MANIFEST_INVALID"])


BAD_DIGESTS = {
    "short": "sha256:" + "a" * 63,
    "long": "sha256:" + "a" * 65,
    "uppercase": "sha256:" + "A" * 64,
    "not hex": "sha256:" + "g" * 64,
    "sha512 short": "sha512:" + "a" * 64,
    "no hex": "sha256:",
}


@pytest.mark.parametrize("digest", BAD_DIGESTS.values(), ids=BAD_DIGESTS)
@pytest.mark.parametrize("kind", ["blobs", "referrers"])
def test_digest(ask, repository, digest, kind):
    response = ask("GET", f"/v2/{repository}/{kind}/{digest}")
    assert (response.status, response.codes()) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("digest", BAD_DIGESTS.values(), ids=BAD_DIGESTS)
def test_digest_of_a_manifest(ask, repository, digest):
    """Reading, it is not there (see protocol/test_pull.py); writing, it is refused."""
    body = content.render({"schemaVersion": 2})
    response = ask("PUT", f"/v2/{repository}/manifests/{digest}", {"Content-Type": content.OCI_MANIFEST}, body)
    assert (response.status, response.codes()) == (400, ["DIGEST_INVALID"])


@pytest.mark.parametrize("digest", ["md5:" + "a" * 32, "sha1:" + "a" * 40, "sha3:" + "a" * 64])
def test_unknown_algorithm(ask, repository, digest):
    response = ask("GET", f"/v2/{repository}/blobs/{digest}")
    assert (response.status, response.codes()) == (400, ["UNSUPPORTED"])


def test_bad_digest_of_an_upload(registry, repository):
    for query, code in (("digest=sha256:short", "DIGEST_INVALID"), ("digest=md5:" + "a" * 32, "UNSUPPORTED")):
        upload = registry.start_upload(repository)
        response = registry.put(upload.with_query(query), data=b"x")
        assert response.status_code == 400
        assert response.json()["errors"][0]["code"] == code


def test_put_without_digest(registry, repository):
    """security.md 11."""
    upload = registry.start_upload(repository)
    response = registry.put(upload.location, data=b"x")
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] == "DIGEST_INVALID"


@pytest.mark.parametrize("path", ["/v2/alice", "/v2/alice/app", "/v3/", "/v2/alice/app/nothing", "/%2e%2e/etc/passwd"])
def test_path_of_nothing(ask, path):
    response = ask("GET", path)
    assert response.status in (400, 404)


def test_traversal_reads_no_file(ask):
    for target in ("/../../../../etc/passwd", "/v2/../../etc/passwd", "/api/v1/..%2f..%2f..%2fetc/passwd"):
        response = ask("GET", target)
        assert response.status >= 400
        assert b"root:" not in response.body
