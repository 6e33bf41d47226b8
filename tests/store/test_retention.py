"""Jobs that ended long ago are forgotten whole, and nothing else is."""

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from orchestrator.job.errors import Missing
from orchestrator.job.status import JobStatus
from orchestrator.store.connections import Connection
from orchestrator.store.jobs import Jobs
from orchestrator.store.retention import BELONGINGS, Retention
from orchestrator.store.tables import error_codes, jobs, metadata
from tests.store.given import a_connection, a_job, a_tenant

MONTH = timedelta(days=30)


@pytest.fixture
def retention(database) -> Retention:
    return Retention(database)


@pytest.fixture
def connection(database) -> Connection:
    return a_connection(database, a_tenant(database))


def end(database, job: int, status: JobStatus = JobStatus.COMPLETED) -> None:
    with database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job).values(status=status, completed_at=database.now))
        connection.execute(insert(error_codes).values(job_id=job, code="invalid", count=1))


def rows_of(database, job: int) -> int:
    with database.read() as connection:
        counts = [select(func.count()).select_from(table).where(table.c.job_id == job) for table in BELONGINGS]
        return sum(int(connection.execute(each).scalar_one()) for each in counts)


def test_every_table_that_names_a_job_is_emptied_of_it():
    naming = {table for table in metadata.sorted_tables if "job_id" in table.c}

    assert naming - set(BELONGINGS) == {metadata.tables["schedule_fires"]}


def test_a_job_expires_when_it_has_been_over_for_long_enough(database, retention, connection, time_told):
    over, running = a_job(database, connection), a_job(database, connection)
    end(database, over)
    early = retention.expired(MONTH)

    time_told.passes(timedelta(days=31))

    assert early == []
    assert retention.expired(MONTH) == [over]
    assert Jobs(database).by_id(running).status is JobStatus.CREATED


def test_a_forgotten_job_leaves_no_row(database, retention, connection, time_told):
    job, other = a_job(database, connection), a_job(database, connection)
    end(database, job)
    time_told.passes(timedelta(days=31))

    forgotten = retention.forget(job, MONTH), retention.forget(job, MONTH)

    assert forgotten == (True, False)
    assert rows_of(database, job) == 0
    assert rows_of(database, other) > 0
    with pytest.raises(Missing):
        Jobs(database).by_id(job)


def test_a_job_that_was_restarted_is_kept(database, retention, connection, time_told):
    job = a_job(database, connection)
    end(database, job, JobStatus.ABORTED)
    time_told.passes(timedelta(days=31))
    with database.write() as open_connection:
        open_connection.execute(update(jobs).where(jobs.c.id == job).values(status=JobStatus.STARTED))

    forgotten = retention.forget(job, MONTH)

    assert not forgotten


def test_the_number_of_a_forgotten_job_is_never_given_again(database, retention, connection, time_told):
    job = a_job(database, connection)
    end(database, job)
    time_told.passes(timedelta(days=31))
    retention.forget(job, MONTH)

    next_job = a_job(database, connection)

    assert next_job > job
