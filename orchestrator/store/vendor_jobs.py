"""Reading vendor jobs; they are planned and moved by the commits of turns."""

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from orchestrator.job.chunk import VendorJob, VendorJobState
from orchestrator.job.errors import Missing
from orchestrator.store.engine import Database
from orchestrator.store.reading import many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import jobs, vendor_jobs


class VendorJobs:
    """The vendor jobs of all jobs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_job(self, job_id: int) -> Sequence[VendorJob]:
        """Return the job's vendor jobs, in the order they were planned."""
        query = select(vendor_jobs).where(vendor_jobs.c.job_id == job_id).order_by(vendor_jobs.c.seq)
        return [vendor_job_of(row) for row in many(self._database, query)]

    def get(self, job_id: int, seq: int) -> VendorJob:
        """Return one vendor job; raises Missing."""
        row = one(self._database, select(vendor_jobs).where(vendor_jobs.c.job_id == job_id, vendor_jobs.c.seq == seq))
        if row is None:
            raise Missing("vendor job", f"{job_id}/{seq}")
        return vendor_job_of(row)

    def ours(self, connection_id: int, remote_ids: Sequence[str]) -> Mapping[str, int]:
        """Return, for those remote ids of a connection that we made, the job they belong to."""
        query = (
            select(vendor_jobs.c.remote_id, vendor_jobs.c.job_id)
            .join(jobs, jobs.c.id == vendor_jobs.c.job_id)
            .where(jobs.c.connection_id == connection_id, vendor_jobs.c.remote_id.in_(remote_ids))
        )
        return {row["remote_id"]: row["job_id"] for row in many(self._database, query)}


def vendor_job_of(row: Row) -> VendorJob:
    """Return the vendor job of a row of `vendor_jobs`."""
    plain = {name: row[name] for name in VendorJob.__dataclass_fields__ if name not in ("state", "intent_at")}
    return VendorJob(**plain, state=VendorJobState(row["state"]), intent_at=moment(row["intent_at"]))
