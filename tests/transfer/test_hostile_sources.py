"""Registries that lie, stall, lists that do not end: nothing of it reaches the target, memory or credentials."""

import base64
import hashlib
import itertools
import json
import os
import resource
import signal
import subprocess

import pytest

from harness import content, process
from harness.certificates import make_certificate
from harness.false_registry import Answer, FalseRegistry
from harness.registry import Registry


def add_image(registry, repository, rng, tag="v1", size=1000):
    config, layer = content.config_blob(rng), content.random_blob(rng, size)
    image = content.image_manifest(config, [layer])
    registry.add_blob(repository, config)
    registry.add_blob(repository, layer)
    registry.add_manifest(repository, image, tag)
    registry.add_tags(repository, tag)
    return image, layer


def failures(cli, registry, *arguments):
    report = cli.report(f"{registry.address}/acme/app", "--map", "acme=alice", *arguments, status=1)
    return [f"{each['what']}: {each['message']}" for each in report["failures"]]


def assert_nothing_came(there, repository="alice/app", tag="v1"):
    assert there.get_manifest(repository, tag).status_code == 404


@pytest.mark.parametrize("change", ["other", "longer", "shorter"])
def test_a_blob_that_is_not_what_the_manifest_says(cli, false_registry, there, rng, change):
    _, layer = add_image(false_registry, "acme/app", rng)
    data = {"other": layer.data[:-1] + bytes([layer.data[-1] ^ 1]), "longer": layer.data + b"x", "shorter": layer.data[:-1]}[change]
    false_registry.answers[f"/v2/acme/app/blobs/{layer.digest}"] = Answer(body=data)
    (said,) = failures(cli, false_registry)
    assert layer.digest in said
    assert_nothing_came(there)
    assert there.get_blob("alice/app", layer.digest).status_code == 404


def test_a_large_blob_that_is_another_leaves_no_upload(cli, false_registry, there, target, rng):
    _, layer = add_image(false_registry, "acme/app", rng, size=9_000_000)
    false_registry.answers[f"/v2/acme/app/blobs/{layer.digest}"] = Answer(body=layer.data[:-1] + b"?")
    failures(cli, false_registry)
    assert_nothing_came(there)
    assert not list((target.data / "blobs" / "staging").iterdir())


def test_a_manifest_with_another_digest_than_it_is_told_with(cli, false_registry, there, rng):
    image, _ = add_image(false_registry, "acme/app", rng)
    other = content.image_manifest(content.config_blob(rng), [])
    headers = {"Content-Type": image.media_type, "Docker-Content-Digest": image.digest}
    false_registry.answers["/v2/acme/app/manifests/v1"] = Answer(body=other.data, headers=headers)
    (said,) = failures(cli, false_registry)
    assert "what came is not" in said
    assert_nothing_came(there)


def test_a_child_that_is_another_manifest(cli, false_registry, there, rng):
    image, _ = add_image(false_registry, "acme/app", rng)
    wanted = content.image_manifest(content.config_blob(rng), [])
    index = content.index([wanted])
    false_registry.add_manifest("acme/app", index, "v1")
    false_registry.answers[f"/v2/acme/app/manifests/{wanted.digest}"] = Answer(
        body=image.data, headers={"Content-Type": image.media_type, "Docker-Content-Digest": wanted.digest}
    )
    (said,) = failures(cli, false_registry)
    assert wanted.digest in said
    assert_nothing_came(there)


def test_an_answer_without_an_end_is_bounded(cli, false_registry, there, rng):
    add_image(false_registry, "acme/app", rng)
    false_registry.answers["/v2/acme/app/manifests/v1"] = lambda asked: Answer(
        headers={"Content-Type": content.OCI_MANIFEST}, pieces=itertools.repeat(b" " * 65536)
    )
    (said,) = failures(cli, false_registry)
    assert "more than" in said
    assert_nothing_came(there)


