"""Uploads: the file goes to the object store while it arrives, is looked into, and then becomes a job, or nothing."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Caller, Submitter
from orchestrator.api.blocks import with_blocks
from orchestrator.api.bulk import accepted
from orchestrator.api.criteria import DELIMITERS, input_format, upload_criteria
from orchestrator.api.idempotency import Answer, Keep, Once, Repeats
from orchestrator.api.multipart import Form
from orchestrator.api.paging import only
from orchestrator.api.problems import Refused
from orchestrator.api.state import named_connection, runtime_of
from orchestrator.api.wire import UploadBody
from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.results.chunks import input_key
from orchestrator.results.inputs import Inspection, inspect
from orchestrator.results.inputs.arrival import decompressing
from orchestrator.store.connections import Connection
from orchestrator.store.engine import StoreDown

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

router = APIRouter(prefix="/bulk", tags=["jobs"])

LARGEST_META = 1 << 20  # bytes of metaData; a mapping of ten thousand columns has a third
LARGEST_FILE = 1 << 38  # bytes unpacked (256 GiB): a packed bomb ends here
UNKNOWN = re.compile("contains unknown field `([^`]{1,200})`")  # as msgspec says it
FORM = "multipart/form-data"
JSON = "application/json"

_EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "metaData": {"type": "string", "description": "JSON; must come first"},
                        "file": {"type": "string", "format": "binary"},
                    },
                    "required": ["metaData", "file"],
                }
            },
            JSON: {
                "schema": {
                    "type": "object",
                    "properties": {
                        "metaData": {"type": "object"},
                        "data": {"type": "array", "items": {"type": "object"}},
                    },
                    "required": ["metaData", "data"],
                }
            },
        },
    }
}


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A file that is in the object store, and what was said of it."""

    body: UploadBody
    connection: Connection
    key: str
    size: int
    format: str | None  # None: look inside
    fingerprint: Mapping[str, Any]


@router.post("/upload", status_code=202, dependencies=[Depends(only())], openapi_extra=_EXAMPLE)
async def start_upload(request: Request, who: Submitter, once: Once) -> Response:
    """Start an upload: multipart `metaData` then `file`, or JSON with `metaData` and `data`."""
    return await with_blocks(request, lambda blocks: _receive(request, who, once, blocks))


def _receive(request: Request, who: Caller, once: Repeats, blocks: Iterator[bytes]) -> Response:
    runtime = runtime_of(request)
    arrived = arrive(runtime, who, request.headers.get("content-type", ""), blocks)
    try:
        response = once(arrived.fingerprint, lambda keep: _submit(runtime, arrived, keep))
    except StoreDown:
        raise  # the job may be there and need its file; if it is not, the sweep takes the file
    except Exception:
        runtime.objects.delete(arrived.key)
        raise
    if "Idempotency-Replayed" in response.headers:
        runtime.objects.delete(arrived.key)
    return response


def arrive(runtime: "Runtime", who: Caller, content_type: str, blocks: Iterator[bytes]) -> Arrived:
    """Store the file of a request; the caller gives it to a job, or deletes it. Raises Refused and Invalid."""
    match content_type.partition(";")[0].strip().lower():
        case "multipart/form-data":
            return _from_form(runtime, who, Form(content_type, blocks))
        case "application/json":
            return _from_json(runtime, who, b"".join(blocks))
        case _:
            raise Refused("unsupported_media_type", "an upload is multipart/form-data or JSON", field="Content-Type")


def _from_form(runtime: "Runtime", who: Caller, form: Form) -> Arrived:
    first = form.next_part()
    if first is None or first.name != "metaData":
        found = "nothing" if first is None else first.name[:40] or "a part without a name"
        raise Refused("metadata_first", f"the first part is {found}, not metaData", field="metaData")
    body = meta_data(form.small_body(LARGEST_META))
    connection = named_connection(runtime, who.tenant_id, body.connection)
    file = form.next_part()
    if file is None or file.name != "file":
        raise Refused("file_missing", "metaData is not followed by a part named file", field="file")
    digest = hashlib.sha256()
    format_ = input_format(body, file.file_name, file.content_type)
    key, size = _store(runtime, decompressing(_hashed(form.body(), digest), LARGEST_FILE), then=form.finish)
    fingerprint = {"metaData": dict(body.sent), "file": digest.hexdigest()}
    return Arrived(body=body, connection=connection, key=key, size=size, format=format_, fingerprint=fingerprint)


