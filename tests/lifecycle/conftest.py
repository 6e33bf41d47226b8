"""A workshop on each database, with a sandbox of its own."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url

from orchestrator.dispatch import Dispatch, make_celery
from orchestrator.lifecycle import turn
from orchestrator.lifecycle.reaper import Reaper
from orchestrator.notify import Notifier
from orchestrator.providers.salesloft.bulk_jobs import SalesloftBulkJobs
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from orchestrator.store import engine
from orchestrator.store.engine import Database
from orchestrator.upkeep import Upkeep
from tests.conftest import TimeTold
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options() -> Options:
    """How the sandbox behaves; a test module may override it."""
    return Options(people=0, accounts=0, others=0, rest_records=1_000, rate=0, speed=0)


@pytest.fixture(scope="module")
def _sandbox() -> Iterator[Running]:
    with running(Options()) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_sandbox: Running, options: Options) -> Running:
    """A sandbox as if it had just been started."""
    _sandbox.world._first = options
    _sandbox.world.reset()
    return _sandbox


@pytest.fixture(autouse=True)
def _power_never_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare SQLite the waiting for the disk: what dies here are workers."""
    monkeypatch.setattr(engine, "SQLITE_PRAGMAS", (*engine.SQLITE_PRAGMAS, "PRAGMA synchronous = OFF"))


@pytest.fixture
def database(database_url: str, time_told: TimeTold) -> Iterator[Database]:
    """The database of everybody, but for waiting for the disk."""
    url = make_url(database_url)
    if options := url.query.get("options"):
        url = url.update_query_dict({"options": f"{options} -csynchronous_commit=off"})
    database = Database(url.render_as_string(hide_password=False), clock_shift=time_told)
    yield database
    database.dispose()


@pytest.fixture
def workshop(database: Database, time_told: TimeTold, sandbox: Running) -> Iterator[Workshop]:
    """Everything of one process but the broker; once each on SQLite and PostgreSQL."""
    workshop = Workshop(database, time_told, sandbox)
    yield workshop
    workshop.close()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a chunk take 20 rows and a vendor job two chunks, so that small files need several of both."""
    monkeypatch.setattr(SalesloftBulkJobs, "chunk_rows", 20)
    monkeypatch.setattr(SalesloftBulkJobs, "chunks_per_job", 2)


@pytest.fixture
def a_checkpoint_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit whatever is handed over, so that there are more moments at which a worker can die."""
    monkeypatch.setattr(turn, "CHECKPOINT", timedelta(0))


@pytest.fixture
def upkeep(workshop: Workshop) -> Upkeep:
    """What beat does."""
    notifier = Notifier(
        workshop.store.outbox, client=workshop.pool.token_client, keys=lambda _: [b""], now=workshop.time_told.now
    )
    return Upkeep(
        store=workshop.store,
        objects=workshop.objects,
        dispatch=Dispatch(workshop.store, make_celery("memory://")),
        lifecycle=workshop.lifecycle,
        notifier=notifier,
        reaper=Reaper(workshop.store, workshop.vendors),
        retention=timedelta(days=30),
    )
