"""People of one installation, logged in to its management API."""

import pytest

from harness.management import Management


@pytest.fixture
def root(server, admin):
    return Management(server, admin)


@pytest.fixture
def owner(server, alice):
    """alice, who owns what the tests make."""
    return Management(server, alice)


@pytest.fixture
def outsider(server, mallory):
    """Somebody with no say in anything of alice's."""
    return Management(server, mallory)


@pytest.fixture
def nobody(server, admin):
    del admin
    return Management(server)


@pytest.fixture
def organization(root, owner, request):
    """An organization of the test's own, whose owner is alice."""
    name = "org-" + "".join(c if c.isalnum() else "-" for c in request.node.name.lower())[:40].strip("-")
    while "--" in name:
        name = name.replace("--", "-")
    answer = root.post("/organizations", {"name": name, "owner": owner.user.name})
    assert answer.status_code == 201, answer.text
    return name
