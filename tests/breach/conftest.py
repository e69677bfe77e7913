"""Filled installations, and what was stolen from them."""

import pathlib
import random
import shutil
import tempfile

import pytest

from breach.filling import SETTINGS, Installation
from breach.postgres import Postgres
from harness.server import Server


def _filled(request, work_folder, settings=None, postgres=None):
    server = Server(
        request.config.getoption("--bulkhead").resolve(),
        pathlib.Path(tempfile.mkdtemp(dir=work_folder)),
        {**SETTINGS, **(settings or {})},
    )
    try:
        return Installation(server, random.Random(request.config.getoption("--seed")), postgres)
    except BaseException:
        server.close()
        raise


@pytest.fixture(scope="session")
def installation(request, work_folder):
    """On SQLite, at work; the tests of several files use it, and none changes its users."""
    filled = _filled(request, work_folder)
    yield filled
    filled.close()


@pytest.fixture(scope="session")
def loot(installation, work_folder):
    return installation.steal(pathlib.Path(tempfile.mkdtemp(dir=work_folder)))


@pytest.fixture
def postgres_installation(request, work_folder):
    postgres = Postgres()
    try:
        filled = _filled(request, work_folder, {"database": postgres.url}, postgres)
        yield filled
        filled.close()
    finally:
        postgres.close()
