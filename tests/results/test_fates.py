"""The vendor's fates tied to the user's rows."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.results.canonical import canonical_hash
from orchestrator.results.fates import Ties, outcome_line, tied_rows


def rows_of(records) -> list[tuple[int, int]]:
    return [(row, canonical_hash(record)) for row, record in enumerate(records, 1)]


@given(st.lists(st.integers(0, 5)), st.randoms(use_true_random=False), st.integers(0, 100))
def test_every_row_gets_exactly_one_fate_in_any_order_through_any_crash(values, shuffler, crash_at):
    records = [{"email": f"{value}@example.test", "n": value} for value in values]
    echoes = [json.dumps(record).encode() for record in records]
    shuffler.shuffle(echoes)
    before = Ties(rows_of(records))
    tied = [before.tie(echo) for echo in echoes[:crash_at]]

    after = Ties(rows_of(records), tied=tied)
    tied += [after.tie(echo) for echo in echoes[crash_at:]]

    assert sorted(tied) == list(range(1, len(records) + 1))
    assert all(json.loads(echo) == records[row - 1] for echo, row in zip(echoes, tied, strict=True))
    assert after.untied() == []


def test_identical_records_are_paired_in_the_order_they_were_sent():
    ties = Ties(rows_of([{"a": 1}, {"a": 2}, {"a": 1}, {"a": 1}]))

    assert [ties.tie(b'{"a": 1}') for _ in range(4)] == [1, 3, 4, None]
    assert ties.untied() == [2]


@pytest.mark.parametrize("echo", [b'{"a": 3}', b"not json", b"[]", b""])
def test_a_record_that_was_never_sent_ties_to_nothing(echo):
    ties = Ties(rows_of([{"a": 1}]))

    assert ties.tie(echo) is None
    assert ties.untied() == [1]


def test_a_million_rows_are_tied():
    rows = [(row, row * 0x9E3779B97F4A7C15 % 2**64) for row in range(1, 1_000_001)]

    ties = Ties(rows, tied=range(1, 999_999))

    assert ties.untied() == [999_999, 1_000_000]


def test_an_outcome_line_carries_the_vendors_json_unchanged():
    line = outcome_line(7, "error", b'{"price": 1.10}', 'no "email"', b'{"id":\n 3}')

    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert b'"record": {"price": 1.10}' in line
    assert json.loads(line) == {
        "id": 7,
        "status": "error",
        "record": {"price": 1.10},
        "error": 'no "email"',
        "resource": {"id": 3},
    }


def test_tied_rows_are_read_back_from_the_outcome(memory, a_part):
    rows = random.Random(1).sample(range(1, 1000), 50)
    part = a_part(*(outcome_line(row, "success", b"{}", None, b"{}").rstrip() for row in rows))

    assert list(tied_rows(memory, [part])) == rows
