"""Lists of a REST vendor, in every way of paging, read to the end without losing or doubling a record."""

import json

import pytest

from orchestrator.job.errors import Misbehaved, Throttled
from orchestrator.providers.provider import Provider
from orchestrator.providers.rest import REST
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.server import Running
from tests.http.kit import a_turn
from tests.providers.rest.kit import BY_KEY, LISTS, RECORDS, criteria, ids, pages


@pytest.mark.parametrize("name", LISTS)
def test_every_record_is_read_once_and_in_order(provider: Provider, name: str) -> None:
    found = pages(provider, criteria(name))

    assert ids(found) == list(range(1, RECORDS + 1))
    assert found[-1].next is None
    assert sum(page.rows for page in found) == sum(page.read for page in found) == RECORDS


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("size", [1, 25, 50, 250, 400])
def test_no_page_size_loses_or_doubles_a_record(provider: Provider, name: str, size: int) -> None:
    found = pages(provider, criteria(name, page_size=size))

    assert ids(found) == list(range(1, RECORDS + 1))


@pytest.mark.parametrize("name", LISTS)
def test_every_cursor_goes_on_where_its_page_ended(provider: Provider, name: str) -> None:
    for page in pages(provider, criteria(name)):
        if page.next is not None:
            stored = json.loads(json.dumps(page.next))
            following = ids(pages(provider, criteria(name), stored))

            assert following == list(range(max(ids([page])) + 1, RECORDS + 1))


@pytest.mark.parametrize("name", LISTS)
def test_a_turn_that_is_over_asks_for_no_further_page(vendor: Running, provider: Provider, name: str) -> None:
    found = pages(provider, criteria(name), turns=2)

    assert len(found) == 3
    assert found[-1].next is not None
    assert vendor.world.ledger.stats()["requests"] == 3


def test_the_next_page_is_asked_for_before_this_one_is_worked_on(vendor: Running, provider: Provider) -> None:
    reading = provider.source(criteria()).pages({}, lambda: True, None)

    next(reading)
    next(reading)

    assert vendor.world.ledger.stats()["requests"] >= 2
    reading.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", BY_KEY)
def test_keys_tell_where_a_page_begins_and_ends(provider: Provider, name: str) -> None:
    found = pages(provider, criteria(name, query={"per_page": "100"}, page_size=100))

    assert [(page.first_key, page.last_key) for page in found if page.rows] == [
        ("1", "100"),
        ("101", "200"),
        ("201", "250"),
    ]


def test_the_vendors_count_is_told_once(provider: Provider) -> None:
    found = pages(provider, criteria())

    assert [page.vendor_counted for page in found] == [RECORDS] + [None] * (len(found) - 1)


def test_a_short_page_ends_a_list_whose_largest_page_is_declared(vendor: Running, provider: Provider) -> None:
    pages(provider, criteria(page_size=100))

    assert vendor.world.ledger.stats()["requests"] == 3


def test_a_short_page_ends_nothing_where_the_vendor_may_have_lowered_the_size(
    vendor: Running, provider: Provider
) -> None:
    vendor.world.change({"rest_max_page": 30})

    found = pages(provider, criteria("unsized_pages", page_size=100))

    assert ids(found) == list(range(1, RECORDS + 1))


@pytest.mark.parametrize("name", BY_KEY)
def test_a_vendor_that_ignores_the_cursor_is_found_out(vendor: Running, provider: Provider, name: str) -> None:
    vendor.world.order(Fault(ignore_filters=True), after=1, times=None)

    with pytest.raises(Misbehaved):
        pages(provider, criteria(name))


@pytest.mark.parametrize("name", BY_KEY)
def test_a_vendor_that_sends_a_record_twice_is_found_out(vendor: Running, provider: Provider, name: str) -> None:
    vendor.world.order(Fault(overlap=1), after=1)

    with pytest.raises(Misbehaved):
        pages(provider, criteria(name))


def test_a_page_before_the_fault_is_not_lost(vendor: Running, provider: Provider) -> None:
    vendor.world.order(Fault(status=429, retry_after="5"), after=2)
    reading = provider.source(criteria()).pages({}, lambda: True, None)

    kept = [next(reading), next(reading)]
    with pytest.raises(Throttled):
        next(reading)

    assert ids(kept) == list(range(1, 81))


@pytest.mark.parametrize("room", [1, 39, 40, 41, 100])
@pytest.mark.parametrize("name", ["items", "linked"])
def test_a_limit_is_met_exactly(provider: Provider, name: str, room: int) -> None:
    found = pages(provider, criteria(name), room=room)

    assert ids(found) == list(range(1, room + 1))
    assert found[-1].next is None
    assert all(page.read == page.rows + page.filtered + page.cut for page in found)


def test_nothing_is_asked_for_beyond_the_limit(vendor: Running, provider: Provider) -> None:
    pages(provider, criteria(), room=80)

    assert vendor.world.ledger.stats()["requests"] == 2


def test_the_effective_page_size_is_told(provider: Provider) -> None:
    sizes = [provider.source(criteria(page_size=size)).meta["pageSize"] for size in (None, 5, 5000)]

    assert sizes == [1000, 5, 1000]
    assert provider.source(criteria("unsized")).meta["pageSize"] is None


def test_parameters_of_the_job_reach_the_vendor(vendor: Running, provider: Provider) -> None:
    pages(provider, criteria(query={"region": "north & south"}), turns=0)

    assert "region=north" in vendor.world.ledger.log(0, 1)[0].target


def test_a_list_that_leads_elsewhere_is_not_followed(vendor: Running, provider: Provider) -> None:
    body = '{"data": [{"id": 1}], "next": "http://169.254.169.254/latest/meta-data"}'
    vendor.world.order(Fault(status=200, body=body))

    with pytest.raises(Misbehaved):
        pages(provider, criteria("linked"))


def test_a_list_that_names_itself_as_the_next_page_is_found_out(vendor: Running, provider: Provider) -> None:
    body = '{"data": [{"id": 1}], "next": "/rest/linked?again"}'
    vendor.world.order(Fault(status=200, body=body), Match(path="linked"), times=None)

    with pytest.raises(Misbehaved):
        pages(provider, criteria("linked"))


def test_a_token_for_the_next_page_can_be_deep_in_the_answer(vendor: Running) -> None:
    paging = {"kind": "next_link", "next": "meta.paging.next", "param": "cursor", "size_param": "per_page"}
    lists = {"deep": {"path": "/rest/items", "records": "body.rows", "total": "meta.count", "paging": paging}}
    answers = [{"body": {"rows": [{"id": 1}]}, "meta": {"count": 2, "paging": {"next": 41}}}]
    answers += [{"body": {"rows": [{"id": 2}]}, "meta": None}]
    for answer in answers:
        vendor.world.order(Fault(status=200, body=json.dumps(answer)))

    with a_turn(vendor.url) as turn:
        found = pages(REST.make(turn.client, {"resources": lists}), criteria("deep"))

    assert ids(found) == [1, 2]
    assert found[0].vendor_counted == 2
    assert "cursor=41" in vendor.world.ledger.log(0, 2)[1].target
