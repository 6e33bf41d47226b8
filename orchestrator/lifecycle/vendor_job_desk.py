"""The vendor's own list of jobs, seen by people: which of them are ours, and what may be done to one.

ours              we made it, its id is stored
adopted           we made it, lost the answer, and found it by its marker
suspected_orphan  what a lost create of ours may have left; never filled, never released, never touched by ourselves
foreign           somebody else's, or another installation's
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.job.chunk import VendorJobState
from orchestrator.job.errors import Conflict, Gone, Missing, Rejected, Unauthorized
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.providers.job_list import ListedJob
from orchestrator.providers.provider import Provider
from orchestrator.store.connections import Connection
from orchestrator.store.store import Store
from orchestrator.store.vendor_jobs import Owned

log = logging.getLogger(__name__)


class Mark(StrEnum):
    """Whose a job of the vendor's list is."""

    OURS = "ours"
    ADOPTED = "adopted"
    SUSPECTED_ORPHAN = "suspected_orphan"
    FOREIGN = "foreign"


@dataclass(frozen=True, kw_only=True)
class MarkedJob:
    """A job of the vendor's list, and whose it is."""

    job: ListedJob
    mark: Mark
    job_id: int | None  # the job of ours that it was made for


@dataclass(frozen=True, kw_only=True)
class MarkedPage:
    """A page of the vendor's list; `following` None: it is the last one."""

    jobs: Sequence[MarkedJob]
    following: Mapping[str, str] | None


class VendorJobDesk:
    """Looks at the vendor's list; every call is paid for by the connection's budget, like those of a turn."""

    def __init__(self, store: Store, vendors: Vendors) -> None:
        self._store = store
        self._vendors = vendors

    def page(self, tenant_id: int, name: str | int, asked: Mapping[str, str]) -> MarkedPage:
        """Return a page by the vendor's own parameters; one call. Raises Missing, Invalid, and what calls raise."""
        connection = self._store.connections.get(tenant_id, name)
        page = self._vendors.look(connection, lambda vendor: vendor.jobs().page(asked))
        return MarkedPage(jobs=self._marked(connection, page.jobs), following=page.following)

    def one(self, tenant_id: int, name: str | int, remote_id: str) -> MarkedJob:
        """Return a job of the vendor; one call, or one for each of its lists. Raises like `page`."""
        connection = self._store.connections.get(tenant_id, name)
        job = self._vendors.look(connection, lambda vendor: vendor.jobs().one(remote_id))
        return self._marked(connection, [job])[0]

    def move(self, tenant_id: int, name: str | int, remote_id: str, state: str) -> MarkedJob:
        """Set the state of a job at the vendor, anybody's, where no live job of ours needs it; then return it.

        Raises Conflict for one that a live job of ours owns, for the release of any job of ours, and where the vendor
        says that the job is in no state for it; else like `one`.
        """
        connection = self._store.connections.get(tenant_id, name)
        moved = self._vendors.look(connection, lambda vendor: self._move(connection, vendor, remote_id, state))
        found = self._marked(connection, [moved])[0]
        facts = {"connection": connection.id, "vendorJob": moved.id, "state": state, "mark": str(found.mark)}
        log.info("vendor_job.moved", extra=facts)
        return found

    def _move(self, connection: Connection, vendor: Provider, remote_id: str, state: str) -> ListedJob:
        jobs = vendor.jobs()
        job = jobs.one(remote_id)
        for owned in self._store.vendor_jobs.owned(connection.provider, [job.id], _markers([job])):
            _check(owned, connection.tenant_id, job.id, stops=state == jobs.stop)
            if not self._store.reaping.abandon(owned):  # restarted at this very moment
                raise _in_use(owned, connection.tenant_id, job.id)
        try:
            return jobs.move(job, state)
        except Gone:
            raise Missing("vendor job", remote_id) from None
        except Unauthorized:
            raise
        except Rejected as refused:
            advice = "Look at its state first."
            raise Conflict(f"vendor job {job.id}: {refused.text}", advice, code="vendor_job_state") from None

    def _marked(self, connection: Connection, jobs: Sequence[ListedJob]) -> Sequence[MarkedJob]:
        vendor_jobs, tenant, provider = self._store.vendor_jobs, connection.tenant_id, connection.provider
        mine = [
            owned
            for owned in vendor_jobs.owned(provider, [job.id for job in jobs], _markers(jobs))
            if owned.tenant_id == tenant
        ]
        by_id = {owned.remote_id: owned for owned in mine}
        by_marker = {owned.marker: owned for owned in mine}
        suspected = vendor_jobs.suspected(tenant, provider)
        return [_mark(job, by_id.get(job.id), by_marker.get(job.marker or ""), job.id in suspected) for job in jobs]


def _mark(job: ListedJob, mine: Owned | None, named: Owned | None, suspected: bool) -> MarkedJob:
    if mine is not None:
        return MarkedJob(job=job, mark=Mark.ADOPTED if mine.adopted else Mark.OURS, job_id=mine.job_id)
    if named is not None or suspected:  # it has our marker, but another one took its place
        return MarkedJob(job=job, mark=Mark.SUSPECTED_ORPHAN, job_id=named.job_id if named else None)
    return MarkedJob(job=job, mark=Mark.FOREIGN, job_id=None)


def _check(owned: Owned, tenant_id: int, remote_id: str, *, stops: bool) -> None:
    if owned.is_live and owned.state is not VendorJobState.ABANDONED:
        raise _in_use(owned, tenant_id, remote_id)
    if not stops:
        problem = f"vendor job {remote_id} was made for {_whose(owned, tenant_id)}; only its own steps release it"
        raise Conflict(problem, "Restart the job, or upload the rows again.", code="vendor_job_in_use")


def _in_use(owned: Owned, tenant_id: int, remote_id: str) -> Conflict:
    advice = "Cancel that job: it stops its vendor jobs where the vendor can."
    problem = f"vendor job {remote_id} belongs to {_whose(owned, tenant_id)}, which goes on"
    return Conflict(problem, advice, code="vendor_job_in_use")


def _whose(owned: Owned, tenant_id: int) -> str:
    return f"job {owned.job_id}" if owned.tenant_id == tenant_id else "a job of another tenant"


def _markers(jobs: Sequence[ListedJob]) -> list[str]:
    return [job.marker for job in jobs if job.marker]
