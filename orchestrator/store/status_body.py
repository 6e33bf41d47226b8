"""The status body: everything Bulk v3 shows and ours, all fields always present, null if unknown.

It stands in the store because a notification holds it as it was in the transaction of the status (I11).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.clock import to_micros
from orchestrator.job.criteria import DownloadCriteria, FileFormat, UploadCriteria
from orchestrator.job.record import Counts, Job
from orchestrator.job.status import Direction, JobStatus

FILE_FORMATS: Mapping[str, str] = {FileFormat.JSONL: "JSONL", FileFormat.JSON: "JSON", FileFormat.CSV: "CSV"}
NOT_CRITERIA = ("name", "weight", "autoRestart", "giveUpAfter", "expiresAt")  # of a download's body: shown as metaData
FINAL = frozenset({JobStatus.COMPLETED, JobStatus.CANCELED, JobStatus.ABORTED})


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What is known of a job besides its own row."""

    request: Mapping[str, Any]
    now: datetime
    remote_ids: Sequence[str] = ()
    waiting_reason: str | None = None
    waiting_until: datetime | None = None
    steps_done: int = 0
    steps_total: int = 0
    phase: str | None = None


def receipt(connection_id: int, job_id: int, status: JobStatus) -> dict[str, Any]:
    """Return the short answer to a submit, restart or cancel; `id` is text here, a number in the status (Bulk v3)."""
    return {"instanceId": connection_id, "id": str(job_id), "status": str(status)}


def status_body(job: Job, sight: Sight) -> dict[str, Any]:
    """Return the status of a job as Bulk v3 shows it, and ours beside it."""
    return {
        "id": job.id,
        "instanceId": job.connection_id,
        "recordCount": record_count(job),
        "objectName": job.object_name,
        "metaData": _meta(job, sight.request),
        "jobDirection": str(job.direction),
        "jobStatus": str(job.status),
        "statusMessage": job.status_message,
        "createdDate": millis(job.created_at),
        "vendorJobId": sight.remote_ids[0] if sight.remote_ids else None,
        "errorCount": job.error_count,
        "notificationUrl": job.criteria.notification_url,
        "defaultSelectFields": job.default_select_fields and ",".join(job.default_select_fields),
        "completionTime": millis(job.completed_at),
        "fileFormat": file_format(job),
        "jobCriteria": dict(sight.request),
        "native": job.native,
        **_ours(job, sight),
    }


def list_item(job: Job) -> dict[str, Any]:
    """Return a job as the list shows it: what its own row tells."""
    return {
        "id": job.id,
        "instanceId": job.connection_id,
        "objectName": job.object_name,
        "jobDirection": str(job.direction),
        "jobStatus": str(job.status),
        "outcome": job.outcome and str(job.outcome),
        "stopReason": job.stop_reason and str(job.stop_reason),
        "statusMessage": job.status_message,
        "recordCount": record_count(job),
        "errorCount": job.error_count,
        "fileFormat": file_format(job),
        "notificationUrl": job.criteria.notification_url,
        "createdDate": millis(job.created_at),
        "completionTime": millis(job.completed_at),
        "jobResetAttempt": job.restarts,
        "native": job.native,
        "name": job.criteria.name,
    }


def _ours(job: Job, sight: Sight) -> dict[str, Any]:
    return {
        "vendorJobIds": list(sight.remote_ids),
        "outcome": job.outcome and str(job.outcome),
        "stopReason": job.stop_reason and str(job.stop_reason),
        "waiting": _waiting(job, sight),
        "progress": _progress(job, sight),
        "apiCalls": {"today": job.api_calls_today, "total": job.api_calls_total, "limit": job.api_limit},
        "reconciliation": reconciliation(job),
        "delivery": None,
        "restarts": job.restarts,
        "links": links(job.id),
    }


def record_count(job: Job) -> int:
    """Return how many records are done: stored ones of a download, rows with a known fate of an upload."""
    counts = job.counts
    return counts.stored if job.direction is Direction.DOWNLOAD else counts.accepted + counts.refused


def file_format(job: Job) -> str:
    """Return JSON, CSV or JSONL: of the result, or of the user's own file."""
    match job.criteria:
        case DownloadCriteria(format=format_):
            return FILE_FORMATS[format_]
        case UploadCriteria(format=format_):
            return format_.upper()


def _meta(job: Job, request: Mapping[str, Any]) -> dict[str, Any]:
    if job.direction is Direction.UPLOAD:
        return {**request, **job.meta}
    said = {name: request[name] for name in NOT_CRITERIA if name in request}
    return {**said, **job.meta, "undated": job.counts.undated}


def _waiting(job: Job, sight: Sight) -> dict[str, Any] | None:
    if sight.waiting_reason is None or job.status in FINAL:
        return None
    return {"reason": sight.waiting_reason, "until": millis(sight.waiting_until)}


def _progress(job: Job, sight: Sight) -> dict[str, Any]:
    done, expected = _rows_done(job), _rows_expected(job)
    speed = _speed(job, done, sight.now)
    left = max(0, expected - done) if expected is not None else None
    return {
        "fraction": _fraction(job, done, expected),
        "recordsPerSecond": speed,
        "etaSeconds": round(left / speed, 1) if left is not None and speed and job.status not in FINAL else None,
        "phase": sight.phase,
        "steps": {"done": sight.steps_done, "total": sight.steps_total},
    }


def _rows_done(job: Job) -> int:
    counts = job.counts
    if job.direction is Direction.DOWNLOAD:
        return counts.read
    return counts.accepted + counts.refused + counts.unprocessed


def _rows_expected(job: Job) -> int | None:
    if job.direction is Direction.UPLOAD:
        return job.counts.sent or None
    limit = job.criteria.limit if isinstance(job.criteria, DownloadCriteria) else None
    bounds = [each for each in (limit, job.vendor_counted) if each is not None]
    return min(bounds) if bounds else None


def _fraction(job: Job, done: int, expected: int | None) -> float | None:
    if job.status is JobStatus.COMPLETED:
        return 1.0
    return round(min(1.0, done / expected), 4) if expected else None


def _speed(job: Job, done: int, now: datetime) -> float | None:
    if job.started_at is None:
        return None
    seconds = ((job.completed_at or now) - job.started_at).total_seconds()
    return round(done / seconds, 1) if seconds > 0 else None


def reconciliation(job: Job) -> dict[str, Any]:
    """Return the counts that must add up (I12)."""
    counts = job.counts
    names = ("read", "filtered", "cut", "stored")
    if job.direction is Direction.UPLOAD:
        names = ("sent", "accepted", "refused", "unprocessed")
    return {name: _count(counts, name) for name in names} | {"vendorCounted": job.vendor_counted}


def _count(counts: Counts, name: str) -> int:
    return int(getattr(counts, name))


def links(job_id: int) -> dict[str, str]:
    """Return where the other views of a job are."""
    base = f"/bulk/{job_id}"
    views = ("status", "data", "errors", "events", "chunks", "notifications", "cancel", "pause", "resume", "restart")
    return {"result": base} | {view: f"{base}/{view}" for view in views}


def millis(moment: datetime | None) -> int | None:
    """Return milliseconds since 1970, as Bulk v3 writes times."""
    return None if moment is None else to_micros(moment) // 1000
