"""Some rows of a file, by number."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as some

from orchestrator.results.inputs.reader import open_input
from orchestrator.results.inputs.selection import (
    TO_THE_END,
    SelectedRows,
    ranges_of,
    read_selection,
    without,
    write_selection,
)
from orchestrator.results.objects import ObjectStore

rows = some.sets(some.integers(1, 40))


def ranges(numbers: set[int]) -> list[tuple[int, int]]:
    return list(ranges_of((row, row) for row in sorted(numbers)))


def numbers(found: list[tuple[int, int]]) -> list[int]:
    return [row for first, last in found for row in range(first, last + 1)]


@given(wanted=rows, taken=rows)
def test_what_is_taken_is_no_longer_wanted(wanted: set[int], taken: set[int]):
    left = list(without(ranges(wanted), ranges(taken)))

    assert numbers(left) == sorted(wanted - taken)


@given(first=rows, second=rows)
def test_ranges_together_name_each_row_once_and_are_as_few_as_can_be(first: set[int], second: set[int]):
    together = list(ranges_of(ranges(first), ranges(second)))

    assert numbers(together) == sorted(first | second)
    assert all(low > high + 1 for (_, high), (low, _) in pairwise(together))


def test_a_selection_is_an_object_and_nothing_is_written_for_none():
    objects = ObjectStore.open("memory://")
    many = [(row, row + 1) for row in range(1, 200_000, 3)]

    some_written = write_selection(objects, "s", [*many, (900_000, TO_THE_END)])
    none_written = write_selection(objects, "n", [])

    assert list(read_selection(objects, "s")) == [*many, (900_000, TO_THE_END)]
    assert (some_written, none_written, objects.exists("n")) == (True, False, False)


def test_selected_rows_keep_their_numbers_also_from_the_middle_on():
    objects = ObjectStore.open("memory://")
    objects.put_new("f", b"n\n" + b"".join(b"%d\n" % n for n in range(1, 11)))
    write_selection(objects, "s", [(2, 3), (7, 7), (9, TO_THE_END)])
    reader = SelectedRows(open_input(objects, "f", "csv"), objects, "s")

    found = list(reader.rows())
    rest = list(reader.rows(found[1].offset_after, found[1].number))

    assert [row.number for row in found] == [2, 3, 7, 9, 10]
    assert [row.values for row in rest] == [{"n": "7"}, {"n": "9"}, {"n": "10"}]
