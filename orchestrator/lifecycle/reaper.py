"""The reaper: stops vendor jobs that we made, that were never released, and that no job of ours needs any more.

It knows them by their ids, which were answered to our own creates. What is only suspected to be ours it never touches,
and a vendor's own list it never reads.
"""

from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Invalid, Misbehaved, Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.record import Job
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.providers.provider import Provider, VendorJobs
from orchestrator.store.store import Store
from orchestrator.store.vendor_jobs import Owned


class Reaper:
    """Harmless when repeated, late or lost, and when several run."""

    def __init__(self, store: Store, vendors: Vendors) -> None:
        self._store = store
        self._vendors = vendors

    def reap(self) -> int:
        """Stop what is left over, where the vendor can; return how many vendor jobs are done with.

        A budget that has no call left now, or a vendor that does not answer, is left alone until the next time.
        """
        left_alone: set[int] = set()
        done = 0
        for owned in self._store.reaping.due():
            job = self._store.jobs.by_id(owned.job_id)
            if job.connection_id in left_alone or not self._store.reaping.abandon(owned):
                continue
            try:
                aborted = self._stop(job, owned)
            except (Throttled, Unreachable, Unauthorized):
                left_alone.add(job.connection_id)
                continue
            self._store.reaping.tick_off(owned, aborted=aborted)
            done += 1
        return done

    def _stop(self, job: Job, owned: Owned) -> bool:
        connection, remote_id = self._store.connections.by_id(job.connection_id), owned.remote_id
        assert remote_id is not None
        try:
            return self._vendors.look(connection, lambda vendor: _jobs(vendor, job).abort(remote_id, released=False))
        except Unauthorized:
            raise
        except (Rejected, Misbehaved, Invalid):
            return False  # gone, or the vendor will not have it; unreleased it changes nothing


def _jobs(vendor: Provider, job: Job) -> VendorJobs:
    criteria = job.criteria
    return vendor.sink(criteria) if isinstance(criteria, UploadCriteria) else vendor.query(criteria)
