"""The vendor's fates tied to the user's rows."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.results.canonical import canonical_hash
from orchestrator.results.chunks import pack_rows
from orchestrator.results.ties import Tie, Ties, by_measure


def sidecar(records, first=1) -> bytes:
    return pack_rows([(row, canonical_hash(record)) for row, record in enumerate(records, first)])


def digests(*records) -> list[int]:
    return [canonical_hash(record) for record in records]


@given(st.lists(st.integers(0, 5)), st.randoms(use_true_random=False), st.integers(0, 100), st.integers(0, 40))
def test_every_row_gets_exactly_one_fate_in_any_order_through_any_crash(values, shuffler, crash_at, cut_at):
    records = [{"email": f"{value}@example.test", "n": value} for value in values]
    sidecars = [sidecar(records[:cut_at]), sidecar(records[cut_at:], first=cut_at + 1)]
    echoes = digests(*(json.dumps(record).encode() for record in records))
    shuffler.shuffle(echoes)
    before = Ties(sidecars)
    tied = [before.tie(echo) for echo in echoes[:crash_at]]

    after = Ties(sidecars, [tie.row for tie in tied if tie])
    tied += [after.tie(echo) for echo in echoes[crash_at:]]

    assert sorted(tie.row for tie in tied if tie) == list(range(1, len(records) + 1))
    assert all(canonical_hash(records[tie.row - 1]) == echo for echo, tie in zip(echoes, tied, strict=True) if tie)
    assert all(tie.is_shared == (values.count(values[tie.row - 1]) > 1) for tie in tied if tie)
    assert after.untied() == []


def test_identical_records_are_paired_in_the_order_they_were_sent_and_it_is_said():
    ties = Ties([sidecar([{"a": 1}, {"a": 2}, {"a": 1}, {"a": 1}])])
    (same, other) = digests(b'{"a": 1}', b'{"a": 2}')

    assert [ties.tie(same) for _ in range(4)] == [Tie(1, True), Tie(3, True), Tie(4, True), None]
    assert ties.untied() == [2]
    assert ties.tie(other) == Tie(2, False)


@pytest.mark.parametrize("echo", [b'{"a": 3}', b"[]"])
def test_a_record_that_was_never_sent_ties_to_nothing(echo):
    ties = Ties([sidecar([{"a": 1}]), sidecar([])])

    assert ties.tie(canonical_hash(echo)) is None
    assert ties.untied() == [1]


def test_a_row_is_tied_once_whatever_it_is_known_by():
    ties = Ties([sidecar([{"a": 1}, {"a": 2}])])
    by_name = by_measure([(1, 77), (2, 77)])

    assert ties.tie(canonical_hash({"a": 1})) == Tie(1, False)
    assert [ties.tie(77, by_name), ties.tie(77, by_name)] == [Tie(2, True), None]


def test_a_million_rows_that_look_the_same_are_tied_in_their_order():
    ties = Ties([pack_rows([(row, 5) for row in range(1, 1_000_001)])], tied=range(1, 900_001))

    assert [tie.row for _ in range(100_000) if (tie := ties.tie(5))] == list(range(900_001, 1_000_001))
    assert ties.untied() == []


def test_a_million_rows_wait_for_their_fates_in_twenty_megabytes(at_most):
    packed = pack_rows([(row, row * 0x9E3779B97F4A7C15 % 2**64) for row in range(1, 1_000_001)])

    with at_most(20):
        ties = Ties([packed], tied=range(1, 500_001))
        tied = sum(1 for row in range(500_001, 1_000_001, 100) if ties.tie(row * 0x9E3779B97F4A7C15 % 2**64))

    assert tied == 5_000
