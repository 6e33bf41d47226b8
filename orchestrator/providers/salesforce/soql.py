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
BRACKETS = re.compile(r"\([^()]*\)")
KEY = re.compile(r"[A-Za-z0-9]{15}([A-Za-z0-9]{3})?", re.ASCII)
CLAUSE = re.compile(r"\b(with|group\s+by|having|limit|offset|order\s+by)\b", re.I)
IN_ORDER = re.compile(
    r"\s*select\s+(?P<columns>[\w\s.,]+?)\s+from\s+\w+(\s+where\s+(?P<where>.+?))?(?P<order>\s+order\s+by\s+id(\s+asc)?)",
    re.I | re.S | re.ASCII,
)
SELECTED = re.compile(r"^\s*select\b(.*?)\bfrom\b", re.I | re.S)
REFUSED: Mapping[str, str] = {
    "GROUP BY": r"\bgroup\s+by\b",
    "OFFSET": r"\boffset\s+\d",
    "TYPEOF": r"\btypeof\b",
    "aggregate functions": r"\b(count|sum|avg|min|max|count_distinct)\s*\(",
    "FIELDS(ALL)": r"\bfields\s*\(",
    "subqueries of children": r"^\s*select\b[^']*\(\s*select\b.*\)\s*(,|from\b)",
}
COMPOUND = frozenset({"address", "location"})  # refused by Bulk; their parts are fields of their own
DATES = frozenset({"date", "datetime"})
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
    """Return the object that a query reads. Raises Invalid where it is no SELECT."""
    found = FROM.match(_veiled(soql))
    if found is None:
        raise Invalid("soql", "is no query", "Like SELECT Id, Name FROM Account.")
    return found[1]


def not_in_bulk(soql: str) -> str | None:
    """Return what a query has that no bulk query can have; None: nothing that can be told from its text."""
    plain = TEXTS.sub("''", soql)
    return next((what for what, pattern in REFUSED.items() if re.search(pattern, plain, re.I | re.S)), None)


def columns(soql: str) -> Sequence[str]:
    """Return the names that a query selects; () where it selects anything else than fields."""
    found = SELECTED.match(_veiled(soql))
    names = [name.strip() for name in found[1].split(",")] if found else []
    return names if all(FIELD.fullmatch(name) for name in names) else ()


def selects_id(criteria: DownloadCriteria) -> bool:
    """Whether the criteria without SOQL select the id."""
    return criteria.select_fields is None or "id" in [name.casefold() for name in criteria.select_fields]


def behind(soql: str, key: str) -> str | None:
    """Return the query of what comes behind an id; None where the query is not in the order of ids, which it selects.

    A LIMIT, an OFFSET, an alias, a WITH: then it is not known what is left.
    """
    found = IN_ORDER.fullmatch(_veiled(soql))
    if found is None or not KEY.fullmatch(key) or CLAUSE.search(found["where"] or ""):
        return None
    if "id" not in [name.strip().casefold() for name in found["columns"].split(",")]:
        return None
    text, more = soql.rstrip(), f"Id > '{key}'"
    if found["where"] is None:
        at = found.start("order")
        return f"{text[:at]} WHERE {more}{text[at:]}"
    start, end = found.span("where")
    return f"{text[:start]}({text[start:end]}) AND {more}{text[end:]}"


def is_in_order(soql: str | None) -> bool:
    """Whether `behind` knows how the query goes on."""
    return soql is not None and behind(soql, "0" * 15) is not None


def _veiled(soql: str) -> str:
    """Return the query, as long as it was, without what its texts and brackets hold."""
    text = TEXTS.sub(lambda found: "'" * len(found[0]), soql.rstrip())
    while (next_ := BRACKETS.sub(lambda found: "." * len(found[0]), text)) != text:
        text = next_
    return text


def needs_fields(criteria: DownloadCriteria) -> bool:
    """Whether the query is to be written, which needs a look at the object's fields."""
    return criteria.soql is None


def written(
    criteria: DownloadCriteria,
    types: Mapping[str, str],
    terms: Sequence[str] = (),
    fields_here: Sequence[str] = (),
    *,
    in_order: bool = False,
) -> str:
    """Return the query that the criteria ask for; `types` has the type of each field, where `needs_fields`.

    `terms` are conditions besides the dates. `fields_here` are read too, for a filter that is applied here; the limit
    is then none of the query's.

    Raises Invalid where the date to filter by is none.
    """
    if criteria.soql is not None:
        return criteria.soql
    names = criteria.select_fields or [name for name, kind in types.items() if kind not in UNREADABLE]
    asked = {name.casefold() for name in names}
    names = [*names, *(name for name in fields_here if name.casefold() not in asked)]
    where = [*_bounds(criteria, types), *terms]
    text = f"SELECT {', '.join(names)} FROM {criteria.object_name}"  # noqa: S608 - names are checked, values escaped
    text += f" WHERE {' AND '.join(where)}" if where else ""
    text += " ORDER BY Id" if in_order and selects_id(criteria) else ""
    return text + (f" LIMIT {criteria.limit}" if criteria.limit is not None and not fields_here else "")


def _bounds(criteria: DownloadCriteria, types: Mapping[str, str]) -> Sequence[str]:
    name = criteria.filter_date_field
    if name is None:
        return ()
    kind = {field.casefold(): kind for field, kind in types.items()}.get(name.casefold(), "datetime")
    if kind not in DATES and "." not in name:
        raise Invalid("filterDateField", f"{name} is no date but a {kind}", "Like CreatedDate or SystemModstamp.")
    is_date = kind == "date"
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
