"""The API over SQLite and a sandbox; `everywhere` is the same on both databases."""

from collections.abc import Iterator

import pytest

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from orchestrator.store.engine import Database
from tests.api.kit import Served, served
from tests.conftest import TimeTold
from tests.lifecycle.workshop import Workshop


@pytest.fixture(scope="session")
def vendor() -> Iterator[Running]:
    """A sandbox for all tests of the API; none of them counts what others left there."""
    with running(Options(people=0, rest_records=1_000, rate=0, speed=0)) as sandbox:
        yield sandbox


@pytest.fixture
def api(sqlite_url: str, time_told: TimeTold, vendor: Running) -> Iterator[Served]:
    """A running API on SQLite."""
    database = Database(sqlite_url, clock_shift=time_told)
    yield from _served(Workshop(database, time_told, vendor.url))
    database.dispose()


@pytest.fixture
def everywhere(database: Database, time_told: TimeTold, vendor: Running) -> Iterator[Served]:
    """A running API, once each on SQLite and PostgreSQL."""
    yield from _served(Workshop(database, time_told, vendor.url))


def _served(workshop: Workshop) -> Iterator[Served]:
    with served(workshop) as api:
        yield api
    workshop.pool.close()
