"""What Salesloft answers, as far as we read it.

The published description shows bare objects and lists; what is really sent is an envelope `{"data": …}`. Both are read.
Ids are integers of 64 bits and never pass through a float.
"""

from datetime import datetime
from typing import Any, Generic, TypeVar

import httpx
import msgspec
from msgspec import Raw, Struct

from orchestrator.job.errors import Misbehaved, Unreachable

PROVIDER = "salesloft"
TIME_FIELD = "updated_at"
NULL = Raw(b"null")

T = TypeVar("T")


class BulkJob(Struct, kw_only=True):
    """A bulk job; only `id` and `state` are always there."""

    id: int
    state: str
    type: str = ""
    name: str | None = None
    total: int | None = None
    processed: int | None = None
    errors: int | None = None
    ready_to_execute: bool | None = None

    @property
    def is_released(self) -> bool:
        """Whether the job is closed for data and let go; it cannot be taken back."""
        return self.ready_to_execute is True or self.state != "open"


class JobDataCreationResult(Struct):
    """How many rows one call took."""

    records: int | None = None


class JobDataRow(Struct, kw_only=True):
    """A row of a bulk job; `/results` sends the short form, `/job_data` may send the long one."""

    id: int
    status: str
    record: Raw = NULL
    error: Any = None  # plain prose, as far as is known
    resource: Raw = NULL


class Team(Struct):
    """The team that a user belongs to."""

    id: int | None = None
    name: str | None = None


class Me(Struct, kw_only=True):
    """The user whose token was used."""

    id: int | None = None
    name: str | None = None
    email: str | None = None
    team: Team | None = None


class Stamp(Struct, kw_only=True):
    """Where a record stands in a list that is walked by time."""

    id: int
    updated_at: datetime


class Identity(Struct):
    """What tells one record of a list from another; a few lists have no id."""

    id: Any = None


class Paging(Struct, kw_only=True):
    """Where a page stands; the counts are there only if they were asked for."""

    per_page: int | None = None
    next_page: int | None = None
    total_count: int | None = None


class Metadata(Struct, kw_only=True):
    """What is said beside a list."""

    paging: Paging | None = None
    filtering: Any = None  # the filters that were understood


class Envelope(Struct, Generic[T]):
    """The usual shape of an answer."""

    data: T
    metadata: Metadata | None = None


class Reader(Generic[T]):
    """Reads answers of one kind, in an envelope or bare. Made as `Reader[BulkJob]()`."""

    def __init__(self, enveloped: Any, bare: Any) -> None:
        self._enveloped: msgspec.json.Decoder[Envelope[T]] = msgspec.json.Decoder(enveloped)
        self._bare: msgspec.json.Decoder[T] = msgspec.json.Decoder(bare)

    def read(self, answer: httpx.Response) -> T:
        """Return the data; raises Unreachable where the answer is no JSON, Misbehaved where it is something else."""
        return self.envelope(answer.content).data

    def envelope(self, body: bytes) -> Envelope[T]:
        """Return an answer with what is said beside the data; raises like `read`."""
        try:
            return self._enveloped.decode(body)
        except msgspec.ValidationError as error:
            return self._without_envelope(body, str(error))
        except msgspec.DecodeError as error:
            raise Unreachable(PROVIDER, "the answer is not JSON") from error

    def _without_envelope(self, body: bytes, complaint: str) -> Envelope[T]:
        try:
            return Envelope(self._bare.decode(body))
        except msgspec.ValidationError as error:
            raise Misbehaved(PROVIDER, f"an answer of a shape that is not documented ({complaint})") from error


BULK_JOB: Reader[BulkJob] = Reader(Envelope[BulkJob], BulkJob)
BULK_JOBS: Reader[list[BulkJob]] = Reader(Envelope[list[BulkJob]], list[BulkJob])
TAKEN: Reader[JobDataCreationResult] = Reader(Envelope[JobDataCreationResult], JobDataCreationResult)
ROWS: Reader[list[JobDataRow]] = Reader(Envelope[list[JobDataRow]], list[JobDataRow])
ME: Reader[Me] = Reader(Envelope[Me], Me)
RECORDS: Reader[list[Raw]] = Reader(Envelope[list[Raw]], list[Raw])
STAMPS: Reader[list[Stamp]] = Reader(Envelope[list[Stamp]], list[Stamp])
IDENTITIES: Reader[list[Identity]] = Reader(Envelope[list[Identity]], list[Identity])
