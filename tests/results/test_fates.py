"""The lines of an outcome."""

import json
import random

from orchestrator.results.fates import outcome_line, tied_rows


def test_an_outcome_line_carries_the_vendors_json_unchanged():
    line = outcome_line(7, "error", b'{"price": 1.10}', 'no "email"', b'{"id":\n 3}')

    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert b'"record": {"price": 1.10}' in line
    assert json.loads(line) == {
        "id": 7,
        "status": "error",
        "record": {"price": 1.10},
        "error": 'no "email"',
        "resource": {"id": 3},
    }


def test_an_outcome_line_tells_more_only_where_there_is_more_to_tell():
    line = outcome_line(7, "error", b"{}", "A:b", b"null", code="a", retryable=True, vendor_code="A", tie=True)

    assert json.loads(line) == {
        "id": 7, "status": "error", "record": {}, "error": "A:b", "resource": None,
        "code": "a", "retryable": True, "vendorCode": "A", "tie": True,
    }  # fmt: skip


def test_tied_rows_are_read_back_from_the_outcome(memory, a_part):
    rows = random.Random(1).sample(range(1, 1000), 50)
    part = a_part(*(outcome_line(row, "success", b"{}", None, b"{}").rstrip() for row in rows))

    assert list(tied_rows(memory, [part])) == rows
