"""Columns of the user's file to fields of the vendor's record."""

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.mapping import mapper


def test_columns_are_renamed_nested_dropped_or_pass():
    mapped = mapper({"Mail": "email_address", "Size": "custom_fields.size", "Age": "custom_fields.age", "Note": None})

    record = mapped({"Mail": "a@example.test", "Size": "9", "Age": "4", "Note": "x", "title": "Dr"})

    assert record == {"email_address": "a@example.test", "custom_fields": {"size": "9", "age": "4"}, "title": "Dr"}


def test_without_a_mapping_a_row_passes_unchanged():
    assert mapper({})({"a.b": 1}) == {"a.b": 1}


@pytest.mark.parametrize("mapping", [{"a": "x", "b": "x"}, {"a": "x", "b": "x.y"}, {"a": "x..y"}, {"a": ""}])
def test_a_mapping_that_loses_a_column_is_refused(mapping):
    with pytest.raises(Invalid) as caught:
        mapper(mapping)

    assert caught.value.field == "mapping"
