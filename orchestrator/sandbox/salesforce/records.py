"""The records of one org, in memory: what a job wrote is what a query reads."""

from collections.abc import Iterator, Sequence

from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.call import stamp_z
from orchestrator.sandbox.salesforce.schema import (
    CREATED,
    CREATED_BY,
    ID,
    IS_DELETED,
    MODIFIED,
    MODSTAMP,
    OBJECTS,
    SObject,
)  # fmt: skip
from orchestrator.sandbox.told import Clock

Record = tuple[str | None, ...]  # values in the order of the object's fields
Draft = list[str | None]  # a record in the making


class Table:
    """The records of one object, by the fifteen characters of their ids, in the order they were made."""

    def __init__(self, thing: SObject) -> None:
        self.thing = thing
        self.rows: dict[str, Record] = {}
        self.bin: dict[str, Record] = {}  # deleted, but not for good
        self._index: dict[int, dict[str, tuple[str, ...]]] = {
            column: {} for column, field in enumerate(thing.fields) if field.external
        }
        self._made = 0
        self._name = self._name_columns()

    def _name_columns(self) -> tuple[int, int, int] | None:
        columns = self.thing.columns
        return (columns["name"], columns["firstname"], columns["lastname"]) if "lastname" in columns else None

    def add(self, draft: Draft) -> str:
        """Keep a new record under the next id; return the id."""
        self._made += 1
        key = ids.short(self.thing.prefix, self._made)
        draft[ID] = id_ = ids.full(key)
        self._put(key, draft)
        return id_

    def replace(self, key: str, draft: Draft) -> None:
        """Keep a record instead of the one that was there."""
        self._forget(key)
        self._put(key, draft)

    def remove(self, key: str, draft: Draft | None) -> None:
        """Take a record away; into the bin in its last form, or (None) for good."""
        self._forget(key)
        del self.rows[key]
        if draft is not None:
            self.bin[key] = tuple(draft)

    def find(self, column: int, value: str) -> Sequence[str]:
        """Return the keys of the records with a value in an external field, whatever its case."""
        return self._index[column].get(value.lower(), ())

    def all(self, *, deleted: bool) -> Iterator[Record]:
        """Yield every record, those in the bin too if wanted."""
        yield from self.rows.values()
        if deleted:
            yield from self.bin.values()

    def _put(self, key: str, draft: Draft) -> None:
        if self._name is not None:
            name, first, last = self._name
            draft[name] = f"{draft[first] or ''} {draft[last] or ''}".strip() or None
        if not self.thing.kept:
            return
        self.rows[key] = tuple(draft)
        for column, keys in self._index.items():
            if (value := draft[column]) is not None:
                value = value.lower()
                keys[value] = (*keys.get(value, ()), key)

    def _forget(self, key: str) -> None:
        record = self.rows[key]
        for column, keys in self._index.items():
            if (value := record[column]) is not None:
                value = value.lower()
                keys[value] = tuple(other for other in keys[value] if other != key)


class Org:
    """Every table."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._moment = (-1, "")  # a millisecond, and how it is written
        self.tables = {thing.name.lower(): Table(thing) for thing in OBJECTS}

    def table(self, name: str) -> Table | None:
        """Return the table of an object, whatever the case of its name."""
        return self.tables.get(name.lower())

    def born(self, draft: Draft, user: str) -> None:
        """Fill in what every new record has."""
        now = self._now()
        draft[IS_DELETED], draft[CREATED], draft[CREATED_BY] = "false", now, user
        draft[MODIFIED] = draft[MODSTAMP] = now

    def touched(self, draft: Draft) -> None:
        """Fill in that a record was changed now."""
        draft[MODIFIED] = draft[MODSTAMP] = self._now()

    def binned(self, record: Record) -> Draft:
        """Return a record as it is in the bin."""
        gone = list(record)
        gone[IS_DELETED] = "true"
        self.touched(gone)
        return gone

    def _now(self) -> str:
        millisecond = self._clock.now() // 1000
        if self._moment[0] != millisecond:
            self._moment = (millisecond, stamp_z(millisecond * 1000))
        return self._moment[1]
