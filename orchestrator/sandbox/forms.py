"""Form bodies as Rails reads them: `data[][email]=a&data[][email]=b` is a list of objects."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

KEY = re.compile(r"^(?P<name>[^\[\]]+)\[(?P<index>\d*)\](?:\[(?P<field>[^\[\]]+)\])?$")


def nested(pairs: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the object that a form describes; values stay text, but a value that is a JSON list is read."""
    found: dict[str, Any] = {}
    for key, text in pairs:
        match = KEY.match(key)
        if match is None:
            found[key] = _read(text)
        else:
            _put(found.setdefault(match["name"], []), match["index"], match["field"], text)
    return found


def _read(text: str) -> Any:
    if not text.startswith("["):
        return text
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text


def _put(items: list[Any], index: str, name: str | None, text: str) -> None:
    """A field that the last object already has starts the next object (Rack's rule)."""
    if name is None:
        items.append(text)
        return
    starts_next = int(index) >= len(items) if index else not items or name in items[-1]
    if starts_next:
        items.append({})
    items[int(index) if index and int(index) < len(items) else -1][name] = text