@pytest.mark.parametrize("entries", [0, 5000])
def test_a_list_that_goes_on_for_ever(cli, false_registry, entries):
    """It ends at a bound of entries, or of pages without any."""
    pages = itertools.count()

    def page(asked):
        number = next(pages)
        tags = [f"v{number}-{each}" + "x" * 8 for each in range(entries)]
        return Answer(
            body=json.dumps({"tags": tags}).encode(),
            headers={"Link": f"</v2/acme/app/tags/list?last={number}>; rel=\"next\""},
        )

    false_registry.answers["/v2/acme/app/tags/list"] = page
    (said,) = failures(cli, false_registry)
    assert "more than" in said


def test_a_list_that_goes_on_elsewhere(cli, false_registry):
    with FalseRegistry() as elsewhere:
        false_registry.answers["/v2/acme/app/tags/list"] = Answer(
            body=b'{"tags": ["v1"]}', headers={"Link": f'<{elsewhere.url}/v2/acme/app/tags/list>; rel="next"'}
        )
        (said,) = failures(cli, false_registry)
        assert "another host" in said
        assert elsewhere.asked == []


def test_names_that_no_repository_can_have(cli, false_registry, there, rng):
    add_image(false_registry, "acme/app", rng)
    false_registry.answers["/v2/_catalog"] = Answer(
        body=json.dumps({"repositories": ["acme/app", "acme/../../etc", "Acme/App", "acme/a b", "acme/\x1b[2J", "a//b"]}).encode()
    )
    false_registry.answers["/v2/acme/app/tags/list"] = Answer(body=b'{"tags": ["v1", "-bad", "a/b", "\\u001b[2J"]}')
    done = cli.import_(false_registry.address, "--map", "acme=alice", check=False)
    assert done.returncode == 1
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr.count("failed: ") == 5 + 3
    assert there.get_manifest("alice/app", "v1").status_code == 200
    assert there.get("/v2/_catalog").json()["repositories"] == ["alice/app"]
    asked = [path for path in false_registry.paths() if "etc" in path or "Acme" in path or "bad" in path]
    assert asked == []


def test_credentials_stay_where_they_are_meant_for(cli, false_registry, there, rng):
    """A blob may lie elsewhere; who gives it away gets no name and password."""
    _, layer = add_image(false_registry, "acme/app", rng)
    with FalseRegistry() as elsewhere:
        elsewhere.answers["/layer"] = Answer(body=layer.data)
        answers = dict(false_registry.answers)
        wanted = "Basic " + base64.b64encode(b"bob:secret of bob").decode()

        def guarded(path):
            def answer(asked):
                if asked.headers.get("Authorization") != wanted:
                    return Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
                if path.endswith(layer.digest):
                    return Answer(307, headers={"Location": elsewhere.url + "/layer"})
                return answers[path]

            return answer

        false_registry.answers = {path: guarded(path) for path in answers}
        cli.import_(
            f"{false_registry.address}/acme/app", "--map", "acme=alice", "--source-username", "bob",
            "--source-password-stdin", stdin="secret of bob\n",
        )
        assert there.get_blob("alice/app", layer.digest).content == layer.data
        assert [asked.path for asked in elsewhere.asked] == ["/layer"]
        assert "Authorization" not in elsewhere.asked[0].headers


@pytest.fixture
def secure_registry(folder):
    certificate = make_certificate(folder, 30, names="IP:127.0.0.1")
    with FalseRegistry(certificate) as made:
        made.authority = certificate[0]
        yield made


def test_its_authority_is_named_or_it_is_not_asked(cli, secure_registry, there, rng):
    add_image(secure_registry, "acme/app", rng)
    named = ("--source-ca", secure_registry.authority)
    cli.run("import", f"{secure_registry.address}/acme/app", "--map", "acme=alice", *named)
    assert there.get_manifest("alice/app", "v1").status_code == 200
    secure_registry.asked.clear()
    done = cli.run("import", f"{secure_registry.address}/acme/app", "--map", "acme=alice", check=False)
    assert done.returncode == 1
    assert "--source-ca" in done.stderr
    assert secure_registry.asked == []