def meta_data(text: bytes) -> UploadBody:
    try:
        sent = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed_body", "metaData is not one JSON object", field="metaData") from None
    return UploadBody.model_validate(sent)


class _JsonUpload(msgspec.Struct, forbid_unknown_fields=True):
    meta_data: dict[str, Any] = msgspec.field(name="metaData")
    data: list[msgspec.Raw]


def _from_json(runtime: "Runtime", who: Caller, text: bytes) -> Arrived:
    try:
        sent = msgspec.json.decode(text, type=_JsonUpload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        if unknown := UNKNOWN.search(str(error)):
            raise Invalid(
                unknown[1], "is not a known field", "Only metaData and data are known here.", code="unknown_field"
            ) from None
        problem = f"the body is not an object with metaData and data ({_first_line(error)})"
        raise Refused("malformed_body", problem, field="body") from None
    body = UploadBody.model_validate(sent.meta_data)
    if body.format not in {None, "json", JSON}:
        raise Invalid("format", "belongs to a file", "Leave it out: data is JSON.", code="wrong_format")
    connection = named_connection(runtime, who.tenant_id, body.connection)
    key, size = _store(runtime, _lines(sent.data))
    fingerprint = {"json": hashlib.sha256(text).hexdigest()}
    return Arrived(body=body, connection=connection, key=key, size=size, format="jsonl", fingerprint=fingerprint)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]


def _lines(records: Iterable[msgspec.Raw]) -> Iterator[bytes]:
    for index, record in enumerate(records):
        # outside of strings JSON's line breaks are blanks, and inside they are escaped
        line = bytes(record).replace(b"\r", b" ").replace(b"\n", b" ")
        if not line.startswith(b"{"):
            raise Invalid(f"data.{index}", "is not an object", "Send one object for each record.", code="bad_json")
        yield line + b"\n"


def _hashed(blocks: Iterable[bytes], digest: Any) -> Iterator[bytes]:
    for block in blocks:
        digest.update(block)
        yield block


def _store(runtime: "Runtime", blocks: Iterable[bytes], then: Any = None) -> tuple[str, int]:
    """Write the blocks as a new object; nothing is left behind if they, or what must follow them, are not good."""
    key = input_key(token_hex(16))
    with runtime.objects.writer(key) as writer:
        for block in blocks:
            writer.write(block)
        if then is not None:
            then()
    return key, writer.size


def looked_into(runtime: "Runtime", arrived: Arrived) -> tuple[UploadCriteria, Inspection]:
    """Look into a file that has arrived; return what is asked for, and found. Raises Invalid for one that is broken."""
    criteria = upload_criteria(arrived.body, arrived.format or "csv")
    found = inspect(
        runtime.objects,
        arrived.key,
        arrived.format,
        encoding=criteria.encoding,
        delimiter=arrived.body.column_delimiter,
        blanks=criteria.blanks,
    )
    return _as_understood(upload_criteria(arrived.body, found.format), found), found


def _submit(runtime: "Runtime", arrived: Arrived, keep: Keep) -> Answer:
    body = arrived.body
    criteria, found = looked_into(runtime, arrived)
    connection_id = arrived.connection.id
    job = runtime.lifecycle.submit_upload(
        arrived.connection,
        criteria,
        dict(body.sent),
        input_key=arrived.key,
        input_bytes=arrived.size,
        meta={"understood": found.understood},
        also=lambda transaction, job_id: keep(transaction, accepted(connection_id, job_id)),
    )
    return accepted(connection_id, job.id)


def _as_understood(criteria: UploadCriteria, found: Inspection) -> UploadCriteria:
    return criteria if found.delimiter is None else replace(criteria, column_delimiter=DELIMITERS[found.delimiter])
