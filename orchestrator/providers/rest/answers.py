"""Cutting an answer into records: only what the settings name is decoded, the records stay slices of the answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from orchestrator.job.errors import Misbehaved, Unreachable
from orchestrator.providers.rest.wire import Resource

RECORDS, TOTAL, NEXT = "records", "total", "next"
KINDS: Mapping[str, Any] = {RECORDS: list[msgspec.Raw], TOTAL: int | None, NEXT: str | int | None}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What an answer held."""

    records: list[msgspec.Raw]
    total: int | None = None
    next: str | None = None


class Cutter:
    """Cuts the answers of one resource."""

    def __init__(self, provider: str, resource: Resource) -> None:
        self._provider = provider
        self._array_at = resource.records
        places = {RECORDS: resource.records, TOTAL: resource.total, NEXT: resource.paging.next}
        paths = {what: tuple(path.split(".")) for what, path in places.items() if path}
        self._fields = {what: _Place(path) for what, path in paths.items()}
        kind = _struct(paths) if resource.records else list[msgspec.Raw]
        self._decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode

    def cut(self, response: httpx.Response) -> Listed:
        """Return the records; raises Misbehaved where there is no list, Unreachable where there is no JSON."""
        try:
            answer = self._decode(response.content)
        except msgspec.ValidationError as error:
            place = self._array_at or "the top"
            raise Misbehaved(self._provider, f"an answer without a list at {place}: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Unreachable(self._provider, f"an unreadable answer: {error}") from None
        if self._array_at is None:
            return Listed(records=answer)
        found = {what: place.of(answer) for what, place in self._fields.items()}
        following = found.get(NEXT)
        return Listed(
            records=found[RECORDS],
            total=found.get(TOTAL),
            next=None if following is None or following == "" else str(following),
        )


class _Place:
    """Where in a decoded answer one thing is; absent ones are None."""

    def __init__(self, path: tuple[str, ...]) -> None:
        self._path = path

    def of(self, answer: Any) -> Any:
        for name in self._path:
            if answer is None:
                return None
            answer = getattr(answer, _field(name))
        return answer


def _struct(paths: Mapping[str, tuple[str, ...]]) -> Any:
    """Return a struct type with just these paths; the list itself is required, everything else may be absent."""
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    names = dict.fromkeys(path[0] for path in paths.values())
    for name in names:
        below = {what: path[1:] for what, path in paths.items() if path[0] == name}
        ends = [what for what, path in below.items() if not path]
        kind = KINDS[ends[0]] if ends else _struct(below)
        fields.append((_field(name), kind) if RECORDS in below else (_field(name), kind | None, None))
    return msgspec.defstruct("Answer", sorted(fields, key=len), rename={_field(name): name for name in names})


def _field(name: str) -> str:
    """Return an identifier for any name that JSON may have."""
    return f"f{name.encode().hex()}"