def test_what_lies_at_an_address_without_tls_is_not_fetched(cli, secure_registry, there, rng):
    _, layer = add_image(secure_registry, "acme/app", rng)
    with FalseRegistry() as elsewhere:
        elsewhere.answers["/layer"] = Answer(body=layer.data)
        secure_registry.answers[f"/v2/acme/app/blobs/{layer.digest}"] = Answer(
            307, headers={"Location": elsewhere.url + "/layer"}
        )
        done = cli.run(
            "import", f"{secure_registry.address}/acme/app", "--map", "acme=alice", "--source-ca", secure_registry.authority,
            check=False,
        )
        assert done.returncode == 1
        assert "without TLS" in done.stderr
        assert elsewhere.asked == []
    assert_nothing_came(there)


def test_a_token_service_without_tls_is_not_asked(cli, secure_registry, rng):
    add_image(secure_registry, "acme/app", rng)
    with FalseRegistry() as elsewhere:
        challenge = {"WWW-Authenticate": f'Bearer realm="{elsewhere.url}/token"'}
        for path in list(secure_registry.answers):
            secure_registry.answers[path] = Answer(401, headers=challenge)
        done = cli.run(
            "import", f"{secure_registry.address}/acme/app", "--map", "acme=alice", "--source-ca", secure_registry.authority,
            "--source-username", "bob", "--source-password-stdin", stdin="secret of bob\n", check=False,
        )
        assert done.returncode == 1
        assert "without TLS" in done.stderr
        assert elsewhere.asked == []


def test_redirects_in_a_circle_end(cli, false_registry, rng):
    _, layer = add_image(false_registry, "acme/app", rng)
    path = f"/v2/acme/app/blobs/{layer.digest}"
    false_registry.answers[path] = Answer(307, headers={"Location": path})
    (said,) = failures(cli, false_registry)
    assert "redirects more than" in said
    assert len([each for each in false_registry.paths() if each == path]) <= 6


def test_a_token_service_elsewhere_gets_no_password_unasked(cli, false_registry, rng):
    add_image(false_registry, "acme/app", rng)
    with FalseRegistry() as elsewhere:
        service = elsewhere.url.replace("127.0.0.1", "localhost")
        challenge = {"WWW-Authenticate": f'Bearer realm="{service}/token",service="x"'}
        for path in list(false_registry.answers):
            false_registry.answers[path] = Answer(401, headers=challenge)
        said = failures(cli, false_registry)
        assert "--source-token-host localhost" in said[0]
        assert elsewhere.asked == []


def test_tokens_are_kept_for_a_repository(cli, false_registry, there, rng):
    for tag in ("v1", "v2"):
        add_image(false_registry, "acme/app", rng, tag)
    false_registry.add_tags("acme/app", "v1", "v2")
    answers = dict(false_registry.answers)

    def guarded(path):
        def answer(asked):
            if asked.headers.get("Authorization") != "Bearer good":
                return Answer(401, headers={"WWW-Authenticate": f'Bearer realm="{false_registry.url}/token",service="reg"'})
            return answers[path]

        return answer

    false_registry.answers = {path: guarded(path) for path in answers}
    false_registry.answers["/token"] = Answer(body=b'{"token": "good", "expires_in": 300}')
    cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice", "--jobs", "1")
    assert there.get_manifest("alice/app", "v2").status_code == 200
    tokens = [asked for asked in false_registry.asked if asked.path == "/token"]
    assert [asked.query for asked in tokens] == ["service=reg&scope=repository%3Aacme%2Fapp%3Apull"]


def test_one_that_asks_for_patience_gets_it(cli, false_registry, there, rng):
    add_image(false_registry, "acme/app", rng)
    path = "/v2/acme/app/manifests/v1"
    good = false_registry.answers[path]
    false_registry.answers[path] = [Answer(429, headers={"Retry-After": "1"}), Answer(503), good]
    cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice")
    assert there.get_manifest("alice/app", "v1").status_code == 200


