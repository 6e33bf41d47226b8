"""The migrations and the tables say the same."""

from concurrent.futures import ThreadPoolExecutor

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from orchestrator.store.engine import Database
from orchestrator.store.migrations import head, is_current, upgrade
from orchestrator.store.tables import metadata


def differences(database: Database) -> list[object]:
    options = {"compare_type": True, "compare_server_default": database.dialect == "postgresql"}
    with database.read() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_the_migrations_make_exactly_the_tables(empty_database_url):
    upgrade(empty_database_url)

    database = Database(empty_database_url)
    assert differences(database) == []
    database.dispose()


def test_a_database_is_current_after_the_upgrade_and_not_before(empty_database_url):
    database = Database(empty_database_url)
    before = is_current(database)

    upgrade(empty_database_url)

    assert (before, is_current(database)) == (False, True)
    assert head() is not None
    database.dispose()


def test_an_upgrade_is_harmless_when_repeated(empty_database_url):
    upgrade(empty_database_url)

    upgrade(empty_database_url)

    database = Database(empty_database_url)
    assert is_current(database)
    database.dispose()


def test_processes_that_start_together_may_all_upgrade(empty_database_url):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(upgrade, [empty_database_url] * 3))

    database = Database(empty_database_url)
    assert differences(database) == []
    database.dispose()
