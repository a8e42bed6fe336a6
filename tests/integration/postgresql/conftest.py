"""A PostgreSQL server for these tests. Where none is installed they are skipped, or fail where
`GOFER_REQUIRE_POSTGRESQL=1` says that there must be one."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.gradebook.engine import open_gradebook
from tests.support.postgresql_server import binaries, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.postgresql_server import PostgresqlServer

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A server of this test run's own."""
    found = binaries()
    if found is None:
        if os.environ.get("GOFER_REQUIRE_POSTGRESQL") == "1":
            pytest.fail("GOFER_REQUIRE_POSTGRESQL=1, and no PostgreSQL server is installed")
        pytest.skip("no PostgreSQL server is installed")
    yield from running_server(found)


@pytest.fixture(scope="session")
def empty_gradebook(
    postgresql_server: PostgresqlServer, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The name of a database with an empty gradebook in it, to be copied."""
    url = postgresql_server.make_database("empty")
    open_gradebook(Path(tmp_path_factory.mktemp("empty")), url).dispose()
    return "empty"


@pytest.fixture
def no_gradebook(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The address of a database with nothing in it."""
    name = f"nothing{next(_numbers)}"
    yield postgresql_server.make_database(name)
    postgresql_server.drop_database(name)


@pytest.fixture
def database_url(postgresql_server: PostgresqlServer, empty_gradebook: str) -> Iterator[str]:
    """The address of an empty gradebook."""
    name = f"gradebook{next(_numbers)}"
    yield postgresql_server.make_database(name, like=empty_gradebook)
    postgresql_server.drop_database(name)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is about SQLite's file alone."""
    here = Path(__file__).parent
    of_sqlite = [
        item
        for item in items
        if item.path.is_relative_to(here) and item.get_closest_marker("sqlite")
    ]
    if of_sqlite:
        config.hook.pytest_deselected(items=of_sqlite)
        items[:] = [item for item in items if item not in of_sqlite]
