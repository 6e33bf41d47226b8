"""What a job would cost, before there is one; nothing is started."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Caller, Submitter
from orchestrator.api.blocks import with_blocks
from orchestrator.api.criteria import connection_of, download_criteria, upload_criteria
from orchestrator.api.idempotency import Answer, Keep, Once, Repeats
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
async def plan(request: Request, who: Submitter, once: Once) -> Response:
    """Tell what a job would cost and when it would be done; takes the bodies of a download and of an upload."""
    return await with_blocks(request, lambda blocks: _plan(request, who, once, blocks))


def _plan(request: Request, who: Caller, once: Repeats, blocks: Iterator[bytes]) -> Response:
    runtime, content_type = runtime_of(request), request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != JSON:
        return _of_file(runtime, who, once, content_type, blocks)
    text = b"".join(blocks)
    sent = _read(text)
    if "metaData" not in sent:
        return once(sent, lambda _: _told(_of_download(runtime, who, sent)))
    if "data" in sent:
        return _of_file(runtime, who, once, content_type, iter((text,)))
    return once(sent, lambda _: _told(_of_rows(runtime, who, sent)))


def _told(plan: JobPlan) -> Answer:
    return Answer(status=200, body=plan_body(plan))


def _read(text: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused("malformed_body", "the body is not one JSON object", field="body") from None


def _of_download(runtime: "Runtime", who: Caller, sent: dict[str, Any]) -> JobPlan:
    body = DownloadBody.model_validate(sent)
    connection = named_connection(runtime, who.tenant_id, connection_of(body))
    return runtime.plans.download(connection, download_criteria(body))


def _of_rows(runtime: "Runtime", who: Caller, sent: dict[str, Any]) -> JobPlan:
    asked = RowsBody.model_validate(sent)
    if asked.rows > LARGEST_ROWS:
        raise Invalid("rows", f"is more than {LARGEST_ROWS}", "Plan a part of it.")
    body = UploadBody.model_validate(asked.meta_data)
    connection = named_connection(runtime, who.tenant_id, body.connection)
    return runtime.plans.upload_of(connection, upload_criteria(body, "csv"), asked.rows)


def _of_file(runtime: "Runtime", who: Caller, once: Repeats, content_type: str, blocks: Iterator[bytes]) -> Response:
    arrived = arrive(runtime, who, content_type, blocks)

    def work(_: Keep) -> Answer:
        criteria, _found = looked_into(runtime, arrived)
        return _told(runtime.plans.upload(arrived.connection, criteria, arrived.key))

    try:
        return once(arrived.fingerprint, work)
    finally:
        runtime.objects.delete(arrived.key)
