"""Batches with files: a zip of the table, `request.txt`, and the files that its rows name as `#path`.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/binary_intro.htm
"""

import io
import zipfile
from collections.abc import Iterable

from orchestrator.providers.batching import Files

TABLE = "request.txt"
MOST_FILES = 999  # of 1,000 in all
LARGEST_ZIPPED = 10_000_000  # bytes
LARGEST_UNZIPPED = 20_000_000  # bytes, the table included
LONGEST_NAME = 512  # bytes
NO_DATE = (1980, 1, 1, 0, 0, 0)  # the same records make the same bytes, so that a lost batch is known again


def bundled(table: bytes, names: Iterable[str], files: Files) -> bytes | None:
    """Return the table with its files; None where that is more than one batch may have. Raises Invalid.

    A file that is not there is left out, and the vendor refuses the row that names it.
    """
    sizes = {name: size for name in names if _can_be_sent(name) and (size := files.size(name)) is not None}
    if len(sizes) > MOST_FILES or len(table) + sum(sizes.values()) > LARGEST_UNZIPPED:
        return None
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        _add(packed, TABLE, table)
        for name in sizes:
            _add(packed, name, files.read(name))
    return out.getvalue() if out.tell() <= LARGEST_ZIPPED else None


def _can_be_sent(name: str) -> bool:
    return name != TABLE and len(name.encode()) <= LONGEST_NAME


def _add(packed: zipfile.ZipFile, name: str, body: bytes) -> None:
    member = zipfile.ZipInfo(name, NO_DATE)
    member.compress_type = zipfile.ZIP_DEFLATED
    packed.writestr(member, body)
