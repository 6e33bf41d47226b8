"""The records of one org, in memory: what a job wrote is what a query reads."""

from collections.abc import Iterator, Sequence

from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.call import stamp_z
from orchestrator.sandbox.salesforce.schema import (
    CREATED, CREATED_BY, ID, IS_DELETED, MODIFIED, MODSTAMP, OBJECTS, SObject,
)  # fmt: skip
from orchestrator.sandbox.told import Clock

Record = list[str | None]  # values in the order of the object's fields; never changed in place


class Table:
    """The records of one object, by the fifteen characters of their ids, in the order they were made."""

    def __init__(self, thing: SObject) -> None:
        self.thing = thing
        self.rows: dict[str, Record] = {}
        self.bin: dict[str, Record] = {}  # deleted, but not for good
        self._index: dict[int, dict[str, list[str]]] = {
            column: {} for column, field in enumerate(thing.fields) if field.external
        }
        self._made = 0
        self._name = self._name_columns()

    def _name_columns(self) -> tuple[int, int, int] | None:
        columns = self.thing.columns
        return (columns["name"], columns["firstname"], columns["lastname"]) if "lastname" in columns else None

    def add(self, record: Record) -> str:
        """Keep a new record under the next id; return the id."""
        self._made += 1
        key = ids.short(self.thing.prefix, self._made)
        record[ID] = ids.full(key)
        self._put(key, record)
        return record[ID]

    def replace(self, key: str, record: Record) -> None:
        """Keep a record instead of the one that was there."""
        self._forget(key)
        self._put(key, record)

    def remove(self, key: str, record: Record | None) -> None:
        """Take a record away; into the bin in its last form, or (None) for good."""
        self._forget(key)
        del self.rows[key]
        if record is not None:
            self.bin[key] = record

    def find(self, column: int, value: str) -> Sequence[str]:
        """Return the keys of the records with a value in an external field, whatever its case."""
        return self._index[column].get(value.lower(), ())

    def all(self, *, deleted: bool) -> Iterator[Record]:
        """Yield every record, those in the bin too if wanted."""
        yield from self.rows.values()
        if deleted:
            yield from self.bin.values()

    def _put(self, key: str, record: Record) -> None:
        if self._name is not None:
            name, first, last = self._name
            record[name] = " ".join(part for part in (record[first], record[last]) if part) or None
        self.rows[key] = record
        for column, keys in self._index.items():
            if (value := record[column]) is not None:
                keys.setdefault(value.lower(), []).append(key)

    def _forget(self, key: str) -> None:
        record = self.rows[key]
        for column, keys in self._index.items():
            if (value := record[column]) is not None:
                keys[value.lower()].remove(key)


class Org:
    """Every table."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.tables = {thing.name.lower(): Table(thing) for thing in OBJECTS}

    def table(self, name: str) -> Table | None:
        """Return the table of an object, whatever the case of its name."""
        return self.tables.get(name.lower())

    def of_id(self, key: str) -> Table | None:
        """Return the table that a record with such an id would be in."""
        return next((table for table in self.tables.values() if key.startswith(table.thing.prefix)), None)

    def born(self, record: Record, user: str) -> None:
        """Fill in what every new record has."""
        now = stamp_z(self._clock.now())
        record[IS_DELETED], record[CREATED], record[CREATED_BY] = "false", now, user
        record[MODIFIED] = record[MODSTAMP] = now

    def touched(self, record: Record) -> None:
        """Fill in that a record was changed now."""
        record[MODIFIED] = record[MODSTAMP] = stamp_z(self._clock.now())

    def binned(self, record: Record) -> Record:
        """Return a record as it is in the bin."""
        gone = record.copy()
        gone[IS_DELETED] = "true"
        self.touched(gone)
        return gone
