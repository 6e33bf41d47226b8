"""The manifest read as one file."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.results.errors import Damaged
from orchestrator.results.lines import lines, whole_lines
from orchestrator.results.manifest import (
    count,
    merged,
    ordered,
    page,
    settled,
    stream_range,
    stream_records,
    total_bytes,
)


@pytest.fixture
def parts(a_part):
    return [
        a_part(b'{"n":1}', b'{"n":2}', partition=0, seq=0),
        a_part(b'{"n":3}', partition=0, seq=1),
        a_part(b'{"n":4}', b'{"n":5}', b'{"n":6}', partition=2**32, seq=0, step_id=2),
    ]


def test_parts_are_one_file_in_order(memory, parts):
    body = b"".join(stream_records(memory, parts))

    assert body == b"".join(b'{"n":%d}\n' % n for n in range(1, 7))
    assert (count(parts), total_bytes(parts)) == (6, len(body))


def test_order_is_partition_then_position(parts):
    assert ordered(reversed(parts)) == parts


@pytest.mark.parametrize("lie", [{"bytes": 99}, {"crc32": 1}])
def test_a_part_that_is_not_as_listed_is_damaged(memory, parts, lie):
    parts[1] = replace(parts[1], **lie)

    with pytest.raises(Damaged):
        list(stream_records(memory, parts))


@pytest.mark.parametrize("after", range(8))
@pytest.mark.parametrize("size", [1, 2, 3, 10])
def test_a_page_starts_after_any_row(memory, parts, after, size):
    records = page(memory, parts, after, size)

    assert records == [b'{"n":%d}' % n for n in range(after + 1, 7)][:size]


def test_a_page_opens_no_part_before_or_after_its_rows(memory, parts):
    memory.delete(parts[0].object_key)
    memory.delete(parts[2].object_key)

    assert page(memory, parts, 2, 1) == [b'{"n":3}']


def test_a_page_is_found_deep_inside_a_part_of_many_blocks(memory, a_part):
    part = a_part(*(b'{"n":%d,"text":"%s"}' % (n, b"x" * 400) for n in range(5000)))

    records = page(memory, [part], 4321, 2)

    assert [record[:10] for record in records] == [b'{"n":4321,', b'{"n":4322,']


@pytest.mark.parametrize(("start", "length"), [(0, 48), (3, 20), (15, 2), (23, 3), (47, 10), (48, 5)])
def test_any_range_of_the_file_can_be_read(memory, parts, start, length):
    whole = b"".join(stream_records(memory, parts))

    assert b"".join(stream_range(memory, parts, start, length)) == whole[start : start + length]


@pytest.mark.parametrize(
    ("done", "rows"),
    [
        ({0: True, 2**32: True}, 6),
        ({0: True, 2**32: False}, 6),
        ({0: False, 2**32: True}, 3),
        ({0: True, 2**31: False, 2**32: True}, 3),
    ],
)
def test_the_settled_front_ends_at_the_first_partition_that_still_runs(parts, done, rows):
    assert count(settled(parts, done)) == rows


def test_small_parts_become_larger_ones(memory, parts):
    bodies = list(merged(memory, parts, ready_at=20))

    assert [(body.rows, body.first_row) for body in bodies] == [(3, 1), (3, 4)]
    assert b"".join(body.body for body in bodies) == b"".join(stream_records(memory, parts))


@given(st.lists(st.binary(max_size=12)))
def test_lines_do_not_depend_on_where_blocks_end(blocks):
    body = b"".join(blocks)

    found = list(lines(blocks))

    assert found == (body.removesuffix(b"\n").split(b"\n") if body else [])
    assert all(block.endswith(b"\n") for block in list(whole_lines(blocks))[:-1])