def test_one_that_wants_hours_is_left_alone_and_the_rest_told(cli, false_registry, rng):
    add_image(false_registry, "acme/app", rng)
    false_registry.add_tags("acme/app", "v1", "v2", "v3")
    refusal = Answer(429, headers={"Retry-After": "7200"})
    for tag in ("v1", "v2", "v3"):
        false_registry.answers[f"/v2/acme/app/manifests/{tag}"] = refusal
    said = failures(cli, false_registry, "--jobs", "1")
    assert len(said) == 3
    assert all("run the same command then" in each for each in said)
    assert len([path for path in false_registry.paths() if "/manifests/" in path]) == 1


def test_a_blob_that_breaks_off_is_gone_on_with(cli, false_registry, there, rng):
    _, layer = add_image(false_registry, "acme/app", rng, size=300_000)
    ranges = []

    def broken(asked):
        ranges.append(asked.headers.get("Range"))
        start = int(ranges[-1].removeprefix("bytes=").removesuffix("-")) if ranges[-1] else 0
        rest = layer.data[start:]
        if len(ranges) < 3:
            return Answer(206 if start else 200, rest[:100_000], length=len(rest))
        return Answer(206, rest)

    false_registry.answers[f"/v2/acme/app/blobs/{layer.digest}"] = broken
    cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice")
    assert ranges == [None, "bytes=100000-", "bytes=200000-"]
    assert there.get_blob("alice/app", layer.digest).content == layer.data


def test_one_that_dies_half_way_ends_soon_and_a_second_run_goes_on(cli, peer, old, there, rng):
    for number in range(3):
        old.push_image(f"acme/app{number}", rng, "v1")
    with FalseRegistry() as proxy:
        served = {}

        def forward(asked):
            if asked.path.startswith("/v2/acme/app2/") and not served.get("alive"):
                return Answer(503)
            answer = Registry(peer).request(
                asked.method, asked.path + ("?" + asked.query if asked.query else ""),
                headers={"Accept": asked.headers.get("Accept", "*/*")},
            )
            kept = {k: v for k, v in answer.headers.items() if k in ("Content-Type", "Docker-Content-Digest")}
            return Answer(answer.status_code, answer.content, kept, length=int(answer.headers["Content-Length"]))

        class Everything(dict):
            def get(self, path, default=None):
                return forward

        proxy.answers = Everything()
        report = cli.report(f"{proxy.address}/acme/*", "--map", "acme=alice", status=1)
        assert [each["what"] for each in report["failures"]] == ["acme/app2"]
        assert report["tags_copied"] == 2
        served["alive"] = True
        report = cli.report(f"{proxy.address}/acme/*", "--map", "acme=alice")
        assert (report["tags_copied"], report["tags_there"]) == (1, 2)
        assert there.get_manifest("alice/app2", "v1").status_code == 200


