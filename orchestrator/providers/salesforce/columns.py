"""Columns of an upload, held against what the org says of the object: spelled as it spells them, or refused by name.

A header in another letter case is taken, but known to come back with empty cells; so it is never sent.
https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/datafiles_csv_rel_field_header_row.htm
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.providers.salesforce.describe import described
from orchestrator.providers.salesforce.rows import LONGEST_HEADER, MOST_FIELDS, REMOVALS, flat, key_field
from orchestrator.providers.salesforce.wire import FieldInfo, ObjectInfo

NEAREST = 3


class Study:
    """The columns of one upload; what the org says of its object is asked for once."""

    def __init__(self, http: VendorClient, base: str, criteria: UploadCriteria) -> None:
        self._http = http
        self._base = base
        self._criteria = criteria
        self._about: ObjectInfo | None = None

    def check_header(self, header: Mapping[str, Any]) -> Sequence[str]:
        """Find what is wrong with the columns as they are. Makes no call; raises Invalid."""
        return check_header(self._criteria, [*flat(header)])

    def study(self, names: Sequence[str]) -> Mapping[str, str | Invalid]:
        """Hold fields against the object; what is deleted is known by its Id alone, and costs no call."""
        if self._criteria.operation in REMOVALS:
            return {name: name for name in names}
        if self._about is None:
            self._about = described(self._http, self._base, self._criteria.object_name)
        return study(self._criteria, self._about, names)


def check_header(criteria: UploadCriteria, names: Sequence[str]) -> Sequence[str]:
    """Return the fields that rows of a file with these columns send. Makes no call; raises Invalid."""
    length = sum(map(len, names)) + len(names) - 1
    if length > LONGEST_HEADER or len(names) > MOST_FIELDS:
        problem = f"the header has {len(names)} columns in {length} characters"
        advice = f"At most {MOST_FIELDS} in {LONGEST_HEADER}: map columns that are not needed to null."
        raise Invalid("file", problem, advice, code="bad_csv_header")
    by_case: dict[str, str] = {}
    for name in names:
        if (other := by_case.setdefault(name.casefold(), name)) != name:
            problem = f"the columns {other} and {name} are one field"
            raise Invalid("file", problem, "Leave one of them out, or map it to null.", code="bad_csv_header")
    key = key_field(criteria)
    if key is not None and key.casefold() not in by_case:
        advice = f"Each row that is to {criteria.operation} needs it." + _nearest(key, names)
        raise Invalid(key, "there is no such column", advice, code="missing_field")
    return () if criteria.operation in REMOVALS else names


def study(criteria: UploadCriteria, about: ObjectInfo, names: Iterable[str]) -> Mapping[str, str | Invalid]:
    """Return for each name the org's own spelling, or why a row may not have it. Raises Invalid for a wrong key."""
    fields = {field.name.casefold(): field for field in about.fields}
    parents = {field.relationship_name.casefold(): field for field in about.fields if field.relationship_name}
    key = key_field(criteria)
    if criteria.operation is Operation.UPSERT and key is not None:
        _check_key(key, fields)
    return {name: _studied(criteria, about, name, fields, parents) for name in names}


def _studied(
    criteria: UploadCriteria,
    about: ObjectInfo,
    name: str,
    fields: Mapping[str, FieldInfo],
    parents: Mapping[str, FieldInfo],
) -> str | Invalid:
    if "." in name:
        return _parents_field(about, name, parents)
    field = fields.get(name.casefold())
    if field is None:
        advice = f"Give columns the API names of fields, or map {name} to null." + _nearest(name, _names(about))
        return Invalid(name, f"{about.name} has no such field", advice, code="unknown_field")
    if not _may_write(criteria, field):
        problem = f"cannot be written by {criteria.operation}"
        return Invalid(name, problem, f"Map {name} to null, or leave its cells empty.", code="read_only_field")
    return field.name


def _parents_field(about: ObjectInfo, name: str, parents: Mapping[str, FieldInfo]) -> str | Invalid:
    """`ReportsTo.Email`, `Lead:Who.Email`: the parent's own fields are not asked for."""
    kind, colon, path = name.rpartition(":")
    relationship, _, rest = path.partition(".")
    found = parents.get(relationship.casefold())
    if found is None:
        known = [field.relationship_name or "" for field in parents.values()]
        advice = "Name a parent and a field of it that finds it, like Account.Code__c." + _nearest(relationship, known)
        return Invalid(name, f"{about.name} has no parent {relationship}", advice, code="unknown_field")
    return f"{kind}{colon}{found.relationship_name}.{rest}"


def _check_key(key: str, fields: Mapping[str, FieldInfo]) -> None:
    found = fields.get(key.casefold())
    if found is None or not (found.external_id or found.id_lookup):
        known = ", ".join(field.name for field in fields.values() if field.external_id or field.id_lookup)
        raise Invalid("externalIdField", f"{key} does not tell records apart", f"Fields that do are {known}.")


def _may_write(criteria: UploadCriteria, field: FieldInfo) -> bool:
    key = key_field(criteria)
    if key is not None and field.name.casefold() == key.casefold():
        return True
    match criteria.operation:
        case Operation.INSERT:
            return field.createable
        case Operation.UPDATE:
            return field.updateable
        case _:
            return field.createable or field.updateable


def _names(about: ObjectInfo) -> Iterator[str]:
    return (field.name for field in about.fields)


def _nearest(name: str, names: Iterable[str]) -> str:
    spellings = {each.casefold(): each for each in names}
    found = [spellings[each] for each in get_close_matches(name.casefold(), spellings, n=NEAREST, cutoff=0.5)]
    return f" The nearest are {', '.join(found)}." if found else ""
