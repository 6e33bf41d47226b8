"""Schedules: downloads that start again and again."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Reader, Submitter
from orchestrator.api.bulk import accepted
from orchestrator.api.criteria import connection_of, download_criteria
from orchestrator.api.idempotency import Answer, Keep, Once
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.sight import seen
from orchestrator.api.state import named_connection, runtime_of
from orchestrator.api.wire import DownloadBody, ScheduleBody, ScheduleChanges
from orchestrator.job.errors import Invalid, Missing
from orchestrator.job.status import Direction
from orchestrator.lifecycle.budget_rules import checked_zone
from orchestrator.lifecycle.timetable import NEVER, Timing, checked_cron
from orchestrator.store.fires import Fire
from orchestrator.store.schedules import NewSchedule, Schedule
from orchestrator.store.status_body import millis, status_body

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

router = APIRouter(prefix="/schedules", tags=["schedules"])


@router.post("", status_code=201, dependencies=[Depends(only())])
def add(request: Request, who: Submitter, body: ScheduleBody, once: Once) -> Response:
    """Add a schedule; its first job starts at its first time, not now."""

    def work(keep: Keep) -> Answer:
        runtime = runtime_of(request)
        if body.direction == "UPLOAD":
            problem = "uploads on a schedule read their file from a hub, which is not built yet"
            raise Invalid("direction", problem, code="not_available_yet")
        new = NewSchedule(
            name=body.name,
            direction=Direction.DOWNLOAD,
            overlap=body.overlap,
            catch_up=body.catch_up,
            continue_from_last=body.continue_from_last,
            notification_url=body.notification_url,
            enabled=body.enabled,
            **_criteria(runtime, who.tenant_id, body.criteria),
            **_timing(body.cron, body.every_seconds, body.timezone, runtime.store.database_time()),
        )
        _check_continuing(runtime, new)
        schedules = runtime.store.schedules
        added = schedules.add(who.tenant_id, new, lambda transaction, it: keep(transaction, _added(it)))
        return _added(added)

    return once(body.sent, work)


def _check_continuing(runtime: "Runtime", schedule: NewSchedule) -> None:
    if schedule.continue_from_last:
        connection = runtime.store.connections.by_id(schedule.connection_id)
        runtime.lifecycle.first_of_chain(connection, schedule.criteria)


def _added(schedule: Schedule) -> Answer:
    return Answer(status=201, body=_shown(schedule), headers={"Location": f"/schedules/{schedule.name}"})


def _criteria(runtime: "Runtime", tenant_id: int, given: dict[str, Any]) -> dict[str, Any]:
    body = DownloadBody.model_validate(given)
    if body.continue_from_job_id is not None:
        raise Invalid("continueFromJobId", "names one job, and a schedule has many", "Use continueFromLast.")
    if body.expires_at is not None:
        raise Invalid("expiresAt", "is one moment, and a schedule has many", "Results are kept for the retention.")
    connection = named_connection(runtime, tenant_id, connection_of(body))
    checked = runtime.lifecycle.check(connection, download_criteria(body))
    return {"connection_id": connection.id, "request": dict(body.sent), "criteria": checked}


def _timing(cron: str | None, every_seconds: int | None, timezone: str, now: datetime) -> dict[str, Any]:
    if (cron is None) == (every_seconds is None):
        raise Invalid("cron", "or everySeconds is needed, and not both", "Send one of the two.")
    zone = checked_zone("timezone", timezone)
    checked = None if cron is None else checked_cron(cron, now=now, timezone=zone)
    every = None if every_seconds is None else timedelta(seconds=every_seconds)
    first = Timing(cron=checked, every=every, timezone=zone).after(now)
    return {"cron": checked, "every": every, "timezone": zone, "next_fire_at": first}


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


@router.patch("/{name}", dependencies=[Depends(only())])
def change(request: Request, who: Submitter, name: str, body: ScheduleChanges) -> dict[str, Any]:
    """Change what is given, leave the rest; `enabled` pauses and resumes, and what was paused is not caught up."""
    runtime = runtime_of(request)
    schedules = runtime.store.schedules
    before = schedules.get(who.tenant_id, name)
    changed = _changed(runtime, before, body)
    _check_continuing(runtime, changed)
    return _shown(schedules.replace(who.tenant_id, name, changed, seen=before.next_fire_at))


def _changed(runtime: "Runtime", schedule: Schedule, body: ScheduleChanges) -> Schedule:
    plain = ("overlap", "catch_up", "continue_from_last", "enabled")
    values = {name: given for name in plain if (given := getattr(body, name)) is not None}
    if "notificationUrl" in body.sent:
        values["notification_url"] = body.notification_url
    if body.criteria is not None:
        values |= _criteria(runtime, schedule.tenant_id, body.criteria)
    if body.enabled or body.cron or body.every_seconds or body.timezone:
        values |= _new_timing(schedule, body, runtime.store.database_time())
    return replace(schedule, **values)


def _new_timing(schedule: Schedule, body: ScheduleChanges, now: datetime) -> dict[str, Any]:
    cron, every = body.cron, body.every_seconds
    if cron is None and every is None:
        cron, every = schedule.cron, _seconds(schedule.every)
    timing = _timing(cron, every, body.timezone or schedule.timezone, now)
    same = all(timing[name] == getattr(schedule, name) for name in ("cron", "every", "timezone"))
    return {} if same and schedule.enabled else timing


@router.get("/{name}/fires", dependencies=[Depends(only())])
def fires(request: Request, who: Reader, name: str) -> list[dict[str, Any]]:
    """List the latest fires, newest first, and what came of them."""
    store = runtime_of(request).store
    return [_fire(each) for each in store.fires.of_schedule(store.schedules.get(who.tenant_id, name).id)]


def _fire(fire: Fire) -> dict[str, Any]:
    return {
        "at": millis(fire.fire_at),
        "state": str(fire.state),
        "jobId": fire.job_id,
        "byHand": fire.by_hand,
        "missed": fire.missed,
        "message": fire.message,
    }


@router.get("/{name}/latest", dependencies=[Depends(only())])
def latest(request: Request, who: Reader, name: str) -> dict[str, Any]:
    """Return the status of the job that the schedule started last; 404 while there is none."""
    runtime = runtime_of(request)
    job = runtime.store.fires.latest_job(runtime.store.schedules.get(who.tenant_id, name).id)
    if job is None:
        raise Missing("job of the schedule", name)
    return status_body(job, seen(runtime, job))


@router.post("/{name}/run", status_code=202, dependencies=[Depends(only())])
def run(request: Request, who: Submitter, name: str, once: Once) -> Response:
    """Start a job of the schedule at once, whatever runs, also while the schedule is paused."""

    def work(keep: Keep) -> Answer:
        runtime = runtime_of(request)
        schedule = runtime.store.schedules.get(who.tenant_id, name)
        job_id = runtime.lifecycle.schedules.start_now(
            schedule, also=lambda transaction, new: keep(transaction, accepted(schedule.connection_id, new))
        )
        return accepted(schedule.connection_id, job_id)

    return once({}, work)


@router.delete("/{name}", status_code=204, dependencies=[Depends(only())])
def remove(request: Request, who: Submitter, name: str) -> Response:
    """Remove a schedule; the jobs that it started go on."""
    runtime_of(request).store.schedules.remove(who.tenant_id, name)
    return Response(status_code=204)


def _seconds(every: timedelta | None) -> int | None:
    return None if every is None else every // timedelta(seconds=1)


def _shown(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": schedule.id,
        "name": schedule.name,
        "cron": schedule.cron,
        "everySeconds": _seconds(schedule.every),
        "timezone": schedule.timezone,
        "direction": str(schedule.direction),
        "criteria": dict(schedule.request),
        "overlap": str(schedule.overlap),
        "catchUp": str(schedule.catch_up),
        "continueFromLast": schedule.continue_from_last,
        "notificationUrl": schedule.notification_url,
        "enabled": schedule.enabled,
        "nextFire": None if schedule.next_fire_at >= NEVER else millis(schedule.next_fire_at),
        "createdDate": millis(schedule.created_at),
    }
