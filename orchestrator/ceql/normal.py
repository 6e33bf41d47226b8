"""Filters rearranged without a change of meaning: negations moved inwards, the terms of one AND laid open."""

from collections.abc import Sequence

from orchestrator.ceql.tree import And, Comparison, Filter, Not, Or, Sign, all_of, any_of, below

OPPOSITE = {Sign.EQ: Sign.NE, Sign.NE: Sign.EQ}  # orders have none: without a value neither < nor >= is true


def terms(term: Filter) -> tuple[Filter, ...]:
    """Return what must all be true, each with its negations at the tests."""
    plain = _inwards(term, negated=False)
    return plain.terms if isinstance(plain, And) else (plain,)


def together(terms: Sequence[Filter]) -> Filter | None:
    """Return the filter that wants all the terms; None for no terms."""
    return all_of(terms) if terms else None


def fields_of(term: Filter) -> frozenset[str]:
    """Return the fields that a filter looks at."""
    inner = below(term)
    if inner:
        return frozenset().union(*map(fields_of, inner))
    return frozenset({term.field})  # type: ignore[union-attr]  # what has nothing below is a test


def _inwards(term: Filter, *, negated: bool) -> Filter:
    match term:
        case Not(term=inner):
            return _inwards(inner, negated=not negated)
        case And(terms=inner) | Or(terms=inner):
            parts = [_inwards(each, negated=negated) for each in inner]
            return all_of(parts) if isinstance(term, And) is not negated else any_of(parts)
        case Comparison(sign=Sign.EQ | Sign.NE) if negated:
            return Comparison(field=term.field, sign=OPPOSITE[term.sign], value=term.value)
        case _:
            return Not(term=term) if negated else term
