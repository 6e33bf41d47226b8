"""The API over a sandbox: `api` on SQLite, `everywhere` on both databases, `steady` for what leaves nothing behind."""

import shutil
from collections.abc import Iterator
from pathlib import Path

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
    yield from _served(Workshop(database, time_told, vendor))
    database.dispose()


@pytest.fixture
def everywhere(database: Database, time_told: TimeTold, vendor: Running) -> Iterator[Served]:
    """A running API, once each on SQLite and PostgreSQL."""
    yield from _served(Workshop(database, time_told, vendor))


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, vendor: Running) -> Iterator[Served]:
    """A running API that the tests of one module share, because none of them may change anything in it."""
    path = tmp_path_factory.mktemp("steady") / "bulkhead.db"
    shutil.copy(sqlite_template, path)
    time_told = TimeTold()
    database = Database(f"sqlite:///{path}", clock_shift=time_told)
    yield from _served(Workshop(database, time_told, vendor))
    database.dispose()


def _served(workshop: Workshop) -> Iterator[Served]:
    with served(workshop) as api:
        yield api
    workshop.close()
