"""A server that is imported into, somebody's command line that is logged in to it, and registries to import from."""

import json
import pathlib
import tempfile

import pytest

from harness.command_line import CommandLine
from harness.false_registry import FalseRegistry
from harness.peer import DockerRegistry
from harness.registry import Registry


@pytest.fixture
def target(launch):
    """Of one test: what is there afterwards is counted."""
    server = launch()
    server.root = server.create_user("root-admin", admin=True)
    server.alice = server.create_user("alice")
    return server


class Importer(CommandLine):
    """alice at the server that things are imported into, without any log-in of docker's."""

    def import_(self, *arguments, check=True, **options):
        return self.run("import", *arguments, "--source-plain-http", check=check, **options)

    def report(self, *arguments, status=0):
        done = self.import_(*arguments, "--json", check=False)
        assert done.returncode == status, f"ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture
def cli(target, folder):
    made = Importer(target, folder)
    made.log_in(target.alice)
    return made


@pytest.fixture
def there(target):
    """What is at the target, as alice sees it."""
    return Registry(target, target.alice)


@pytest.fixture
def peer(work_folder):
    """Debian's docker-registry, which asks for nothing."""
    registry = DockerRegistry(pathlib.Path(tempfile.mkdtemp(dir=work_folder)), authenticated=False).start()
    yield registry
    registry.close()


@pytest.fixture
def old(peer):
    """Pushes to it."""
    return Registry(peer)


@pytest.fixture
def false_registry():
    with FalseRegistry() as made:
        yield made
