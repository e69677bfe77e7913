"""Conditional requests (RFC 9110, section 13) on everything that has an ETag, and ranges that depend on one."""

import itertools
import threading

import pytest

from harness import content, raw
from harness.registry import assert_error

OTHER = content.digest_of(b"something else")


@pytest.fixture
def manifest(registry, repository, rng):
    return registry.push_image(repository, rng, "latest")


@pytest.fixture
def blob(registry, repository, rng):
    return registry.push_blob(repository, content.random_blob(rng, 1000))


def readings(digest, other=OTHER):
    """Field, value, and whether a read is answered in full, with 304 or with 412."""
    return [
        ("If-None-Match", f'"{digest}"', 304),
        ("If-None-Match", f'W/"{digest}"', 304),
        ("If-None-Match", f'"{other}", "{digest}"', 304),
        ("If-None-Match", f'"{other}" ,,\t W/"{digest}"', 304),
        ("If-None-Match", "*", 304),
        # Without the quotes it is no tag, but clients of docker-registry send it and are understood there.
        ("If-None-Match", digest, 304),
        ("If-None-Match", f'"{other}"', 200),
        ("If-None-Match", f'"x{digest}y"', 200),
        ("If-None-Match", f'"{digest}y"', 200),
        ("If-None-Match", "", 200),
        ("If-Match", f'"{digest}"', 200),
        ("If-Match", f'"{other}", "{digest}"', 200),
        ("If-Match", "*", 200),
        ("If-Match", f'"{other}"', 412),
        ("If-Match", f'W/"{digest}"', 412),
        ("If-Match", f'"x{digest}y"', 412),
    ]


@pytest.mark.parametrize("what", ["tag", "digest", "blob"])
def test_a_conditional_read(registry, repository, manifest, blob, what):
    path = f"/v2/{repository}/blobs/{blob.digest}"
    digest, data = blob.digest, blob.data
    if what != "blob":
        digest, data = manifest.digest, manifest.data
        path = f"/v2/{repository}/manifests/{'latest' if what == 'tag' else digest}"
    wrong = []
    for (field, value, status), method in itertools.product(readings(digest), ("GET", "HEAD")):
        answer = registry.request(method, path, headers={field: value})
        if answer.status_code != status:
            wrong.append(f"{method} {field}: {value} is {answer.status_code} instead of {status}")
        if status == 304:
            assert answer.headers["ETag"] == f'"{digest}"'
            assert not answer.content
        if status == 200 and method == "GET":
            assert answer.content == data
    assert not wrong, "\n".join(wrong)


def test_conditions_in_several_lines_are_one_list(server, registry, repository, manifest):
    """RFC 9110 section 5.3."""
    path = f"/v2/{repository}/manifests/latest"
    authorization = list(registry.authorization(repository).items())
    with raw.Connection(server) as connection:
        lines = [("If-None-Match", f'"{OTHER}"'), ("If-None-Match", f'"{manifest.digest}"')]
        assert connection.request("GET", path, authorization + lines).status == 304
        lines = [("If-Match", f'"{OTHER}"'), ("If-Match", f'"{manifest.digest}"')]
        assert connection.request("GET", path, authorization + lines).status == 200


def test_if_none_match_is_not_looked_at_when_if_match_fails(registry, repository, manifest):
    """RFC 9110 section 13.2.2: the order."""
    headers = {"If-Match": f'"{OTHER}"', "If-None-Match": f'"{manifest.digest}"'}
    assert registry.get(f"/v2/{repository}/manifests/latest", headers=headers).status_code == 412


def put(registry, repository, manifest, reference, **conditions):
    headers = {"Content-Type": manifest.media_type} | {name.replace("_", "-"): value for name, value in conditions.items()}
    return registry.put(f"/v2/{repository}/manifests/{reference}", data=manifest.data, headers=headers)


def tagged(registry, repository, tag):
    return registry.head(f"/v2/{repository}/manifests/{tag}").headers.get("Docker-Content-Digest")


def test_a_tag_is_moved_only_from_where_it_was_seen(registry, repository, manifest, rng):
    next_one = registry.push_image(repository, rng)
    for stale in (f'"{OTHER}"', f'W/"{manifest.digest}"', f'"{OTHER}", "{next_one.digest}"'):
        assert_error(put(registry, repository, next_one, "latest", If_Match=stale), 412, "PRECONDITION_FAILED")
        assert tagged(registry, repository, "latest") == manifest.digest, stale
    assert put(registry, repository, next_one, "latest", If_Match=f'"{manifest.digest}"').status_code == 201
    assert tagged(registry, repository, "latest") == next_one.digest
    assert put(registry, repository, manifest, "latest", If_Match="*").status_code == 201
    assert put(registry, repository, manifest, "absent", If_Match="*").status_code == 412
    assert tagged(registry, repository, "absent") is None


