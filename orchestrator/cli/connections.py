"""bulkhead connection add, list, show, check, objects, fields, limits, vendor-jobs, remove."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.desk import FAILED, Desk, command, fail, pairs, without_blanks

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the connection.")]
VENDOR_JOBS = {
    "id": "ID", "mark": "WHOSE", "jobId": "JOB", "state": "STATE", "jobType": "KIND", "type": "TYPE",
    "operation": "OPERATION", "object": "OBJECT", "name": "NAME",
}  # fmt: skip
BATCHES = {
    "id": "ID", "state": "STATE", "numberRecordsProcessed": "PROCESSED", "numberRecordsFailed": "FAILED",
    "jobId": "JOB", "chunk": "CHUNK", "stateMessage": "MESSAGE",
}  # fmt: skip
OBJECTS = {"name": "NAME", "label": "LABEL", "readable": "READABLE", "writable": "WRITABLE"}
FIELDS = {
    "name": "NAME", "label": "LABEL", "type": "TYPE", "required": "REQUIRED", "writable": "WRITABLE",
    "filterable": "FILTERABLE",
}  # fmt: skip
COLUMNS = {"instanceId": "ID", "name": "NAME", "provider": "PROVIDER", "baseUrl": "ADDRESS", "authState": "AUTH"}


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(help="Connections: credentials at a provider.", no_args_is_help=True)
    command(group, "add", "bulkhead connection add sl --provider salesloft --token -")(add)
    command(group, "set", "bulkhead connection set sl --reserve 0.3")(change)
    command(group, "list", "bulkhead connection list")(list_connections)
    command(group, "show", "bulkhead connection show sl")(show)
    command(group, "check", "bulkhead connection check sl")(check)
    command(group, "objects", "bulkhead connection objects sf --search account")(objects)
    command(group, "fields", "bulkhead connection fields sf Account")(fields)
    command(group, "limits", "bulkhead connection limits sl --watch")(limits)
    command(group, "vendor-jobs", "bulkhead connection vendor-jobs sf --filter jobType=V2Ingest")(vendor_jobs)
    command(group, "remove", "bulkhead connection remove sl")(remove)
    app.add_typer(group, name="connection")


def add(
    desk: Desk,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A name of your own.")],
    provider: Annotated[str, typer.Option("--provider", "-p", help="salesloft, rest, …")],
    base_url: Annotated[str | None, typer.Option("--base-url", help="Address; the provider's own by default.")] = None,
    token: Annotated[
        str | None, typer.Option("--token", help="A bearer token; - reads it from standard input.")
    ] = None,
    credentials: Annotated[
        Path | None, typer.Option("--credentials", help='JSON file, like {"type": "basic", …}; - is standard input.')
    ] = None,
    no_credentials: Annotated[bool, typer.Option("--no-credentials", help="The API asks for none.")] = False,
    setting: Annotated[list[str] | None, typer.Option("--setting", help="name=value; value may be JSON.")] = None,
    limit: Annotated[
        list[str] | None, typer.Option("--limit", help='Like {"kind": "rate", "amount": 600, "seconds": 60}.')
    ] = None,
    reserve: Annotated[float | None, typer.Option("--reserve", help="Share left to others, 0 to 0.95.")] = None,
    budget: Annotated[str | None, typer.Option("--budget", help="Budget to join, or to make.")] = None,
) -> None:
    """Add a connection; asks for a token where no credentials are given."""
    body = {
        "name": name,
        "provider": provider,
        "baseUrl": base_url,
        "credentials": _credentials(token, credentials, no_credentials),
        "settings": {key: _value(text) for key, text in pairs("--setting", setting or ()).items()},
        "limits": [_json("--limit", each) for each in limit or ()],
        "reserve": reserve,
        "budget": budget,
    }
    added = desk.client.add_connection(without_blanks(body))
    desk.show(
        added, f"connection {added['name']} has the id {added['instanceId']}; try `bulkhead connection check {name}`"
    )


def change(
    desk: Desk,
    name: NameArgument,
    base_url: Annotated[str | None, typer.Option("--base-url", help="Another address.")] = None,
    setting: Annotated[list[str] | None, typer.Option("--setting", help="name=value; null takes one back.")] = None,
    limit: Annotated[
        list[str] | None, typer.Option("--limit", help="All limits from now on, like with `add`; repeatable.")
    ] = None,
    published: Annotated[bool, typer.Option("--published-limits", help="The provider's own limits again.")] = False,
    reserve: Annotated[float | None, typer.Option("--reserve", help="Share left to others, 0 to 0.95.")] = None,
) -> None:
    """Change what is given, leave the rest; limits and reserve are those of all connections of the budget."""
    if limit and published:
        fail("give --limit or --published-limits, not both")
    changes = without_blanks(
        {
            "baseUrl": base_url,
            "settings": {key: _value(text) for key, text in pairs("--setting", setting or ()).items()},
            "limits": [_json("--limit", each) for each in limit or ()],
            "reserve": reserve,
        }
    )
    changed = desk.client.change_connection(name, **changes, **({"limits": []} if published else {}))
    desk.show(changed, f"connection {changed['name']} is changed")


def _credentials(token: str | None, file: Path | None, none: bool) -> dict[str, Any]:
    if [token is not None, file is not None, none].count(True) > 1:
        fail("give one of --token, --credentials and --no-credentials")
    if none:
        return {"type": "none"}
    if file is not None:
        found = _json("--credentials", sys.stdin.read() if str(file) == "-" else file.read_text())
        return found if isinstance(found, dict) else fail("--credentials is not a JSON object")
    if token == "-":  # noqa: S105 - the mark for standard input
        token = sys.stdin.readline().strip()
    if token is None and not sys.stdin.isatty():
        fail("give --token, --credentials or --no-credentials")
    return {"type": "bearer", "token": token or typer.prompt("Token", hide_input=True, err=True)}


def _json(option: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return fail(f"{option} is not JSON")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def list_connections(desk: Desk) -> None:
    """List connections."""
    from orchestrator.client import pages

    desk.table(list(pages(lambda token: desk.client.connections(after=token, size=1000))), COLUMNS)


def show(desk: Desk, name: NameArgument) -> None:
    """Show one connection, without secrets."""
    found = desk.client.connection(name)
    desk.show(found, lambda: json.dumps(found, indent=2, ensure_ascii=False))


def check(desk: Desk, name: NameArgument) -> None:
    """Make one cheap real call and say what works."""
    found = desk.client.check_connection(name)
    who = ", ".join(each for each in (found["account"], found["user"], found["environment"]) if each)
    desk.show(
        found, f"{'works' if found['ok'] else 'does not work'}: {found['message']}" + (f" ({who})" if who else "")
    )
    raise typer.Exit(0 if found["ok"] else FAILED)


def objects(
    desk: Desk,
    name: NameArgument,
    search: Annotated[str, typer.Option("--search", help="Only those whose name or label holds this.")] = "",
) -> None:
    """List what there is at the provider to be read or written."""
    sought = search.casefold()
    found = [each for each in desk.client.objects(name) if sought in f"{each['name']} {each['label']}".casefold()]
    desk.table(found, OBJECTS)


def fields(
    desk: Desk,
    name: NameArgument,
    object_name: Annotated[str, typer.Argument(metavar="OBJECT", help="Object, like people or Account.")],
) -> None:
    """List the fields of an object."""
    desk.table(desk.client.fields(name, object_name), FIELDS)


def limits(
    desk: Desk,
    name: NameArgument,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Look each second until Ctrl-C.")] = False,
) -> None:
    """Show each limit now, what blocks it, who waits, and how long the known work takes."""
    from orchestrator.cli.limits import show_limits

    show_limits(desk, name, watch=watch)


def vendor_jobs(
    desk: Desk,
    name: NameArgument,
    filters: Annotated[
        list[str] | None, typer.Option("--filter", help="A parameter of the provider's own list, name=value.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Follow the list to its end; each page costs a call.")] = False,
    vendor_job: Annotated[str | None, typer.Option("--id", help="One job alone, by the provider's id.")] = None,
    state: Annotated[
        str | None, typer.Option("--set", help="With --id: the state to set, in the provider's word, like Aborted.")
    ] = None,
    batches: Annotated[bool, typer.Option("--batches", help="With --id: list its batches, where it has any.")] = False,
    batch: Annotated[str | None, typer.Option("--batch", help="With --id: one batch, by the provider's id.")] = None,
    part: Annotated[
        str, typer.Option("--part", help="With --batch: state, request, result, or result/ID of a query.")
    ] = "state",
) -> None:
    """List the jobs at the provider, anybody's, and whose they are; or show one, its batches, or set its state."""
    if vendor_job is None:
        if state is not None or batches or batch is not None:
            fail("--set, --batches and --batch need --id")
        desk.table(_listed(desk, name, pairs("--filter", filters or ()), every), VENDOR_JOBS)
        return
    client = desk.client
    if batch is not None:
        _write(desk, name, vendor_job, batch, part)
        return
    if batches:
        desk.table([_with_chunk(desk, each) for each in client.batches(name, vendor_job)], BATCHES)
        return
    found = client.vendor_job(name, vendor_job) if state is None else client.move_vendor_job(name, vendor_job, state)
    desk.show(found, lambda: json.dumps(found, indent=2, ensure_ascii=False))


