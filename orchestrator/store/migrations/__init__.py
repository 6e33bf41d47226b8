"""How the tables come to be: Alembic, configured in code, so that an installed package can migrate by itself.

A change of `tables.py` is followed by `revise("what is now true")`, whose draft is read before it is committed;
a test compares the tables that the migrations make with `tables.py`.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from orchestrator.store.engine import Database

HERE = Path(__file__).parent
LOCK = 0x62756C6B68656164  # any number that is the same for everybody who migrates this database


def upgrade(url: str) -> None:
    """Bring the database to the newest tables, creating all from nothing; safe when several processes do it at once.

    Raises StoreDown.
    """
    database = Database(url, pool_size=1)
    try:
        with database.write() as connection:
            _lock(connection)
            command.upgrade(_config(connection), "head")
    finally:
        database.dispose()


def is_current(database: Database) -> bool:
    """Whether the database has exactly the newest tables. Raises StoreDown."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head()


def head() -> str | None:
    """Return the newest revision that this version of the program knows."""
    return ScriptDirectory(str(HERE)).get_current_head()


def revise(url: str, message: str) -> None:
    """Draft the revision that leads from the database at `url`, which must be current, to `tables.py`."""
    database = Database(url, pool_size=1)
    try:
        with database.write() as connection:
            command.revision(_config(connection), message, autogenerate=True)
    finally:
        database.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _lock(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
