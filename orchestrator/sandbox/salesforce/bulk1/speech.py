"""How Bulk API 1.0 speaks: flat objects in XML or JSON, and refusals with a code.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/asynch_api_errors.htm
"""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import msgspec
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from orchestrator.sandbox.exchange import Answer
from orchestrator.sandbox.salesforce.bulk1.kinds import JSON, XML
from orchestrator.sandbox.salesforce.call import stamp, stamp_z

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

Fields = Mapping[str, Any]


class Told(int):
    """A moment, microseconds since 1970; each format writes it in its own way."""


class No(Exception):
    """The call is refused; how that is written depends on the call."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code} : {message}")
        self.code = code
        self.message = message
        self.status = status
        self.media: str | None = None  # where the call is answered otherwise than most


def refusal(no: No, media: str) -> Answer:
    """Return the answer that refuses a call."""
    fields = {"exceptionCode": no.code, "exceptionMessage": no.message}
    return shown("error", fields, media, status=no.status)


def shown(root: str, fields: Fields, media: str, *, status: int = 200) -> Answer:
    """Return one object; a field that is None shows in JSON alone."""
    if media == JSON:
        return Answer(status=status, body=msgspec.json.encode(_plain(fields)), media=JSON)
    return Answer(status=status, body=document(root, _inside(fields)), media=XML)


def listed(root: str, each: str, items: Sequence[Fields], media: str) -> Answer:
    """Return a list of objects."""
    if media == JSON:
        return Answer(body=msgspec.json.encode({each: [_plain(item) for item in items]}), media=JSON)
    return Answer(body=document(root, "".join(f"<{each}>{_inside(item)}</{each}>" for item in items)), media=XML)


def document(root: str, inside: str, more: str = "") -> bytes:
    """Return an XML document in the namespace of the API."""
    opened = f'{root} xmlns="{NAMESPACE}"{more}'
    whole = f"<{opened}>{inside}</{root}>" if inside else f"<{opened}/>"
    return (HEAD + whole).encode()


def _inside(fields: Fields) -> str:
    return "".join(f"<{name}>{escape(_text(value))}</{name}>" for name, value in fields.items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, Told):
        return stamp_z(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(fields: Fields) -> dict[str, Any]:
    return {name: stamp(value) if isinstance(value, Told) else value for name, value in fields.items()}


def parsed(body: bytes) -> Element:
    """Return the root of a document; raises ValueError where it is none, or brings entities or a DTD."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError) as error:
        raise ValueError(str(error)) from error
    return root


def local(tag: str) -> str:
    """Return the name of an element without its namespace."""
    return tag.rpartition("}")[2]


def job_fields(body: bytes) -> dict[str, Any]:
    """Read a jobInfo, XML or JSON by its first character: what the call says of itself is not to be trusted."""
    if body.lstrip()[:1] == b"{":
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise No("ClientInputError", f"JSON could not be read: {error}") from error
    try:
        root = parsed(body.strip())
    except ValueError as error:
        raise No("InvalidXml", f"Error parsing XML: {error}") from error
    if local(root.tag) != "jobInfo":
        raise No("InvalidXml", f"Unexpected element {local(root.tag)}")
    return {local(child.tag): child.text or "" for child in root}


def json_rows(body: bytes) -> list[Any]:
    """Read an array; raises ValueError where the body is none."""
    try:
        return msgspec.json.decode(body, type=list[Any])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
