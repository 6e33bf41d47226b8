"""Transactions, the database's clock, and what a lost connection looks like."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select, text
from sqlalchemy.exc import DBAPIError

from orchestrator.clock import WallClock, to_micros
from orchestrator.job.errors import Retry
from orchestrator.store.engine import Database, StoreBusy, StoreDown, driver_url
from orchestrator.store.tables import steps, tenants
from tests.conftest import TimeTold
from tests.servers import free_port

CLOSE = timedelta(seconds=2) // timedelta(microseconds=1)


def time_of(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalars(select(database.now)).one())


def add_tenant(database: Database, name: str) -> None:
    with database.write() as connection:
        connection.execute(tenants.insert().values(name=name, created_at=database.now))


def count(database: Database) -> int:
    with database.read() as connection:
        return int(connection.scalars(select(func.count()).select_from(tenants)).one())


def test_the_time_is_microseconds_of_the_databases_clock(database):
    before = to_micros(WallClock().now())

    told = time_of(database)

    assert abs(told - before) < CLOSE
    assert isinstance(told, int)


def test_the_time_jumps_when_it_is_told_to(database, time_told: TimeTold):
    before = time_of(database)

    time_told.passes(timedelta(hours=3))

    assert abs(time_of(database) - before - 3 * 3600 * 10**6) < CLOSE


def test_a_constant_shift_of_the_clock_is_added(database_url):
    ahead, plain = Database(database_url, clock_shift=timedelta(days=1)), Database(database_url)

    difference = time_of(ahead) - time_of(plain)

    assert abs(difference - 86400 * 10**6) < CLOSE
    ahead.dispose()
    plain.dispose()


def test_a_written_time_is_the_time_of_the_statement(database, time_told: TimeTold):
    time_told.passes(timedelta(hours=-1))

    with database.write() as connection:
        connection.execute(tenants.insert().values(name="a", created_at=database.after(timedelta(minutes=1))))

    with database.read() as connection:
        written = connection.scalars(select(tenants.c.created_at)).one()
    assert abs(written - time_of(database) - 60 * 10**6) < CLOSE


def plan(connection: Connection, database: Database) -> str:
    due = (steps.c.state == "ready", steps.c.budget_id == 1, steps.c.due_at <= database.now)
    query = select(steps.c.id).where(*due).order_by(steps.c.due_at)
    if database.dialect == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))
    compiled = query.compile(connection, compile_kwargs={"literal_binds": True, "render_postcompile": True})
    prefix = "EXPLAIN" if database.dialect == "postgresql" else "EXPLAIN QUERY PLAN"
    return "\n".join(str(row) for row in connection.exec_driver_sql(f"{prefix} {compiled}"))


def test_a_comparison_with_now_can_use_an_index(database_url):
    database = Database(database_url)

    with database.write() as connection:
        lines = plan(connection, database)

    assert "ix_steps_ready" in lines
    assert re.search(r"Index Cond: .*due_at|due_at<\?", lines)
    database.dispose()


def test_the_row_count_of_an_insert_tells_who_was_first(database):
    statement = database.insert(tenants).values(name="a", created_at=database.now).on_conflict_do_nothing()

    with database.write() as connection:
        counts = [connection.execute(statement).rowcount for _ in range(2)]

    assert counts == [1, 0]


def test_an_error_in_a_transaction_undoes_it(database):
    def work() -> None:
        with database.write() as connection:
            connection.execute(tenants.insert().values(name="a", created_at=database.now))
            raise KeyError

    with pytest.raises(KeyError):
        work()

    assert count(database) == 0


def test_readers_see_nothing_of_a_transaction_that_is_open(database):
    with database.write() as connection:
        connection.execute(tenants.insert().values(name="a", created_at=database.now))

        seen = count(database)

    assert seen == 0
    assert count(database) == 1


def test_eight_threads_write_at_once_without_an_error(database):
    def write(number: int) -> None:
        add_tenant(database, f"tenant {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))

    assert count(database) == 200


def test_two_processes_take_turns_in_writing_to_sqlite(sqlite_url):
    databases = [Database(sqlite_url) for _ in range(4)]  # one pool each, as four processes would have

    def write(number: int) -> None:
        add_tenant(databases[number % 4], f"tenant {number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(200)))

    assert count(databases[0]) == 200
    for database in databases:
        database.dispose()


def test_a_reader_of_sqlite_cannot_write(sqlite_url):
    database = Database(sqlite_url)

    with pytest.raises(StoreDown), database.read() as connection:
        connection.execute(tenants.insert().values(name="a", created_at=database.now))

    database.dispose()


def test_sqlite_keeps_what_it_committed_through_a_power_failure(sqlite_url):
    database = Database(sqlite_url)

    with database.write() as connection:
        settings = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]

    assert settings == ["wal", 2, 1, 30_000]
    database.dispose()


def test_a_database_that_does_not_answer_is_down_and_worth_another_try():
    database = Database(f"postgresql://root@127.0.0.1:{free_port()}/test")

    with pytest.raises(StoreDown) as caught, database.read() as connection:
        connection.execute(select(1))

    assert caught.value.retry is Retry.SOON
    database.dispose()


def test_a_connection_that_the_server_cut_is_down_and_the_next_one_works(postgresql_url):
    database = Database(postgresql_url)

    def work() -> None:
        with database.write() as connection:
            mine = connection.scalar(select(func.pg_backend_pid()))
            with database.write() as other:
                other.execute(select(func.pg_terminate_backend(mine)))
            connection.execute(select(1))

    with pytest.raises(StoreDown):
        work()

    assert time_of(database) > 0
    database.dispose()


def test_a_wrong_statement_is_our_own_mistake_and_not_a_store_that_is_down(database):
    with pytest.raises(DBAPIError), database.read() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))


def test_a_deadlock_is_busy_and_tried_again(postgresql_url):
    database = Database(postgresql_url)
    tries: list[int] = []

    def work() -> str:
        tries.append(1)
        with database.write() as connection:
            if len(tries) < 4:
                connection.execute(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '40P01'; END $$"))
        return "done"

    answer = database.retrying(work)

    assert answer == "done"
    assert len(tries) == 4
    database.dispose()


def test_busy_for_ever_is_told_after_the_fourth_try(database):
    tries: list[int] = []

    def work() -> None:
        tries.append(1)
        raise StoreBusy("40001")

    with pytest.raises(StoreBusy):
        database.retrying(work)

    assert len(tries) == 4


@pytest.mark.parametrize("url", ["mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_other_databases_are_refused(url):
    with pytest.raises(ValueError, match="database URL"):
        driver_url(url)
