"""A vendor job that a fenced turn created: its id must not be lost, or nobody could ever abort it."""

from sqlalchemy import select, update

from orchestrator.job.status import JobStatus
from orchestrator.job.step import StepKind, Successor
from orchestrator.store.births import insert_steps
from orchestrator.store.control import write_event
from orchestrator.store.effects import note_left_over
from orchestrator.store.engine import Database
from orchestrator.store.tables import jobs, vendor_jobs


class Rescue:
    """Ids that came too late for the turn that asked for them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def remote_id(self, job_id: int, seq: int, remote_id: str) -> bool:
        """Store the id unless the vendor job has one, with an abort step if its job was canceled meanwhile."""
        with self._database.write() as connection:
            job = connection.execute(select(jobs).where(jobs.c.id == job_id).with_for_update()).mappings().one()
            stored = connection.execute(
                update(vendor_jobs)
                .where(vendor_jobs.c.job_id == job_id, vendor_jobs.c.seq == seq, vendor_jobs.c.remote_id.is_(None))
                .values(remote_id=remote_id)
            )
            kept = stored.rowcount == 1
            if not kept:
                note_left_over(connection, self._database, job_id, remote_id)
            write_event(connection, self._database, job_id, "vendor_job.late_id", {"id": remote_id, "kept": kept})
            if kept and job["cancel_requested"]:
                abort = Successor(kind=StepKind.ABORT, vendor_seq=seq)
                insert_steps(connection, self._database, job, [abort], state=_born(job["status"]))
            return kept


def _born(status: str) -> str:
    return "ready" if status in (JobStatus.CANCELLATION_PENDING, JobStatus.CANCELED) else "stopped"
