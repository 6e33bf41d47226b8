"""Results as files: what became of each row, and the rows of a query, in all three formats."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

import msgspec

from orchestrator.sandbox.options import Options
from orchestrator.sandbox.salesforce.bulk1.kinds import Rows
from orchestrator.sandbox.salesforce.bulk1.load_batch import Result
from orchestrator.sandbox.salesforce.bulk1.query_batch import Window
from orchestrator.sandbox.salesforce.bulk1.speech import INSTANCE, document
from orchestrator.sandbox.salesforce.conditions import Found
from orchestrator.sandbox.salesforce.query_job import QueryJob
from orchestrator.sandbox.salesforce.schema import Field
from orchestrator.sandbox.salesforce.selecting import typed
from orchestrator.sandbox.salesforce.text import lines, quoted

NOTHING = b"Records not found for this query"  # instead of a table without rows
HEADER = '"Id","Success","Created","Error"'


def results_file(results: Sequence[Result], rows: Rows) -> bytes:
    """Return what became of each row of a batch, in its order."""
    match rows:
        case Rows.CSV:
            return lines(HEADER, [_csv_result(result) for result in results], "\n")
        case Rows.JSON:
            return msgspec.json.encode([_json_result(result) for result in results])
        case Rows.XML:
            return document("results", "".join(_xml_result(result) for result in results))


def _csv_result(result: Result) -> str:
    good = result.refused is None
    return quoted([result.id, _word(good), _word(result.created), "" if good else str(result.refused)], ",")


def _json_result(result: Result) -> dict[str, Any]:
    no = result.refused
    errors = [] if no is None else [{"statusCode": no.code, "message": no.message, "fields": list(no.fields)}]
    return {"success": no is None, "created": result.created, "id": result.id or None, "errors": errors}


def _xml_result(result: Result) -> str:
    no, error = result.refused, ""
    if no is not None:
        fields = "".join(f"<fields>{escape(name)}</fields>" for name in no.fields)
        error = f"<errors>{fields}<message>{escape(no.message)}</message><statusCode>{no.code}</statusCode></errors>"
    id_ = f"<id>{result.id}</id>" if result.id else f'<id xmlns:xsi="{INSTANCE}" xsi:nil="true"/>'
    rest = f"<success>{_word(no is None)}</success><created>{_word(result.created)}</created>"
    return f"<result>{error}{id_}{rest}</result>"


def _word(truth: bool) -> str:
    return "true" if truth else "false"


def query_file(query: QueryJob, window: Window, rows: Rows, version: str, options: Options) -> bytes:
    """Return the rows of a query between two of them."""
    start, end = window
    if rows is Rows.CSV:
        return NOTHING if start == end else query.file(start, end, options)
    records = list(_records(query, window, options)) if start < end else []
    if rows is Rows.JSON:
        return msgspec.json.encode([_json_record(query, record, version) for record in records])
    inside = "".join(_xml_record(query.object, record) for record in records)
    return document("queryResult", inside, f' xmlns:xsi="{INSTANCE}"')


Record = Sequence[tuple[Found, str | None]]


def _records(query: QueryJob, window: Window, options: Options) -> Iterator[Record]:
    text = query.file(*window, options).decode()
    for cells in list(csv.reader(io.StringIO(text, newline="")))[1:]:
        yield [(column, cell or None) for column, cell in zip(query.columns, cells, strict=True)]


def _json_record(query: QueryJob, record: Record, version: str) -> dict[str, Any]:
    id_ = next((text for column, text in record if column.name == "Id"), "")
    url = f"/services/data/v{version}/sobjects/{query.object}/{id_}"
    shown: dict[str, Any] = {"attributes": {"type": query.object, "url": url}}
    for column, text in record:
        *parents, name = column.name.split(".")
        at = shown
        for parent in parents:
            at = at.setdefault(parent, {"attributes": {"type": parent}})
        at[name] = _json_value(column.field, text)
    return shown


def _json_value(field: Field, text: str | None) -> Any:
    if field.type == "datetime" and text is not None:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    return typed(field, text)


def _xml_record(name: str, record: Record) -> str:
    tree: dict[str, Any] = {}
    for column, text in record:
        *parents, field = column.name.split(".")
        at = tree
        for parent in parents:
            at = at.setdefault(parent, {})
        at[field] = text
    return f'<records xsi:type="sObject">{_xml_fields(name, tree)}</records>'


def _xml_fields(kind: str, tree: Mapping[str, Any]) -> str:
    id_ = tree.get("Id")
    twice = f"<Id>{id_}</Id>" * 2 if id_ else '<Id xsi:nil="true"/>'
    rest = "".join(_xml_field(name, value) for name, value in tree.items() if name != "Id")
    return f"<type>{kind}</type>{twice}{rest}"


def _xml_field(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f'<{name} xsi:type="sObject">{_xml_fields(name, value)}</{name}>'
    return f'<{name} xsi:nil="true"/>' if value is None else f"<{name}>{escape(value)}</{name}>"