def _with_chunk(desk: Desk, batch: dict[str, Any]) -> dict[str, Any]:
    return batch if desk.as_json else {**batch, **batch["bulkhead"]}


def _write(desk: Desk, name: str, vendor_job: str, batch: str, part: str) -> None:
    """Show a batch, or write the bytes of one of its parts to standard output as they are."""
    word, _, result = part.partition("/")
    if part == "state":
        found = desk.client.batch(name, vendor_job, batch)
        desk.show(found, lambda: json.dumps(found, indent=2, ensure_ascii=False))
    elif part == "request":
        with desk.client.batch_request(name, vendor_job, batch) as blocks:
            sys.stdout.buffer.writelines(blocks)
    elif word == "result":
        with desk.client.batch_result(name, vendor_job, batch, result or None) as blocks:
            sys.stdout.buffer.writelines(blocks)
    else:
        fail("--part is state, request, result, or result/ID")


def _listed(desk: Desk, name: str, filters: dict[str, str], every: bool) -> list[dict[str, Any]]:
    page: dict[str, Any] | None = desk.client.vendor_jobs(name, **filters)
    records: list[dict[str, Any]] = []
    while page is not None:
        records += [{**each, **(each["bulkhead"] if not desk.as_json else {})} for each in page["records"]]
        if not every and not page["done"]:
            desk.say("there are more: --all follows the list to its end")
        page = desk.client.next_vendor_jobs(page) if every else None
    return records


def remove(desk: Desk, name: NameArgument) -> None:
    """Remove a connection that nothing needs, and erase its credentials."""
    desk.client.remove_connection(name)
    desk.show({"removed": name}, f"connection {name} is removed")
