"""Rows of one group go into one chunk, as far as a window reaches."""

import msgspec
import pytest

from orchestrator.results import grouping
from orchestrator.results.chunks import CutChunk, unpack_rows
from orchestrator.results.grouping import GroupCutter


def cut(rows: list[str | None], *, most: int = 10, size: int = 1_000_000) -> list[CutChunk]:
    """Cut rows that have these parents."""
    cutter = GroupCutter(most, size, "parentid")
    cuts = [chunk for n, parent in enumerate(rows, 1) for chunk in cutter.add(n, {"N": n, "ParentId": parent})]
    return [*cuts, *cutter.flush()]


def numbers(chunk: CutChunk) -> list[int]:
    """Return the source rows of a chunk, in order, as its records and its rows object tell alike."""
    told = [row for row, _ in unpack_rows(chunk.rows_object)]
    assert told == [record["N"] for record in msgspec.json.decode(chunk.body)]
    return told


def chunks_of(cuts: list[CutChunk], rows: list[str | None]) -> dict[str | None, int]:
    """Return in how many chunks each parent is."""
    return {
        parent: sum(any(rows[n - 1] == parent for n in numbers(chunk)) for chunk in cuts)
        for parent in dict.fromkeys(rows)
    }


def test_rows_of_one_parent_go_into_one_chunk_wherever_they_stand_in_the_file() -> None:
    rows: list[str | None] = [f"P{n % 7}" for n in range(40)]

    cuts = cut(rows)

    assert chunks_of(cuts, rows) == {f"P{n}": 1 for n in range(7)}
    assert sorted(n for chunk in cuts for n in numbers(chunk)) == list(range(1, 41))
    assert all(chunk.rows <= 10 for chunk in cuts)


def test_small_groups_share_a_chunk() -> None:
    cuts = cut(["A", "B", "C", "A", "B", "C", None, None, "", "D"])

    assert [numbers(chunk) for chunk in cuts] == [list(range(1, 11))]


def test_a_group_larger_than_a_chunk_takes_as_few_as_it_can() -> None:
    rows: list[str | None] = ["A"] * 25 + ["B"] * 5

    cuts = cut(rows)

    assert chunks_of(cuts, rows) == {"A": 3, "B": 1}
    assert len(cuts) == 3


def test_no_chunk_is_larger_than_a_request_may_be() -> None:
    rows: list[str | None] = [f"P{n % 3}" for n in range(60)]

    cuts = cut(rows, most=1000, size=300)

    assert max(len(chunk.body) for chunk in cuts) <= 300
    assert sorted(n for chunk in cuts for n in numbers(chunk)) == list(range(1, 61))


def test_rows_without_a_parent_are_spread_as_they_come() -> None:
    assert len(cut([None] * 30)) == 3


def test_a_window_that_is_full_is_cut_so_that_memory_stays_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "WINDOW_ROWS", 20)
    rows: list[str | None] = [f"P{n % 4}" for n in range(40)]

    cuts = cut(rows)

    assert chunks_of(cuts, rows) == {f"P{n}": 2 for n in range(4)}
