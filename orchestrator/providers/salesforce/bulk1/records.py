"""Records as batches: CSV, JSON or XML.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_intro.htm
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from orchestrator.job.errors import Invalid
from orchestrator.providers.batching import Files
from orchestrator.providers.salesforce.bulk1.bundles import bundled
from orchestrator.providers.salesforce.bulk1.kinds import rows_of
from orchestrator.providers.salesforce.bulk1.markup import HEAD, INSTANCE, NAMESPACE, tag
from orchestrator.providers.salesforce.table import Record, written

LARGEST_BATCH = 10_000_000  # bytes; so that there are no more characters than that either
MOST_FIELDS = 5_000  # of a batch
LONGEST_FIELD = 32_000  # characters
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, 2.2

_records = msgspec.json.Decoder(list[dict[str, str | None]])


def check(record: Record, kind: str) -> Record:
    """Return the record; raises Invalid (field = the column) for a value that no batch of the kind can carry."""
    for name, text in record.items():
        if text is not None and len(text) > LONGEST_FIELD:
            raise Invalid(name, f"has {len(text)} characters, more than {LONGEST_FIELD}", "Shorten it.")
        if rows_of(kind) == "XML" and NOT_IN_XML.search(f"{name}{text}"):
            raise Invalid(name, "holds a character that XML cannot carry", "Take it out, or send CSV or JSON.")
    return record


def batch(records: bytes, kind: str, files: Files | None) -> bytes | None:
    """Return records (a JSON array) as a batch; None where that is more than one batch may have."""
    rows = _records.decode(records)
    if len(_names(rows)) > MOST_FIELDS:
        return None
    kind = rows_of(kind)
    body = written(records) if kind == "CSV" else WRITERS[kind](rows)
    if len(body) > LARGEST_BATCH or files is None:
        return body if len(body) <= LARGEST_BATCH else None
    return bundled(body, _named(rows), files)


def _named(records: Iterable[Record]) -> Iterable[str]:
    """Return the paths of the files that records name: `#path`."""
    texts = (text for record in records for text in record.values())
    return dict.fromkeys(text[1:] for text in texts if text and text.startswith("#"))


def _json(records: Sequence[Record]) -> bytes:
    return msgspec.json.encode([_nested(record) for record in records])


def _nested(record: Record) -> Mapping[str, Any]:
    """Return the record with its parents as objects: `Lead:Who.Email` is a Who of type Lead with an Email."""
    out: dict[str, Any] = {}
    for name, text in record.items():
        kind, relationship, field = _path(name)
        at = out
        if relationship:
            at = out.setdefault(relationship, {"attributes": {"type": kind}} if kind else {})
        at[field] = text
    return out


def _xml(records: Sequence[Record]) -> bytes:
    rows = "".join(f"<sObject>{_fields(record)}</sObject>" for record in records)
    return f'{HEAD}<sObjects xmlns="{NAMESPACE}" xmlns:xsi="{INSTANCE}">{rows}</sObjects>'.encode()


def _fields(record: Record) -> str:
    return "".join(_field(name, text) for name, text in record.items())


def _field(name: str, text: str | None) -> str:
    kind, relationship, field = _path(name)
    if not relationship:
        return tag(field, text)
    typed = tag("type", kind) if kind else ""
    return f"<{relationship}><sObject>{typed}{tag(field, text)}</sObject></{relationship}>"


def _path(name: str) -> tuple[str, str, str]:
    """Return the parent's type, the relationship and the field; empty where there is none."""
    kind, _, path = name.rpartition(":")
    relationship, _, field = path.rpartition(".")
    return kind, relationship, field


def _names(records: Iterable[Record]) -> set[str]:
    return {name for record in records for name in record}


WRITERS: Mapping[str, Callable[[Sequence[Record]], bytes]] = {"JSON": _json, "XML": _xml}
