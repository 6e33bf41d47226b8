"""What a filter says of a record."""

from typing import Any

import pytest
from hypothesis import given

from orchestrator.ceql import And, Not, Or, parse, predicate, terms, together
from orchestrator.ceql.normal import fields_of
from orchestrator.ceql.tree import Filter, all_of, any_of
from tests.ceql.filters import FILTERS, RECORDS

DAY, EVENING = "2025-01-31", "2025-01-31T22:30:00.000+0000"


@pytest.mark.parametrize(
    ("text", "value", "fits"),
    [
        ("a = 1", 1, True),
        ("a = 1", 1.0, True),
        ("a = 1", "1", True),
        ("a = 1", "01.0", True),
        ("a = 1", "one", False),
        ("a = 1", True, False),
        ("a = '1'", 1, True),
        ("a > 9", "10", True),
        ("a > '9'", 10, True),
        ("a = 'Open'", "oPEN", True),
        ("a < 'b'", "A", True),
        ("a = true", True, True),
        ("a = true", "TRUE", True),
        ("a = 'false'", False, True),
        ("a != true", None, True),
        ("a = null", None, True),
        ("a != 1", None, True),
        ("a < 1", None, False),
        ("NOT a < 1", None, True),
        ("a = ''", None, False),
        ("a = ''", "", True),
        ("a IN (1, 'x')", "X", True),
        ("a NOT IN (1, 'x')", None, True),
        ("a LIKE 'x%'", "Xylophone", True),
        ("a LIKE '_y%e'", "Xylophone", True),
        ("a LIKE '%y%y%'", "Xylophone", False),
        ("a LIKE '100\\%'", "100%", True),
        ("a LIKE '100\\%'", "1000", False),
        ("a LIKE '12%'", 123, True),
        ("a LIKE 'a%a'", "a", False),
        ("a LIKE '%'", None, False),
        ("a LIKE 'two%'", "two\nlines", True),
        (f"a = {DAY}", EVENING, True),
        (f"a <= {DAY}", EVENING, True),
        (f"a > {DAY}", EVENING, False),
        (f"a >= '{DAY}'", EVENING, True),
        (f"a < {DAY}T22:00:00-01:00", EVENING, True),
        (f"a = {DAY}", "yesterday", False),
        (f"a = {DAY}", 20250131, False),
        ("a = 'x'", ["y", "X"], True),
        ("a != 'x'", ["y", "X"], False),
        ("a = 'x'", {"x": 1}, False),
        ("a.b = 1", {"b": 1}, True),
        ("a.b = 1", [{"b": 2}, {"b": 1}, 3], True),
        ("a.b IS NULL", {"c": 1}, True),
        ("a.b IS NULL", "text", True),
    ],
)
def test_a_value_fits_or_does_not(text: str, value: Any, fits: bool) -> None:
    assert predicate(parse(text))({"a": value}) is fits


def test_a_field_whose_own_name_has_a_dot_comes_first() -> None:
    fits = predicate(parse("Owner.Name = 'Cas'"))

    assert fits({"Owner.Name": "Cas", "Owner": {"Name": "Col"}})


def test_an_absent_field_is_null() -> None:
    assert predicate(parse("a IS NULL AND NOT a = 1"))({})


def test_a_pattern_of_a_thousand_wildcards_is_matched_in_a_moment() -> None:
    fits = predicate(parse(f"a LIKE '{'%a' * 2_000}b'"))

    assert not fits({"a": "a" * 5_000})


@given(FILTERS, RECORDS)
def test_not_is_the_exact_opposite(term: Filter, record: dict[str, Any]) -> None:
    fits = predicate(term)

    assert predicate(Not(term=term))(record) is not fits(record)


@given(FILTERS, FILTERS, RECORDS)
def test_and_and_or_are_what_de_morgan_says(one: Filter, other: Filter, record: dict[str, Any]) -> None:
    both = predicate(Not(term=all_of([one, other])))
    either = predicate(any_of([Not(term=one), Not(term=other)]))

    assert both(record) is either(record)
    assert predicate(all_of([one, other]))(record) is (predicate(one)(record) and predicate(other)(record))


@given(FILTERS, RECORDS)
def test_the_terms_of_a_filter_mean_together_what_it_means(term: Filter, record: dict[str, Any]) -> None:
    parts = terms(term)
    whole = together(parts)

    assert whole is not None
    assert predicate(whole)(record) is predicate(term)(record)
    assert not any(isinstance(part, Not) and isinstance(part.term, And | Or | Not) for part in parts)
    assert fields_of(whole) == fields_of(term)
