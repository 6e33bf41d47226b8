"""Zip batches: a manifest, `request.txt`, and the files that its rows name by `#path`.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/binary_create_request_file.htm
"""

import base64
import io
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.sandbox.salesforce.values import RowRefused

MANIFEST = "request.txt"
MOST_FILES = 1000
LONGEST_NAME = 512  # bytes
MOST_ZIPPED = 10_000_000
MOST_UNZIPPED = 20_000_000
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, KeyError)


class Unusable(Exception):
    """The zip as a whole is refused."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What a zip holds."""

    manifest: bytes
    files: dict[str, bytes]

    def binary(self, text: str, field: str) -> str:
        """Return the file that a cell names, as base64; raises RowRefused where it names none."""
        if not text.startswith("#"):
            raise RowRefused("INVALID_FIELD", f"{field}: the value must begin with #: {text}", field)
        found = self.files.get(text[1:])
        if found is None:
            raise RowRefused("INVALID_FIELD", f"{field}: the file is not in the zip: {text}", field)
        return base64.b64encode(found).decode()


def opened(body: bytes) -> Bundle:
    """Return what a zip holds; raises Unusable where it is broken, too large, or has no manifest at its root."""
    if len(body) > MOST_ZIPPED:
        raise Unusable("the zip is larger than 10 MB")
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            _check(members)
            files = {member.filename: packed.read(member) for member in members}
    except BROKEN as error:
        raise Unusable(f"the zip could not be read: {error}") from error
    manifest = files.pop(MANIFEST, None)
    if manifest is None:
        raise Unusable(f"there is no {MANIFEST} at the root of the zip")
    return Bundle(manifest=manifest, files=files)


def _check(members: Sequence[zipfile.ZipInfo]) -> None:
    if len(members) > MOST_FILES:
        raise Unusable("more than 1,000 files are in the zip")
    if sum(member.file_size for member in members) > MOST_UNZIPPED:
        raise Unusable("the files are larger than 20 MB")
    if any(len(member.filename.encode()) > LONGEST_NAME for member in members):
        raise Unusable("the name of a file is longer than 512 bytes")
