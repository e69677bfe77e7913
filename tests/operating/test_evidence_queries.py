"""Asking the evidence: by part of a digest, by request, by namespace, by times as people write them; and what cannot be."""

import datetime
import json
import random

import pytest

from harness.registry import Registry


@pytest.fixture(scope="module")
def told(server, alice):
    """A server with evidence of a push, and that push's manifest."""
    server.manifest = Registry(server, alice).push_image("alice/told", random.Random(1), "v1")
    return server


def query(server, *flags):
    return [json.loads(line) for line in server.run("audit", "query", "--json", *flags).stdout.splitlines()]


def test_the_digits_that_lists_show_find_the_digest(told):
    digits = told.manifest.digest.partition(":")[2]
    whole = query(told, "--digest", told.manifest.digest)
    assert {"manifest_pushed", "tag_set"} <= {each["action"] for each in whole}
    for part in (digits[:12], "sha256:" + digits[:12], "sha256:" + digits[:40], digits):
        assert query(told, "--digest", part) == whole, part


@pytest.mark.parametrize(
    "flags, said",
    [
        (("--digest", "1d979d388c6"), "at least its first 12"),
        (("--digest", "sha256:" + "x" * 64), "is no digest"),
        (("--digest", "md5:" + "0" * 32), "is no digest"),
        (("--address", "192.0.2"), "is no IP address"),
        (("--action", "tag_sett"), "near to it: tag_set"),
        (("--action", "xyzzy"), "docs/formats/events.md"),
        (("--since", "the other day"), "yesterday"),
        (("--since", "2026-01-31T08:15:00+99:00"), "is no time"),
    ],
    ids=str,
)
def test_what_cannot_match_is_refused_with_the_reason(told, flags, said):
    refused = told.run("audit", "query", *flags, check=False)
    assert refused.returncode == 1 and said in refused.stdout
    assert len(refused.stdout.splitlines()) == 1 and "account_created" not in refused.stdout


def test_a_request_leads_to_its_events(told, registry):
    answer = registry.get("/v2/alice/told/manifests/v1")
    events = query(told, "--request", answer.headers["X-Request-Id"])
    assert [each["action"] for each in events] == ["manifest_pulled"]
    assert told.run("audit", "query", "--request", "none").stdout == ""


def test_a_namespace_is_all_that_is_in_it(told, alice, rng):
    Registry(told, alice).push_image("alice/other", rng, "v1")
    found = {each["repository"] for each in query(told, "--repository", "alice/", "--action", "tag_set")}
    assert found == {"alice/told", "alice/other"}
    assert query(told, "--repository", "alic/") == []
    assert len(query(told, "--repository", "alice/", "--limit", "3")) == 3
    assert query(told, "--limit", "1") == query(told)[:1]


def test_times_are_taken_as_people_write_them(told):
    everything = query(told, "--action", "tag_set")
    day = datetime.datetime.now(datetime.timezone.utc)
    early = (day - datetime.timedelta(hours=1)).astimezone(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
    late = day + datetime.timedelta(hours=1)
    for since in ("yesterday", "1h", early.isoformat(timespec="seconds"), early.isoformat(), f"{day:%Y-%m-%d}"):
        if since.startswith(f"{day:%Y-%m-%d}") and len(since) == 10 and day.hour == 0:
            continue  # the evidence may be of the day before
        assert query(told, "--action", "tag_set", "--since", since) == everything, since
    assert query(told, "--action", "tag_set", "--since", f"{late:%Y-%m-%d %H:%M}") == []
    assert query(told, "--action", "tag_set", "--until", f"{late:%Y-%m-%dT%H:%M}") == everything
