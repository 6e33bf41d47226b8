"""Rows into records, the only place that knows both."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from orchestrator.clock import from_micros
from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.record import Counts, Job
from orchestrator.job.status import Direction, JobOutcome, JobStatus, StopReason
from orchestrator.job.step import Step, StepKind

Row = RowMapping | Mapping[str, Any]  # by column name

# Counts by the column that holds them.
COUNTERS: Mapping[str, str] = {
    "read": "rows_read",
    "stored": "rows_stored",
    "filtered": "rows_filtered",
    "cut": "rows_cut",
    "undated": "rows_undated",
    "sent": "rows_sent",
    "accepted": "rows_accepted",
    "refused": "rows_refused",
    "unprocessed": "rows_unprocessed",
    "invalid": "rows_invalid",
    "bytes": "byte_count",
}
_PLAIN = (
    "id", "tenant_id", "connection_id", "budget_id", "object_name", "status_message", "native", "input_key",
    "input_bytes", "input_rows_key", "error_count", "vendor_counted", "open_steps", "api_limit", "api_calls_today",
    "api_calls_total", "restarts", "weight", "cancel_requested", "pause_requested", "meta",
)  # fmt: skip


def moment(micros: int | None) -> datetime | None:
    """Return the moment, or None for NULL."""
    return None if micros is None else from_micros(micros)


def micros(pause: timedelta) -> int:
    """Return a duration in whole microseconds."""
    return pause // timedelta(microseconds=1)


def criteria_of(direction: Direction, data: Mapping[str, Any]) -> Criteria:
    """Return the criteria that were stored as JSON."""
    kind = DownloadCriteria if direction is Direction.DOWNLOAD else UploadCriteria
    return kind.from_json(data)


def job_of(row: Row) -> Job:
    """Return the job of a row of `jobs`."""
    direction = Direction(row["direction"])
    fields = row["default_select_fields"]
    return Job(
        **{name: row[name] for name in _PLAIN},
        direction=direction,
        criteria=criteria_of(direction, row["criteria"]),
        status=JobStatus(row["status"]),
        outcome=JobOutcome(row["outcome"]) if row["outcome"] else None,
        stop_reason=StopReason(row["stop_reason"]) if row["stop_reason"] else None,
        counts=Counts(**{name: row[column] for name, column in COUNTERS.items()}),
        default_select_fields=tuple(fields) if fields is not None else None,
        created_at=from_micros(row["created_at"]),
        started_at=moment(row["started_at"]),
        progress_at=from_micros(row["progress_at"]),
        completed_at=moment(row["completed_at"]),
        restart_at=moment(row["restart_at"]),
    )


def step_of(row: Row) -> Step:
    """Return the step of a row of `steps`."""
    return Step(
        id=row["id"],
        job_id=row["job_id"],
        budget_id=row["budget_id"],
        connection_id=row["connection_id"],
        kind=StepKind(row["kind"]),
        vendor_seq=row["vendor_seq"],
        partition=row["partition"],
        cursor=row["cursor"],
        next_part=row["next_part"],
        attempt=row["attempt"],
        failures=row["failures"],
        created_at=from_micros(row["created_at"]),
    )
