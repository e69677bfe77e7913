"""An installation that may ask log-in providers on this machine."""

import pytest

from harness.management import Management


@pytest.fixture
def registry_server(launch):
    return launch({"outbound.plain_hosts": "127.0.0.1", "outbound.networks": "127.0.0.0/8"})


@pytest.fixture
def root(registry_server):
    return Management(registry_server, registry_server.create_user("root-admin", admin=True))
