"""Results kept as the vendor's CSV."""

import csv
import io
import json

import pytest

from orchestrator.job.chunk import Part, Stream
from orchestrator.job.criteria import FileFormat
from orchestrator.results.errors import Damaged
from orchestrator.results.formats import render
from orchestrator.results.manifest import merged, page, stream_records, total_bytes
from orchestrator.results.objects import ObjectStore
from orchestrator.results.parts import PartBuffer

HEADER = b'"Id","Note"\n'
PAGES = [b'"1","two\nlines"\n"2","say ""no"""\n', b'"3",""\n', b'"4","a,b"\n']
RECORDS = [
    {"Id": "1", "Note": "two\nlines"},
    {"Id": "2", "Note": 'say "no"'},
    {"Id": "3", "Note": None},
    {"Id": "4", "Note": "a,b"},
]


@pytest.fixture
def objects() -> ObjectStore:
    return ObjectStore.open("memory://")


def part(objects: ObjectStore, seq: int, *bodies: bytes, header: bytes = HEADER) -> Part:
    buffer = PartBuffer()
    for body in bodies:
        buffer.add(body, len(list(csv.reader(io.StringIO(body.decode(), newline="")))), header=header)
    cut = buffer.cut(stream=Stream.RECORDS, job_id=1, step_id=1, seq=seq, partition=0, epoch=1, restart=0)
    return cut.write(objects)


def two_parts(objects: ObjectStore) -> list[Part]:
    return [part(objects, 0, *PAGES[:2]), part(objects, 1, PAGES[2])]


def test_a_csv_is_given_out_as_it_came_under_one_header(objects):
    body = b"".join(render(objects, two_parts(objects), FileFormat.CSV))

    assert body == HEADER + b"".join(PAGES)


@pytest.mark.parametrize("wanted", [FileFormat.JSONL, FileFormat.JSON])
def test_it_is_given_out_as_json_too(objects, wanted):
    body = b"".join(render(objects, two_parts(objects), wanted))

    found = json.loads(body) if wanted is FileFormat.JSON else [json.loads(line) for line in body.splitlines()]
    assert found == RECORDS


@pytest.mark.parametrize("after", range(5))
def test_its_pages_are_counted_by_rows_and_not_by_lines(objects, after):
    found = page(objects, two_parts(objects), after, 2)

    assert [json.loads(record) for record in found] == RECORDS[after : after + 2]


def test_small_parts_become_one_with_one_header(objects):
    [body] = merged(objects, two_parts(objects))

    assert (body.body, body.rows, body.ext) == (HEADER + b"".join(PAGES), 4, "csv")


def test_parts_of_other_columns_are_not_joined(objects):
    parts = [part(objects, 0, PAGES[0]), part(objects, 1, PAGES[1], header=b'"Id","Text"\n')]

    bodies = list(merged(objects, parts))

    assert [(body.rows, body.first_row) for body in bodies] == [(2, 1), (1, 3)]
    with pytest.raises(Damaged):
        list(render(objects, parts, FileFormat.CSV))


def test_its_length_as_json_is_not_known_before(objects):
    assert total_bytes(two_parts(objects)) is None


def test_a_part_that_is_no_csv_of_its_columns_is_damaged(objects):
    broken = part(objects, 0, b'"1"\n')

    with pytest.raises(Damaged):
        list(stream_records(objects, [broken]))
