"""Reading vendor jobs; they are planned and moved by the commits of turns."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from sqlalchemy import Select, or_, select

from orchestrator.job.chunk import VendorJob, VendorJobState
from orchestrator.job.errors import Missing
from orchestrator.job.status import JobStatus
from orchestrator.store.engine import Database
from orchestrator.store.reading import many, one
from orchestrator.store.records import Row, moment
from orchestrator.store.tables import events, jobs, vendor_jobs
from orchestrator.store.tables.jobs import SUSPECTED

LIVE = (JobStatus.CREATED, JobStatus.STARTED, JobStatus.RUNNING, JobStatus.THROTTLED, JobStatus.CANCELLATION_PENDING)


@dataclass(frozen=True, kw_only=True)
class Owned:
    """A vendor job of ours, and the job it was made for."""

    job_id: int
    seq: int
    tenant_id: int
    marker: str
    remote_id: str | None  # None: the answer to its create was lost
    state: VendorJobState
    adopted: bool
    status: JobStatus

    @property
    def is_live(self) -> bool:
        """Whether the job goes on, or can go on by itself."""
        return self.status in LIVE


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

    def owned(self, provider: str, remote_ids: Sequence[str], markers: Sequence[str] = ()) -> Sequence[Owned]:
        """Return the vendor jobs, of every tenant, that have one of these ids or markers at a provider."""
        named = or_(vendor_jobs.c.remote_id.in_(remote_ids), vendor_jobs.c.marker.in_(markers))
        query = owned_query().where(jobs.c.provider == provider, named)
        return [owned_of(row) for row in many(self._database, query)]

    def suspected(self, tenant_id: int, provider: str) -> Set[str]:
        """Return the ids that were reported as what a lost create of the tenant may have left at a provider."""
        query = (
            select(events.c.data)
            .join(jobs, jobs.c.id == events.c.job_id)
            .where(SUSPECTED, jobs.c.tenant_id == tenant_id, jobs.c.provider == provider)
        )
        return {str(row["data"].get("vendorJobId")) for row in many(self._database, query)}


def vendor_job_of(row: Row) -> VendorJob:
    """Return the vendor job of a row of `vendor_jobs`."""
    plain = {name: row[name] for name in VendorJob.__dataclass_fields__ if name not in ("state", "intent_at")}
    return VendorJob(**plain, state=VendorJobState(row["state"]), intent_at=moment(row["intent_at"]))


def owned_query() -> Select[tuple[object, ...]]:
    """Return the query of vendor jobs with the jobs they were made for."""
    columns = ("job_id", "seq", "marker", "remote_id", "state", "adopted")
    query = select(*(vendor_jobs.c[name] for name in columns), jobs.c.tenant_id, jobs.c.status)
    return query.join(jobs, jobs.c.id == vendor_jobs.c.job_id)


def owned_of(row: Row) -> Owned:
    """Return the vendor job of a row of that query."""
    plain = {name: row[name] for name in ("job_id", "seq", "tenant_id", "marker", "remote_id", "adopted")}
    return Owned(**plain, state=VendorJobState(row["state"]), status=JobStatus(row["status"]))
