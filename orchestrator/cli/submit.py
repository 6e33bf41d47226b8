"""bulkhead download, bulkhead upload."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.desk import WRONG_USE, Desk, command, fail, pairs, without_blanks
from orchestrator.cli.waiting import exit_code, how_to_go_on, sentence, wait_for

if TYPE_CHECKING:
    from orchestrator.client import Receipt

DELETES = frozenset({"delete", "hardDelete"})


def _text(flag: str, text: str, *more: str) -> Any:
    return Annotated[str | None, typer.Option(flag, *more, help=text)]


def _number(flag: str, text: str) -> Any:
    return Annotated[int | None, typer.Option(flag, help=text)]


ConnectionOption = Annotated[str, typer.Option("--connection", "-c", help="Name or id of the connection.")]
ObjectOption = Annotated[str, typer.Option("--object", "-o", help="Object, like people or Account.")]
PairsOption = Annotated[list[str] | None, typer.Option("--query", help="name=value for the vendor; repeatable.")]

# the API's own names (`from` is a word of Python); what was not given is not sent
COMMON_CRITERIA = {
    "apiLimit": _number("--api-limit", "Vendor calls a day, then THROTTLED."),
    "name": _text("--name", "A name of your own for the job."),
    "notificationUrl": _text("--notify", "Address to call at the end."),
}
READING = {
    "format": _text("--format", "jsonl, json or csv."),
    "selectFields": _text("--fields", "Fields, with commas."),
    "limit": _number("--limit", "Stop at this many records."),
    "from_": _text("--from", "Only from this date on, inclusive."),
    "to": _text("--to", "Only up to this date, inclusive."),
    "filterDateField": _text("--date-field", "The field that --from and --to mean."),
    "where": _text("--where", "A filter, like \"status = 'open' AND size > 5\"."),
    "continueFromJobId": _number("--continue-from", "Go on where this job ended."),
    "query": PairsOption,
    "filterNulls": Annotated[bool, typer.Option("--filter-nulls", help="Drop null values.")],
    "pageSize": _number("--page-size", "Records per vendor call."),
    "partitions": _number("--partitions", "Parts read side by side."),
    "includeDeleted": Annotated[bool, typer.Option("--include-deleted", help="Salesforce: deleted records too.")],
    **COMMON_CRITERIA,
}
WRITING = {
    "externalIdField": _text("--key", "The field by which an upsert finds records."),
    "format": _text("--format", "csv, json or jsonl; guessed if not given."),
    "encoding": _text("--encoding", "Guessed if not given."),
    "columnDelimiter": _text("--delimiter", "COMMA, TAB, SEMICOLON, …"),
    "mapping": Annotated[list[str] | None, typer.Option("--map", help="column=field; repeatable.")],
    "groupBy": _text("--group-by", "Salesforce: rows with the same value in this field go into one batch."),
    "type": _text("--type", "The vendor's own job type."),
    "blanks": _text("--blanks", "ignore or clear."),
    "maxErrors": _number("--max-errors", "Stop at this many errors."),
    "maxErrorRate": Annotated[float | None, typer.Option("--max-error-rate", help="Stop at this share, 0 to 1.")],
    **COMMON_CRITERIA,
}
FOLLOWING = {
    "out": Annotated[Path | None, typer.Option("--out", help="Write the result here once it is there; waits for it.")],
    "wait": Annotated[
        float | None, typer.Option("--wait", metavar="[MINUTES]", help="Show progress until the job settles.")
    ],
    "idempotency_key": _text("--idempotency-key", "The same key again starts no second job."),
}


def register(app: typer.Typer) -> None:
    """Add the subcommands."""
    read = "bulkhead download -c sl -o people --format csv --out people.csv --wait"
    write = "bulkhead upload contacts.csv -c sl -o people --operation upsert --key email --wait"
    command(app, "download", read, READING | FOLLOWING)(download)
    command(app, "upload", write, WRITING | FOLLOWING)(upload)


def download(
    desk: Desk,
    connection: ConnectionOption,
    object_name: Annotated[str | None, typer.Option("--object", "-o", help="Object, like people or Account.")] = None,
    soql: Annotated[str | None, typer.Option("--soql", help="Salesforce: a whole query instead.")] = None,
    **given: Any,
) -> None:
    """Start a download."""
    _check_out(given["out"])
    body = without_blanks({"connection": connection, "objectName": object_name, "soql": soql, **reading(given)})
    receipt = desk.client.download(body, idempotency_key=given["idempotency_key"])
    _follow(desk, receipt, given["wait"], given["out"])


def reading(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the criteria that were given as options, under the API's names."""
    body = {name.rstrip("_"): given[name] for name in READING}
    body["query"] = pairs("--query", given["query"] or ())
    body |= {name: given[name] or None for name in ("filterNulls", "includeDeleted")}
    return without_blanks(body)


