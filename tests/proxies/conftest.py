"""A server behind each proxy, set up as docs/guide/proxies.md says, and a client on an address of its own."""

import pathlib
import re
import shutil
import tempfile
import tomllib

import pytest

from harness import proxy as proxies
from harness import process
from harness.registry import Registry
from harness.server import Server

# The block without a name: what the guide has Bulkhead told.
SETTINGS = re.compile(r"^```toml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def settings_of_the_guide():
    blocks = SETTINGS.findall(proxies.GUIDE.read_text(encoding="utf-8"))
    assert len(blocks) == 1
    return tomllib.loads(blocks[0])


def set_up(config, folder, kind, more=None):
    if not proxies.installed(kind.program):
        pytest.skip(f"{kind.program} is not installed")
    front = kind(folder, process.free_port())
    settings = settings_of_the_guide()
    assert settings.pop("listen") == "127.0.0.1:5000"
    assert settings.pop("public_url") == "https://registry.example.com"
    settings = {key: ",".join(value) for key, value in settings.items()}
    settings |= {"public_url": front.url, "log.format": "json", "log.requests": "true", **(more or {})}
    server = Server(config.getoption("--bulkhead").resolve(), folder, settings)
    server.start()
    try:
        return front.start(server)
    except BaseException:
        server.close()
        raise


@pytest.fixture(scope="module", params=proxies.PROXIES)
def front(request, work_folder):
    folder = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
    made = set_up(request.config, folder, proxies.PROXIES[request.param])
    yield made
    made.close()
    made.server.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(front):
    return front.server


@pytest.fixture
def registry(front, alice):
    """alice, by way of the proxy."""
    return Registry(front, alice)
