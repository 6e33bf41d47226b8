"""bulkhead results, data, errors, events, chunks."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.desk import Desk, command, fail
from orchestrator.cli.jobs import JobArgument, LastOption

AfterOption = Annotated[int, typer.Option("--after", help="Only after this number.", min=0)]
SizeOption = Annotated[int, typer.Option("--size", help="At most this many.", min=1, max=1000)]
ERRORS = {"recordIndex": "ROW", "identifier": "RECORD", "code": "CODE", "message": "MESSAGE", "phase": "PHASE"}
EVENTS = {"id": "ID", "time": "TIME", "name": "EVENT", "data": "DATA"}
CHUNKS = {"id": "ID", "state": "STATE", "rows": "ROWS", "bytes": "BYTES", "firstRow": "FIRST ROW", "vendorJob": "JOB"}


def register(app: typer.Typer) -> None:
    """Add the subcommands."""
    command(app, "results", "bulkhead results 42 --format csv --out people.csv")(results)
    command(app, "data", "bulkhead data --last --size 10")(data)
    command(app, "errors", "bulkhead errors 42 --format csv --out to-mend.csv")(errors)
    command(app, "events", "bulkhead events --last")(events)
    command(app, "chunks", "bulkhead chunks 42")(chunks)


def results(
    desk: Desk,
    job_id: JobArgument = None,
    last: LastOption = False,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; standard output if not given.")] = None,
    format: Annotated[str | None, typer.Option("--format", help="jsonl, json or csv.")] = None,
    partial: Annotated[bool, typer.Option("--partial", help="What is there so far.")] = False,
) -> None:
    """Fetch the whole result: records, or the fate of each row."""
    job = desk.job(job_id, last)
    if out is not None:
        _check_folder(out)
        size = desk.client.save_result(job, out, format=format, partial=partial)
        desk.show({"file": str(out), "bytes": size}, f"{size:,} bytes in {out}")
        return
    with desk.client.result(job, format=format, partial=partial) as blocks:
        _print(blocks)


def _check_folder(out: Path) -> None:
    if not out.absolute().parent.is_dir():
        fail(f"there is no folder {out.absolute().parent}")


def _print(blocks: Iterator[bytes]) -> None:
    for block in blocks:
        sys.stdout.buffer.write(block)
    sys.stdout.buffer.flush()


def data(
    desk: Desk,
    job_id: JobArgument = None,
    last: LastOption = False,
    after: AfterOption = 0,
    size: SizeOption = 200,
    status: Annotated[str | None, typer.Option("--status", help="Uploads: success, error.")] = None,
) -> None:
    """Show a page of the result, one record a line, also while the job runs."""
    page = desk.client.data(desk.job(job_id, last), after=after, size=size, status=status)
    lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in page.items)
    desk.show(page.items, lines)
    if page.next_token is not None:
        desk.say(f"there may be more: --after {page.next_token}")


def errors(
    desk: Desk,
    job_id: JobArgument = None,
    last: LastOption = False,
    after: AfterOption = 0,
    size: SizeOption = 200,
    format: Annotated[str | None, typer.Option("--format", help="csv: your own rows with the error beside.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="File for the CSV; standard output if not given.")] = None,
) -> None:
    """Show why rows, or the job itself, did not go through; as CSV: all those rows, to be mended and uploaded again."""
    job = desk.job(job_id, last)
    if format not in {None, "csv"}:
        fail(f"errors are shown as a table, as --json, or as csv; not as {format}")
    if format is None and out is None:
        _show(desk, desk.client.errors(job, after=after, size=size), ERRORS)
    elif out is None:
        with desk.client.errors_csv(job) as blocks:
            _print(blocks)
    else:
        _check_folder(out)
        size = desk.client.save_errors(job, out)
        desk.show({"file": str(out), "bytes": size}, f"{size:,} bytes in {out}")


def events(
    desk: Desk,
    job_id: JobArgument = None,
    last: LastOption = False,
    after: AfterOption = 0,
    size: SizeOption = 200,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show what comes, until the job has ended.")] = False,
) -> None:
    """Show a job's timeline."""
    if follow:
        for event in desk.client.follow(desk.job(job_id, last), after=after):
            data = json.dumps(event["data"], ensure_ascii=False)
            desk.show(event, f"{_clock(event['at'])}  {event['name']}  {data}")
        return
    page = desk.client.events(desk.job(job_id, last), after=after, size=size)
    _show(desk, page, EVENTS, [each | {"time": _clock(each["at"])} for each in page.items])


def _clock(millis: int) -> str:
    from orchestrator.clock import from_micros

    return from_micros(millis * 1000).astimezone().isoformat(" ", "milliseconds")


def chunks(
    desk: Desk, job_id: JobArgument = None, last: LastOption = False, after: AfterOption = 0, size: SizeOption = 200
) -> None:
    """Show an upload's chunks and the vendor jobs that take them."""
    _show(desk, desk.client.chunks(desk.job(job_id, last), after=after, size=size), CHUNKS)


def _show(desk: Desk, page: Any, columns: dict[str, str], rows: list[dict[str, Any]] | None = None) -> None:
    desk.table(page.items if desk.as_json or rows is None else rows, columns)
    if page.next_token is not None:
        desk.say(f"there may be more: --after {page.next_token}")
