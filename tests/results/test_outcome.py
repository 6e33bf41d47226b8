"""The outcome of an upload in the order of the user's own file."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.job.chunk import Part, Stream
from orchestrator.results.fates import line_row, outcome_line
from orchestrator.results.objects import ObjectStore
from orchestrator.results.outcome import outcome_page, sort_outcome
from orchestrator.results.parts import PartBuffer


def store_outcome(objects, seq, rows, status="success") -> Part:
    buffer = PartBuffer()
    for row in rows:
        buffer.add(outcome_line(row, "error" if row % 3 == 0 else status, b'{"n":%d}' % row, None, b"{}"), 1)
    first = rows[0] if rows else None
    cut = buffer.cut(
        stream=Stream.OUTCOME, job_id=1, step_id=1, seq=seq, partition=0, epoch=1, restart=0, first_row=first
    )
    return cut.write(objects)


def rows_in(body: bytes) -> list[int]:
    return [line_row(line) for line in body.splitlines()]


@settings(max_examples=60)
@given(st.lists(st.integers(0, 4), max_size=60), st.randoms(use_true_random=False), st.integers(50, 2000))
def test_the_outcome_is_ordered_however_the_fates_came(parts_of_rows, shuffler, ready_at):
    objects = ObjectStore.open("memory://")
    by_part: list[list[int]] = [[] for _ in range(5)]
    for row, part in enumerate(parts_of_rows, 1):
        by_part[part].append(row)
    for rows in by_part:
        shuffler.shuffle(rows)
    parts = [store_outcome(objects, seq, rows) for seq, rows in enumerate(by_part)]

    bodies = list(sort_outcome(objects, parts, "jobs/1/r0/sort-s9-e1", ready_at))

    assert [row for body in bodies for row in rows_in(body.body)] == list(range(1, len(parts_of_rows) + 1))
    assert all(body.rows == len(rows_in(body.body)) and body.first_row == rows_in(body.body)[0] for body in bodies)
    assert {info.key for info in objects.list("jobs")} == {part.object_key for part in parts}


def test_sorting_twice_under_one_name_is_harmless_after_a_crash(memory):
    parts = [store_outcome(memory, 0, [3, 1, 2])]
    crashed = sort_outcome(memory, parts, "jobs/1/r0/sort", ready_at=10)
    next(crashed)
    crashed.close()

    bodies = list(sort_outcome(memory, parts, "jobs/1/r0/sort"))

    assert rows_in(bodies[0].body) == [1, 2, 3]


@pytest.fixture
def sorted_parts(memory):
    return [store_outcome(memory, seq, range(seq * 10 + 1, seq * 10 + 11)) for seq in range(3)]


@pytest.mark.parametrize("after", [0, 4, 10, 19, 29, 30])
def test_a_page_of_the_outcome_starts_after_any_row(memory, sorted_parts, after):
    page = outcome_page(memory, sorted_parts, after, 5)

    assert [line_row(line) for line in page] == list(range(after + 1, 31))[:5]


def test_a_page_of_the_outcome_opens_no_part_before_its_rows(memory, sorted_parts):
    memory.delete(sorted_parts[0].object_key)

    assert [line_row(line) for line in outcome_page(memory, sorted_parts, 10, 2)] == [11, 12]


def test_a_page_of_the_outcome_can_be_of_one_status(memory, sorted_parts):
    page = outcome_page(memory, sorted_parts, 5, 3, {"error"})

    assert [(json.loads(line)["id"], json.loads(line)["status"]) for line in page] == [
        (6, "error"),
        (9, "error"),
        (12, "error"),
    ]


def test_while_the_job_runs_a_page_is_still_by_rising_row(memory):
    rows = random.Random(2).sample(range(1, 31), 30)
    parts = [store_outcome(memory, 0, rows[:15]), store_outcome(memory, 1, rows[15:])]

    page = outcome_page(memory, parts, 3, 4, in_order=False)

    assert [line_row(line) for line in page] == [4, 5, 6, 7]