def writing(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metaData that was given as options, under the API's names."""
    return {name: given[name] for name in WRITING} | {"mapping": pairs("--map", given["mapping"] or ())}


def upload(
    desk: Desk,
    file: Annotated[Path, typer.Argument(help="CSV, JSON array or JSONL; may be packed with gzip or zstd.")],
    connection: ConnectionOption,
    object_name: ObjectOption,
    operation: Annotated[str, typer.Option("--operation", help="insert, update, upsert, delete, hardDelete.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be sent and what it costs; start nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before records are deleted.")] = False,
    files: Annotated[
        Path | None, typer.Option("--files", help="Salesforce: a folder of files that cells name as #path.")
    ] = None,
    **given: Any,
) -> None:
    """Start an upload."""
    _check_out(given["out"])
    if not file.is_file():
        fail(f"there is no file {file}")
    body = {"connection": connection, "objectName": object_name, "operation": operation} | writing(given)
    if operation in DELETES and not yes and not dry_run:
        _ask(desk, connection, file, operation, body)
    if files is None:
        _send(desk, body, file, given, dry_run=dry_run)
        return
    from orchestrator.cli.folder import zipped

    with zipped(file, files) as packed:
        _send(desk, body | {"format": "zip"}, packed, given, dry_run=dry_run)


def _send(desk: Desk, body: Mapping[str, Any], file: Path, given: Mapping[str, Any], *, dry_run: bool) -> None:
    if dry_run:
        from orchestrator.cli.plan import show_plan

        show_plan(desk, desk.client.plan_upload(without_blanks(body), file))
        return
    receipt = desk.client.upload(without_blanks(body), file, idempotency_key=given["idempotency_key"])
    _follow(desk, receipt, given["wait"], given["out"])


def _check_out(out: Path | None) -> None:
    if out is not None and not out.absolute().parent.is_dir():
        fail(f"there is no folder {out.absolute().parent}")


def _ask(desk: Desk, connection: str, file: Path, operation: str, body: Mapping[str, Any]) -> None:
    """Go on if a person says so, who is told how many records it is about, and where; end the command if not."""
    from orchestrator.cli.counting import rows_of

    found, rows = desk.client.check_connection(connection), rows_of(file, body)
    where = ", ".join(each for each in (found["account"], found["environment"]) if each) or "an unknown org"
    many = "the records" if rows is None else "1 record" if rows == 1 else f"{rows:,} records"
    question = f"{operation} {many} of {body['objectName']} in {file.name} at {where} (connection {connection})?"
    try:
        sure = typer.confirm(question, err=True)
    except typer.Abort:
        fail("nobody is there to answer", "Give --yes in a script.")
    if not sure:
        raise typer.Exit(WRONG_USE)


def _follow(desk: Desk, receipt: "Receipt", wait: float | None, out: Path | None) -> None:
    desk.remember(receipt.id)
    if wait is None and out is None:
        body = {"instanceId": receipt.connection_id, "id": str(receipt.id), "status": receipt.status}
        desk.show(body, f"job {receipt.id} {receipt.status}; {how_to_go_on(receipt.id)}")
        return
    status = wait_for(desk, receipt.id, float("inf") if wait is None else wait)
    if out is not None and status["jobStatus"] == "COMPLETED":
        size = desk.client.save_result(receipt.id, out)
        desk.say(f"{size:,} bytes in {out}")
    desk.show(status, sentence(status))
    raise typer.Exit(exit_code(status))
