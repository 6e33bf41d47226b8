"""The content types of jobs: what their batches are sent as, and in what their calls are answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

XML, CSV, JSON = "application/xml", "text/csv", "application/json"


class Rows(StrEnum):
    """How rows are written."""

    CSV = "CSV"
    XML = "XML"
    JSON = "JSON"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One content type of a job."""

    name: str
    rows: Rows
    media: str  # of its batches
    zipped: bool = False

    @property
    def answers(self) -> str:
        """The media type of most answers about its batches."""
        return JSON if self.rows is Rows.JSON else XML

    @property
    def files(self) -> str:
        """The media type of its result files."""
        return {Rows.CSV: CSV, Rows.XML: XML, Rows.JSON: JSON}[self.rows]


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(name="XML", rows=Rows.XML, media=XML),
        Kind(name="CSV", rows=Rows.CSV, media=CSV),
        Kind(name="JSON", rows=Rows.JSON, media=JSON),
        Kind(name="ZIP_XML", rows=Rows.XML, media="zip/xml", zipped=True),
        Kind(name="ZIP_CSV", rows=Rows.CSV, media="zip/csv", zipped=True),
        Kind(name="ZIP_JSON", rows=Rows.JSON, media="zip/json", zipped=True),
    )
}
