"""The contract of a provider family, and the values it answers with.

A family is data and pure functions (`Family`); bound to one connection and one turn's client it is a `Provider`.
A provider builds no client, reads no setting, takes no token, catches no httpx error: the client given to it is
metered (`http/`), and raises Unreachable, Throttled, Rejected or Unauthorized.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from orchestrator.http.client import VendorClient
from orchestrator.http.refusals import Later, never_later
from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.step import Cursor, Successor
from orchestrator.limits.limit import Limit, News
from orchestrator.providers.job_list import JobList

GoOn = Callable[[], bool]  # False: ask for no further page, the turn is over


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The way that was chosen to read a list, because it is the cheaper one; costs in units of the rate limit."""

    way: str
    cost: int
    alternative: str
    alternative_cost: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a download, ready to be stored."""

    body: bytes | bytearray | memoryview  # JSONL: each kept record on its line, ending in \n; bytes as the vendor sent
    rows: int  # lines in `body`
    read: int  # records the vendor sent, less those we had already (ties): read = rows + filtered + cut
    filtered: int = 0
    cut: int = 0
    undated: int = 0
    first_key: str | None = None  # of the records in `body`; keys of one partition rise strictly (I4)
    last_key: str | None = None
    next: Cursor | None = None  # where to go on; None: the vendor has no more
    vendor_counted: int | None = None  # where the vendor tells the total
    plan: Plan | None = None  # on the page that brought enough to know


class Source(Protocol):
    """A list being read."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the provider adds to the job's metaData: effective page size, pushed-down filters, how it reads."""
        ...

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the pages after `cursor` ({}: from the start) while `go_on` says so; the next one is already asked for.

        `room` is how many records may still be stored (the job's `limit`); a page that reaches it has `next=None`
        and counts the rest of itself as `cut`. An ended iterator with a last page whose `next` is not None means
        "not finished". Raises Misbehaved where the cursor does not advance.
        """
        ...

    def count(self) -> int | None:
        """Ask how many records the list has now; costs one call. None where the pages settle that themselves."""
        ...


class Phase(StrEnum):
    """How far a vendor job has come, in our words."""

    OPEN = "open"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"  # a word we do not know: report it, never take it for an end


@dataclass(frozen=True, kw_only=True)
class RemoteStatus:
    """What the vendor says of a vendor job."""

    phase: Phase
    word: str  # the vendor's own, for the events
    processed: int = 0
    errors: int = 0
    total: int | None = None
    message: str | None = None
    fates_told: bool = False  # also of a job that failed: rows that were handled have fates, the others have none


class Proof(StrEnum):
    """What a look after a lost answer to a fill found. Presence proves; absence does not (I9)."""

    ARRIVED = "arrived"
    UNPROVEN = "unproven"  # abandon the vendor job and fill a new one


@dataclass(frozen=True, kw_only=True)
class Walking:
    """The look is not finished; go on from `cursor`."""

    cursor: Cursor


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What a vendor job should hold: rows acknowledged before, then the chunk whose answer was lost."""

    acked_rows: int
    rows: int
    hashes: Sequence[int]  # of the lost chunk's canonical records, in order (results.chunks.canonical_hash)


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of one row, as the vendor tells it."""

    key: int  # the vendor's row id; rises strictly
    status: str  # success | error
    record: bytes  # the record as echoed by the vendor, JSON
    error: str | None
    resource: bytes  # JSON object


@dataclass(frozen=True, kw_only=True)
class FatePage:
    """A page of fates; `next` None: there are no more."""

    fates: Sequence[Fate]
    next: Cursor | None


@dataclass(frozen=True, kw_only=True)
class RowState:
    """A row of a vendor job that still runs: pending, success, error or retrying."""

    key: int
    status: str
    record: bytes
    error: str | None
    resource: bytes


class VendorJobs(Protocol):
    """Jobs that the vendor runs for us, of either direction."""

    def create(self, marker: str) -> str:
        """Create a vendor job that carries our marker where the vendor can; return its id.

        An upload's is empty and waits for its rows; a query's runs at once, and changes nothing. Few calls; the one
        that has the effect is the last.
        """
        ...

    def find(self, marker: str) -> str | None:
        """Look for a vendor job of ours by its marker, after a lost answer to `create`; None: not there (yet)."""
        ...

    def suspects(self, since: datetime) -> Sequence[str]:
        """Return the ids of vendor jobs that a create of about `since` may have left; none where `find` can tell."""
        ...

    def status(self, remote_id: str) -> RemoteStatus:
        """Ask how far the vendor job has come; costs one call."""
        ...

    def abort(self, remote_id: str, released: bool) -> bool:
        """Ask the vendor to stop the job; False where it cannot be stopped any more."""
        ...


class Query(VendorJobs, Protocol):
    """A query that the vendor runs as a job, and whose result is read once the job is DONE."""

    def results(self, remote_id: str) -> Source:
        """Return the result of a vendor job. Makes no call."""
        ...


class Sink(VendorJobs, Protocol):
    """A vendor's own bulk upload."""

    chunk_rows: int  # most rows one fill may carry
    chunk_bytes: int  # most bytes one fill's body may carry
    chunks_per_job: int  # how many chunks one vendor job takes by default

    def shape(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record as the vendor wants it: types by the field table, upsert key added.

        Input values are str (CSV) or JSON values. Pure, no call. Raises Invalid (field = the column).
        """
        ...

    def identity(self, record: bytes) -> str | None:
        """Return what a record (JSON) is known by when its other values come back written anew; None: nothing."""
        ...

    def fill(self, remote_id: str, records: bytes) -> None:
        """Send one chunk; `records` is a JSON array. Not idempotent. One call."""
        ...

    def look(self, remote_id: str, posted: Posted, walk: Cursor | None) -> Proof | Walking:
        """After a lost answer to a fill: are all its rows there? `walk` is the cursor of an unfinished look."""
        ...

    def release(self, remote_id: str) -> None:
        """Let the vendor execute the job: the commit point. Releasing a released job is not an error."""
        ...

    def fates(self, remote_id: str, cursor: Cursor, go_on: GoOn) -> Iterator[FatePage]:
        """Yield the final fates after `cursor`, in rising key order; only after the job is DONE."""
        ...


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one cheap real call found out about a connection."""

    ok: bool
    message: str
    account: str | None = None  # team or org
    user: str | None = None
    environment: str | None = None  # production | sandbox


class Provider(Protocol):
    """One connection at a vendor, through one turn's metered client."""

    def check(self) -> Check:
        """Make one cheap real call."""
        ...

    def source(self, criteria: DownloadCriteria) -> Source:
        """Return the list that the criteria ask for. Makes no call; raises Invalid where all is read by queries."""
        ...

    def query(self, criteria: DownloadCriteria) -> Query:
        """Return the query that the criteria ask for. Makes no call; raises Invalid where there are lists only."""
        ...

    def sink(self, criteria: UploadCriteria) -> Sink:
        """Return the vendor's bulk upload for the criteria. Makes no call."""
        ...

    def jobs(self) -> JobList:
        """Return the vendor's own list of jobs. Makes no call; raises Invalid where the vendor has none."""
        ...


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """An object that can be read or written at the vendor."""

    name: str
    label: str
    plural: str
    readable: bool = True
    writable: bool = False
    fields: Sequence[str] = ()  # empty: not known, everything passes


@dataclass(frozen=True, kw_only=True)
class Family:
    """A vendor's API family, as data and pure functions; makes a Provider of a client."""

    name: str
    default_base_url: str | None
    default_token_url: str | None
    default_limits: Sequence[Limit]
    credential_types: frozenset[str]
    objects: Callable[[Mapping[str, Any]], Sequence[ObjectType]]  # by the settings; none: only the vendor knows them
    check_settings: Callable[[Mapping[str, Any]], Mapping[str, Any]]  # settings, completed; raises Invalid
    check_criteria: Callable[[Criteria, Mapping[str, Any]], Criteria]  # completed; raises Invalid; makes no call
    first_steps: Callable[[Criteria, Mapping[str, Any]], Sequence[Successor]]
    news: Callable[[Mapping[str, str], datetime], News]  # answer headers (lower-case names), now → news
    refusal: Callable[[int, bytes], str]  # status, body → the vendor's own words, short
    make: Callable[[VendorClient, Mapping[str, Any]], Provider]
    longest_call: timedelta = timedelta(seconds=60)
    native_upload: bool = False
    native_query: bool = False  # downloads are queries that the vendor runs as jobs
    later: Later = never_later
    token_url: Callable[[Mapping[str, Any]], str | None] | None = None  # by the settings; None: `default_token_url`
    address: Callable[[str, str, str], str | None] | None = None  # base URL now, token URL, as a token says → anew
    token_age: Callable[[Mapping[str, Any]], timedelta | None] | None = None  # by the settings: an older one is renewed
    polls_by_list: Callable[[Criteria], bool] | None = None  # whether the list of jobs tells as much as a look at each
    extras: Mapping[str, Any] = field(default_factory=dict)
