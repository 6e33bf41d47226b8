"""The records of a page as the criteria want them: cut out of the vendor's answer, and only parsed where they must be.

A record stays a slice of the answer (`msgspec.Raw`): what nobody asks for is never decoded, and what is stored is what
the vendor sent, byte for byte. Field selection, dates and nulls decode just what they need.

    raw records ─▶ within from..to, fits where? ─▶ room for it? ─▶ select fields, drop nulls ─▶ one JSON text per line
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from orchestrator import ceql
from orchestrator.job.criteria import DownloadCriteria

Raws = Sequence[msgspec.Raw]
Cutter = Callable[[msgspec.Raw], Any]  # a record → what is left of it, ready to be encoded

NULL = msgspec.Raw(b"null")
EARLIEST = datetime.min.replace(tzinfo=UTC)
LATEST = datetime.max.replace(tzinfo=UTC)

_encoder = msgspec.json.Encoder()
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, kw_only=True)
class Shaped:
    """The kept records as JSONL; of the records given, rows + filtered + cut."""

    body: bytes
    rows: int
    filtered: int = 0
    cut: int = 0
    undated: int = 0
    kept: Sequence[int]  # positions of the kept ones among the records given
    full: bool = False  # `room` is used up


def is_unbroken(answer: bytes) -> bool:
    """Say whether no record of an answer can contain a line break; two quick scans for the whole page."""
    return b"\n" not in answer and b"\r" not in answer


class Shaper:
    """Shapes the pages of one download; pure, shared by threads."""

    def __init__(self, criteria: DownloadCriteria) -> None:
        self._dates = _Dates(criteria) if criteria.from_ or criteria.to else None
        self._where = _Where(ceql.parse(criteria.where)) if criteria.where else None
        self._select = _selector(criteria.select_fields) if criteria.select_fields else None
        self._filter_nulls = criteria.filter_nulls

    def shape(self, records: Raws, room: int | None = None, *, unbroken: bool = False) -> Shaped:
        """Keep the records that the criteria want, at most `room` of them; every other one is counted.

        `unbroken` says that the answer holds no line break, which is then not looked for in each record.
        Fields come in the order of `selectFields`, absent ones are left out; nulls are dropped from the record's own
        fields, not from those of objects within. Raises msgspec.MsgspecError where a record is no JSON object.
        """
        kept, undated = (range(len(records)), set[int]()) if self._dates is None else self._dates.sift(records)
        if self._where is not None:
            kept = self._where.sift(records, kept)
        wanted = kept if room is None else kept[:room]
        chosen = records if len(wanted) == len(records) else [records[position] for position in wanted]
        return Shaped(
            body=self._lines(chosen, unbroken),
            rows=len(wanted),
            filtered=len(records) - len(kept),
            cut=len(kept) - len(wanted),
            undated=len(undated.intersection(wanted)),
            kept=wanted,
            full=room is not None and len(wanted) >= room,
        )

    def _lines(self, records: Raws, unbroken: bool) -> bytes:
        cut = records if self._select is None else [self._select(record) for record in records]
        body = _encoder.encode_lines(cut) if unbroken else lines(cut)
        if not self._filter_nulls or b"null" not in body:
            return body
        return lines([without_nulls(record) for record in body.splitlines()])


def lines(records: Sequence[Any]) -> bytes:
    """Return one JSON text per line, as they are; records that contain line breaks are written more densely."""
    body = _encoder.encode_lines(records)
    if body.count(b"\n") == len(records) and b"\r" not in body:
        return body
    return b"".join(_one_line(_encoder.encode(record)) + b"\n" for record in records)


def without_nulls(record: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """Return the fields of a record that are not null."""
    return {name: value for name, value in _fields.decode(record).items() if value != NULL}


def _one_line(text: bytes) -> bytes:
    """Drop the white space between tokens; texts and numbers stay as they are."""
    return msgspec.json.format(text, indent=-1)


def _selector(names: Sequence[str], kind_of_value: Any = msgspec.Raw) -> Cutter:
    """Return what cuts a record down to the named fields, each a slice of the answer, or decoded."""
    numbered = [(f"f{number}", name) for number, name in enumerate(dict.fromkeys(names))]
    kind = msgspec.defstruct(
        "Selected",
        [(field, kind_of_value | msgspec.UnsetType, msgspec.UNSET) for field, _ in numbered],
        rename=dict(numbered),
    )
    decode: Cutter = msgspec.json.Decoder(kind).decode
    return decode


class _Where:
    """Sifts records by a filter; of each record only the fields that it looks at are decoded."""

    def __init__(self, where: ceql.Filter) -> None:
        fields = ceql.fields_of(where)
        self._names = list(dict.fromkeys(name for field in fields for name in (field, field.partition(".")[0])))
        self._decode = _selector(self._names, Any)
        self._fits = ceql.predicate(where)

    def sift(self, records: Raws, kept: Sequence[int]) -> Sequence[int]:
        """Return those of the kept positions whose records fit."""
        return [at for at in kept if self._fits(self._decoded(records[at]))]

    def _decoded(self, record: msgspec.Raw) -> dict[str, Any]:
        found = msgspec.structs.astuple(self._decode(record))
        return {name: value for name, value in zip(self._names, found, strict=True) if value is not msgspec.UNSET}


class _Dates:
    """Sifts records by one date, both ends inclusive; a record without a readable date is kept."""

    def __init__(self, criteria: DownloadCriteria) -> None:
        assert criteria.filter_date_field is not None
        rename = {"moment": criteria.filter_date_field}
        exact = msgspec.defstruct("Dated", [("moment", datetime | None, None)], rename=rename)
        loose = msgspec.defstruct("LooselyDated", [("moment", Any, None)], rename=rename)
        self._exact: Cutter = msgspec.json.Decoder(exact).decode
        self._loose: Cutter = msgspec.json.Decoder(loose).decode
        self._from = criteria.from_ or EARLIEST
        self._to = criteria.to or LATEST

    def sift(self, records: Raws) -> tuple[Sequence[int], set[int]]:
        """Return the positions of the records to keep, and of those among them that have no readable date."""
        least, most = self._from, self._to
        moments = [self._moment(record) for record in records]
        kept = [at for at, moment in enumerate(moments) if moment is None or least <= moment <= most]
        return kept, {at for at in kept if moments[at] is None}

    def _moment(self, record: msgspec.Raw) -> datetime | None:
        try:
            moment: datetime | None = self._exact(record).moment
        except msgspec.ValidationError:
            moment = _read_moment(self._loose(record).moment)
        if moment is not None and moment.tzinfo is None:
            return moment.replace(tzinfo=UTC)
        return moment


def _read_moment(value: object) -> datetime | None:
    """Read what the exact parser does not: bare dates and other forms of ISO 8601; no zone is UTC."""
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None
