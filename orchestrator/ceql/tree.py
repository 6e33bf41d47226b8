"""A filter as a value."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sign(StrEnum):
    """How a field is compared with one value."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


Value = str | bool | int | float | date  # a datetime is a date too: aware, in UTC; a bare date is its whole day


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A field and one value; a path's parts stand with dots between them."""

    field: str
    sign: Sign
    value: Value


@dataclass(frozen=True, kw_only=True)
class Like:
    """A field's text and a pattern: `%` is any text, `_` any character, a backslash takes their meaning away."""

    field: str
    pattern: str


@dataclass(frozen=True, kw_only=True)
class In:
    """A field and several values, any of which it may equal."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, kw_only=True)
class IsNull:
    """A field without a value, or absent."""

    field: str


@dataclass(frozen=True, kw_only=True)
class Not:
    """The opposite."""

    term: "Filter"


@dataclass(frozen=True, kw_only=True)
class And:
    """All of several; no term is an And itself."""

    terms: tuple["Filter", ...]


@dataclass(frozen=True, kw_only=True)
class Or:
    """Any of several; no term is an Or itself."""

    terms: tuple["Filter", ...]


Test = Comparison | Like | In | IsNull
Filter = Test | Not | And | Or


def all_of(terms: Iterable[Filter]) -> Filter:
    """Return the filter that wants all of at least one term."""
    flat = tuple(each for term in terms for each in (term.terms if isinstance(term, And) else (term,)))
    return flat[0] if len(flat) == 1 else And(terms=flat)


def any_of(terms: Iterable[Filter]) -> Filter:
    """Return the filter that wants any of at least one term."""
    flat = tuple(each for term in terms for each in (term.terms if isinstance(term, Or) else (term,)))
    return flat[0] if len(flat) == 1 else Or(terms=flat)


def below(term: Filter) -> tuple[Filter, ...]:
    """Return the filters that a filter is made of; none for a test."""
    match term:
        case And(terms=terms) | Or(terms=terms):
            return terms
        case Not(term=inner):
            return (inner,)
        case _:
            return ()


def depth(term: Filter) -> int:
    """Return how many levels a filter has; takes no stack, however deep it is."""
    levels, level = 0, [term]
    while level:
        levels += 1
        level = [each for node in level for each in below(node)]
    return levels
