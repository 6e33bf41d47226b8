"""bulkhead jobs, status, watch, cancel, pause, resume, restart, retry."""

from typing import Annotated, Any

import typer

from orchestrator.cli.desk import Desk, command, without_blanks
from orchestrator.cli.waiting import exit_code, sentence, wait_for

JobArgument = Annotated[int | None, typer.Argument(metavar="ID", help="The job's id.", show_default=False)]
LastOption = Annotated[bool, typer.Option("--last", help="The job that was started last.")]
WaitOption = Annotated[
    float | None, typer.Option("--wait", metavar="[MINUTES]", help="Show progress until the job settles.")
]
COLUMNS = {
    "id": "ID",
    "jobDirection": "DIRECTION",
    "objectName": "OBJECT",
    "jobStatus": "STATUS",
    "outcome": "OUTCOME",
    "recordCount": "RECORDS",
    "errorCount": "ERRORS",
    "name": "NAME",
}


def register(app: typer.Typer) -> None:
    """Add the subcommands."""
    command(app, "jobs", "bulkhead jobs --status RUNNING")(jobs)
    command(app, "status", "bulkhead status 42 --json")(status)
    command(app, "watch", "bulkhead watch --last")(watch)
    command(app, "cancel", "bulkhead cancel 42")(cancel)
    command(app, "pause", "bulkhead pause 42")(pause)
    command(app, "resume", "bulkhead resume 42")(resume)
    command(app, "restart", "bulkhead restart 42 --api-limit 2000")(restart)
    command(app, "retry", "bulkhead retry 42 --only transient --wait")(retry)


def jobs(
    desk: Desk,
    status: Annotated[str | None, typer.Option("--status", help="CREATED, RUNNING, COMPLETED, …")] = None,
    direction: Annotated[str | None, typer.Option("--direction", help="DOWNLOAD or UPLOAD.")] = None,
    connection: Annotated[str | None, typer.Option("--connection", "-c", help="Name or id.")] = None,
    object_name: Annotated[str | None, typer.Option("--object", "-o", help="The provider's own name.")] = None,
    where: Annotated[str | None, typer.Option("--where", help='A filter, like "recordCount > 0".')] = None,
    after: Annotated[int, typer.Option("--after", help="Only jobs with larger ids.")] = 0,
    size: Annotated[int, typer.Option("--size", help="At most this many.", min=1, max=1000)] = 200,
) -> None:
    """List jobs, oldest first."""
    filters = {"status": status, "direction": direction, "connection": connection, "objectName": object_name}
    filters["where"] = where
    page = desk.client.jobs(after=after, size=size, **without_blanks(filters))
    desk.table(page.items, COLUMNS)
    if page.next_token is not None:
        desk.say(f"there may be more: --after {page.next_token}")


def status(desk: Desk, job_id: JobArgument = None, last: LastOption = False) -> None:
    """Show how far a job has come; the exit code tells it too."""
    found = desk.client.status(desk.job(job_id, last))
    desk.show(found, lambda: _details(found))
    raise typer.Exit(exit_code(found))


def _details(found: dict[str, Any]) -> str:
    lines = [sentence(found)]
    if found["waiting"]:
        until = found["waiting"]["until"]
        lines.append(f"  waits for {found['waiting']['reason']}" + (f" until {_clock(until)}" if until else ""))
    calls = found["apiCalls"]
    limit = f" of {calls['limit']:,}" if calls["limit"] is not None else ""
    lines.append(f"  vendor calls: {calls['today']:,}{limit} today, {calls['total']:,} in all")
    counts = found["reconciliation"].items()
    lines.append("  rows: " + ", ".join(f"{name} {value:,}" for name, value in counts if value is not None))
    if found["vendorJobIds"]:
        lines.append("  vendor jobs: " + ", ".join(found["vendorJobIds"]))
    return "\n".join(lines)


def _clock(millis: int) -> str:
    from orchestrator.clock import from_micros

    return from_micros(millis * 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def watch(desk: Desk, job_id: JobArgument = None, last: LastOption = False) -> None:
    """Show progress until a job settles."""
    found = wait_for(desk, desk.job(job_id, last), float("inf"))
    desk.show(found, sentence(found))
    raise typer.Exit(exit_code(found))


def cancel(desk: Desk, job_id: JobArgument = None, last: LastOption = False) -> None:
    """Stop a job for good, at the vendor too where it can be."""
    _say(desk, desk.client.cancel(desk.job(job_id, last)))


def pause(desk: Desk, job_id: JobArgument = None, last: LastOption = False) -> None:
    """Make no further vendor call, keep everything."""
    _say(desk, desk.client.pause(desk.job(job_id, last)))


def resume(desk: Desk, job_id: JobArgument = None, last: LastOption = False) -> None:
    """Let a paused job go on."""
    _say(desk, desk.client.resume(desk.job(job_id, last)))


def restart(
    desk: Desk,
    job_id: JobArgument = None,
    last: LastOption = False,
    api_limit: Annotated[int | None, typer.Option("--api-limit", help="A higher limit of vendor calls a day.")] = None,
) -> None:
    """Let an ABORTED or THROTTLED job go on where it stopped."""
    _say(desk, desk.client.restart(desk.job(job_id, last), api_limit=api_limit))


def retry(
    desk: Desk,
    job_id: JobArgument = None,
    last: LastOption = False,
    only: Annotated[str, typer.Option("--only", help="transient, failed or unprocessed rows.")] = "failed",
    wait: WaitOption = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", help="The same key again starts no second job.")
    ] = None,
) -> None:
    """Start an upload of just the rows that did not go through; what was accepted is never sent again."""
    receipt = desk.client.retry_rows(desk.job(job_id, last), only=only, idempotency_key=idempotency_key)
    desk.remember(receipt.id)
    if wait is None:
        _say(desk, receipt)
        return
    status = wait_for(desk, receipt.id, wait)
    desk.show(status, sentence(status))
    raise typer.Exit(exit_code(status))


def _say(desk: Desk, receipt: Any) -> None:
    body = {"instanceId": receipt.connection_id, "id": str(receipt.id), "status": receipt.status}
    desk.show(body, f"job {receipt.id} {receipt.status}")
