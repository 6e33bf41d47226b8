"""Vendor jobs whose id we know and that no job of ours needs any more: found, given up for good, ticked off.

A job that is restarted at the same moment takes the same row: whoever comes second finds out by its state.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import and_, exists, or_, select, update

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.status import JobStatus
from orchestrator.job.step import StepKind
from orchestrator.store.control import write_event
from orchestrator.store.engine import Database
from orchestrator.store.reading import PAGE, many
from orchestrator.store.tables import connections, jobs, steps, vendor_jobs
from orchestrator.store.tables.steps import UNREAPED
from orchestrator.store.vendor_jobs import LIVE, Owned, owned_of, owned_query

FILLING = (VendorJobState.OPEN, VendorJobState.FILLED)
TO_RESTART = timedelta(hours=1)  # an ABORTED job keeps its open vendor jobs that long, so that a restart goes on there


class Reaping:
    """The vendor jobs that are left over."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, size: int = PAGE) -> Sequence[Owned]:
        """Return unreleased vendor jobs that nobody needs: abandoned ones, and those of jobs that have ended.

        Not those that an abort step will stop, nor those of connections that cannot be used.
        """
        ended = and_(
            vendor_jobs.c.state.in_(FILLING),
            or_(
                jobs.c.status.in_((JobStatus.COMPLETED, JobStatus.CANCELED)),
                and_(jobs.c.status == JobStatus.ABORTED, jobs.c.completed_at < self._database.after(-TO_RESTART)),
            ),
        )
        aborting = exists().where(
            steps.c.job_id == vendor_jobs.c.job_id,
            steps.c.vendor_seq == vendor_jobs.c.seq,
            steps.c.kind == StepKind.ABORT,
            steps.c.state != "done",
        )
        query = (
            owned_query()
            .join(connections, connections.c.id == jobs.c.connection_id)
            .where(UNREAPED, or_(vendor_jobs.c.state == VendorJobState.ABANDONED, ended), ~aborting)
            .where(connections.c.removed_at.is_(None), connections.c.auth_state == "ok")
        )
        return [owned_of(row) for row in many(self._database, query.order_by(vendor_jobs.c.job_id).limit(size))]

    def abandon(self, owned: Owned) -> bool:
        """See to it that no step of ours fills or releases the vendor job; False where its job goes on, and needs it.

        Steps that come upon it later send its rows again, in another vendor job.
        """
        with self._database.write() as connection:
            query = select(jobs.c.status).where(jobs.c.id == owned.job_id).with_for_update()
            mine = (vendor_jobs.c.job_id == owned.job_id, vendor_jobs.c.seq == owned.seq)
            status = connection.execute(query).scalar_one()
            state = connection.execute(select(vendor_jobs.c.state).where(*mine)).scalar_one()
            if status in LIVE and state != VendorJobState.ABANDONED:
                return False
            change = update(vendor_jobs).where(*mine, vendor_jobs.c.state.in_(FILLING))
            connection.execute(change.values(state=VendorJobState.ABANDONED))
            return True

    def tick_off(self, owned: Owned, *, aborted: bool) -> None:
        """Note that nothing more is to be done about the vendor job; told once."""
        mine = (vendor_jobs.c.job_id == owned.job_id, vendor_jobs.c.seq == owned.seq, vendor_jobs.c.reaped_at.is_(None))
        data = {"vendorJobId": owned.remote_id, "aborted": aborted}
        with self._database.write() as connection:
            connection.execute(select(jobs.c.id).where(jobs.c.id == owned.job_id).with_for_update())
            change = update(vendor_jobs).where(*mine).values(reaped_at=self._database.now)
            if connection.execute(change).rowcount == 1:
                write_event(connection, self._database, owned.job_id, "vendor_job.reaped", data)
