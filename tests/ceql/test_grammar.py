"""Filters as text: read, refused, written."""

from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.ceql import And, BadFilter, Comparison, In, IsNull, Like, Not, Or, Sign, parse, render
from orchestrator.ceql.grammar import LONGEST
from orchestrator.ceql.tree import Filter
from tests.ceql.filters import FILTERS

A = Comparison(field="a", sign=Sign.EQ, value=1)
B = Comparison(field="b", sign=Sign.EQ, value="x")
C = IsNull(field="c")
SOUP = st.lists(
    st.sampled_from(["a", "b.c", "=", "!=", "<", "(", ")", ",", "AND", "or", "Not", "IN", "LIKE", "is", "NULL", "true",
                     "'x'", "'", "''", '"', "5", "-1.5e3", "2025-01-31", "9999-99-99", "`", " ", "\x00", "é"]),
    max_size=30,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a = 1", A),
        ("a<>1", Comparison(field="a", sign=Sign.NE, value=1)),
        ("a = 'O''Neil'", Comparison(field="a", sign=Sign.EQ, value="O'Neil")),
        ("a >= -1.5e3", Comparison(field="a", sign=Sign.GE, value=-1500.0)),
        ("a = TRUE", Comparison(field="a", sign=Sign.EQ, value=True)),
        ("a < 2025-01-31", Comparison(field="a", sign=Sign.LT, value=date(2025, 1, 31))),
        ("a > 2025-01-31T10:00:00+02:00",
         Comparison(field="a", sign=Sign.GT, value=datetime(2025, 1, 31, 8, tzinfo=UTC))),
        ("c = null", C),
        ("c is not null", Not(term=C)),
        ("c != NULL", Not(term=C)),
        ("a like 'x%'", Like(field="a", pattern="x%")),
        ("a NOT LIKE 'x%'", Not(term=Like(field="a", pattern="x%"))),
        ("a in (1, 'x')", In(field="a", values=(1, "x"))),
        ("a not in (1)", Not(term=In(field="a", values=(1,)))),
        ("a = 1 AND b = 'x' OR c IS NULL", Or(terms=(And(terms=(A, B)), C))),
        ("a = 1 AND (b = 'x' OR c IS NULL)", And(terms=(A, Or(terms=(B, C))))),
        ("a = 1 AND (b = 'x' AND c IS NULL)", And(terms=(A, B, C))),
        ("NOT a = 1 AND b = 'x'", And(terms=(Not(term=A), B))),
        ("android = 1", Comparison(field="android", sign=Sign.EQ, value=1)),
        ("Owner.Name = 'x'", Comparison(field="Owner.Name", sign=Sign.EQ, value="x")),
        ("`two words` = 1", Comparison(field="two words", sign=Sign.EQ, value=1)),
    ],
)  # fmt: skip
def test_a_filter_is_read_as_it_is_meant(text: str, meant: Filter) -> None:
    assert parse(text) == meant


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("", None, "holds nothing"),
        ("a", 2, "ends too early"),
        ("a = ", 5, "ends too early"),
        ("a == 1", 4, "'=' is not expected"),
        ('a = "x"', 5, "single quotes"),
        ("a = 'x", 5, "ends with a single quote"),
        ("a = 1 b = 2", 7, "Expected: AND, OR"),
        ("(a = 1", 7, "Expected: )"),
        ("a < null", 5, "IS NULL"),
        ("a > true", 5, "no order"),
        ("a in (null)", 7, "'null' is not expected"),
        ("a = 2025-02-30", 5, "is no date"),
        ("a = 1e999", 5, "too large"),
        ("a = " + "9" * 41, 5, "too large"),
        ("b" * 300 + " = 1", 1, "255 characters"),
        ("NOT " * 60 + "a = 1", None, "deeper than 50"),
        ("(a = 1 OR " * 3_000, None, "longer than 10,000"),
    ],
)
def test_a_bad_filter_is_refused_with_its_place_and_what_to_do(text: str, position: int | None, words: str) -> None:
    with pytest.raises(BadFilter) as refused:
        parse(text)

    assert (refused.value.code, refused.value.field) == ("invalid_filter", "where")
    assert refused.value.position == position
    assert words in str(refused.value)


@given(FILTERS)
def test_what_is_written_is_read_as_the_same_filter(term: Filter) -> None:
    assert parse(render(term)) == term


@given(st.one_of(st.text(max_size=40), SOUP.map(" ".join), SOUP.map("".join)))
@example("(" * LONGEST)
@example("not" * 3_000)
@example("a = 1 or (" * 900)
def test_whatever_is_sent_is_read_or_refused_and_nothing_else(text: str) -> None:
    with suppress(BadFilter):
        read = parse(text)

        assert parse(render(read)) == read


def test_parentheses_alone_may_be_as_deep_as_they_like() -> None:
    assert parse("(" * 4_000 + "a = 1" + ")" * 4_000) == A
