"""`bulkhead demo`: one upload and one download against imitated vendors, watched, checked and cleared away."""

import http.client
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestrator.cli import rehearsal
from orchestrator.cli.rehearsal import Check, Size
from orchestrator.cli.up import PROVIDER_QUEUES, endings
from orchestrator.client import SETTLED, Client
from orchestrator.clock import WallClock
from orchestrator.embedded.home import Home, HomeInUse
from orchestrator.embedded.redis import NoRedisServer, free_port
from orchestrator.embedded.stack import NotStarted, Plan, Stack, api_key, running
from orchestrator.settings import inherited

PATIENCE = timedelta(seconds=100)  # for both jobs; they take about 20 s
FLOWER_PATIENCE = timedelta(seconds=10)
IN_FLOWER = frozenset({"bulk.upload", "bulk.fetch"})
LOOK_SECONDS = 0.25


class Interrupted(Exception):
    """Ctrl-C or SIGTERM."""


@dataclass(frozen=True, kw_only=True)
class Files:
    """What the demo leaves behind."""

    people: Path
    outcome: Path
    refused: Path
    items: Path

    @classmethod
    def within(cls, folder: Path) -> "Files":
        """Return the paths in this folder."""
        names = {"people": "people.csv", "outcome": "people-outcome.jsonl", "refused": "people-refused.jsonl"}
        return cls(**{name: folder / file for name, file in names.items()}, items=folder / "items.jsonl")


def demo(
    home: Annotated[Path | None, typer.Option(help="Folder for everything; else a new one in bulkhead-demo.")] = None,
    people: Annotated[int, typer.Option(help="Rows to upload.", min=1)] = 12_000,
    records: Annotated[int, typer.Option(help="Records to download.", min=1)] = 25_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Upload and download against imitated vendors, with progress, checks and result files; then stop everything.

    Example: bulkhead demo
    """
    console = Console(stderr=as_json)
    folder = home or Path("bulkhead-demo") / WallClock().now().strftime("%Y%m%d-%H%M%S")
    try:
        checks = _rehearse(Home.at(folder), Size(people=people, records=records), console)
    except (HomeInUse, NoRedisServer, NotStarted) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except Interrupted:
        typer.echo("interrupted; everything is stopped", err=True)
        raise typer.Exit(130) from None
    if as_json:
        typer.echo(msgspec.json.encode([{"what": c.what, "holds": c.holds, "found": c.found} for c in checks]))
    raise typer.Exit(0 if all(check.holds for check in checks) else 1)


def _rehearse(home: Home, size: Size, console: Console) -> list[Check]:
    plan = Plan(
        home=home,
        port=free_port(),
        queues=PROVIDER_QUEUES,
        flower_port=free_port(),
        sandbox_port=free_port(),
        sandbox_options=rehearsal.sandbox_options(size),
    )
    files = Files.within(home.folder)
    with endings() as ended, running(plan, inherited(ours=False)) as stack:
        with console.status("starting Redis, API, workers, beat, Flower and the imitated vendors"):
            if not stack.wait_until_ready(ended.is_set):
                raise Interrupted
        console.print(f"everything is in {home.folder}", soft_wrap=True)
        console.print(f"API {stack.url} · Flower {stack.flower_url} (user bulkhead, password in flower-password)")
        with Client(stack.url, api_key(home)) as client:
            checks = _run(client, stack, files, size, console, ended.is_set)
    _show(checks, files, console)
    return checks


def _run(
    client: Client, stack: Stack, files: Files, size: Size, console: Console, ended: Callable[[], bool]
) -> list[Check]:
    assert stack.sandbox_url is not None
    rehearsal.connect(client, stack.sandbox_url)
    rehearsal.write_people(files.people, size)
    totals = {rehearsal.upload(client, files.people): size.people, rehearsal.download(client): size.records}
    up, down = _watch(client, stack, totals, console, ended)
    client.save_result(up["id"], files.outcome, format="jsonl")
    client.save_result(down["id"], files.items, format="jsonl")
    rehearsal.save_errors(client, up["id"], files.refused)
    stack.look_until(lambda: stack.tasks_in_flower() >= IN_FLOWER, FLOWER_PATIENCE)
    vendor = _vendor_counts(stack.sandbox_url)
    return [
        *rehearsal.upload_checks(up, vendor, files.outcome, size),
        *rehearsal.download_checks(down, vendor, files.items, size),
        Check(
            what="tasks that Flower saw", expected=_names(IN_FLOWER), found=_names(stack.tasks_in_flower() & IN_FLOWER)
        ),
    ]


def _watch(
    client: Client, stack: Stack, totals: Mapping[int, int], console: Console, ended: Callable[[], bool]
) -> list[dict[str, Any]]:
    deadline = time.monotonic() + PATIENCE.total_seconds()
    with _bars(console) as bars:
        rows = {job: bars.add_task("", total=total, phase="queued") for job, total in totals.items()}
        while True:
            stack.look()
            statuses = [client.status(job) for job in totals]
            for status in statuses:
                _draw(bars, rows[status["id"]], status)
            if all(each["jobStatus"] in SETTLED for each in statuses) or time.monotonic() > deadline:
                return statuses
            if ended():
                raise Interrupted
            time.sleep(LOOK_SECONDS)


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[phase]}"), console=console) as bars:
        yield bars


def _draw(bars: Progress, row: TaskID, status: Mapping[str, Any]) -> None:
    waiting, progress = status["waiting"], status["progress"]
    phase = f"waits: {waiting['reason']}" if waiting else progress["phase"] or status["jobStatus"].lower()
    name = f"{status['jobDirection'].lower()} {status['objectName']}"
    bars.update(row, description=name, completed=status["recordCount"], phase=phase)


def _vendor_counts(sandbox: str) -> dict[str, Any]:
    connection = http.client.HTTPConnection(sandbox.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", "/_sandbox/stats")
        return msgspec.json.decode(connection.getresponse().read(), type=dict[str, Any])
    finally:
        connection.close()


def _show(checks: list[Check], files: Files, console: Console) -> None:
    table = Table("check", "expected", "found", "", title="Does it add up?")
    for check in checks:
        mark = "[green]ok[/]" if check.holds else "[red]WRONG[/]"
        table.add_row(check.what, _plain(check.expected), _plain(check.found), mark)
    console.print(table)
    for name, path in (("sent", files.people), ("fate of each row", files.outcome), ("refused", files.refused)):
        console.print(f"{name}: {path}", soft_wrap=True)
    console.print(f"downloaded: {files.items}", soft_wrap=True)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _plain(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
