"""Fixtures of every suite: servers, users, clients, a generator of random content that repeats with the seed."""

import pathlib
import random
import re
import shutil
import tempfile

import pytest

from harness import paths
from harness.peer import DockerRegistry
from harness.registry import Registry
from harness.server import Server

RESULT_LINES = pytest.StashKey()


def pytest_addoption(parser):
    group = parser.getgroup("bulkhead")
    group.addoption("--bulkhead", type=pathlib.Path, default=paths.RELEASE_BINARY, help="the program to test")
    group.addoption("--peer", action="store_true", help="test Debian's docker-registry instead")
    group.addoption("--seed", default="1", help="of the random content")
    group.addoption("--suite-name", help="leave a summary of this name in build/test-results")


def pytest_configure(config):
    config.stash[RESULT_LINES] = []
    binary = config.getoption("--bulkhead")
    if not config.getoption("--peer") and not binary.exists():
        raise pytest.UsageError(f"{binary} does not exist; scripts/build makes build/release/bulkhead")


def pytest_report_header(config):
    return f"seed {config.getoption('--seed')} (repeat with --seed)"


def pytest_terminal_summary(terminalreporter, config):
    name = config.getoption("--suite-name")
    if not name:
        return
    stats = terminalreporter.stats
    counts = [f"{len(stats[kind])} {kind}" for kind in ("passed", "failed", "error", "skipped") if stats.get(kind)]
    lines = [f"{name}: {', '.join(counts) or 'nothing ran'}", *(f"  {line}" for line in config.stash[RESULT_LINES])]
    for report in stats.get("skipped", []):
        lines.append(f"  skipped {report.nodeid}: {report.longrepr[2].removeprefix('Skipped: ')}")
    paths.RESULTS.mkdir(parents=True, exist_ok=True)
    (paths.RESULTS / f"{name}.summary").write_text("\n".join(lines) + "\n")


@pytest.fixture
def result_line(request):
    """Adds a line to the suite's summary."""
    return request.config.stash[RESULT_LINES].append


@pytest.fixture
def rng(request):
    """The same content for the same test at each run."""
    return random.Random(f"{request.config.getoption('--seed')} {request.node.nodeid}")


@pytest.fixture(scope="session")
def work_folder():
    """On a real disk, unlike /tmp on many machines, with a path short enough for sockets; gone after the run."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="bh-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(work_folder):
    """A new empty folder for one test."""
    made = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def _new_server(config, folder, settings=None):
    if config.getoption("--peer"):
        if settings:
            pytest.skip("docker-registry has no such settings")
        return DockerRegistry(folder)
    return Server(config.getoption("--bulkhead").resolve(), folder, settings)


@pytest.fixture
def new_server(request, work_folder):
    """Makes servers of one test's own, not yet started: new_server({"limits.page_size": 2})."""
    servers = []

    def make(settings=None):
        servers.append(_new_server(request.config, pathlib.Path(tempfile.mkdtemp(dir=work_folder)), settings))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
        shutil.rmtree(server.folder, ignore_errors=True)


@pytest.fixture
def launch(new_server):
    """Like new_server, but started."""
    return lambda settings=None: new_server(settings).start()


@pytest.fixture(scope="module")
def server(request, work_folder):
    """One server for all tests of a file; each test uses names of its own."""
    shared = _new_server(request.config, pathlib.Path(tempfile.mkdtemp(dir=work_folder)))
    shared.start()
    yield shared
    shared.close()
    shutil.rmtree(shared.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def admin(server):
    return server.create_user("root-admin", admin=True)


@pytest.fixture(scope="module")
def alice(server, admin):
    del admin  # the first account is an administrator
    return server.create_user("alice")


@pytest.fixture(scope="module")
def mallory(server, alice):
    del alice
    return server.create_user("mallory")


@pytest.fixture
def registry(server, alice):
    return Registry(server, alice)


@pytest.fixture
def stranger(server, mallory):
    """Another account, without rights in alice's namespace."""
    return Registry(server, mallory)


@pytest.fixture
def anonymous(server, alice):
    del alice
    return Registry(server)


@pytest.fixture
def repository(request):
    """A repository name of the test's own in alice's namespace."""
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:60].strip("-")
    return f"alice/{slug}"
