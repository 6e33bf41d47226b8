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
from orchestrator.http.transport import Dress, IsStale, as_it_is, is_unauthorized
from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.step import Cursor, Successor
from orchestrator.limits.limit import Limit, News
from orchestrator.providers.check import Check as Check
from orchestrator.providers.columns import Columns
from orchestrator.providers.estimate import Estimator, UploadCalls
from orchestrator.providers.job_list import JobList
from orchestrator.providers.links import Links
from orchestrator.providers.look import Posted, Proof, Walking
from orchestrator.providers.schema import FieldType, ObjectType
from orchestrator.providers.unfit import Unfit

GoOn = Callable[[], bool]  # False: ask for no further page, the turn is over


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The way that was chosen to read a list, as a rule the cheaper one; costs in units of the rate limit."""

    way: str
    cost: int
    alternative: str
    alternative_cost: int
    reason: str | None = None  # where it was not the cost


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a download, ready to be stored."""

    body: bytes | bytearray | memoryview  # JSONL: each kept record on its line, ending in \n; bytes as the vendor sent
    header: bytes | None = None  # `body` is rows of a CSV with this header line, ending in \n; the same on all pages
    rows: int  # records in `body`
    read: int  # records the vendor sent, less those we had already (ties): read = rows + filtered + cut
    filtered: int = 0
    cut: int = 0
    undated: int = 0
    first_key: str | None = None  # of the records in `body`; keys of one partition rise strictly (I4)
    last_key: str | None = None
    next: Cursor | None = None  # where to go on; None: the vendor has no more
    resume: Cursor | None = None  # of a page that reached the limit: where a later job goes on; None: nowhere
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
    confirm: str | None = None  # DONE is believed once two looks bring the same: the vendor may still add to the job
    fates_told: bool = False  # also of a job that failed: rows that were handled have fates, the others have none


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of one row, as the vendor tells it."""

    key: int  # the vendor's row id; rises strictly
    status: str  # success | error
    record: bytes  # the record as echoed by the vendor, JSON
    error: str | None  # the vendor's whole words
    resource: bytes  # JSON object
    code: str | None = None  # of an error, where the vendor has codes
    message: str | None = None  # of an error, without its code
    retryable: bool = False  # an error that may pass: the same row may be taken another time
    identifier: str | None = None  # what the user knows the row by


@dataclass(frozen=True, kw_only=True)
class FatePage:
    """A page of fates; `next` None: there are no more."""

    fates: Sequence[Fate]
    next: Cursor | None


class VendorJobs(Protocol):
    """Jobs that the vendor runs for us, of either direction."""

    def create(self, marker: str) -> str | Unfit:
        """Create a vendor job that carries our marker where the vendor can; return its id. Only a query is Unfit.

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
    """A query that the vendor runs as a job, and whose result is read once the job is DONE, or in pieces before."""

    def splits(self, rows: int) -> bool:
        """Whether a result of so many rows may be worth reading in pieces side by side. Pure."""

    def links(self, remote_id: str, walk: Cursor) -> Links | None:
        """Return the pieces that a walk ({}: from the start) has not seen yet; one call; None: the vendor offers none.

        Raises Gone, as `status` and the pages of `results` do."""

    def behind(self, cursor: Cursor) -> Cursor | None:
        """Return where a new query can go on, its result lost behind `cursor`; None: it must begin anew. Pure."""

    def starting(self, start: Cursor) -> "Query":
        """Return the query of what comes behind a start that `behind` has told; `results` begin at it, too."""

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the query adds to the job's metaData; with a `where`, how it parted (`pushdown.py`)."""
        ...

    def results(self, remote_id: str) -> Source:
        """Return the result of a vendor job, or one of its pieces; `where` is what is left to apply. Makes no call."""
        ...


class Upload(VendorJobs, Columns, Protocol):
    """What every bulk upload of a vendor has."""

    chunk_rows: int  # most rows one fill may carry
    chunk_bytes: int  # most bytes one fill's body may carry
    chunks_per_job: int  # how many chunks one vendor job takes by default

    def shape(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record as the vendor wants it: types by the field table, upsert key added.

        Input values are str (CSV) or JSON values. Pure, no call. Raises Invalid (field = the column).
        """
        ...

    def release(self, remote_id: str) -> None:
        """Let the vendor execute the job, which takes nothing more. Releasing a released job is not an error."""
        ...


class Sink(Upload, Protocol):
    """A vendor's own bulk upload; its release is the commit point: before it, nothing happens."""

    def identity(self, record: bytes) -> str | None:
        """Return what a record (JSON) is known by when its other values come back written anew; None: nothing."""
        ...

    def fill(self, remote_id: str, records: bytes) -> None:
        """Send one chunk; `records` is a JSON array. Not idempotent. One call."""
        ...

    def look(self, remote_id: str, posted: Posted, walk: Cursor | None) -> Proof | Walking:
        """After a lost answer to a fill: are all its rows there? `walk` is the cursor of an unfinished look."""
        ...

    def fates(self, remote_id: str, cursor: Cursor, go_on: GoOn) -> Iterator[FatePage]:
        """Yield the final fates after `cursor`, in rising key order; only after the job is DONE."""
        ...

    def unprocessed(self, remote_id: str) -> int:
        """Return how many rows the vendor says it never handled, of a job that ended early with its fates told."""
        ...


class Provider(Protocol):
    """One connection at a vendor, through one turn's metered client."""

    def check(self) -> Check:
        """Make one cheap real call."""
        ...

    def objects(self) -> Sequence[ObjectType]:
        """Return what there is to be read or written; at most one call."""
        ...

    def fields(self, object_name: str) -> Sequence[FieldType]:
        """Return the fields of an object; few calls. Raises Invalid: no such object, or nobody can tell its fields."""
        ...

    def source(self, criteria: DownloadCriteria) -> Source:
        """Return the list that the criteria ask for. Makes no call; raises Invalid where all is read by queries."""
        ...

    def query(self, criteria: DownloadCriteria) -> Query:
        """Return the query that the criteria ask for. Makes no call; raises Invalid where there are lists only."""
        ...

    def sink(self, criteria: UploadCriteria) -> Upload:
        """Return the vendor's bulk upload for the criteria, a `Sink` or a `BatchSink`. Makes no call."""
        ...

    def jobs(self) -> JobList:
        """Return the vendor's own list of jobs. Makes no call; raises Invalid where the vendor has none."""
        ...


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
    dress: Dress = as_it_is
    is_stale: IsStale = is_unauthorized
    time_field: Callable[[str, Mapping[str, Any]], str | None] | None = None  # when an object's records changed
    id_field: Callable[[str, Mapping[str, Any]], str] = lambda name, settings: "id"  # tells an object's records apart
    token_url: Callable[[Mapping[str, Any]], str | None] | None = None  # by the settings; None: `default_token_url`
    address: Callable[[str, str, str], str | None] | None = None  # base URL now, token URL, as a token says → anew
    token_age: Callable[[Mapping[str, Any]], timedelta | None] | None = None  # by the settings: an older one is renewed
    polls_by_list: Callable[[Criteria], bool] | None = None  # whether the list of jobs tells as much as a look at each
    extras: Mapping[str, Any] = field(default_factory=dict)
    estimate: Estimator | None = None  # of a download; None: it cannot be told before
    upload_calls: UploadCalls | None = None
