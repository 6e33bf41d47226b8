"""What became of each row of a batch, in the order of the batch, read from its result in any of the three formats.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_batches_get_results.htm
"""

from collections.abc import Callable, Mapping, Sequence
from xml.etree.ElementTree import Element

import msgspec
from msgspec import Struct

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.batching import BatchEnd, Ending, RowFate
from orchestrator.providers.salesforce.bulk1.kinds import rows_of
from orchestrator.providers.salesforce.bulk1.markup import fields, named, parsed
from orchestrator.providers.salesforce.bulk1.wire import COMPLETED, FAILED, Batch
from orchestrator.providers.salesforce.table import Table
from orchestrator.providers.salesforce.wire import PROVIDER

PASSING = ("UNABLE_TO_LOCK_ROW", "REQUEST_RUNNING_TOO_LONG", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT")  # codes of rows
CROWDED = ("TooManyLockFailure", "Timeout", "ExceededQuota")  # codes of batches that fail for what else happens
UNFIT = ("Field name not found", "Only the field Id")  # what all rows of a batch have in common is wrong

_encode = msgspec.json.Encoder().encode


class _Error(Struct, rename="camel"):
    status_code: str = ""
    message: str = ""
    fields: Sequence[str] = ()


class _Result(Struct, rename="camel"):
    success: bool
    created: bool = False
    id: str | None = None
    errors: Sequence[_Error] = ()


_results = msgspec.json.Decoder(list[_Result])


def end_of(batch: Batch) -> BatchEnd:
    """Return how a batch has ended."""
    message = batch.state_message or f"the batch is {batch.state}"
    ending = {COMPLETED: Ending.DONE, FAILED: _failure(message)}.get(batch.plain, Ending.SKIPPED)
    processed = 0 if ending is Ending.SKIPPED else batch.number_records_processed
    return BatchEnd(ending=ending, message=message, processed=processed)


def _failure(message: str) -> Ending:
    if message.startswith(CROWDED):
        return Ending.CROWDED
    return Ending.UNFIT if any(words in message for words in UNFIT) else Ending.SPOILED


def row_fates(body: bytes, kind: str) -> Sequence[RowFate]:
    """Return the fates of a batch's rows. Raises Misbehaved where they cannot be read."""
    return READERS[rows_of(kind)](body)


def _csv(body: bytes) -> Sequence[RowFate]:
    table = Table(body)
    rows = [dict(zip(table.header, row, strict=True)) for row in table.rows()]
    if table.header and not {"Id", "Success", "Created", "Error"} <= set(table.header):
        raise Misbehaved(PROVIDER, "a result without the columns Id, Success, Created and Error")
    return [_fate(row["Success"] == "true", row["Id"], row["Error"], created=row["Created"] == "true") for row in rows]


def _json(body: bytes) -> Sequence[RowFate]:
    try:
        results = _results.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misbehaved(PROVIDER, f"a result that is no array of fates: {error}") from None
    return [_told(result) for result in results]


def _xml(body: bytes) -> Sequence[RowFate]:
    return [_told(_result(each)) for each in parsed(body)]


def _result(element: Element) -> _Result:
    plain = dict(fields(element))
    errors = [_error(each) for each in element if named(each) == "errors"]
    created = plain.get("created") == "true"
    return _Result(success=plain.get("success") == "true", created=created, id=plain.get("id"), errors=errors)


def _error(element: Element) -> _Error:
    plain = dict(fields(element))
    names = [each.text or "" for each in element if named(each) == "fields"]
    return _Error(status_code=plain.get("statusCode") or "", message=plain.get("message") or "", fields=names)


def _told(result: _Result) -> RowFate:
    """Write errors as CSV results do: `CODE:message:fields --`."""
    texts = (f"{each.status_code}:{each.message}:{','.join(each.fields)} --" for each in result.errors)
    return _fate(result.success, result.id, "; ".join(texts), created=result.created)


def _fate(good: bool, id_: str | None, error: str, *, created: bool) -> RowFate:
    if good:
        return RowFate(error=None, resource=_encode({"id": id_ or None, "created": created}))
    text = error or "refused without a reason"
    return RowFate(error=text, resource=_encode({"id": id_ or None}), is_passing=text.startswith(PASSING))


READERS: Mapping[str, Callable[[bytes], Sequence[RowFate]]] = {"CSV": _csv, "JSON": _json, "XML": _xml}
