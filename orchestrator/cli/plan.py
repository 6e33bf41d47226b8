"""bulkhead plan, and what upload --dry-run shows."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.desk import WRONG_USE, Desk, command, fail, without_blanks
from orchestrator.cli.submit import READING, WRITING, ConnectionOption, reading, writing


def register(app: typer.Typer) -> None:
    """Add the subcommand."""
    command(app, "plan", "bulkhead plan -c sl -o people --fields id,email_address", READING | WRITING)(plan)


def plan(
    desk: Desk,
    connection: ConnectionOption,
    file: Annotated[Path | None, typer.Argument(help="Plan the upload of this file.")] = None,
    object_name: Annotated[str | None, typer.Option("--object", "-o", help="Object, like people or Account.")] = None,
    soql: Annotated[str | None, typer.Option("--soql", help="Salesforce: a whole query instead.")] = None,
    operation: Annotated[str | None, typer.Option("--operation", help="Plan an upload that does this.")] = None,
    rows: Annotated[int | None, typer.Option("--rows", help="Plan an upload of so many rows, without a file.")] = None,
    **given: Any,
) -> None:
    """Show what a job would cost and when it would be done; nothing is started."""
    body = {"connection": connection, "objectName": object_name}
    if operation is None:
        if file is not None or rows is not None:
            fail("an upload needs --operation")
        show_plan(desk, desk.client.plan_download(without_blanks({**body, "soql": soql, **reading(given)})))
        return
    meta = without_blanks({**body, "operation": operation, **writing(given)})
    if rows is not None:
        show_plan(desk, desk.client.plan_rows(meta, rows))
    elif file is not None and file.is_file():
        show_plan(desk, desk.client.plan_upload(meta, file))
    else:
        fail("name a file that is there, or --rows")


def show_plan(desk: Desk, found: dict[str, Any]) -> None:
    """Print a plan; ends the command with 2 where rows of the file would not be sent."""
    desk.show(found, lambda: "\n".join(_lines(found)))
    if found["upload"] and found["upload"]["badRows"]:
        raise typer.Exit(WRONG_USE)


def _lines(found: dict[str, Any]) -> list[str]:
    records = "an unknown number of" if found["records"] is None else f"{found['records']:,}"
    lines = [f"{records} records of {found['objectName']}: {found['summary']}"]
    if found["cheaper"] and found["cheaper"] != found["way"]:
        lines.append(f"  cheaper: by {found['cheaper']}")
    for quota in found["quotas"]:
        lines.append(f"  {quota['share']:.1%} of {quota['name']} ({quota['units']:,} of {quota['amount']:,})")
    if found["likelyFinish"]:
        lines.append(f"  earliest {_clock(found['earliestFinish'])}, likely {_clock(found['likelyFinish'])}")
    if found["upload"]:
        lines += _upload(found["upload"])
    return lines + [f"  note: {each}" for each in found["assumptions"]]


def _upload(upload: dict[str, Any]) -> list[str]:
    lines = [f"  read as {upload['encoding']}: {upload['rows']:,} rows, {upload['badRows']:,} of them bad"]
    if upload["unmappedColumns"]:
        lines.append("  sent under their own names: " + ", ".join(upload["unmappedColumns"]))
    lines += [f"  row {each['row']}: {each['message']} ({each['code']})" for each in upload["bad"]]
    return lines + [f"  would send {json.dumps(each, ensure_ascii=False)}" for each in upload["first"]]


def _clock(millis: int) -> str:
    from orchestrator.clock import from_micros

    return from_micros(millis * 1000).astimezone().isoformat(" ", "seconds")
