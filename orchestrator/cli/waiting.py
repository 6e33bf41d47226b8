"""Watching a job until it settles; Ctrl-C leaves the job alone."""

from datetime import timedelta
from math import isinf
from typing import TYPE_CHECKING, Any

import typer

from orchestrator.cli.desk import FAILED, NOT_YET, PARTIAL, Desk

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def wait_for(desk: Desk, job_id: int, minutes: float) -> dict[str, Any]:
    """Show progress until the job settles and return its status; ends the command (4) where it goes on running."""
    from orchestrator.client import StillRunning

    patience = None if isinf(minutes) else timedelta(minutes=minutes)
    try:
        if desk.as_json:
            return desk.client.wait(job_id, patience=patience)
        return _with_bar(desk, job_id, patience)
    except StillRunning as running:
        desk.show(running.status, f"job {job_id} is still {running.status['jobStatus']}; {how_to_go_on(job_id)}")
        raise typer.Exit(NOT_YET) from None
    except KeyboardInterrupt:
        typer.echo(f"\njob {job_id} goes on by itself; {how_to_go_on(job_id)}", err=True)
        raise typer.Exit(NOT_YET) from None


def how_to_go_on(job_id: int) -> str:
    """Return what to type next."""
    return f"watch it with `bulkhead watch {job_id}`, stop it with `bulkhead cancel {job_id}`"


def _with_bar(desk: Desk, job_id: int, patience: timedelta | None) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task(f"job {job_id}", total=None, done="")
        return desk.client.wait(job_id, patience=patience, seen=lambda status: _advance(progress, task, status))


def _advance(progress: "Progress", task: "TaskID", status: dict[str, Any]) -> None:
    fraction = status["progress"]["fraction"]
    progress.update(
        task,
        description=f"job {status['id']} {status['jobStatus']}",
        total=None if fraction is None else 1.0,
        completed=fraction or 0.0,
        done=_done(status),
    )


def _done(status: dict[str, Any]) -> str:
    words = [f"{status['recordCount']:,} records"]
    if status["progress"]["recordsPerSecond"]:
        words.append(f"{status['progress']['recordsPerSecond']:,.0f}/s")
    if status["errorCount"]:
        words.append(f"{status['errorCount']:,} errors")
    if status["waiting"]:
        words.append(f"waits: {status['waiting']['reason']}")
    return " · ".join(words)


def sentence(status: dict[str, Any]) -> str:
    """Return how a job stands, in one line."""
    words = [f"job {status['id']}: {status['jobStatus']}"]
    if status["outcome"]:
        words.append(f"({status['outcome']})")
    words.append(_done(status))
    if status["statusMessage"]:
        words.append(f"— {status['statusMessage']}")
    return " ".join(words)


def exit_code(status: dict[str, Any]) -> int:
    """Return 0 done, 1 failed, 3 partial, 4 throttled or still running."""
    match status["jobStatus"], status["outcome"]:
        case "COMPLETED", "PARTIAL":
            return PARTIAL
        case ("COMPLETED", "FAILED") | ("ABORTED" | "CANCELED", _):
            return FAILED
        case "COMPLETED", _:
            return 0
        case _:
            return NOT_YET
