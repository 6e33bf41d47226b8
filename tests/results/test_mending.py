"""Rows to be mended: the user's own columns, with what went wrong before them."""

import csv
import io

from orchestrator.results.fates import outcome_line
from orchestrator.results.inputs.encoding import Encoding, encoding_of
from orchestrator.results.inputs.reader import first_block, open_input
from orchestrator.results.mending import Dialect, failures, mending_csv, own_values
from orchestrator.results.objects import ObjectStore

COMMAS = Dialect(encoding=Encoding(name="utf-8"), delimiter=",")
HEAD = ["bulkhead_row", "bulkhead_code", "bulkhead_error"]


def failed(row: int, message: str = "no", code: str = "vendor_refused_row") -> bytes:
    return outcome_line(row, "error", b"null", message, b"null", code=code)


def passed(row: int) -> bytes:
    return outcome_line(row, "success", b"{}", None, b"{}")


def mend(file: bytes, *lines: bytes, format: str = "csv", dialect: Dialect = COMMAS) -> bytes:
    objects = ObjectStore.open("memory://")
    objects.put_new("file", file)
    reader = open_input(objects, "file", format, delimiter=dialect.delimiter)
    return b"".join(mending_csv(reader, lambda: failures(lines), dialect))


def table(text: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode()), delimiter=delimiter))


def test_only_rows_that_failed_are_there_with_the_reason_before_them():
    text = mend(b"name,city\nAda,Ulm\nBo,\nCy,Bonn\n", passed(1), failed(2, "no, really"), passed(3))

    assert table(text) == [[*HEAD, "name", "city"], ["2", "vendor_refused_row", "no, really", "Bo", ""]]


def test_a_row_with_too_many_cells_keeps_all_of_them():
    text = mend(b"a,b\n1,2,3\n4\n", failed(1, code="too_many_cells"), failed(2, code="too_few_cells"))

    assert [row[3:] for row in table(text)] == [["a", "b"], ["1", "2", "3"], ["4"]]


def test_a_file_that_was_mended_once_has_our_columns_once():
    first = mend(b"a,b\n1,2\n3,4\n", failed(2))

    second = mend(first, failed(1, "again"))

    assert table(second) == [[*HEAD, "a", "b"], ["1", "vendor_refused_row", "again", "3", "4"]]


def test_json_rows_get_a_column_for_each_name_that_appears():
    file = b'{"a": 1}\n{"a": 2, "b": {"c": [3]}}\n{"d": null}\n'

    text = mend(file, failed(2), failed(3), format="jsonl")

    assert [row[3:] for row in table(text)] == [["a", "b", "d"], ["2", '{"c":[3]}', ""], ["", "", ""]]


def test_the_file_is_written_as_the_users_own_was():
    file = "\ufeffname;city\nZoë;Köln\n".encode("utf-16-le")
    objects = ObjectStore.open("memory://")
    objects.put_new("file", file)
    dialect = Dialect(encoding=encoding_of(first_block(objects, "file"), None), delimiter=";")

    text = mend(file, failed(1), dialect=dialect)

    assert text.startswith(b"\xff\xfe")
    assert table(text.decode("utf-16").encode(), ";")[1][3:] == ["Zoë", "Köln"]


def test_what_belongs_to_no_row_is_left_out():
    text = mend(b"a\n1\n", failed(0), failed(1), failed(1), failed(9))

    assert len(table(text)) == 2


def test_our_columns_are_never_sent():
    values = own_values({"bulkhead_row": "2", "bulkhead_code": "x", "bulkhead_error": "no", "a": "1"})

    assert values == {"a": "1"}
    assert own_values({"a": "1"}) == {"a": "1"}