def test_a_tag_is_made_only_where_there_is_none(registry, repository, manifest, rng):
    next_one = registry.push_image(repository, rng)
    for value in ("*", f'"{manifest.digest}"', f'W/"{manifest.digest}"'):
        assert put(registry, repository, next_one, "latest", If_None_Match=value).status_code == 412, value
    assert tagged(registry, repository, "latest") == manifest.digest
    assert put(registry, repository, next_one, "new", If_None_Match="*").status_code == 201
    assert put(registry, repository, next_one, "new", If_None_Match="*").status_code == 412
    assert put(registry, repository, next_one, "latest", If_None_Match=f'"{OTHER}"').status_code == 201


def test_the_first_push_of_a_repository_under_a_condition(registry, repository, rng):
    new = repository + "-new"
    source = registry.push_image(repository, rng)
    index = content.index([])
    assert put(registry, new, index, "latest", If_Match="*").status_code == 412
    assert put(registry, new, index, "latest", If_None_Match="*").status_code == 201
    assert tagged(registry, new, "latest") == index.digest != source.digest


def test_a_digest_is_pushed_under_a_condition_as_well(registry, repository, manifest, rng):
    assert put(registry, repository, manifest, manifest.digest, If_None_Match="*").status_code == 412
    assert put(registry, repository, manifest, manifest.digest, If_Match=f'"{manifest.digest}"').status_code == 201
    fresh = content.index([manifest], annotations={"n": rng.randbytes(4).hex()})
    assert put(registry, repository, fresh, fresh.digest, If_Match="*").status_code == 412
    assert put(registry, repository, fresh, f"{fresh.digest}?tag=other", If_None_Match="*").status_code == 201


def test_what_is_wrong_anyway_is_not_a_matter_of_conditions(registry, repository, manifest):
    """RFC 9110 section 13.2.1."""
    broken = content.Manifest(b"{}", content.OCI_MANIFEST)
    assert put(registry, repository, broken, "latest", If_Match=f'"{OTHER}"').status_code == 400
    assert registry.delete(f"/v2/{repository}/manifests/absent", headers={"If-Match": f'"{OTHER}"'}).status_code == 404


@pytest.mark.parametrize("value", ["", "x", '"x', "sha256:x", '"a" "b"', "W/*", '*, "a"'])
@pytest.mark.parametrize("field", ["If-Match", "If-None-Match"])
def test_a_change_under_a_condition_that_cannot_be_read_is_refused(registry, repository, manifest, field, value):
    """Somebody meant to make the change depend on something."""
    answer = put(registry, repository, manifest, "latest", **{field.replace("-", "_"): value})
    assert_error(answer, 400, "BAD_REQUEST")
    assert registry.delete(f"/v2/{repository}/manifests/latest", headers={field: value}).status_code == 400
    assert tagged(registry, repository, "latest") == manifest.digest


@pytest.mark.parametrize("kind", ["tag", "digest", "blob"])
def test_a_conditional_deletion(registry, repository, manifest, blob, kind):
    path = f"/v2/{repository}/manifests/latest"
    digest = manifest.digest
    if kind == "digest":
        path = f"/v2/{repository}/manifests/{digest}"
    if kind == "blob":
        path, digest = f"/v2/{repository}/blobs/{blob.digest}", blob.digest
    for headers in ({"If-Match": f'"{OTHER}"'}, {"If-None-Match": "*"}, {"If-None-Match": f'"{digest}"'}):
        assert_error(registry.delete(path, headers=headers), 412, "PRECONDITION_FAILED")
        assert registry.head(path).status_code == 200, headers
    assert registry.delete(path, headers={"If-Match": f'"{digest}"'}).status_code == 202
    assert registry.head(path).status_code == 404


def test_of_many_who_saw_the_same_one_moves_the_tag(registry, repository, manifest, rng):
    images = [registry.push_image(repository, rng) for _ in range(8)]
    statuses = []
    registry.authorization(repository)

    def move(image):
        statuses.append(put(registry, repository, image, "latest", If_Match=f'"{manifest.digest}"').status_code)

    threads = [threading.Thread(target=move, args=(image,)) for image in images]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] + [412] * 7


# -- ranges


@pytest.mark.parametrize("range_", ["bytes=0-9", "bytes=2000-"])
@pytest.mark.parametrize(
    "value", ['"other"', 'W/"{}"', "Tue, 15 Nov 1994 12:45:26 GMT", "{}", '"{}", "other"', '"{}y"', "*", ""]
)
def test_a_range_of_something_else_is_the_whole(registry, repository, blob, value, range_):
    """RFC 9110 section 13.1.5: If-Range compares strongly, and what is not the same is not continued."""
    headers = {"Range": range_, "If-Range": value.format(blob.digest)}
    response = registry.get_blob(repository, blob.digest, headers=headers)
    assert response.status_code == 200
    assert response.content == blob.data


