"""XML as Bulk API 1.0 speaks it. What is read comes from the network: no DTD, no entity, no reference to elsewhere."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesforce.wire import PROVIDER

NAMESPACE = "http://www.force.com/2009/06/asyncapi/dataload"
INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
NIL = f"{{{INSTANCE}}}nil"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def parsed(body: bytes) -> Element:
    """Return the root of a document. Raises Misbehaved where it is none, or one that could reach beyond itself."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, LookupError, ValueError) as error:
        raise Misbehaved(PROVIDER, f"an answer that is no plain XML ({type(error).__name__})") from None
    return root


def named(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def fields(element: Element) -> Iterator[tuple[str, str | None]]:
    """Yield the fields of an object, None for nil; those of a parent by their path, `type` and repeated ones once."""
    seen = {"type"}
    for child in element:
        name = named(child)
        if len(child):
            yield from ((f"{name}.{inner}", text) for inner, text in fields(child))
        elif name not in seen:
            seen.add(name)
            text = None if child.get(NIL) in ("true", "1") else child.text or None
            if text is not None or name != "Id":  # an Id that nobody asked for is shown as nil
                yield name, text


def tag(name: str, text: str | None) -> str:
    """Return an element with a text, or nil."""
    return f'<{name} xsi:nil="true"/>' if text is None else f"<{name}>{escape(text)}</{name}>"
