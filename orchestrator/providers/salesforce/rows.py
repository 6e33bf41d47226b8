"""Records as an upload takes them: text by column, and what can be known to be wrong before a job is spent on it.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_csv_valid_record_rows.htm
"""

from collections.abc import Mapping
from typing import Any

from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.providers.salesforce.table import NULL, Record

LONGEST_FIELD = 131_072  # characters
LONGEST_ROW = 400_000  # characters
LONGEST_HEADER = 32_000  # characters
MOST_FIELDS = 5_000
REMOVALS = frozenset({Operation.DELETE, Operation.HARD_DELETE})
ID = "Id"


def key_field(criteria: UploadCriteria) -> str | None:
    """Return the field that tells which record of the org a row is about; None for an insert."""
    match criteria.operation:
        case Operation.INSERT:
            return None
        case Operation.UPSERT:
            return criteria.external_id_field
        case _:
            return ID


def shaped(criteria: UploadCriteria, record: Mapping[str, Any]) -> Record:
    """Return the record as text, without its empty values, which an upload ignores; `#N/A` is null.

    Line breaks become LF, that of the file: others within a cell are known to fail the whole job.
    Raises Invalid (field = the column).
    """
    texts = {name: _text(name, value) for name, value in flat(record).items()}
    fields = {name: None if text == NULL else text for name, text in texts.items() if text != ""}
    key = key_field(criteria)
    named = None if key is None else _named(fields, key)
    if key is not None and (named is None or fields[named] is None):
        raise Invalid(key, "is missing", f"Each row that is to {criteria.operation} needs it.")
    if criteria.operation in REMOVALS:
        return {ID: fields[str(named)]}
    _check_size(fields)
    return fields


def flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the record with fields of its parents under dotted names: `{"Owner": {"Email": x}}` is `Owner.Email`."""
    if not any(isinstance(value, dict) for value in record.values()):
        return record
    flattened: dict[str, Any] = {}
    for name, value in record.items():
        inner = flat(value) if isinstance(value, dict) else None
        flattened.update({name: value} if inner is None else {f"{name}.{each}": inner[each] for each in inner})
    return flattened


def value_of(record: Mapping[str, str | None], field: str) -> str | None:
    """Return a field's value, whatever the case of its name."""
    name = _named(record, field)
    return None if name is None else record[name]


def _named(record: Mapping[str, str | None], field: str) -> str | None:
    if field in record:
        return field
    return next((name for name in record if name.casefold() == field.casefold()), None)


def _text(name: str, value: Any) -> str:
    if not name.strip() or "\n" in name or "\r" in name:
        raise Invalid(repr(name), "is no name of a field", "Give each column the API name of a field.")
    match value:
        case None:
            return NULL
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return _checked(name, value.replace("\r\n", "\n").replace("\r", "\n"))
        case _:
            raise Invalid(name, "is a list", "Give text, a number, true or false.")


def _checked(name: str, text: str) -> str:
    if len(text) > LONGEST_FIELD:
        raise Invalid(name, f"has {len(text)} characters, more than {LONGEST_FIELD}", "Shorten it.")
    if "\0" in text:
        raise Invalid(name, "holds a NUL character", "Take it out.")
    return text


def _check_size(fields: Record) -> None:
    length = sum(len(text or NULL) for text in fields.values())
    if length > LONGEST_ROW:
        raise Invalid("file", f"the row has {length} characters, more than {LONGEST_ROW}", "Shorten its values.")
    named = sum(map(len, fields)) + len(fields)
    if named > LONGEST_HEADER or len(fields) > MOST_FIELDS:
        problem = f"the row has {len(fields)} fields, whose names have {named} characters"
        raise Invalid("file", problem, f"At most {MOST_FIELDS} fields and {LONGEST_HEADER} characters.")
