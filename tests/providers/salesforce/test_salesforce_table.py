"""CSV of Salesforce, in and out, exactly."""

import msgspec
import pytest

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesforce.table import BATCH, Table, echoed, jsonl, written

NASTY = [
    'say "no"',
    "two\nlines",
    "a,b",
    "cr\rlf\r\n",
    "😀 \U0002070e",
    "'",
    "\u2028\x0b\x85",
    "tab\t",
    " x ",
    "#N/A ",
    '"',
]


def lines(body: bytes, **how: bool) -> list[dict[str, str | None]]:
    text, rows = jsonl(body, **how)
    found = [msgspec.json.decode(line) for line in bytes(text).split(b"\n")[:-1]]
    assert len(found) == rows
    return found


def quoted(*rows: list[str]) -> bytes:
    return "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in rows).encode()


def test_any_text_comes_back_as_it_was() -> None:
    found = lines(quoted(["Id", "Note"], *([str(n), text] for n, text in enumerate(NASTY))))

    assert [row["Note"] for row in found] == NASTY


def test_what_is_written_is_read_as_the_same() -> None:
    records = [{"Id": str(n), "Note": text} for n, text in enumerate(NASTY)]

    table = Table(written(msgspec.json.encode(records)))

    assert [echoed(table.header, row)["Note"] for row in table.rows()] == NASTY


@pytest.mark.parametrize(
    "text", [*NASTY, "", ":", ':"', '":', ",", '","', '"\n"', "\\", "\x1f", "%s %b", "\x7f", "{}", '\\"']
)
@pytest.mark.parametrize("first", ["x", "", ":"])
def test_plain_sets_and_others_are_decoded_alike(text: str, first: str) -> None:
    rows = [["Id", "No%te"], ["1", first], ["2", text], ["3", "y"]]

    found = lines(quoted(*rows))

    assert found == [{"Id": key, "No%te": value or None} for key, value in rows[1:]]


@pytest.mark.parametrize("cells", [["", "", ""], ["1"], ["", "2"], [":", ""]])
def test_a_plain_set_may_have_one_column(cells: list[str]) -> None:
    assert lines(quoted(["Id"], *([cell] for cell in cells))) == [{"Id": cell or None} for cell in cells]


def test_rows_of_another_width_are_a_breach_in_plain_sets_too() -> None:
    with pytest.raises(Misbehaved):
        jsonl(b'"Id","Name"\n"1","2","3"\n"4"\n')


def test_an_empty_cell_is_null_or_left_out() -> None:
    body = quoted(["Id", "Note"], ["1", ""])

    assert lines(body) == [{"Id": "1", "Note": None}]
    assert lines(body, without_nulls=True) == [{"Id": "1"}]


def test_a_set_is_decoded_in_batches_without_losing_a_row() -> None:
    body = quoted(["Id"], *([str(n)] for n in range(2 * BATCH + 1)))

    assert [row["Id"] for row in lines(body)] == [str(n) for n in range(2 * BATCH + 1)]


@pytest.mark.parametrize("body", [b"", b'"Id"\n', b'\xef\xbb\xbf"Id"\n'])
def test_a_file_without_rows_has_none(body: bytes) -> None:
    assert lines(body) == []


def test_a_nul_that_a_result_holds_is_left_out() -> None:
    assert lines(b'"Id"\n"1\x00"\n') == [{"Id": "1"}]


@pytest.mark.parametrize("body", [b'"Id"\n"1', b'"Id"\n"1","2"\n', b'"Id","Name"\n"1"\n', b'"Id"\n"\xff"\n', b'"I"d\n'])
def test_a_file_that_is_no_csv_is_a_breach_and_never_half_a_result(body: bytes) -> None:
    with pytest.raises(Misbehaved):
        jsonl(body)


def test_null_is_written_as_a_mark_and_what_is_not_there_as_nothing() -> None:
    body = written(b'[{"Id":"1","Note":null},{"Id":"2","Name":"x,y"}]')

    assert body == b'Id,Note,Name\n1,#N/A,\n2,,"x,y"\n'


def test_a_single_empty_cell_is_no_empty_line() -> None:
    assert written(b'[{"Id":""},{"Id":"2"}]') == b'Id\n""\n2\n'
