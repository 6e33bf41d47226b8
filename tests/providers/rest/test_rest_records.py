"""What happens to the records of a page."""

import json
from datetime import UTC, datetime

import pytest

from orchestrator.job.errors import Misbehaved, Unreachable
from orchestrator.providers.provider import Provider
from orchestrator.sandbox.faults import Fault
from orchestrator.sandbox.server import Running
from tests.http.kit import a_turn
from tests.providers.rest.kit import RECORDS, criteria, ids, pages, records


def test_records_are_stored_byte_for_byte(vendor: Running, provider: Provider) -> None:
    with a_turn(vendor.url) as turn:
        sent = turn.client.get("/rest/items", params={"per_page": 3}).content

    body = bytes(pages(provider, criteria(page_size=3), turns=0)[0].body)

    assert all(line in sent for line in body.splitlines())
    assert body.endswith(b"}\n")


@pytest.mark.parametrize(
    "body",
    [
        '{"data": [{"id": 1}, {"id": 3}, {"id": 2}]}',
        '{"data": [{"id": 2}, {"id": 2}]}',
        '{"data": [{"name": "x"}]}',
        '{"data": [7]}',
        '{"rows": []}',
        '{"data": null}',
        "[]",
    ],
)
def test_an_answer_that_breaks_the_contract_is_no_page(vendor: Running, provider: Provider, body: str) -> None:
    vendor.world.order(Fault(status=200, body=body))

    with pytest.raises(Misbehaved):
        pages(provider, criteria(page_size=3))


@pytest.mark.parametrize("body", ["<html>maintenance</html>", '{"data": [{"id": 1}', ""])
def test_an_answer_that_is_no_json_is_asked_for_again_later(vendor: Running, provider: Provider, body: str) -> None:
    vendor.world.order(Fault(status=200, body=body))

    with pytest.raises(Unreachable):
        pages(provider, criteria())


def test_records_over_several_lines_take_one_line_each(vendor: Running, provider: Provider) -> None:
    body = '{"data": [\n {"id": 1,\r\n  "big": 12345678901234567890, "x": 1.50},\n {"id": 2, "s": "a\\nb"}\n]}'
    vendor.world.order(Fault(status=200, body=body))

    found = pages(provider, criteria(page_size=3))

    assert bytes(found[0].body) == b'{"id":1,"big":12345678901234567890,"x":1.50}\n{"id":2,"s":"a\\nb"}\n'


def test_keys_of_text_need_only_differ(vendor: Running, provider: Provider) -> None:
    vendor.world.order(Fault(status=200, body='{"data": [{"id": "b"}, {"id": "a"}]}'))

    found = pages(provider, criteria(page_size=3))

    assert (found[0].first_key, found[0].last_key) == ("b", "a")


def test_dates_are_asked_for_and_trimmed_on_both_ends_inclusive(vendor: Running, provider: Provider) -> None:
    everything = records(pages(provider, criteria()))
    from_, to = (datetime.fromisoformat(everything[at]["updated_at"]) for at in (10, 20))
    wanted = criteria(filter_date_field="updated_at", from_=from_, to=to)

    found = pages(provider, wanted)

    assert ids(found) == list(range(11, 22))
    assert sum(page.filtered for page in found) == 0
    assert provider.source(wanted).meta["pushedDown"] == ["updated_at[gt]", "updated_at[lt]"]


def test_dates_that_the_vendor_does_not_filter_are_filtered_here(provider: Provider) -> None:
    everything = records(pages(provider, criteria()))
    from_, to = (datetime.fromisoformat(everything[at]["updated_at"]) for at in (10, 20))

    found = pages(provider, criteria("linked", filter_date_field="updated_at", from_=from_, to=to))

    assert ids(found) == list(range(11, 22))
    assert sum(page.filtered for page in found) == RECORDS - 11
    assert sum(page.read for page in found) == RECORDS


def test_a_record_without_a_readable_date_is_kept_and_counted(vendor: Running, provider: Provider) -> None:
    days = ["2024-05-01T00:00:00Z", "2024-05-02", "2024-05-03T12:00:00", "soon", None, 7, "2024-04-30T20:00:00-05:00"]
    rows = [{"id": at, "day": day} for at, day in enumerate(days, 1)] + [{"id": 8}, {"id": 9, "day": "2024-05-04"}]
    vendor.world.order(Fault(status=200, body=json.dumps({"data": rows})))
    wanted = criteria(
        filter_date_field="day", from_=datetime(2024, 5, 1, tzinfo=UTC), to=datetime(2024, 5, 3, 12, tzinfo=UTC)
    )

    found = pages(provider, wanted)

    assert ids(found) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert (found[0].undated, found[0].filtered) == (4, 1)


def test_selected_fields_come_alone_and_untouched(vendor: Running, provider: Provider) -> None:
    row = '{"data": [{"id": 1, "a": 1.50, "b": {"c": [1,  2]}, "d": "x"}, {"id": 2, "b": null}]}'
    vendor.world.order(Fault(status=200, body=row))

    found = pages(provider, criteria(select_fields=("b", "a", "none")))

    assert bytes(found[0].body) == b'{"b":{"c": [1,  2]},"a":1.50}\n{"b":null}\n'
    assert found[0].last_key == "2"


def test_nulls_are_dropped_and_nothing_else(vendor: Running, provider: Provider) -> None:
    row = '{"data": [{"id": 1, "a": null, "b": "null", "c": {"d": null}}, {"id": 2}]}'
    vendor.world.order(Fault(status=200, body=row))

    found = pages(provider, criteria(filter_nulls=True))

    assert bytes(found[0].body) == b'{"id":1,"b":"null","c":{"d": null}}\n{"id":2}\n'


def test_selection_and_nulls_work_together(vendor: Running, provider: Provider) -> None:
    vendor.world.order(Fault(status=200, body='{"data": [{"id": 1, "a": null, "b": 2}]}'))

    found = pages(provider, criteria(filter_nulls=True, select_fields=("a", "b")))

    assert bytes(found[0].body) == b'{"b":2}\n'
