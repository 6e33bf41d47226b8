"""Forms with a job and its upload in one request."""

import re
from dataclasses import dataclass

from orchestrator.sandbox.salesforce.refusals import refused

BOUNDARY = re.compile(r'boundary="?([^";]+)"?')
NAME = re.compile(rb'name="?([^";\r\n]+)"?', re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a form, byte for byte."""

    name: str
    body: bytes


def parts(media: str, body: bytes) -> dict[str, Part]:
    """Return the parts of a form by their names; refuses one without a boundary."""
    match = BOUNDARY.search(media)
    if match is None:
        raise refused(400, "CLIENTINPUTERROR", "The form has no boundary")
    pieces = (b"\r\n" + body).split(b"\r\n--" + match[1].encode())
    found = (_part(piece) for piece in pieces[1:] if not piece.startswith(b"--"))
    return {part.name: part for part in found}


def _part(piece: bytes) -> Part:
    head, _, body = piece.partition(b"\r\n\r\n")
    match = NAME.search(head)
    return Part(name=match[1].decode() if match else "", body=body)
