"""The content types that a job may have.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_reference_jobinfo.htm
"""

from collections.abc import Mapping

from orchestrator.job.errors import Invalid

DEFAULT = "CSV"  # the smallest on the wire, and the only one that brings texts back as they are
MEDIA: Mapping[str, str] = {
    "CSV": "text/csv",
    "JSON": "application/json",
    "XML": "application/xml",
    "ZIP_CSV": "zip/csv",
    "ZIP_JSON": "zip/json",
    "ZIP_XML": "zip/xml",
}
ZIP = "ZIP_"  # a table and the files that it names


def check_kind(name: str | None) -> str:
    """Return a content type, CSV where none is given; raises Invalid for one that does not exist."""
    found = DEFAULT if name is None else name.upper()
    if found not in MEDIA:
        raise Invalid("contentType", f"{name} is no content type", f"Use {', '.join(MEDIA)}.")
    return found


def rows_of(kind: str) -> str:
    """Return how the rows of a content type are written, with files or without."""
    return kind.removeprefix(ZIP)
