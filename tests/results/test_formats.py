"""A result in the format that was asked for."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.job.criteria import FileFormat
from orchestrator.results.formats import csv_file, header_of, json_array, render

SCALARS = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
RECORDS = st.lists(st.dictionaries(st.text("abc", min_size=1), SCALARS | st.lists(SCALARS)))


def jsonl(records) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def blocks_of(body: bytes, size: int = 7) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@given(RECORDS)
def test_a_json_array_holds_the_same_records(records):
    body = b"".join(json_array(blocks_of(jsonl(records))))

    assert json.loads(body) == records


@given(RECORDS.filter(any))
def test_a_csv_holds_every_cell(records):
    blocks = blocks_of(jsonl(records))
    header = header_of(blocks)

    text = b"".join(csv_file(blocks, header)).decode()

    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows == [{key: cell(record.get(key)) for key in header} for record in records if header]


def cell(value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def test_the_header_lists_keys_by_first_appearance():
    assert header_of([b'{"b":1}\n{"a":1,"b":2}\n{"c":null}\n']) == ["b", "a", "c"]


def test_numbers_keep_the_digits_of_the_vendor():
    body = b'{"price":1.10,"id":12345678901234567890,"list":[0.30]}\n'

    text = b"".join(csv_file([body], ["price", "id", "list"]))

    assert text == b"price,id,list\r\n1.10,12345678901234567890,[0.30]\r\n"


def test_quotes_and_line_breaks_are_quoted():
    body = json.dumps({"a": 'say "hi"', "b": "x\ny", "c": "1,2"}).encode() + b"\n"

    assert b"".join(csv_file([body], ["a", "b", "c"])) == b'a,b,c\r\n"say ""hi""","x\ny","1,2"\r\n'


@pytest.mark.parametrize(
    ("file_format", "expected"),
    [
        (FileFormat.JSONL, b'{"a":1,"b":2}\n{"b":3}\n'),
        (FileFormat.JSON, b'[\n{"a":1,"b":2},\n{"b":3}\n]\n'),
        (FileFormat.CSV, b"a,b\r\n1,2\r\n,3\r\n"),
    ],
)
def test_parts_are_rendered_in_each_format(memory, a_part, file_format, expected):
    parts = [a_part(b'{"a":1,"b":2}'), a_part(b'{"b":3}', seq=1)]

    assert b"".join(render(memory, parts, file_format)) == expected


def test_a_csv_has_the_selected_fields_in_their_order(memory, a_part):
    parts = [a_part(b'{"a":1,"b":2}')]

    assert b"".join(render(memory, parts, FileFormat.CSV, ["b", "z"])) == b"b,z\r\n2,\r\n"
