"""From the bodies of the API to what the rest of Bulkhead works with; every rule here needs no provider."""

from collections.abc import Mapping
from typing import TypeVar

from orchestrator import ceql
from orchestrator.api.strict import suggestion
from orchestrator.api.wire import DownloadBody, UploadBody
from orchestrator.job.criteria import GIVE_UP_AFTER, DownloadCriteria, FileFormat, Operation, UploadCriteria
from orchestrator.job.errors import Invalid

T = TypeVar("T")

RESULT_FORMATS: Mapping[str, FileFormat] = {
    "jsonl": FileFormat.JSONL,
    "application/jsonl": FileFormat.JSONL,
    "application/x-ndjson": FileFormat.JSONL,
    "json": FileFormat.JSON,
    "application/json": FileFormat.JSON,
    "csv": FileFormat.CSV,
    "text/csv": FileFormat.CSV,
    "txt/csv": FileFormat.CSV,  # as Bulk v3's own model spells it
}
INPUT_FORMATS: Mapping[str, str] = {
    "csv": "csv",
    "text/csv": "csv",
    "txt/csv": "csv",
    "json": "json",
    "application/json": "json",
    "jsonl": "jsonl",
    "application/jsonl": "jsonl",
    "application/x-ndjson": "jsonl",
    "zip": "zip",
    "application/zip": "zip",
}
FORMATS_LATER = frozenset({"parquet", "application/vnd.apache.parquet", "xml", "application/xml", "text/xml"})
DELIMITERS: Mapping[str, str] = {
    "COMMA": ",",
    "TAB": "\t",
    "PIPE": "|",
    "SEMICOLON": ";",
    "CARET": "^",
    "BACKQUOTE": "`",
}


def download_criteria(body: DownloadBody) -> DownloadCriteria:
    """Return what a download body asks for. Raises Invalid."""
    _check_dates(body)
    return DownloadCriteria(
        object_name=_object_of(body),
        soql=body.soql,
        include_deleted=body.include_deleted,
        bulk_api=body.bulk_api,
        content_type=body.content_type,
        concurrency_mode=body.concurrency_mode,
        pk_chunking=body.pk_chunking,
        format=_pick("format", body.format, RESULT_FORMATS),
        select_fields=_field_list(body.select_fields),
        limit=body.limit,
        api_limit=body.api_limit,
        filter_nulls=body.filter_nulls,
        from_=body.from_,
        to=body.to,
        filter_date_field=body.filter_date_field,
        where=_readable(body.where),
        query=body.query,
        page_size=body.page_size,
        partitions=None if body.partitions == "auto" else body.partitions,
        notification_url=body.notification_url,
        weight=body.weight,
        auto_restart=body.auto_restart,
        give_up_after=body.give_up_after or GIVE_UP_AFTER,
        expires_at=body.expires_at,
        name=body.name,
    )


def connection_of(body: DownloadBody) -> str:
    """Return the connection that the body names. Raises Invalid."""
    if body.connection is None:
        raise Invalid("connection", "is missing", "Name the connection to read from.", code="missing_field")
    return body.connection


def upload_criteria(body: UploadBody, format_: str) -> UploadCriteria:
    """Return what a metaData body asks for; `format_` is what the file was found to be. Raises Invalid."""
    if body.external_id_field and body.operation != "upsert":
        raise Invalid("externalIdField", f"does not go with operation {body.operation}", "Leave it out, or upsert.")
    return UploadCriteria(
        object_name=body.object_name,
        operation=Operation(body.operation),
        format=format_,
        external_id_field=body.external_id_field,
        encoding=body.encoding,
        column_delimiter=DELIMITERS[body.column_delimiter or "COMMA"],
        mapping=body.mapping,
        type=body.type,
        blanks=body.blanks,
        assignment_rule_id=body.assignment_rule_id,
        bulk_api=body.bulk_api,
        content_type=body.content_type,
        concurrency_mode=body.concurrency_mode,
        group_by=body.group_by,
        on_ambiguous=body.on_ambiguous,
        notification_url=body.notification_url,
        api_limit=body.api_limit,
        max_errors=body.max_errors,
        max_error_rate=body.max_error_rate,
        weight=body.weight,
        auto_restart=body.auto_restart,
        give_up_after=body.give_up_after or GIVE_UP_AFTER,
        expires_at=body.expires_at,
        name=body.name,
        callback_payload=body.callback_payload,
    )


def input_format(body: UploadBody, file_name: str | None, content_type: str | None) -> str | None:
    """Return csv, json or jsonl by metaData, else by the file's name, else by its media type; None: look inside.

    Raises Invalid where metaData names what cannot be read.
    """
    if body.format is not None:
        return _pick("format", body.format, INPUT_FORMATS)
    for ending in reversed((file_name or "").lower().split(".")[1:]):
        if ending in INPUT_FORMATS:
            return INPUT_FORMATS[ending]
    return INPUT_FORMATS.get((content_type or "").partition(";")[0].strip().lower())


def guess_format(head: bytes) -> str:
    """Return csv, json or jsonl by the first bytes of a file."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"["):
        return "json"
    return "jsonl" if text.startswith(b"{") else "csv"


def _pick(field: str, word: str, formats: Mapping[str, T]) -> T:
    found = formats.get(word.strip().lower())
    if found is not None:
        return found
    if word.strip().lower() in FORMATS_LATER:
        raise Invalid(field, f"{word} is part of the contract, but not built yet", code="not_available_yet")
    raise Invalid(field, f"{word} is not a format", suggestion(word, formats), code="unknown_format")


def _field_list(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(dict.fromkeys(each.strip() for each in text.split(",")))
    if "" in names:
        raise Invalid("selectFields", "holds an empty name", "Separate field names with single commas.")
    return names


def _object_of(body: DownloadBody) -> str:
    """Return the object's name; with a whole query of the user's own it is the provider that finds it there."""
    if body.soql is None:
        if body.object_name is None:
            raise Invalid("objectName", "is missing", "Name the object to read.", code="missing_field")
        return body.object_name
    for name in ("objectName", "selectFields", "from", "to", "filterDateField", "where", "limit", "query"):
        if body.sent.get(name) is not None:
            raise Invalid(name, "does not go with soql", "Write it into the query, or leave soql out.")
    return ""


def _readable(where: str | None) -> str | None:
    if where is not None:
        ceql.parse(where)
    return where


def _check_dates(body: DownloadBody) -> None:
    bounded = body.from_ is not None or body.to is not None
    if bounded and body.filter_date_field is None:
        raise Invalid("filterDateField", "is needed when from or to is given", "Name the date field to compare.")
    if body.from_ and body.to and body.from_ > body.to:
        raise Invalid("from", "is later than to", "Exchange the two, or correct one.")
