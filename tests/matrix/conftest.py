"""One installation for the whole suite, as plan.py has it."""

import pathlib
import shutil
import tempfile

import pytest

from harness.server import Server
from matrix.cells import operations_of
from matrix.filling import SETTINGS, World


@pytest.fixture(scope="session")
def world(request, work_folder):
    folder = pathlib.Path(tempfile.mkdtemp(dir=work_folder))
    server = Server(request.config.getoption("--bulkhead").resolve(), folder, SETTINGS)
    try:
        yield World(server)
    finally:
        server.close()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def operations(world):
    answer = world.server.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    return operations_of(answer.json())
