"""A workshop on each database, with a sandbox of its own."""

from collections.abc import Iterator

import pytest

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from orchestrator.store.engine import Database
from tests.conftest import TimeTold
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options() -> Options:
    """How the sandbox behaves; a test module may override it."""
    return Options(people=0, rest_records=1_000, rate=0, speed=0)


@pytest.fixture
def sandbox(options: Options) -> Iterator[Running]:
    """A sandbox of this test alone."""
    with running(options) as sandbox:
        yield sandbox


@pytest.fixture
def workshop(database: Database, time_told: TimeTold, sandbox: Running) -> Iterator[Workshop]:
    """Everything of one process but the broker; once each on SQLite and PostgreSQL."""
    workshop = Workshop(database, time_told, sandbox.url)
    yield workshop
    workshop.pool.close()