def test_a_range_of_the_same_is_the_range(registry, repository, blob):
    headers = {"Range": "bytes=10-19", "If-Range": f'"{blob.digest}"'}
    response = registry.get_blob(repository, blob.digest, headers=headers)
    assert (response.status_code, response.content) == (206, blob.data[10:20])
    headers["Range"] = "bytes=1000-"
    assert registry.get_blob(repository, blob.digest, headers=headers).status_code == 416


@pytest.mark.parametrize("range_", ["bytes=0-9", "bytes=2000-", "bytes=0-1,4-5"])
def test_head_knows_no_ranges(registry, repository, blob, range_):
    """RFC 9110 section 14.2."""
    response = registry.head(f"/v2/{repository}/blobs/{blob.digest}", headers={"Range": range_})
    assert response.status_code == 200
    assert response.headers["Content-Length"] == "1000"
    assert "Content-Range" not in response.headers


def parts_of(response):
    """Content-Range and body of each part of a multipart/byteranges answer (RFC 9110 section 14.6)."""
    kind, _, boundary = response.headers["Content-Type"].partition("; boundary=")
    assert kind == "multipart/byteranges"
    assert int(response.headers["Content-Length"]) == len(response.content)
    before, *parts, after = response.content.split(b"--" + boundary.encode())
    assert (before, after) == (b"", b"--\r\n")
    found = []
    for part in parts:
        head, _, body = part.partition(b"\r\n\r\n")
        headers = dict(line.split(": ") for line in head.decode().strip().split("\r\n"))
        assert headers["Content-Type"] == "application/octet-stream"
        assert body.endswith(b"\r\n")
        found.append((headers["Content-Range"], body[:-2]))
    return found


@pytest.mark.parametrize(
    ("wanted", "ranges"),
    [
        ("bytes=0-9,20-29", [(0, 10), (20, 30)]),
        ("bytes=0-0, 500-, ", [(0, 1), (500, 1000)]),
        ("bytes=100-199,300-399,-50", [(100, 200), (300, 400), (950, 1000)]),
        # What is not there is left out.
        ("bytes=0-9,20-29,2000-3000", [(0, 10), (20, 30)]),
        # Out of order, as a client may have its reasons to want them.
        ("bytes=500-509,0-9", [(500, 510), (0, 10)]),
    ],
)
def test_several_ranges(registry, repository, blob, wanted, ranges):
    """Clients that pull lazily ask for hundreds of pieces at once."""
    response = registry.get_blob(repository, blob.digest, headers={"Range": wanted})
    assert response.status_code == 206
    assert "Content-Range" not in response.headers
    assert parts_of(response) == [(f"bytes {a}-{b - 1}/1000", blob.data[a:b]) for a, b in ranges]


def test_several_ranges_of_which_one_is_there(registry, repository, blob):
    response = registry.get_blob(repository, blob.digest, headers={"Range": "bytes=10-19,5000-6000"})
    assert response.status_code == 206
    assert response.headers["Content-Range"] == "bytes 10-19/1000"
    assert response.content == blob.data[10:20]


def test_several_ranges_of_which_none_is_there(registry, repository, blob):
    assert registry.get_blob(repository, blob.digest, headers={"Range": "bytes=1000-,5000-6000"}).status_code == 416


@pytest.mark.parametrize(
    "wanted",
    [
        "bytes=" + ",".join(["0-"] * 100),
        "bytes=0-9,5-14",
        "bytes=" + ",".join(f"{n}-{n}" for n in range(0, 1000, 2)) + ",0-999",
        "bytes=0-9,x",
        "bytes=5-4,0-1",
        "bytes=0-9;20-29",
        "lines=0-9,20-29",
    ],
)
def test_ranges_that_make_more_of_a_blob_than_it_is_are_the_whole(registry, repository, blob, wanted):
    """Overlapping ranges multiply what a request costs (CVE-2011-3192)."""
    response = registry.get_blob(repository, blob.digest, headers={"Range": wanted})
    assert response.status_code == 200
    assert response.content == blob.data


def test_hundreds_of_ranges(registry, repository, rng):
    blob = registry.push_blob(repository, content.random_blob(rng, 300_000))
    ranges = [(start, start + 100) for start in range(0, 300_000, 300)]
    assert len(ranges) == 1000
    wanted = "bytes=" + ",".join(f"{a}-{b - 1}" for a, b in ranges)
    response = registry.get_blob(repository, blob.digest, headers={"Range": wanted})
    assert response.status_code == 206
    assert [body for _, body in parts_of(response)] == [blob.data[a:b] for a, b in ranges]


def test_nothing_on_the_way_is_to_change_what_is_pulled(registry, repository, manifest, blob):
    """A proxy that compresses would spoil digests and ranges (RFC 9111 section 5.2.2.6)."""
    for response in (
        registry.get_manifest(repository, "latest"),
        registry.get_blob(repository, blob.digest),
        registry.get_blob(repository, blob.digest, headers={"Range": "bytes=0-9"}),
    ):
        assert "no-transform" in response.headers.get("Cache-Control", "")
