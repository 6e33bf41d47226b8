"""The records of one list, kept rendered and in the order of each sort key, so that a page is a slice."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec

Keys = list[tuple[Any, int]]  # (sort value, id), rising


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A stored record."""

    id: int
    created_at: int  # microseconds since 1970
    updated_at: int
    name: str
    email: str
    body: bytes  # as the list shows it

    def record(self) -> dict[str, Any]:
        """Return the record, read from its rendering."""
        return msgspec.json.decode(self.body, type=dict[str, Any])


@dataclass(frozen=True, kw_only=True)
class Want:
    """Which records, in which order."""

    sort_by: str
    descending: bool
    spans: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # column → from, before; microseconds
    equal: Mapping[str, frozenset[str]] = field(default_factory=dict)  # field → values
    ids: frozenset[int] | None = None


class Table:
    """Records by id, with indexes for the fields that an upsert looks records up by."""

    def __init__(self, unique: Iterable[str] = ()) -> None:
        self.rows: dict[int, Row] = {}
        self._orders: dict[str, Keys] = {}
        self._index: dict[str, dict[str, list[int]]] = {name: {} for name in unique}
        self._last_id = 0

    def next_id(self) -> int:
        """Return an id that no record had before."""
        self._last_id += 1
        return self._last_id

    def put(self, record: dict[str, Any], created_at: int, updated_at: int) -> Row:
        """Store a record under its `id`, in place of the one that was there."""
        row = Row(
            id=record["id"],
            created_at=created_at,
            updated_at=updated_at,
            name=str(record.get("name") or record.get("display_name") or ""),
            email=str(record.get("email_address") or record.get("email") or ""),
            body=msgspec.json.encode(record),
        )
        self._last_id = max(self._last_id, row.id)
        self._reorder(self.rows.get(row.id), row)
        self._reindex(self.rows.get(row.id), record)
        self.rows[row.id] = row
        return row

    def find(self, name: str, value: str) -> list[int]:
        """Return the ids of the records that have this value in a looked-up field; case does not matter."""
        return self._index[name].get(value.lower(), [])

    def page(self, want: Want, skip: int, size: int) -> tuple[Sequence[bytes], int]:
        """Return the rendered records of a page, and how many there are on all pages."""
        keys, low, high = self._selected(want)
        if want.descending:
            end = max(low, high - skip)
            chosen = keys[max(low, end - size) : end][::-1]
        else:
            chosen = keys[min(high, low + skip) : min(high, low + skip + size)]
        return [self.rows[id_].body for _, id_ in chosen], high - low

    def _selected(self, want: Want) -> tuple[Keys, int, int]:
        """The keys, and from where to before where; bounds on the sort key itself need no scan."""
        keys = self._order(want.sort_by)
        first, before = want.spans.get(want.sort_by, (None, None))
        low = 0 if first is None else bisect_left(keys, (first, 0))
        high = len(keys) if before is None else bisect_left(keys, (before, 0))
        others = {name: span for name, span in want.spans.items() if name != want.sort_by}
        if not others and not want.equal and want.ids is None:
            return keys, low, max(low, high)
        found = [key for key in keys[low:high] if _fits(self.rows[key[1]], want, others)]
        return found, 0, len(found)

    def _order(self, name: str) -> Keys:
        if name not in self._orders:
            value = attrgetter(name)
            self._orders[name] = sorted((value(row), row.id) for row in self.rows.values())
        return self._orders[name]

    def _reorder(self, old: Row | None, new: Row) -> None:
        for name, keys in self._orders.items():
            if old is not None:
                del keys[bisect_left(keys, (getattr(old, name), old.id))]
            insort(keys, (getattr(new, name), new.id))

    def _reindex(self, old: Row | None, record: Mapping[str, Any]) -> None:
        before = old.record() if old is not None else {}
        for name, ids in self._index.items():
            was, now = before.get(name), record.get(name)
            if was == now:
                continue
            if was is not None:
                ids[str(was).lower()].remove(record["id"])
            if now is not None:
                ids.setdefault(str(now).lower(), []).append(record["id"])


def _fits(row: Row, want: Want, spans: Mapping[str, tuple[int, int]]) -> bool:
    if want.ids is not None and row.id not in want.ids:
        return False
    if any(not first <= getattr(row, name) < before for name, (first, before) in spans.items()):
        return False
    if not want.equal:
        return True
    record = row.record()
    return all(str(record.get(name)).lower() in values for name, values in want.equal.items())
