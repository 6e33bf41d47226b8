"""The contract of a vendor's own list of jobs: anybody's jobs, in the vendor's own words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

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