def test_memory_does_not_grow_with_blobs(cli, target, false_registry, there):
    """A layer of 300 MB goes through a process that may have 200 MB of address space beside its libraries."""
    piece = bytes(range(256)) * 4096
    pieces = 300
    hasher = hashlib.sha256()
    for _ in range(pieces):
        hasher.update(piece)
    config = content.Blob(b"{}", content.OCI_CONFIG)
    layer = {"mediaType": content.OCI_LAYER, "digest": "sha256:" + hasher.hexdigest(), "size": pieces * len(piece)}
    document = {"schemaVersion": 2, "mediaType": content.OCI_MANIFEST, "config": config.descriptor(), "layers": [layer]}
    image = content.Manifest(content.render(document), content.OCI_MANIFEST)
    false_registry.add_blob("acme/app", config)
    false_registry.add_manifest("acme/app", image, "v1")
    false_registry.add_tags("acme/app", "v1")
    false_registry.answers[f"/v2/acme/app/blobs/{layer['digest']}"] = lambda asked: Answer(
        pieces=itertools.repeat(piece, pieces)
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice")
    assert there.head(f"/v2/alice/app/blobs/{layer['digest']}").status_code == 200
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    assert peak == before or peak < 100 * 1024, f"{peak} KiB"


def guard(registry, name, password):
    """Lets nobody else see anything."""
    wanted = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
    refusal = Answer(401, headers={"WWW-Authenticate": 'Basic realm="x"'})
    for path, good in list(registry.answers.items()):
        registry.answers[path] = lambda asked, good=good: good if asked.headers.get("Authorization") == wanted else refusal


def test_dockers_log_in_is_used(cli, folder, false_registry, there, rng):
    add_image(false_registry, "acme/app", rng)
    guard(false_registry, "bob", "from docker")
    (folder / ".docker").mkdir()
    configuration = folder / ".docker" / "config.json"
    auth = base64.b64encode(b"bob:from docker").decode()
    configuration.write_text(json.dumps({"auths": {false_registry.address: {"auth": auth}}}))
    cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice")
    assert there.get_manifest("alice/app", "v1").status_code == 200
    configuration.write_text("{}")
    done = cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice", check=False)
    assert done.returncode == 1
    assert "asks for a log-in" in done.stderr


@pytest.mark.parametrize("key", ["credHelpers", "credsStore"])
def test_dockers_credential_helper_is_asked(cli, folder, false_registry, there, rng, monkeypatch, key):
    add_image(false_registry, "acme/app", rng)
    guard(false_registry, "bob", "from a helper")
    helper = folder / "docker-credential-ours"
    helper.write_text(
        f'#!/bin/sh\nread -r host\n[ "$1 $host" = "get {false_registry.address}" ] || exit 1\n'
        'echo \'{"ServerURL": "x", "Username": "bob", "Secret": "from a helper"}\'\n'
    )
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (folder / ".docker").mkdir()
    auths = {"auths": {false_registry.address: {}}}
    (folder / ".docker" / "config.json").write_text(
        json.dumps({"credHelpers": {false_registry.address: "ours"}} if key == "credHelpers" else {"credsStore": "ours"} | auths)
    )
    cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice")
    assert there.get_manifest("alice/app", "v1").status_code == 200
    helper.write_text("#!/bin/sh\necho credentials not found in native keychain\nexit 1\n")
    done = cli.import_(f"{false_registry.address}/acme/app", "--map", "acme=alice", check=False)
    assert done.returncode == 1
    assert "gives no credential: credentials not found" in done.stderr


def test_one_that_answers_no_head_is_asked_otherwise(cli, false_registry, there, rng):
    """And one that names no digest: what is there already is seen by what came."""
    image, _ = add_image(false_registry, "acme/app", rng)
    for reference in ("v1", image.digest):
        false_registry.answers[f"/v2/acme/app/manifests/{reference}"] = lambda asked: (
            Answer(405) if asked.method == "HEAD" else Answer(body=image.data, headers={"Content-Type": image.media_type})
        )
    for copied in (1, 0):
        report = cli.report(f"{false_registry.address}/acme/app", "--map", "acme=alice")
        assert (report["tags_copied"], report["tags_there"]) == (copied, 1 - copied)
    assert there.get_manifest("alice/app", "v1").content == image.data


def test_stopping_it_ends_it_in_order(cli, target, false_registry, rng):
    _, layer = add_image(false_registry, "acme/app", rng)

    def slow():
        yield b"x"
        process.wait_until(lambda: stopped, "the test to stop it")

    stopped = []
    false_registry.answers[f"/v2/acme/app/blobs/{layer.digest}"] = lambda asked: Answer(pieces=slow())
    running = subprocess.Popen(
        [str(target.binary), "import", f"{false_registry.address}/acme/app", "--map", "acme=alice", "--source-plain-http"],
        env={"PATH": os.environ["PATH"], "HOME": str(cli.home)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=process.die_with_parent,
    )
    process.wait_until(lambda: any(layer.digest in path for path in false_registry.paths()), "the blob to be asked for")
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=30)
    stopped.append(True)
    assert running.returncode == 1, said
    assert "run the same command again" in said
    assert all(each.get("revoked_at") for each in cli.json("token", "list", "alice"))
