"""JSON arrays and JSONL."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs import open_input
from orchestrator.results.objects import ObjectStore

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT
RECORDS = st.lists(st.dictionaries(TEXT, SCALARS | st.lists(SCALARS) | st.dictionaries(TEXT, SCALARS)), min_size=1)


def a_file(body: bytes, kind: str, **options):
    objects = ObjectStore.open("memory://")
    objects.put_new("in", body)
    return open_input(objects, "in", kind, **options)


def as_array(records, encoding="utf-8", indent=None, ascii_only=False) -> bytes:
    return json.dumps(records, indent=indent, ensure_ascii=ascii_only).encode(encoding)


def as_lines(records, encoding="utf-8", indent=None, ascii_only=False) -> bytes:
    end = "\r\n" if indent else "\n"
    return "".join(json.dumps(record, ensure_ascii=ascii_only) + end for record in records).encode(encoding)


@pytest.mark.parametrize(("kind", "write"), [("json", as_array), ("jsonl", as_lines)])
@given(RECORDS, st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le"]), st.sampled_from([None, 2]), st.booleans())
def test_every_record_is_read_and_every_rows_end_is_a_place_to_resume(kind, write, records, encoding, indent, ascii):
    reader = a_file(write(records, encoding, indent, ascii), kind, encoding=encoding)

    rows = list(reader.rows())

    assert [row.values for row in rows] == records
    for index, row in enumerate(rows):
        assert list(reader.rows(row.offset_after, row.number)) == rows[index + 1 :]


@pytest.mark.parametrize(("kind", "write"), [("json", as_array), ("jsonl", as_lines)])
def test_records_survive_the_borders_of_blocks(kind, write):
    records = [{"n": n, "text": '😀\\"é[{' * (n % 9)} for n in range(40_000)]
    reader = a_file(write(records), kind)

    assert [row.values for row in reader.rows()] == records


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"[1]", "bad_json"), (b"{'a': 1}", "bad_json"), (b'{"a": 1', "bad_json"), (b'{"a": "\xe9"}', "undecodable")],
)
def test_a_bad_line_is_told_and_the_lines_around_it_are_read(line, code):
    reader = a_file(b'{"a": 1}\n\n' + line + b'\n{"a": 3}', "jsonl", encoding="utf-8")

    rows = list(reader.rows())

    assert [(row.number, row.values, row.problem and row.problem.code) for row in rows] == [
        (1, {"a": 1}, None),
        (2, None, code),
        (3, {"a": 3}, None),
    ]


@pytest.mark.parametrize(
    ("element", "code"), [(b"1", "bad_json"), (b"[{}]", "bad_json"), (b'{"a": "\xe9"}', "undecodable")]
)
def test_an_element_that_is_no_object_is_told_and_the_others_are_read(element, code):
    reader = a_file(b'[{"a": 1}, ' + element + b', {"a": 3}]', "json", encoding="utf-8")

    rows = list(reader.rows())

    assert [(row.values, row.problem and row.problem.code) for row in rows] == [
        ({"a": 1}, None),
        (None, code),
        ({"a": 3}, None),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1}',
        b'[{"a": 1}',
        b'[{"a": 1},',
        b'[{"a": 1},]',
        b'[{"a": 1} {"a": 2}]',
        b'[{"a": 1}][{"a": 2}]',
        b'[{"a": 1}, {"a": tru}]',
        b'[{"a": 1}, {"a": "x',
        b"[" * 100_000,
    ],
)
def test_a_broken_array_is_refused_with_the_row_where_it_breaks(body):
    reader = a_file(body, "json")

    with pytest.raises(Invalid) as caught:
        list(reader.rows())

    assert (caught.value.field, caught.value.code) == ("file", "broken_json")


def test_an_empty_array_has_no_rows():
    assert list(a_file(b" [ \n ] \n", "json").rows()) == []


def test_big_numbers_keep_their_digits():
    rows = list(a_file(b'[{"id": 12345678901234567890123}]', "json").rows())

    assert rows[0].values == {"id": 12345678901234567890123}
