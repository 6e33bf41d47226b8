"""Schedules: downloads that start again and again."""

from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Reader, Submitter
from orchestrator.api.criteria import download_criteria
from orchestrator.api.idempotency import Answer, Keep, Once
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.state import named_connection, runtime_of
from orchestrator.api.wire import DownloadBody, ScheduleBody
from orchestrator.job.errors import Invalid
from orchestrator.job.status import Direction
from orchestrator.lifecycle.budget_rules import checked_zone
from orchestrator.lifecycle.timetable import checked_cron, next_fire
from orchestrator.store.schedules import NewSchedule, Schedule
from orchestrator.store.status_body import millis

router = APIRouter(prefix="/schedules", tags=["schedules"])


@router.post("", status_code=201, dependencies=[Depends(only())])
def add(request: Request, who: Submitter, body: ScheduleBody, once: Once) -> Response:
    """Add a schedule; its first job starts at its first time, not now."""

    def work(_: Keep) -> Answer:
        runtime = runtime_of(request)
        if body.direction == "UPLOAD":
            problem = "uploads on a schedule read their file from a hub, which is not built yet"
            raise Invalid("direction", problem, code="not_available_yet")
        criteria = DownloadBody.model_validate(body.criteria)
        connection = named_connection(runtime, who.tenant_id, criteria.connection)
        checked = runtime.lifecycle.check(connection, download_criteria(criteria))
        new = NewSchedule(
            name=body.name,
            connection_id=connection.id,
            direction=Direction.DOWNLOAD,
            request=dict(criteria.sent),
            criteria=checked,
            enabled=body.enabled,
            **_timing(body, runtime.store.database_time()),
        )
        added = runtime.store.schedules.add(who.tenant_id, new)
        return Answer(status=201, body=_shown(added), headers={"Location": f"/schedules/{added.name}"})

    return once(body.sent, work)


def _timing(body: ScheduleBody, now: datetime) -> dict[str, Any]:
    if (body.cron is None) == (body.every_seconds is None):
        raise Invalid("cron", "or everySeconds is needed, and not both", "Send one of the two.")
    timezone = checked_zone("timezone", body.timezone)
    cron = None if body.cron is None else checked_cron(body.cron, now=now, timezone=timezone)
    every = None if body.every_seconds is None else timedelta(seconds=body.every_seconds)
    first = next_fire(after=now, cron=cron, every=every, timezone=timezone)
    return {"cron": cron, "every": every, "timezone": timezone, "next_fire_at": first}


@router.get("", dependencies=[Depends(only(*PAGING))])
def list_schedules(request: Request, response: Response, who: Reader, paging: Paged) -> list[dict[str, Any]]:
    """List schedules in the order they were added."""
    found = runtime_of(request).store.schedules.list(who.tenant_id, after_id=paging.after, size=paging.size)
    mark(response, len(found), next_token=found[-1].id if len(found) == paging.size else None)
    return [_shown(each) for each in found]


@router.get("/{name}", dependencies=[Depends(only())])
def show(request: Request, who: Reader, name: str) -> dict[str, Any]:
    """Return one schedule."""
    return _shown(runtime_of(request).store.schedules.get(who.tenant_id, name))


@router.get("/{name}/fires", dependencies=[Depends(only())])
def fires(request: Request, who: Reader, name: str) -> list[dict[str, Any]]:
    """List the latest fires, newest first, and the jobs that came of them."""
    schedules = runtime_of(request).store.schedules
    found = schedules.fires(schedules.get(who.tenant_id, name).id)
    return [{"at": millis(each.fire_at), "jobId": each.job_id} for each in found]


@router.delete("/{name}", status_code=204, dependencies=[Depends(only())])
def remove(request: Request, who: Submitter, name: str) -> Response:
    """Remove a schedule; the jobs that it started go on."""
    runtime_of(request).store.schedules.remove(who.tenant_id, name)
    return Response(status_code=204)


def _shown(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "name": schedule.name,
        "cron": schedule.cron,
        "everySeconds": None if schedule.every is None else schedule.every // timedelta(seconds=1),
        "timezone": schedule.timezone,
        "direction": str(schedule.direction),
        "criteria": dict(schedule.request),
        "enabled": schedule.enabled,
        "nextFire": millis(schedule.next_fire_at),
        "createdDate": millis(schedule.created_at),
    }
