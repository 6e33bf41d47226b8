"""A job's `where` as conditions of SOQL, term by term, each literal as its field's type wants it.

A term that SOQL cannot say exactly (a field that it does not filter, a text compared with a number) is applied here.
Records without a value are told apart by `= null`, so that nothing depends on what SOQL makes of null elsewhere.

https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_comparisonoperators.htm
https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql_select_quotedstringescapes.htm
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from orchestrator import ceql
from orchestrator.ceql import And, Comparison, Filter, In, IsNull, Like, Not, Or, Sign
from orchestrator.job.errors import Invalid
from orchestrator.providers.pushdown import Parted, parted
from orchestrator.providers.salesforce.literals import NULL, between, equal, like, literal
from orchestrator.providers.salesforce.soql import COMPOUND, FIELD
from orchestrator.providers.salesforce.wire import FieldInfo

NO_LIKE = frozenset({"id", "reference", "multipicklist"})
NO_ORDER = NO_LIKE | {"boolean"}
OPPOSITE = {Sign.LT: Sign.GE, Sign.LE: Sign.GT, Sign.GT: Sign.LE, Sign.GE: Sign.LT}


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a filter becomes: conditions of the query, and what is left for us."""

    soql: Sequence[str] = ()
    parted: Parted

    @property
    def fields_here(self) -> Sequence[str]:
        """The fields that must be read because the filter looks at them here."""
        here = ceql.together(self.parted.here)
        return () if here is None else sorted(ceql.fields_of(here))


def conditions(where: str | None, object_name: str, fields: Sequence[FieldInfo]) -> Conditions:
    """Return the conditions of a filter, in the org's own spelling. Raises Invalid for a field that cannot be had."""
    if where is None:
        return Conditions(parted=Parted())
    known, said = _Known(object_name, fields), list[str]()

    def push(term: Filter) -> bool:
        text = _said(term, known.kind)
        if text is not None:
            said.append(text)
        return text is not None

    spelled = ceql.render(known.spelled(ceql.parse(where)))
    return Conditions(parted=parted(spelled, push), soql=said)


class _Known:
    """The fields of an object, whatever the case they are written in."""

    def __init__(self, object_name: str, fields: Sequence[FieldInfo]) -> None:
        self._object_name = object_name
        self._fields = {field.name.casefold(): field for field in fields}

    def kind(self, name: str) -> str | None:
        """Return a field's type; empty for one of a parent, which nobody described; None: it cannot be filtered."""
        field = self._fields.get(name.casefold())
        if field is None:
            return ""
        return field.type if field.filterable else None

    def spelled(self, term: Filter) -> Filter:
        """Return the filter with the fields' own spelling."""
        match term:
            case And(terms=terms):
                return And(terms=tuple(map(self.spelled, terms)))
            case Or(terms=terms):
                return Or(terms=tuple(map(self.spelled, terms)))
            case Not(term=inner):
                return Not(term=self.spelled(inner))
            case _:
                return replace(term, field=self._name(term.field))

    def _name(self, name: str) -> str:
        field = self._fields.get(name.casefold())
        if field is not None and field.type not in COMPOUND | {"base64"}:
            return field.name
        if field is None and "." in name and FIELD.fullmatch(name):
            return name
        if field is not None:
            advice = "Filter by its parts, which are fields of their own." if field.type in COMPOUND else ""
            raise Invalid("where", f"{field.name} cannot be filtered", advice, code="invalid_filter")
        near = get_close_matches(name.casefold(), self._fields, n=3, cutoff=0.5)
        advice = f"The nearest are {', '.join(self._fields[each].name for each in near)}." if near else ""
        raise Invalid("where", f"{self._object_name} has no field {name!r}", advice, code="invalid_filter")


def _said(term: Filter, kind_of: Callable[[str], str | None]) -> str | None:
    match term:
        case And(terms=terms):
            return _joined(" AND ", [_said(each, kind_of) for each in terms])
        case Or(terms=terms):
            return _joined(" OR ", [_said(each, kind_of) for each in terms])
        case Not(term=Comparison() | Like() | In() | IsNull() as test):
            return _test(test, kind_of(test.field), opposite=True)
        case Not():
            return None  # negations stand at the tests alone
        case test:
            return _test(test, kind_of(test.field), opposite=False)


def _joined(word: str, parts: Sequence[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return f"({word.join(known)})" if len(known) == len(parts) else None


def _test(test: ceql.Test, kind: str | None, *, opposite: bool) -> str | None:
    name = test.field
    if kind is None:
        return None
    match test:
        case IsNull():
            return f"{name} {'!=' if opposite else '='} {NULL}"
        case Like(pattern=pattern):
            text = None if kind in NO_LIKE else like(pattern, kind)
            return _or_null(text and f"NOT {name} LIKE {text}") if opposite else text and f"{name} LIKE {text}"
        case In(values=values):
            return _any_of(name, values, kind, opposite=opposite)
        case Comparison(sign=Sign.EQ | Sign.NE, value=value):
            return _any_of(name, (value,), kind, opposite=opposite is not (test.sign is Sign.NE))
        case Comparison(sign=sign, value=value):
            text = None if kind in NO_ORDER else literal(value, kind, OPPOSITE[sign] if opposite else sign)
            sign = OPPOSITE[sign] if opposite else sign
            text = text and f"{name} {sign} {text}"
            return _or_null(text) if opposite else text


def _any_of(name: str, values: Sequence[ceql.Value], kind: str, *, opposite: bool) -> str | None:
    if len(values) == 1 and values[0] == "":  # a text without characters is null at Salesforce
        return f"{name} {'!=' if opposite else '='} {NULL}"
    days = [between(value, kind) for value in values]
    if any(day is not None for day in days):
        return _on_days(name, values, kind, opposite=opposite)
    texts = [equal(value, kind) for value in values]
    if None in texts:
        return None
    if len(texts) == 1:
        return _or_null(f"{name} != {texts[0]}") if opposite else f"{name} = {texts[0]}"
    listed = ", ".join(text for text in texts if text is not None)
    return _or_null(f"{name} NOT IN ({listed})") if opposite else f"{name} IN ({listed})"


def _on_days(name: str, values: Sequence[ceql.Value], kind: str, *, opposite: bool) -> str | None:
    if len(values) > 1:
        each = [_any_of(name, (value,), kind, opposite=opposite) for value in values]
        return _joined(" AND " if opposite else " OR ", each)
    found = between(values[0], kind)
    assert found is not None
    if opposite:
        return f"({name} < {found[0]} OR {name} > {found[1]} OR {name} = {NULL})"
    return f"({name} >= {found[0]} AND {name} <= {found[1]})"


def _or_null(condition: str | None) -> str | None:
    """A negation is true of records without a value, whatever SOQL says of them."""
    if condition is None:
        return None
    name = condition.removeprefix("NOT ").partition(" ")[0]
    plain = f"(NOT {condition.removeprefix('NOT ')})" if condition.startswith("NOT ") else condition
    return f"({plain} OR {name} = {NULL})"
