"""What Bulk API 1.0 answers, as far as we read it; the same things come in XML or in JSON.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_reference_batchinfo.htm
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from orchestrator.job.errors import Unreachable
from orchestrator.providers.salesforce.bulk1.markup import fields, parsed
from orchestrator.providers.salesforce.wire import PROVIDER

LETTERS = re.compile("[^a-z]")
COUNT = re.compile(r"[0-9]{1,15}")
LIVE = ("queued", "inprogress")
COMPLETED, FAILED, NOT_PROCESSED = "completed", "failed", "notprocessed"

T = TypeVar("T", bound=Struct)


class AsyncJob(Struct, kw_only=True, rename="camel"):
    """A job."""

    id: str
    state: str = ""


class Batch(Struct, kw_only=True, rename="camel"):
    """A batch; how far it is, the vendor spells in three ways."""

    id: str
    state: str = ""
    state_message: str | None = None
    number_records_processed: int = 0
    number_records_failed: int = 0

    @property
    def key(self) -> str:
        """The fifteen characters of the id, which the vendor tells in either length."""
        return self.id[:15]

    @property
    def plain(self) -> str:
        """The state in small letters alone: `Not Processed`, `NOT_PROCESSED` and `NotProcessed` are the same."""
        return LETTERS.sub("", self.state.lower())

    @property
    def is_live(self) -> bool:
        """Whether the batch waits or runs."""
        return self.plain in LIVE

    @property
    def is_known(self) -> bool:
        """Whether we know what the state means."""
        return self.plain in (*LIVE, COMPLETED, FAILED, NOT_PROCESSED)


class _Batches(Struct, kw_only=True, rename="camel"):
    batch_info: Sequence[Batch] = ()


def read_one(body: bytes, kind: type[T]) -> T:
    """Read a job or a batch. Raises Unreachable where the body is not what a success promises."""
    return _converted(_object(body), kind)


def read_batches(body: bytes) -> Sequence[Batch]:
    """Read a list of batches. Raises Unreachable where the body is not what a success promises."""
    if _is_json(body):
        return _converted(_decoded(body), _Batches).batch_info
    return [_converted(dict(fields(each)), Batch) for each in parsed(body)]


def read_ids(body: bytes) -> Sequence[str]:
    """Read the ids of a query's results. Raises Unreachable where the body is not what a success promises."""
    if not _is_json(body):
        return [each.text or "" for each in parsed(body)]
    ids = _decoded(body)
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise Unreachable(PROVIDER, "an unreadable list of results")
    return ids


def told_one(body: bytes) -> Mapping[str, Any]:
    """Return all that is told of a job or a batch; numbers that come as text are numbers. Raises like `read_one`."""
    return _plain(_object(body))


def told_all(body: bytes) -> Sequence[Mapping[str, Any]]:
    """Return all that is told of a list of batches. Raises like `read_batches`."""
    if not _is_json(body):
        return [_plain(dict(fields(each))) for each in parsed(body)]
    told = _decoded(body)
    return [_plain(each) for each in (told.get("batchInfo") or () if isinstance(told, dict) else ())]


def _plain(told: Any) -> Mapping[str, Any]:
    if not isinstance(told, dict):
        raise Unreachable(PROVIDER, "an unreadable answer: no object")
    return {name: _number(name, value) for name, value in told.items()}


def _number(name: str, value: Any) -> Any:
    counts = name.startswith("number") or name.endswith("Time")
    return int(value) if counts and isinstance(value, str) and COUNT.fullmatch(value) else value


def _object(body: bytes) -> Any:
    return _decoded(body) if _is_json(body) else dict(fields(parsed(body)))


def _is_json(body: bytes) -> bool:
    return body.lstrip()[:1] in (b"{", b"[")


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unreachable(PROVIDER, f"an unreadable answer: {error}") from None


def _converted(value: Mapping[str, Any], kind: type[T]) -> T:
    try:
        return msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Unreachable(PROVIDER, f"an unreadable answer: {error}") from None
