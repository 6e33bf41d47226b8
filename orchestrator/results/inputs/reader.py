"""Opens a user's file in the format it has."""

from collections.abc import Mapping

from orchestrator.job.criteria import UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.archive import MAGIC, MANIFEST, Archive
from orchestrator.results.inputs.csv_file import CsvFile
from orchestrator.results.inputs.encoding import GUESS_BYTES, Encoding, encoding_of
from orchestrator.results.inputs.json_file import JsonFile
from orchestrator.results.inputs.jsonl_file import BLANK, JsonlFile
from orchestrator.results.inputs.row import InputReader
from orchestrator.results.inputs.selection import SelectedRows
from orchestrator.results.objects import ObjectStore

FORMATS: Mapping[str, str] = {
    "csv": "csv",
    "text/csv": "csv",
    "txt/csv": "csv",
    "json": "json",
    "application/json": "json",
    "jsonl": "jsonl",
    "application/jsonl": "jsonl",
    "zip": "zip",
    "application/zip": "zip",
}
DELIMITERS: Mapping[str, str] = {
    "COMMA": ",",
    "TAB": "\t",
    "PIPE": "|",
    "SEMICOLON": ";",
    "CARET": "^",
    "BACKQUOTE": "`",
}


def open_input(
    objects: ObjectStore,
    key: str,
    format: str,
    *,
    encoding: str | None = None,
    delimiter: str = ",",
    blanks: str = "ignore",
) -> InputReader:
    """Open the file for reading; `encoding` None is guessed, `blanks` is `ignore` or `clear` (CSV).

    Raises Invalid: an empty file, an unknown format or encoding, a CSV header with empty or doubled names.
    """
    first = first_block(objects, key)
    if format_of(format) == "zip":
        return _open_table(Archive(objects, key), encoding, delimiter, blanks)
    found = encoding_of(first, encoding)
    match format_of(format):
        case "csv":
            return CsvFile(objects, key, found, delimiter_of(delimiter), blanks)
        case "json":
            return JsonFile(objects, key, found)
        case _:
            return JsonlFile(objects, key, found)


def open_upload(objects: ObjectStore, key: str, criteria: UploadCriteria, rows_key: str | None = None) -> InputReader:
    """Open the file of an upload, read as its criteria say; raises Invalid as `open_input` does.

    `rows_key` names the object with the rows that are meant; None: all of them.
    """
    reader = open_input(
        objects,
        key,
        criteria.format,
        encoding=criteria.encoding,
        delimiter=criteria.column_delimiter,
        blanks=criteria.blanks,
    )
    return reader if rows_key is None else SelectedRows(reader, objects, rows_key)


def _open_table(archive: Archive, encoding: str | None, delimiter: str, blanks: str) -> InputReader:
    """Open the table inside a zip, which is small enough to be held."""
    inside = ObjectStore.open("memory://")
    inside.put_new(MANIFEST, archive.manifest())
    guessed = sniff(first_block(inside, MANIFEST))
    if guessed == "zip":
        raise Invalid("file", f"{MANIFEST} is a zip itself", "put a table there", code="bad_zip")
    return open_input(inside, MANIFEST, guessed, encoding=encoding, delimiter=delimiter, blanks=blanks)


def sniff(first: bytes) -> str:
    """Guess the format by the first bytes of a file: `json` for an array, `jsonl` for an object, `zip`, else `csv`."""
    if first.startswith(MAGIC):
        return "zip"
    encoding = encoding_of(first, None)
    head = first[encoding.bom : encoding.bom + 4096].decode(encoding.name, "replace").lstrip(BLANK)
    return {"[": "json", "{": "jsonl"}.get(head[:1], "csv")


def format_of(word: str) -> str:
    """Return `csv`, `json`, `jsonl` or `zip` for its name or media type; raise Invalid for another."""
    try:
        return FORMATS[word.lower()]
    except KeyError:
        raise Invalid("format", f"{word} is not known", "use csv, json, jsonl or zip", code="unknown_format") from None


def delimiter_of(word: str) -> str:
    """Return the character for `COMMA`, `TAB` and so on, or for itself; raise Invalid for another."""
    character = DELIMITERS.get(word.upper(), word)
    if character not in DELIMITERS.values():
        advice = "use " + ", ".join(DELIMITERS)
        raise Invalid("columnDelimiter", f"{word!r} is not known", advice, code="unknown_delimiter")
    return character


def first_block(objects: ObjectStore, key: str) -> bytes:
    """Return the file's first bytes, enough to guess by; raise Invalid if there are none but blanks."""
    first = objects.get_range(key, 0, GUESS_BYTES)
    if len(first) < GUESS_BYTES and _is_blank(first):
        raise Invalid("file", "it is empty", "send at least one record", code="empty_file")
    return first


def _is_blank(first: bytes) -> bool:
    encoding: Encoding = encoding_of(first, None)
    return not first[encoding.bom :].decode(encoding.name, "replace").strip(BLANK)
