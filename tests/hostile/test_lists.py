"""What one request may be given: a page is bounded by what is in it, and costs no more than that."""

import time

import pytest

from harness.management import Management, path
from hostile.conftest import Place

SCOPES = 100
TOKENS = 60


@pytest.fixture
def place(launch):
    return Place(launch())


def test_a_page_of_tokens_is_bounded_by_their_scopes(place):
    mallory = Management(place.server, place.mallory)
    names = [f"mallory/{number}-{'x' * 180}" for number in range(SCOPES)]
    for name in names:
        assert mallory.post("/repositories", {"name": name}).status_code == 201
    scopes = [{"repository": name, "actions": ["pull"]} for name in names]
    for number in range(TOKENS):
        made = mallory.post(path("users", "mallory", "tokens"), {"name": str(number), "scopes": scopes})
        assert made.status_code == 201
    target = path("users", "mallory", "tokens")
    began = time.monotonic()
    page = mallory.get(target, params={"limit": 1000})
    took = time.monotonic() - began
    assert page.status_code == 200 and len(page.content) < 1 << 20
    assert took < 3, f"one page took {took:.1f} s"
    first = page.json()["items"]
    assert 1 <= len(first) < TOKENS and len(first[0]["scopes"]) == SCOPES
    listed, after = list(first), page.json()["next"]
    while after:
        page = mallory.get(target, params={"limit": 1000, "after": after}).json()
        listed, after = listed + page["items"], page.get("next")
    assert sorted(int(each["name"]) for each in listed) == list(range(TOKENS))
