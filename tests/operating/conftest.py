"""A PostgreSQL server for a file of tests, and a database of it for each."""

import zlib

import pytest

from breach.postgres import Postgres


@pytest.fixture(scope="module")
def postgres():
    made = Postgres()
    yield made
    made.close()


@pytest.fixture
def database(postgres, request):
    """The name of an empty database of the test's own."""
    name = f"test_{zlib.crc32(request.node.nodeid.encode())}"
    postgres.create(name)
    return name
