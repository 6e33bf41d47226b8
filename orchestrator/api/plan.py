"""What a job would cost, before there is one; nothing is started."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, Request

from orchestrator.api.auth import Caller, Submitter
from orchestrator.api.blocks import with_blocks
from orchestrator.api.criteria import connection_of, download_criteria, upload_criteria
from orchestrator.api.paging import only
from orchestrator.api.plan_body import plan_body
from orchestrator.api.problems import Refused
from orchestrator.api.state import named_connection, runtime_of
from orchestrator.api.upload import FORM, JSON, arrive, looked_into
from orchestrator.api.wire import DownloadBody, RowsBody, UploadBody
from orchestrator.job.errors import Invalid
from orchestrator.lifecycle.planning import JobPlan

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

router = APIRouter(prefix="/bulk", tags=["jobs"])

LARGEST_ROWS = 10**9  # of an upload without a file
_EXAMPLE = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {"type": "object"},
                "examples": {
                    "download": {"value": {"connection": "sl", "objectName": "people"}},
                    "upload": {
                        "value": {
                            "metaData": {"connection": "sl", "objectName": "person", "operation": "upsert"},
                            "data": [{"email_address": "ada@example.com"}],
                        }
                    },
                    "rows": {
                        "value": {
                            "metaData": {"connection": "sl", "objectName": "person", "operation": "upsert"},
                            "rows": 50_000,
                        }
                    },
                },
            },
            FORM: {
                "schema": {
                    "type": "object",
                    "properties": {"metaData": {"type": "string"}, "file": {"type": "string", "format": "binary"}},
                    "required": ["metaData", "file"],
                }
            },
        },
    }
}


@router.post("/plan", dependencies=[Depends(only())], openapi_extra=_EXAMPLE)
async def plan(request: Request, who: Submitter) -> dict[str, Any]:
    """Tell what a job would cost and when it would be done; takes the bodies of a download and of an upload."""
    return await with_blocks(request, lambda blocks: _plan(request, who, blocks))


def _plan(request: Request, who: Caller, blocks: Iterator[bytes]) -> dict[str, Any]:
    runtime, content_type = runtime_of(request), request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != JSON:
        return _of_file(runtime, who, content_type, blocks)
    text = b"".join(blocks)
    sent = _read(text)
    if "metaData" not in sent:
        return _of_download(runtime, who, sent)
    if "data" in sent:
        return _of_file(runtime, who, content_type, iter((text,)))
    return _of_rows(runtime, who, sent)


def _read(text: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed_body", "the body is not one JSON object", field="body") from None


def _of_download(runtime: "Runtime", who: Caller, sent: dict[str, Any]) -> dict[str, Any]:
    body = DownloadBody.model_validate(sent)
    connection = named_connection(runtime, who.tenant_id, connection_of(body))
    return plan_body(runtime.plans.download(connection, download_criteria(body)))


def _of_rows(runtime: "Runtime", who: Caller, sent: dict[str, Any]) -> dict[str, Any]:
    asked = RowsBody.model_validate(sent)
    if asked.rows > LARGEST_ROWS:
        raise Invalid("rows", f"is more than {LARGEST_ROWS}", "Plan a part of it.")
    body = UploadBody.model_validate(asked.meta_data)
    connection = named_connection(runtime, who.tenant_id, body.connection)
    return plan_body(runtime.plans.upload_of(connection, upload_criteria(body, "csv"), asked.rows))


def _of_file(runtime: "Runtime", who: Caller, content_type: str, blocks: Iterator[bytes]) -> dict[str, Any]:
    arrived = arrive(runtime, who, content_type, blocks)
    try:
        criteria, _ = looked_into(runtime, arrived)
        found: JobPlan = runtime.plans.upload(arrived.connection, criteria, arrived.key)
        return plan_body(found)
    finally:
        runtime.objects.delete(arrived.key)
