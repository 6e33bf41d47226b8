"""Notifications are written with the status they tell of, in one transaction (I11): a status body, as it was then."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, case, func, insert, select

from orchestrator.clock import from_micros
from orchestrator.job.status import JobStatus, StopReason, WaitReason
from orchestrator.job.step import NOT_COUNTED
from orchestrator.store.engine import Database
from orchestrator.store.records import Row, job_of
from orchestrator.store.status_body import Sight, status_body
from orchestrator.store.tables import outbox, schedules, steps, tenants, vendor_jobs

THROTTLED_BY: Mapping[StopReason | None, WaitReason] = {
    StopReason.VENDOR_QUOTA: WaitReason.QUOTA,
    StopReason.API_LIMIT: WaitReason.API_LIMIT,
}


@dataclass(frozen=True, kw_only=True)
class StepTally:
    """How many steps of a job are done, of how many known so far, and which kind is at work."""

    done: int
    total: int
    phase: str | None


def tally(connection: Connection, job_id: int) -> StepTally:
    """Count the steps of a job."""
    done = func.coalesce(func.sum(case((steps.c.state == "done", 1), else_=0)), 0)
    counted = steps.c.kind.not_in(NOT_COUNTED)
    row = connection.execute(
        select(func.count().label("total"), done.label("done")).where(steps.c.job_id == job_id, counted)
    ).one()
    phase = connection.execute(
        select(steps.c.kind)
        .where(steps.c.job_id == job_id, steps.c.state != "done")
        .order_by(steps.c.lease_until.desc().nulls_last(), steps.c.id)
        .limit(1)
    ).scalar_one_or_none()
    return StepTally(done=row.done, total=row.total, phase=phase)


def remote_ids(connection: Connection, job_id: int) -> Sequence[str]:
    """Return the ids of the job's vendor jobs, in the order they were planned."""
    query = (
        select(vendor_jobs.c.remote_id)
        .where(vendor_jobs.c.job_id == job_id, vendor_jobs.c.remote_id.is_not(None))
        .order_by(vendor_jobs.c.seq)
    )
    return list(connection.execute(query).scalars())


def tell_of_job(connection: Connection, database: Database, row: Row) -> None:
    """Put the notification of the job's status into the outbox, if anybody wants it: its URL, else a default one."""
    url = row["criteria"].get("notification_url") or default_url(connection, row["tenant_id"], row["schedule_id"])
    if url is None:
        return
    body = status_body(job_of(row), _sight(connection, database, row))
    told = {"status": row["status"], **body, "callback-payload": row["criteria"].get("callback_payload")}
    told["notificationUrl"] = url
    write_notification(
        connection, database, tenant_id=row["tenant_id"], job_id=row["id"], url=url,
        kind=f"job.{row['status'].lower()}", body=told,
    )  # fmt: skip


def default_url(connection: Connection, tenant_id: int, schedule_id: int | None) -> str | None:
    """Return where to tell what names no URL itself: the schedule's, else the tenant's; None: nowhere."""
    own = select(schedules.c.notification_url).where(schedules.c.id == schedule_id)
    found = connection.execute(own).scalar_one_or_none() if schedule_id is not None else None
    if found is not None:
        return str(found)
    url: str | None = connection.execute(select(tenants.c.notification_url).where(tenants.c.id == tenant_id)).scalar()
    return url


def write_notification(
    connection: Connection,
    database: Database,
    *,
    tenant_id: int,
    url: str,
    kind: str,
    body: Mapping[str, Any],
    job_id: int | None = None,
    schedule_id: int | None = None,
) -> None:
    """Put a notification into the outbox, due at once, under an id that it keeps."""
    connection.execute(
        insert(outbox).values(
            webhook_id=f"msg_{uuid4().hex}",
            tenant_id=tenant_id,
            job_id=job_id,
            schedule_id=schedule_id,
            url=url,
            kind=kind,
            body=dict(body),
            due_at=database.now,
            created_at=database.now,
        )
    )


def _sight(connection: Connection, database: Database, row: Row) -> Sight:
    counted = tally(connection, row["id"])
    waits = row["status"] == JobStatus.THROTTLED
    reason = THROTTLED_BY.get(row["stop_reason"], WaitReason.API_LIMIT) if waits else None
    return Sight(
        request=row["request"],
        now=from_micros(connection.execute(select(database.now)).scalar_one()),
        remote_ids=remote_ids(connection, row["id"]),
        waiting_reason=reason,
        waiting_until=from_micros(row["restart_at"]) if waits and row["restart_at"] else None,
        steps_done=counted.done,
        steps_total=counted.total,
        phase=counted.phase,
    )
