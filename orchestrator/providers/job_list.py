"""The contract of a vendor's own list of jobs: anybody's jobs, in the vendor's own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

if TYPE_CHECKING:
    from orchestrator.providers.provider import RemoteStatus


@dataclass(frozen=True, kw_only=True)
class ListedJob:
    """A job in the vendor's own list, anybody's, in the vendor's own words."""

    id: str
    kind: str  # which of the vendor's lists it is in
    fields: Mapping[str, Any]  # all that the vendor tells
    marker: str | None = None  # what stands where our marker goes


@dataclass(frozen=True, kw_only=True)
class JobPage:
    """A page of the vendor's own list of jobs."""

    jobs: Sequence[ListedJob]
    following: Mapping[str, str] | None  # parameters that ask for what follows; None: nothing does


@dataclass(frozen=True, kw_only=True)
class ListedBatch:
    """A batch of anybody's job, in the vendor's own words."""

    id: str
    fields: Mapping[str, Any]  # all that the vendor tells


class BatchList(Protocol):
    """The batches of the vendor's jobs, anybody's. Each call raises Missing where there is no such job or batch."""

    def every(self, remote_id: str) -> Sequence[ListedBatch]:
        """Return the batches of a job, in the order in which they were added; one call."""
        ...

    def one(self, remote_id: str, batch_id: str) -> ListedBatch:
        """Return a batch; one call."""
        ...

    def request(self, remote_id: str, batch_id: str, into: BinaryIO) -> str:
        """Write what a batch was sent as, byte for byte; return its media type. One call, or two where it is refused.

        Raises Rejected where the vendor has it no more.
        """
        ...

    def result(self, remote_id: str, batch_id: str, into: BinaryIO) -> str:
        """Write what came of a batch; for a query, which results it has. Like `request`."""
        ...

    def rows(self, remote_id: str, batch_id: str, result_id: str, into: BinaryIO) -> str:
        """Write one result of a query's batch. Like `request`."""
        ...


class JobList(Protocol):
    """The vendor's own list of jobs, as far as the connection's user may see them, in the vendor's own paging."""

    stop: str  # the vendor's word for the state that stops a job; empty: nothing does

    def page(self, asked: Mapping[str, str]) -> JobPage:
        """Return a page by the vendor's own parameters; one call. Raises Invalid, before it, for any other."""
        ...

    def one(self, remote_id: str) -> ListedJob:
        """Return a job; a call for each list the vendor has, at most. Raises Missing."""
        ...

    def statuses(self, remote_ids: Sequence[str], calls: int) -> Mapping[str, "RemoteStatus"]:
        """Return what the list says of these uploads of ours, by id, as far as so many calls show them."""
        ...

    def move(self, job: ListedJob, state: str) -> ListedJob:
        """Set a job's state, in the vendor's own word; one call. Raises Invalid, and Rejected for what it is not in."""
        ...

    def batches(self) -> BatchList:
        """Return the batches of the jobs. Makes no call; raises Invalid where no job has batches of its own."""
        ...
