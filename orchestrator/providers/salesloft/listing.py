"""The team's own list of bulk jobs, of every integration; walked by `id[gt]`, the only cursor there is."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Gone, Invalid, Misbehaved, Missing
from orchestrator.providers.job_list import BatchList, JobPage, ListedJob
from orchestrator.providers.provider import RemoteStatus
from orchestrator.providers.salesloft.bulk_jobs import JOBS
from orchestrator.providers.salesloft.rows import PER_PAGE, rising
from orchestrator.providers.salesloft.wire import PROVIDER, Envelope, Reader

AFTER, SIZE, STATE = "id[gt]", "per_page", "state"
PARAMETERS = (STATE, AFTER, SIZE)
STATES = frozenset({"open", "executing", "done"})
DEFAULT_SIZE = 25  # the vendor's own
LARGEST_ID = 2**63 - 1

JOB: Reader[dict[str, Any]] = Reader(Envelope[dict[str, Any]], dict[str, Any])
PAGE: Reader[list[dict[str, Any]]] = Reader(Envelope[list[dict[str, Any]]], list[dict[str, Any]])


class SalesloftJobs:
    """The bulk jobs of one team."""

    stop = ""

    def __init__(self, http: VendorClient) -> None:
        self._http = http

    def page(self, asked: Mapping[str, str]) -> JobPage:
        """Return the jobs after `id[gt]`, by rising id; one call. A page that is not full is the last one."""
        size = check(asked)
        jobs = [_listed(fields) for fields in PAGE.read(self._http.get(JOBS, params={**asked, SIZE: str(size)}))]
        last = rising([int(job.id) for job in jobs], int(asked.get(AFTER, 0)))
        return JobPage(jobs=jobs, following={**asked, AFTER: str(last)} if len(jobs) >= size else None)

    def one(self, remote_id: str) -> ListedJob:
        """Return a job; one call. Raises Missing."""
        if not _is_id(remote_id):
            raise Missing("vendor job", remote_id)
        try:
            return _listed(JOB.read(self._http.get(f"{JOBS}/{remote_id}")))
        except Gone:
            raise Missing("vendor job", remote_id) from None

    def statuses(self, remote_ids: Sequence[str], calls: int) -> Mapping[str, RemoteStatus]:
        """Return nothing: a page shows 100 jobs of everybody's, in the order of their ids. No call."""
        return {}

    def move(self, job: ListedJob, state: str) -> ListedJob:
        """Raise Invalid: nothing stops a bulk job, and only who fills one can know when to release it. No call."""
        raise Invalid("state", "cannot be set from outside at Salesloft", "A job that is left open changes nothing.")

    def batches(self) -> BatchList:
        """Raise Invalid: the rows of a bulk job are one list. No call."""
        raise Invalid("connection", "bulk jobs of Salesloft have no batches", "Look at the job.", code="no_batches")


def check(asked: Mapping[str, str]) -> int:
    """Return the size of the page; raises Invalid, for what the vendor itself would silently ignore or correct."""
    for name in asked:
        if name not in PARAMETERS:
            advice = f"Known: {', '.join(PARAMETERS)}."
            raise Invalid(name, "is no parameter of Salesloft's job list", advice, code="unknown_parameter")
    if not set(asked.get(STATE, "open").split(",")) <= STATES:
        raise Invalid(STATE, f"is not out of {', '.join(sorted(STATES))}", "Join several with commas.")
    if not _is_id(asked.get(AFTER, "0")):
        raise Invalid(AFTER, "must be a whole number", "Take it from nextRecordsUrl.")
    size = asked.get(SIZE, str(DEFAULT_SIZE))
    if not _is_id(size) or not 1 <= int(size) <= PER_PAGE:
        raise Invalid(SIZE, f"must be a whole number from 1 to {PER_PAGE}")
    return int(size)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID))


def _listed(fields: Mapping[str, Any]) -> ListedJob:
    id_, name = fields.get("id"), fields.get("name")
    if not isinstance(id_, int):
        raise Misbehaved(PROVIDER, "a bulk job without an id")
    return ListedJob(id=str(id_), kind="bulk_jobs", fields=fields, marker=name if isinstance(name, str) else None)
