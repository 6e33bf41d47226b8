"""What one row of an ingest job does to the records, and why it is refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.records import Draft, Org, Table
from orchestrator.sandbox.salesforce.schema import Field
from orchestrator.sandbox.salesforce.values import Read, RowRefused, reader

NULL = "#N/A"
REMOVALS = ("delete", "hardDelete")
Outcome = tuple[str, bool]  # id, created


class HeaderRefused(Exception):
    """The whole upload fails, in these words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One column of the upload: where it is, where its value goes."""

    place: int
    column: int
    field: Field
    read: Read


class Loader:
    """Takes the rows of one job; raises HeaderRefused where the header does not fit the object."""

    def __init__(self, org: Org, table: Table, operation: str, key: str | None, header: Sequence[str], user: str):
        self._org, self._table, self._operation, self._user = org, table, operation, user
        _check(header, operation)
        columns = [name.lower() for name in header]
        self._id_place = columns.index("id") if "id" in columns else None
        cells = (self._cell(place, name) for place, name in enumerate(header) if name.lower() != "id")
        self._cells = [cell for cell in cells if cell is not None]
        self._key = self._key_cell(key) if operation == "upsert" and (key or "").lower() != "id" else None
        self._required = [(column, f) for column, f in enumerate(table.thing.fields) if f.required]
        self._unique = [(column, f) for column, f in enumerate(table.thing.fields) if f.unique]
        self._blank: Draft = [field.default for field in table.thing.fields]
        self._loads: dict[str, Callable[[Sequence[str]], Outcome]] = {
            "insert": self._insert,
            "update": self._update,
            "upsert": self._upsert,
            "delete": self._delete,
            "hardDelete": self._delete,
        }
        self._load = self._loads[operation]
        self._keys_seen: set[str] = set()

    def load(self, row: Sequence[str]) -> Outcome:
        """Let one row happen; return the record's id and whether it is new. Raises RowRefused."""
        return self._load(row)

    def new_chunk(self) -> None:
        """The rows that follow are handled in another call than those before."""
        self._keys_seen.clear()

    def id_of(self, row: Sequence[str]) -> str:
        """Return the id that a row was sent with; empty: none."""
        return row[self._id_place] if self._id_place is not None and self._id_place < len(row) else ""

    def is_binary(self, name: str) -> bool:
        """Whether a column of the upload holds files."""
        column = self._table.thing.columns.get(name.lower())
        return column is not None and self._table.thing.fields[column].type == "base64"

    def _cell(self, place: int, name: str) -> Cell | None:
        thing = self._table.thing
        if "." in name:
            return self._parent_cell(place, name)
        column = thing.columns.get(name.lower())
        if column is None:
            raise HeaderRefused(f"InvalidBatch : Field name not found : {name}")
        return Cell(place=place, column=column, field=thing.fields[column], read=reader(thing.fields[column]))

    def _parent_cell(self, place: int, name: str) -> Cell:
        """`Account.External_Id__c`, `Lead:Who.Email`: the parent is found by one of its external fields."""
        kind, _, path = name.rpartition(":")
        relationship, _, found_by = path.partition(".")
        thing = self._table.thing
        column = thing.parents.get(relationship.lower())
        field = thing.fields[column] if column is not None else None
        parent = self._org.table(kind or (field.to[0] if field else ""))
        at = parent.thing.columns.get(found_by.lower()) if parent else None
        if column is None or field is None or parent is None or at is None or not parent.thing.fields[at].external:
            raise HeaderRefused(f"InvalidBatch : Field name not found : {name}")
        return Cell(place=place, column=column, field=field, read=lambda text: _parent(parent, at, text))

    def _key_cell(self, key: str | None) -> Cell:
        cell = next((c for c in self._cells if c.field.name.lower() == (key or "").lower()), None)
        if cell is None:
            raise HeaderRefused(f"InvalidBatch : Field name not found : {key}")
        return cell

    def _apply(self, draft: Draft, row: Sequence[str], own: str | None) -> None:
        width = len(row)
        for cell in self._cells:
            if cell.place >= width or not (text := row[cell.place]):
                continue
            if not cell.field.writable:
                raise _read_only(cell.field)
            draft[cell.column] = None if text == NULL else cell.read(text)
        self._check_required(draft)
        self._check_unique(draft, own)

    def _check_required(self, draft: Draft) -> None:
        missing = [field.name for column, field in self._required if not draft[column]]
        if missing:
            names = ", ".join(missing)
            raise RowRefused("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{names}]", *missing)

    def _check_unique(self, draft: Draft, own: str | None) -> None:
        for column, field in self._unique:
            value = draft[column]
            for other in self._table.find(column, value) if value else ():
                if other != own:
                    text = f"duplicate value found: {field.name} duplicates value on record with id: {ids.full(other)}"
                    raise RowRefused("DUPLICATE_VALUE", text)

    def _insert(self, row: Sequence[str]) -> Outcome:
        if self.id_of(row):
            raise RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
        draft = self._blank.copy()
        self._apply(draft, row, None)
        self._org.born(draft, self._user)
        return self._table.add(draft), True

    def _update(self, row: Sequence[str]) -> Outcome:
        if not self.id_of(row):
            raise RowRefused("MISSING_ARGUMENT", "Id not specified in an update call")
        return self._changed(self._found(self.id_of(row)), row)

    def _changed(self, key: str, row: Sequence[str]) -> Outcome:
        draft = list(self._table.rows[key])
        self._apply(draft, row, key)
        self._org.touched(draft)
        self._table.replace(key, draft)
        return ids.full(key), False

    def _upsert(self, row: Sequence[str]) -> Outcome:
        if self._key is None:
            return self._update(row) if self.id_of(row) else self._insert(row)
        value, name = self._key_value(self._key, row), self._key.field.name
        if value.lower() in self._keys_seen:
            raise RowRefused("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", name)
        self._keys_seen.add(value.lower())
        found = self._table.find(self._key.column, value)
        if len(found) > 1:
            text = f"{name}: more than one record found for external id field: {[ids.full(key) for key in found]}"
            raise RowRefused("DUPLICATE_EXTERNAL_ID", text, name)
        return self._changed(found[0], row) if found else self._insert(row)

    def _key_value(self, cell: Cell, row: Sequence[str]) -> str:
        text = row[cell.place] if cell.place < len(row) else ""
        if not text or text == NULL:
            raise RowRefused("MISSING_ARGUMENT", f"{cell.field.name} not specified", cell.field.name)
        return cell.read(text)

    def _delete(self, row: Sequence[str]) -> Outcome:
        key = self._found(self.id_of(row))
        record = self._table.rows[key]
        self._table.remove(key, None if self._operation == "hardDelete" else self._org.binned(record))
        return ids.full(key), False

    def _found(self, text: str) -> str:
        key = ids.key_of(text)
        if key is None or not key.startswith(self._table.thing.prefix):
            raise RowRefused("MALFORMED_ID", f"malformed id {text}")
        if key in self._table.bin:
            raise RowRefused("ENTITY_IS_DELETED", "entity is deleted")
        if key not in self._table.rows:
            raise RowRefused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return key


def _check(header: Sequence[str], operation: str) -> None:
    names = [name.lower() for name in header]
    for place, name in enumerate(names):
        if not name or name in names[:place]:
            raise HeaderRefused(f"InvalidBatch : Field name not found : {header[place]}")
    if operation in REMOVALS and names != ["id"]:
        raise HeaderRefused(f"InvalidBatch : Only the field Id may be given for {operation}")
    if operation == "update" and "id" not in names:
        raise HeaderRefused("InvalidBatch : Field name not found : Id")


def _parent(parent: Table, column: int, text: str) -> str:
    found = parent.find(column, text)
    name, field = parent.thing.name, parent.thing.fields[column].name
    if not found:
        raise RowRefused(
            "INVALID_FIELD", f"Foreign key external ID: {text} not found for field {field} in entity {name}"
        )
    return ids.full(found[0])


def _read_only(field: Field) -> RowRefused:
    text = f"Unable to create/update fields: {field.name}. Please check the security settings of this field"
    return RowRefused("INVALID_FIELD_FOR_INSERT_UPDATE", text, field.name)
