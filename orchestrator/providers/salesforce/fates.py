"""What became of each row, read from the result files of an ingest job.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_job_successful_results.htm
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

import msgspec

from orchestrator.providers.provider import Fate, FatePage
from orchestrator.providers.salesforce.rows import value_of
from orchestrator.providers.salesforce.table import Table, echoed

FILES = ("successfulResults", "failedResults")
PAGE = 2_000  # fates held at once, whatever the size of the file
PAGE_SIZE = 1 << 20  # characters held at once; a row may have 400,000
# `STATUS_CODE:message:fields --`; the message may hold colons, the list of fields may be empty.
ERROR = re.compile(r"(?P<code>[A-Z][A-Z0-9_]*):(?P<message>.*?)(?::(?P<fields>[\w,. ]*))?\s*(?:--)?\s*", re.DOTALL)
# Refusals that say nothing of the row itself: another time it may be taken. Codes of the SOAP API.
PASSING = frozenset(
    {"UNABLE_TO_LOCK_ROW", "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "REQUEST_RUNNING_TOO_LONG", "REQUEST_LIMIT_EXCEEDED"}
)

Row = Sequence[str]

_encode = msgspec.json.Encoder().encode


def fate_pages(body: bytes, file: int, skip: int, key: str | None) -> Iterator[FatePage]:
    """Yield the fates of a result file after its first `skip` rows; a file without a body has none.

    `key` is the field that the user knows rows by. Raises Misbehaved.
    """
    table = Table(body)
    following = {"file": file + 1} if file + 1 < len(FILES) else None
    ours = {name: at for at, name in enumerate(table.header) if name.startswith("sf__")}
    pages = _paged(islice(table.rows(), skip, None))
    page = next(pages, [])
    while True:
        coming = next(pages, None)
        fates = [
            _fate(number, {name: row[at] for name, at in ours.items()}, echoed(table.header, row), key)
            for number, row in enumerate(page, skip + 1)
        ]
        skip += len(page)
        yield FatePage(fates=fates, next=following if coming is None else {"file": file, "row": skip})
        if coming is None:
            return
        page = coming


def _paged(rows: Iterator[Row]) -> Iterator[Sequence[Row]]:
    page: list[Row] = []
    size = 0
    for row in rows:
        page.append(row)
        size += sum(map(len, row))
        if len(page) == PAGE or size >= PAGE_SIZE:
            yield page
            page, size = [], 0
    if page:
        yield page


def _fate(number: int, told: Mapping[str, str], record: Mapping[str, str | None], key: str | None) -> Fate:
    words, id_ = told.get("sf__Error"), told.get("sf__Id") or None
    if words is None:
        resource = _encode({"id": id_, "created": told.get("sf__Created") == "true"})
        return Fate(key=number, status="success", record=_encode(record), error=None, resource=resource)
    code, message = split_error(words)
    return Fate(
        key=number,
        status="error",
        record=_encode(record),
        error=words,
        resource=_encode({"id": id_}),
        code=code,
        message=message,
        retryable=code in PASSING,
        identifier=(None if key is None else value_of(record, key)) or id_,
    )


def split_error(words: str) -> tuple[str | None, str]:
    """Return the code and the message of an error, with the fields it names; no code where it has another form."""
    found = ERROR.fullmatch(words)
    if found is None:
        return None, words
    message, fields = found["message"].strip(), (found["fields"] or "").strip()
    named = all(field.strip() in message for field in fields.split(","))
    return found["code"], message if named else f"{message} ({fields})"
