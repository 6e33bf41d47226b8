"""Fixtures for everybody: both databases, migrated and empty; a Redis of our own; time that is told."""

import os
import shutil
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from orchestrator.clock import WallClock
from orchestrator.store.engine import Database, StoreDown
from orchestrator.store.migrations import upgrade
from orchestrator.store.tables import metadata
from tests.servers import ValkeyServer, missing

POSTGRES = os.environ.get("BULKHEAD_TEST_DATABASE_URL", "postgresql://root@127.0.0.1:5432/test")


class TimeTold:
    """A clock that runs on, and jumps when told; databases and clocks made with it jump along."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def __call__(self) -> timedelta:
        return self.shift

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return WallClock(self.shift).now()

    def passes(self, period: timedelta) -> None:
        """Let `period` go by at once."""
        self.shift += period


@pytest.fixture
def time_told() -> TimeTold:
    """The time of `database` and of all who ask it."""
    return TimeTold()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated, empty database; the test runs once on SQLite and once on PostgreSQL."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def database(database_url: str, time_told: TimeTold) -> Iterator[Database]:
    """A migrated, empty database whose time is told by `time_told`; once each on SQLite and PostgreSQL."""
    database = Database(database_url, clock_shift=time_told)
    yield database
    database.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """A migrated, empty SQLite file of this test alone."""
    path = tmp_path / "bulkhead.db"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_schema: str) -> str:
    """A migrated PostgreSQL schema of this test session, emptied for this test."""
    database = Database(postgresql_schema, pool_size=1)
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    database.dispose()
    return postgresql_schema


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "bulkhead.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_schema() -> Iterator[str]:
    """The URL of a migrated schema that lives as long as this test session; needs a PostgreSQL."""
    url = new_schema()
    upgrade(url)
    yield url
    drop_schema(url)


@pytest.fixture
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path, database_kind: str) -> Iterator[str]:
    """The URL of a database without any table."""
    if database_kind == "sqlite":
        yield f"sqlite:///{tmp_path / 'new' / 'empty.db'}"
        return
    url = new_schema()
    yield url
    drop_schema(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_kind(request: pytest.FixtureRequest) -> str:
    """Which database `empty_database_url` is."""
    return str(request.param)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """A Valkey of our own that lives as long as this test session."""
    server = ValkeyServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def redis_url(redis_server: ValkeyServer) -> str:
    """The URL of an empty Redis that nobody else uses."""
    redis_server.flush()
    return redis_server.url


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A running Valkey of this test alone, to be stopped, killed and started again."""
    server = ValkeyServer(tmp_path / "valkey")
    server.start()
    yield server
    server.kill()


def new_schema() -> str:
    """Create an empty schema in the PostgreSQL for tests and return the URL that works inside it."""
    name = f"bulkhead_{uuid4().hex[:12]}"
    try:
        _run(f"CREATE SCHEMA {name}")
    except StoreDown:
        missing("PostgreSQL")
    return make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={name}"}).render_as_string(False)


def drop_schema(url: str) -> None:
    """Drop the schema that `new_schema` created."""
    name = str(make_url(url).query["options"]).removeprefix("-csearch_path=")
    _run(f"DROP SCHEMA {name} CASCADE")


def _run(statement: str) -> None:
    database = Database(POSTGRES, pool_size=1)
    with database.write() as connection:
        connection.execute(text(statement))
    database.dispose()


@pytest.fixture
def at_most() -> Callable[[int], AbstractContextManager[None]]:
    """Promise that a block never holds more than so many mebibytes."""
    return _at_most


@contextmanager
def _at_most(mebibytes: int) -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < mebibytes << 20
