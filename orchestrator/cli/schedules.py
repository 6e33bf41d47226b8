"""bulkhead schedule add, list, remove."""

from typing import Annotated, Any

import typer

from orchestrator.cli.desk import Desk, command, without_blanks
from orchestrator.cli.submit import READING, ConnectionOption, ObjectOption, reading

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule.")]
COLUMNS = {"id": "ID", "name": "NAME", "cron": "CRON", "everySeconds": "EVERY", "timezone": "ZONE", "next": "NEXT"}


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Schedules: downloads that start again and again.", no_args_is_help=True)
    criteria = {name: kind for name, kind in READING.items() if name != "name"}  # the schedule has a name of its own
    example = 'bulkhead schedule add nightly --cron "0 3 * * *" -c sl -o people --format csv'
    command(group, "add", example, criteria)(add)
    command(group, "list", "bulkhead schedule list")(list_schedules)
    command(group, "remove", "bulkhead schedule remove nightly")(remove)
    app.add_typer(group, name="schedule")


def add(
    desk: Desk,
    name: NameArgument,
    connection: ConnectionOption,
    object_name: ObjectOption,
    cron: Annotated[str | None, typer.Option("--cron", help="Minute, hour, day, month, weekday.")] = None,
    every: Annotated[int | None, typer.Option("--every", help="Seconds between two starts.", min=1)] = None,
    timezone: Annotated[str, typer.Option("--timezone", help="IANA name, for --cron.")] = "UTC",
    **given: Any,
) -> None:
    """Add a schedule; the first job starts at its first time."""
    criteria = {"connection": connection, "objectName": object_name, **reading(given | {"name": None})}
    body = {"name": name, "cron": cron, "everySeconds": every, "timezone": timezone, "direction": "DOWNLOAD"}
    added = desk.client.add_schedule(without_blanks(body | {"criteria": criteria}))
    desk.show(added, f"schedule {name} starts its first job at {_clock(added['nextFire'])}")


def list_schedules(desk: Desk) -> None:
    """List schedules."""
    from orchestrator.client import pages

    found = list(pages(lambda token: desk.client.schedules(after=token, size=1000)))
    rows = found if desk.as_json else [each | {"next": _clock(each["nextFire"])} for each in found]
    desk.table(rows, COLUMNS)


def _clock(millis: int) -> str:
    from orchestrator.clock import from_micros

    return from_micros(millis * 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def remove(desk: Desk, name: NameArgument) -> None:
    """Remove a schedule; its jobs go on."""
    desk.client.remove_schedule(name)
    desk.show({"removed": name}, f"schedule {name} is removed")
