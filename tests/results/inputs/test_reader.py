"""What a file is taken for, and when it is refused at the door."""

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs import inspect, open_input, sniff


@pytest.mark.parametrize(
    ("body", "encoding", "expected"),
    [
        ("a\nZoë\n".encode(), None, "utf-8"),
        ("a\nZoë\n".encode("utf-8-sig"), None, "utf-8"),
        ("a\nZoë\n".encode("cp1252"), None, "cp1252"),
        ("a\nZoë\n".encode("utf-16"), None, "utf-16-le"),
        ("a\nZoë\n".encode("utf-16-le"), None, "utf-16-le"),
        ("a\nZoë\n".encode("utf-16-be"), None, "utf-16-be"),
        ("a\nZoë\n".encode("cp1252"), "windows-1252", "cp1252"),
        ("a\nZoë\n".encode("latin-1"), "ISO-8859-1", "iso8859-1"),
        ("a\nZoë\n".encode("utf-8-sig"), "UTF-8", "utf-8"),
        (b"\xfe\xff" + "a\nZoë\n".encode("utf-16-be"), "UTF-16", "utf-16-be"),
    ],
)
def test_the_encoding_is_understood(memory, body, encoding, expected):
    memory.put_new("in", body)

    reader = open_input(memory, "in", "csv", encoding=encoding)

    assert reader.encoding == expected
    assert [row.values for row in reader.rows()] == [{"a": "Zoë"}]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"encoding": "klingon"}, "encoding"),
        ({"encoding": "base64"}, "encoding"),
        ({"delimiter": "x"}, "columnDelimiter"),
    ],
)
def test_a_word_that_is_not_known_is_refused_by_its_field(memory, options, field):
    memory.put_new("in", b"a\n1\n")

    with pytest.raises(Invalid) as caught:
        open_input(memory, "in", "csv", **options)

    assert caught.value.field == field
    assert caught.value.advice


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a,b\n1,2\n", "csv"),
        (b'\xef\xbb\xbf\n [{"a": 1}]', "json"),
        (b'{"a": 1}\n', "jsonl"),
        ('[{"a": 1}]'.encode("utf-16"), "json"),
    ],
)
def test_the_format_is_guessed_by_the_first_character(body, expected):
    assert sniff(body) == expected


@pytest.mark.parametrize("named", [None, "csv", "text/csv", "CSV"])
def test_a_good_file_is_described(memory, named):
    memory.put_new("in", b"a;b\n1;2\n1;2;3\n")

    seen = inspect(memory, "in", named, delimiter="SEMICOLON")

    assert (seen.format, seen.encoding, seen.columns) == ("csv", "utf-8", ("a", "b"))
    assert [row.problem and row.problem.code for row in seen.first] == [None, "too_many_cells"]


@pytest.mark.parametrize(
    ("body", "named", "field", "code"),
    [
        (b"", None, "file", "empty_file"),
        (b"a,b\n", None, "file", "empty_file"),
        (b"[]", None, "file", "empty_file"),
        (b"a,a\n1,2\n", None, "file", "bad_csv_header"),
        (b'a,b\n1,2\n"3,4\n', None, "file", "broken_csv"),
        (b"a,b\n1,2,3\n4,5,6\n", None, "file", "too_many_cells"),
        (b'[{"a": 1}]', "csv", "format", "wrong_format"),
        (b'{"a": 1}\n', "json", "format", "wrong_format"),
        (b"a\n1\n", "xlsx", "format", "unknown_format"),
        (b'[{"a": 1}' + b', {"a": 1}' * 200, "json", "file", "broken_json"),
        (b'{"a": 1\n{"a"', "jsonl", "file", "bad_json"),
    ],
)
def test_a_broken_file_is_refused_at_the_door(memory, body, named, field, code):
    memory.put_new("in", body)

    with pytest.raises(Invalid) as caught:
        inspect(memory, "in", named)

    assert (caught.value.field, caught.value.code) == (field, code)
    assert caught.value.advice


def test_a_delimiter_that_is_named_and_wrong_is_refused_with_the_right_one(memory):
    memory.put_new("in", b"a;b\n1;2\n")

    with pytest.raises(Invalid, match="SEMICOLON"):
        inspect(memory, "in", delimiter="COMMA")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("name;city\r\nZoë;Köln\r\n".encode("cp1252"), ("Windows-1252", False, "SEMICOLON", "CRLF")),
        ("name;price\r\nZoë;1,5\r\nÅsa;2,5\r\n".encode("utf-8-sig"), ("UTF-8", True, "SEMICOLON", "CRLF")),
        ("name\tcity\nZoë\tKöln\n".encode("utf-16"), ("UTF-16LE", True, "TAB", "LF")),
        (b'name,city\n"a;b;c",d\n', ("UTF-8", False, "COMMA", "LF")),
        (b'"name, first";city|code\n"a, b";c|d\n', ("UTF-8", False, "SEMICOLON", "LF")),
        (b"name\nZoe\n", ("UTF-8", False, "COMMA", "LF")),
        (b"a|b|c\n" + b"1|2|3\n" * 50_000, ("UTF-8", False, "PIPE", "LF")),
    ],
)
def test_what_a_spreadsheet_wrote_is_read_as_it_comes_and_told(memory, body, said):
    memory.put_new("in", body)

    seen = inspect(memory, "in")

    told = seen.understood
    assert (told["encoding"], told["byteOrderMark"], told["columnDelimiter"], told["lineEnding"]) == said
    assert told["columns"] == list(seen.columns)
    assert all(row.problem is None for row in seen.first)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_the_end_of_an_array_is_looked_at_in_any_encoding(memory, encoding):
    memory.put_new("in", ('[{"a": 1}' + ', {"a": 1}' * 200 + "]\n").encode(encoding))

    assert len(inspect(memory, "in", encoding=encoding).first) == 100
