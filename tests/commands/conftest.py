"""A server with a few people, and somebody's command line."""

import pytest

from harness.command_line import CommandLine


@pytest.fixture
def cli(server, folder):
    return CommandLine(server, folder)


@pytest.fixture
def access_token(server, alice):
    """Makes access tokens of alice's that the management API takes."""

    def make(management="write", scope="*:pull,push,delete"):
        made = server.run("token", "create", alice.name, "script", "--scope", scope, "--management", management)
        return made.stdout.splitlines()[0]

    return make
