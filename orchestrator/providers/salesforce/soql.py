"""Criteria as SOQL, and what a Bulk query cannot be.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/queries.htm
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.errors import Invalid

OBJECT = re.compile(r"[A-Za-z]\w*", re.ASCII)
FIELD = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)
TEXTS = re.compile(r"'(?:\\.|[^'\\])*'")
FROM = re.compile(r"^\s*select\b.*?\bfrom\s+([A-Za-z]\w*)", re.I | re.S | re.ASCII)
REFUSED: Mapping[str, str] = {
    "GROUP BY": r"\bgroup\s+by\b",
    "OFFSET": r"\boffset\s+\d",
    "TYPEOF": r"\btypeof\b",
    "aggregate functions": r"\b(count|sum|avg|min|max|count_distinct)\s*\(",
    "FIELDS(ALL)": r"\bfields\s*\(",
    "subqueries of children": r"^\s*select\b[^']*\(\s*select\b.*\)\s*(,|from\b)",
}
COMPOUND = frozenset({"address", "location"})  # refused by Bulk; their parts are fields of their own
UNREADABLE = COMPOUND | {"base64"}


def check_object(name: str) -> str:
    """Return an object's name; raises Invalid where it can be none."""
    if not OBJECT.fullmatch(name):
        raise Invalid("objectName", f"{name!r} is no API name of an object", "Like Account or Depot__c.")
    return name


def check_field(name: str, field: str) -> None:
    """Raise Invalid (`field`) where the name can be no field's."""
    if not FIELD.fullmatch(name):
        raise Invalid(field, f"{name!r} is no API name of a field", "Like Name, Owner.Email or Size__c.")


def object_of(soql: str) -> str:
    """Return the object that a query reads. Raises Invalid where it is no SELECT, or none that Bulk runs."""
    plain = TEXTS.sub("''", soql)
    found = FROM.match(plain)
    for what, pattern in REFUSED.items():
        if re.search(pattern, plain, re.I | re.S):
            raise Invalid("soql", f"a bulk query has no {what}", "Ask for plain records, and count or group them here.")
    if found is None:
        raise Invalid("soql", "is no query", "Like SELECT Id, Name FROM Account.")
    return found[1]


def needs_fields(criteria: DownloadCriteria) -> bool:
    """Whether the query can be written only with a look at the object's fields."""
    if criteria.soql is not None:
        return False
    return criteria.select_fields is None or criteria.filter_date_field is not None or criteria.where is not None


def written(
    criteria: DownloadCriteria, types: Mapping[str, str], terms: Sequence[str] = (), fields_here: Sequence[str] = ()
) -> str:
    """Return the query that the criteria ask for; `types` has the type of each field, where `needs_fields`.

    `terms` are conditions besides the dates. `fields_here` are read too, for a filter that is applied here; the limit
    is then none of the query's.

    Raises Invalid where a named field does not exist.
    """
    if criteria.soql is not None:
        return criteria.soql
    names = criteria.select_fields or [name for name, kind in types.items() if kind not in UNREADABLE]
    asked = {name.casefold() for name in names}
    names = [*names, *(name for name in fields_here if name.casefold() not in asked)]
    where = [*_bounds(criteria, types), *terms]
    text = f"SELECT {', '.join(names)} FROM {criteria.object_name}"  # noqa: S608 - names are checked, values escaped
    text += f" WHERE {' AND '.join(where)}" if where else ""
    return text + (f" LIMIT {criteria.limit}" if criteria.limit is not None and not fields_here else "")


def _bounds(criteria: DownloadCriteria, types: Mapping[str, str]) -> Sequence[str]:
    name = criteria.filter_date_field
    if name is None:
        return ()
    is_date = types.get(name) == "date"
    bounds = ((">=", criteria.from_, True), ("<=", criteria.to, False))
    return [f"{name} {sign} {_literal(at, is_date, up=up)}" for sign, at, up in bounds if at is not None]


def _literal(moment: datetime, is_date: bool, *, up: bool) -> str:
    """Write a moment as SOQL does: dates have no time, times no more than milliseconds."""
    utc = moment.astimezone(UTC)
    if is_date:
        return utc.date().isoformat()
    if up and utc.microsecond % 1000:
        utc += timedelta(milliseconds=1)
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")
