"""The database: how a transaction begins, what time it is there, and what a lost connection looks like.

Writers and readers are apart because of SQLite: a transaction that begins by reading cannot become a writer while
another one writes ("database is locked", at once, whatever the busy timeout says). So writers say so at the start
(BEGIN IMMEDIATE, one at a time), and readers, on an engine of their own, never write. On PostgreSQL both are one pool.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Literal, TypeVar

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    event,
    literal_column,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, TimeoutError

from orchestrator.job.errors import OrchestratorError, Retry

T = TypeVar("T")
Insert = postgresql.Insert | sqlite.Insert
ClockShift = timedelta | Callable[[], timedelta]

REPEATS = 3  # how often a deadlock or serialization failure is tried again; a fourth in a row is a real problem
CONNECT_TIMEOUT = timedelta(seconds=5)
BUSY_TIMEOUT = timedelta(seconds=30)  # far above the longest transaction, so that only a stuck writer runs into it
WAL_TRIES, WAL_PAUSE = 500, timedelta(milliseconds=10)
COUNT_ROWS = {"preserve_rowcount": True}  # else an INSERT's row count, which settles our races, reads -1
MICROSECOND = timedelta(microseconds=1)
SQLITE_ERROR = 1  # a wrong statement: our own mistake, not a store that is down
SQLITE_BUSY = 5

# A bare clock_timestamp() is volatile: in a WHERE it is computed per row and no index can be used. A subquery that
# depends on nothing is computed once per statement.
POSTGRES_NOW = "(SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT))"
# Milliseconds is all that SQLite knows; `subsec` would be shorter, but needs 3.42.
SQLITE_NOW = "(CAST(round((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)"

SQLITE_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # an intent lost at power failure would double a vendor job
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT // timedelta(milliseconds=1)}",
    "PRAGMA foreign_keys = ON",
)


class StoreDown(OrchestratorError):
    """The database cannot be reached, or gave up on the transaction; nothing was committed, or the answer was lost."""

    retry = Retry.SOON
    code = "store_down"

    def __init__(self, cause: str) -> None:
        super().__init__(f"the database gave no usable answer: {cause}")
        self.cause = cause


class StoreBusy(StoreDown):
    """The database rolled the transaction back in favour of another one (40P01, 40001, SQLITE_BUSY)."""

    code = "store_busy"


class Database:
    """One database, PostgreSQL or SQLite, and its clock. Connects at the first use; shared by all threads."""

    def __init__(self, url: str, *, clock_shift: ClockShift = timedelta(0), pool_size: int = 20) -> None:
        self.url = driver_url(url)
        self.dialect: Literal["sqlite", "postgresql"] = _dialect(self.url)
        self.now = _now(self.dialect, clock_shift)
        if self.dialect == "sqlite":
            self._writer, self._reader = _sqlite_writer(self.url), _sqlite_reader(self.url, pool_size)
        else:
            self._writer = _postgres(self.url, pool_size)
            self._reader = self._writer.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that may write; commits at the end, rolls back on any error.

        On SQLite it waits for every other writer. Never nest it. Raises StoreDown, StoreBusy.
        """
        with _told(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a connection that only reads and waits for nobody; on SQLite all its reads see one moment.

        Raises StoreDown.
        """
        with _told(), self._reader.connect() as connection:
            yield connection

    def retrying(self, work: Callable[[], T]) -> T:
        """Return what `work` returns, repeating it three times while it raises StoreBusy; for API calls, not turns."""
        for _ in range(REPEATS):
            try:
                return work()
            except StoreBusy:
                continue
        return work()

    def after(self, pause: timedelta) -> ColumnElement[int]:
        """Return the SQL expression of the moment `pause` from now."""
        return self.now + pause // MICROSECOND

    def insert(self, table: Table) -> Insert:
        """Return an INSERT that knows ON CONFLICT, in this database's own spelling."""
        return postgresql.insert(table) if self.dialect == "postgresql" else sqlite.insert(table)

    def dispose(self) -> None:
        """Close all connections; the next use opens new ones."""
        self._writer.dispose()
        self._reader.dispose()


def driver_url(text: str) -> URL:
    """Return the URL with our driver; a plain `postgresql://` or `sqlite://` gets it, others raise ValueError."""
    url = make_url(text)
    match url.get_backend_name():
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case "sqlite" if url.database and url.database != ":memory:":
            return url.set(drivername="sqlite+pysqlite")
        case _:
            raise ValueError("the database URL must be postgresql://… or sqlite:///file")


def _dialect(url: URL) -> Literal["sqlite", "postgresql"]:
    return "sqlite" if url.get_backend_name() == "sqlite" else "postgresql"


def _now(dialect: str, shift: ClockShift) -> ColumnElement[int]:
    now = literal_column(POSTGRES_NOW if dialect == "postgresql" else SQLITE_NOW, BigInteger)
    if isinstance(shift, timedelta):
        return now + literal_column(str(shift // MICROSECOND), BigInteger) if shift else now
    return now + bindparam("clock_shift", callable_=lambda: shift() // MICROSECOND, type_=BigInteger)


def _postgres(url: URL, pool_size: int) -> Engine:
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        connect_args={"connect_timeout": int(CONNECT_TIMEOUT.total_seconds()), "application_name": "bulkhead"},
        execution_options=COUNT_ROWS,
        json_serializer=_encode,
        json_deserializer=msgspec.json.decode,
    )


def _sqlite_writer(url: URL) -> Engine:
    # One connection: threads queue for it in order, where SQLite itself would make them sleep and try again.
    engine = _sqlite(url, pool_size=1)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _sqlite_reader(url: URL, pool_size: int) -> Engine:
    engine = _sqlite(url, pool_size)
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _sqlite(url: URL, pool_size: int) -> Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT.total_seconds(),
        connect_args={"isolation_level": None, "check_same_thread": False, "timeout": BUSY_TIMEOUT.total_seconds()},
        execution_options=COUNT_ROWS,
        json_serializer=_encode,
        json_deserializer=msgspec.json.decode,
    )
    event.listen(engine, "connect", _set_pragmas)
    return engine


def _set_pragmas(raw: sqlite3.Connection, _: object) -> None:
    for pragma in SQLITE_PRAGMAS:
        raw.execute(pragma)
    _write_ahead(raw)


def _write_ahead(raw: sqlite3.Connection) -> None:
    # The busy timeout does not cover this pragma: processes that open a new file together would fail at once.
    for _ in range(WAL_TRIES):
        try:
            raw.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            Event().wait(WAL_PAUSE.total_seconds())
    raw.execute("PRAGMA journal_mode = WAL")


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (OperationalError, InterfaceError, DBAPIError) as error:
        _raise(error)
        raise
    except TimeoutError as error:
        raise StoreDown("no free connection") from error


def _raise(error: DBAPIError) -> None:
    state = getattr(error.orig, "sqlstate", None)
    primary = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    cause = f"{type(error.orig).__name__} {state or primary or ''}".strip()
    if state in {"40P01", "40001"} or primary == SQLITE_BUSY:
        raise StoreBusy(cause) from error
    down = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    if down and primary != SQLITE_ERROR:
        raise StoreDown(cause) from error
