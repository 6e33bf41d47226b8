"""CSV files as people's tools write them."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs import open_input
from orchestrator.results.objects import ObjectStore

CELLS = st.text(st.sampled_from('ab,"\n\r;\t é€😀Ċਊਁ'), max_size=6)
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


def a_csv(body: bytes, **options):
    objects = ObjectStore.open("memory://")
    objects.put_new("in", body)
    return open_input(objects, "in", "csv", **options)


def written(rows, encoding="utf-8", delimiter=",", line_end="\r\n") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode(encoding)


@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=8),
    st.sampled_from(ENCODINGS),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_cell_is_read_and_every_rows_end_is_a_place_to_resume(cells, encoding, delimiter, line_end):
    body = written([("a", "b"), *cells], encoding, delimiter, line_end)
    reader = a_csv(body, encoding=encoding, delimiter=delimiter, blanks="clear")

    rows = list(reader.rows())

    assert [row.number for row in rows] == list(range(1, len(cells) + 1))
    assert [row.values or row.problem.code for row in rows] == [
        {"a": first or None, "b": second or None} for first, second in cells
    ]
    for index, row in enumerate(rows):
        assert list(reader.rows(row.offset_after, row.number)) == rows[index + 1 :]
    assert not rows or rows[-1].offset_after == len(body)


def test_characters_of_four_bytes_survive_the_borders_of_blocks():
    rows = [(f"{'😀' * (n % 7)}x{n}", "é" * (n % 5)) for n in range(60_000)]
    reader = a_csv(written([("a", "b"), *rows]))

    read = [row.values for row in reader.rows()]

    assert read == [{key: cell for key, cell in zip("ab", row, strict=True) if cell} for row in rows]


@pytest.mark.parametrize(("blanks", "values"), [("ignore", {"a": "1"}), ("clear", {"a": "1", "b": None})])
def test_empty_cells_are_left_out_or_clear_the_field(blanks, values):
    reader = a_csv(b"a,b\n1,\n", blanks=blanks)

    assert [row.values for row in reader.rows()] == [values]


def test_blank_lines_are_no_rows():
    reader = a_csv(b"\n\na,b\n\n1,2\n\r\n\n3,4\n\n")

    assert [(row.number, row.values) for row in reader.rows()] == [(1, {"a": "1", "b": "2"}), (2, {"a": "3", "b": "4"})]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"1,2,3", "too_many_cells"),
        (b"1", "too_few_cells"),
        (b",", "empty_row"),
        (b'"1"x,2', "broken_csv"),
        (b"1,caf\xe9", "undecodable"),
    ],
)
def test_a_bad_row_is_told_and_the_rows_around_it_are_read(line, code):
    reader = a_csv(b"a,b\n1,2\n" + line + b"\n5,6\n", encoding="utf-8")

    before, bad, after = reader.rows()

    assert (bad.number, bad.values, bad.problem.code) == (2, None, code)
    assert (before.number, before.values) == (1, {"a": "1", "b": "2"})
    assert (after.number, after.values) == (3, {"a": "5", "b": "6"})


def test_a_quote_that_is_never_closed_is_told_at_its_row():
    reader = a_csv(b'a,b\n1,2\n"3,4\n5,6\n')

    rows = list(reader.rows())

    assert [(row.number, row.problem and row.problem.code) for row in rows] == [(1, None), (2, "broken_csv")]
    assert rows[-1].offset_after == len(b'a,b\n1,2\n"3,4\n5,6\n')


def test_a_problem_never_shows_the_record():
    reader = a_csv(b'a,b\nsecret,2,3\n"secret"x,1\nsecret\xff,1\n', encoding="utf-8")

    assert not any("secret" in row.problem.message for row in reader.rows())


def test_a_nul_byte_is_a_character_like_any_other():
    assert [row.values for row in a_csv(b"a\nx\0y\n").rows()] == [{"a": "x\0y"}]


def test_the_last_line_needs_no_end():
    assert [row.values for row in a_csv(b"a\n1\n2").rows()] == [{"a": "1"}, {"a": "2"}]


def test_a_header_of_several_lines_is_a_header():
    reader = a_csv(b'\xef\xbb\xbf"first\nname", b\n1,2\n')

    assert reader.columns == ("first\nname", "b")
    assert [row.values for row in reader.rows()] == [{"first\nname": "1", "b": "2"}]


@pytest.mark.parametrize("header", [b"a,,b", b"a,b,a", b"a, a", b'"a,b', b"a,b,"])
def test_a_header_with_empty_or_doubled_names_is_refused(header):
    with pytest.raises(Invalid) as caught:
        a_csv(header + b"\n1,2,3\n")

    assert (caught.value.field, caught.value.code) == ("file", "bad_csv_header")
    assert caught.value.advice


@pytest.mark.parametrize("body", [b"", b"\n\n", b"\xef\xbb\xbf", b"\xff\xfe", b"  \r\n"])
def test_an_empty_file_is_refused(body):
    with pytest.raises(Invalid) as caught:
        a_csv(body)

    assert caught.value.code == "empty_file"


def test_a_row_may_be_as_long_as_a_few_blocks():
    text = "x" * (3 << 20)
    reader = a_csv(f"a\n{text}\n1\n".encode())

    assert [len(row.values["a"]) for row in reader.rows()] == [3 << 20, 1]
