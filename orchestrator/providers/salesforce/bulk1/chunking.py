"""PK chunking: how a query is asked to be split.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/async_api_headers_enable_pk_chunking.htm
"""

import re
from collections.abc import Mapping
from typing import Any

from orchestrator.job.errors import Invalid

HEADER = "Sforce-Enable-PKChunking"
LARGEST = 250_000  # rows
NAMES: Mapping[str, str] = {
    "chunkSize": r"[1-9]\d{0,5}",
    "parent": r"[A-Za-z]\w*",
    "startRow": r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?",
}


def check_chunking(asked: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return what was asked for; raises Invalid where the vendor has no such thing."""
    for name, value in (asked or {}).items():
        if name not in NAMES:
            raise Invalid(f"pkChunking.{name}", "is unknown", f"Use {', '.join(NAMES)}.")
        if not re.fullmatch(NAMES[name], str(value), re.ASCII):
            raise Invalid(f"pkChunking.{name}", f"{value!r} cannot be right", ADVICE[name])
    if asked and int(asked.get("chunkSize", 1)) > LARGEST:
        raise Invalid("pkChunking.chunkSize", f"is larger than {LARGEST}", ADVICE["chunkSize"])
    return asked


ADVICE: Mapping[str, str] = {
    "chunkSize": f"A number from 1 to {LARGEST}.",
    "parent": "The API name of an object.",
    "startRow": "The id of a record, 15 or 18 characters.",
}


def header(asked: Mapping[str, Any] | None) -> Mapping[str, str]:
    """Return the header that asks for it; none where nobody did."""
    if asked is None:
        return {}
    return {HEADER: "; ".join(f"{name}={asked[name]}" for name in NAMES if name in asked) or "TRUE"}
