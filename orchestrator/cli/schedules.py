"""bulkhead schedule add, list, change, pause, resume, run, fires, remove."""

from typing import Annotated, Any

import typer

from orchestrator.cli.desk import Desk, command, without_blanks
from orchestrator.cli.submit import READING, ConnectionOption, ObjectOption, reading

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]
OverlapOption = Annotated[str | None, typer.Option("--overlap", help="While a job runs: skip, queue, cancel.")]
CatchUpOption = Annotated[str | None, typer.Option("--catch-up", help="Times nobody saw: skip, one, all.")]
TellOption = Annotated[str | None, typer.Option("--tell", help="Address for what it starts, misses or cannot start.")]
COLUMNS = {"id": "ID", "name": "NAME", "cron": "CRON", "everySeconds": "EVERY", "timezone": "ZONE", "next": "NEXT"}
FIRES = {"time": "TIME", "state": "STATE", "jobId": "JOB", "missed": "MISSED", "message": "MESSAGE"}


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Schedules: downloads that start again and again.", no_args_is_help=True)
    criteria = {name: kind for name, kind in READING.items() if name != "name"}  # the schedule has a name of its own
    example = 'bulkhead schedule add nightly --cron "0 3 * * *" -c sl -o people --format csv'
    command(group, "add", example, criteria)(add)
    command(group, "list", "bulkhead schedule list")(list_schedules)
    command(group, "change", "bulkhead schedule change nightly --cron '0 4 * * *' --overlap queue")(change)
    command(group, "pause", "bulkhead schedule pause nightly")(pause)
    command(group, "resume", "bulkhead schedule resume nightly")(resume)
    command(group, "run", "bulkhead schedule run nightly")(run)
    command(group, "fires", "bulkhead schedule fires nightly")(fires)
    command(group, "remove", "bulkhead schedule remove nightly")(remove)
    app.add_typer(group, name="schedule")


def add(
    desk: Desk,
    name: NameArgument,
    connection: ConnectionOption,
    object_name: ObjectOption,
    cron: Annotated[str | None, typer.Option("--cron", help="Five fields, or Quartz's six or seven.")] = None,
    every: Annotated[int | None, typer.Option("--every", help="Seconds between two starts.", min=1)] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="IANA name, for --cron.")] = "UTC",
    overlap: OverlapOption = None,
    catch_up: CatchUpOption = None,
    go_on: Annotated[bool, typer.Option("--continue", help="Each job goes on where the last one ended.")] = False,
    tell: TellOption = None,
    **given: Any,
) -> None:
    """Add a schedule; the first job starts at its first time."""
    criteria = {"connection": connection, "objectName": object_name, **reading(given | {"name": None})}
    body = {"name": name, "cron": cron, "everySeconds": every, "timezone": timezone, "direction": "DOWNLOAD"}
    rules = {"overlap": overlap, "catchUp": catch_up, "continueFromLast": go_on or None, "notificationUrl": tell}
    added = desk.client.add_schedule(without_blanks(body | rules | {"criteria": criteria}))
    desk.show(added, f"schedule {name} starts its first job at {_clock(added['nextFire'])}")


def list_schedules(desk: Desk) -> None:
    """List schedules."""
    from orchestrator.client import pages

    found = list(pages(lambda token: desk.client.schedules(after=token, size=1000)))
    rows = found if desk.as_json else [each | {"next": _clock(each["nextFire"])} for each in found]
    desk.table(rows, COLUMNS)


def change(
    desk: Desk,
    name: NameArgument,
    cron: Annotated[str | None, typer.Option("--cron", help="Five fields, or Quartz's six or seven.")] = None,
    every: Annotated[int | None, typer.Option("--every", help="Seconds between two starts.", min=1)] = None,
    timezone: Annotated[str | None, typer.Option("--timezone", help="IANA name, for --cron.")] = None,
    overlap: OverlapOption = None,
    catch_up: CatchUpOption = None,
    tell: TellOption = None,
) -> None:
    """Change what is given, leave the rest."""
    rules = {"overlap": overlap, "catchUp": catch_up, "notificationUrl": tell}
    changes = without_blanks({"cron": cron, "everySeconds": every, "timezone": timezone, **rules})
    changed = desk.client.change_schedule(name, changes)
    desk.show(changed, f"schedule {name} starts its next job at {_clock(changed['nextFire'])}")


def pause(desk: Desk, name: NameArgument) -> None:
    """Let a schedule start nothing for now."""
    desk.show(desk.client.change_schedule(name, {"enabled": False}), f"schedule {name} is paused")


def resume(desk: Desk, name: NameArgument) -> None:
    """Let a paused schedule go on with its next time; what was paused is not caught up."""
    changed = desk.client.change_schedule(name, {"enabled": True})
    desk.show(changed, f"schedule {name} starts its next job at {_clock(changed['nextFire'])}")


def run(desk: Desk, name: NameArgument) -> None:
    """Start a job of the schedule at once."""
    started = desk.client.run_schedule(name)
    desk.remember(started.id)
    desk.show({"id": started.id, "status": started.status}, f"job {started.id} is started")


def fires(desk: Desk, name: NameArgument) -> None:
    """List the latest fires, newest first, and what came of them."""
    found = desk.client.schedule_fires(name)
    desk.table(found if desk.as_json else [each | {"time": _clock(each["at"])} for each in found], FIRES)


def _clock(millis: int | None) -> str:
    if millis is None:
        return "never"
    from orchestrator.clock import from_micros

    return from_micros(millis * 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def remove(desk: Desk, name: NameArgument) -> None:
    """Remove a schedule; its jobs go on."""
    desk.client.remove_schedule(name)
    desk.show({"removed": name}, f"schedule {name} is removed")
