"""Lists of a REST vendor, in every way of paging, read to the end without losing or doubling a record."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import Criteria, DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.errors import Invalid, Misbehaved, Rejected, Throttled, Unreachable
from orchestrator.job.step import Cursor, StepKind
from orchestrator.providers.provider import Page, Provider
from orchestrator.providers.rest import REST
from orchestrator.sandbox.faults import Fault, Match
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from tests.http.kit import a_turn

RECORDS = 250
SETTINGS: Mapping[str, Any] = {
    "resources": {
        "items": {
            "path": "/rest/items",
            "records": "data",
            "paging": {"kind": "id_gt", "size_param": "per_page", "max_size": 1000},
            "total": "total",
            "date_filters": {"updated_at": {"from": "updated_at[gt]", "to": "updated_at[lt]", "strict": True}},
        },
        "numbered": {"path": "/rest/array", "paging": {"kind": "page", "size_param": "per_page", "max_size": 1000}},
        "skipped": {"path": "/rest/array", "paging": {"kind": "offset", "size_param": "limit", "max_size": 1000}},
        "linked": {
            "path": "/rest/linked",
            "records": "data",
            "paging": {"kind": "next_link", "next": "next", "size_param": "per_page"},
        },
        "paged": {"path": "/rest/paged", "paging": {"kind": "link_header", "sizeParam": "per_page"}},
        "unsized": {"path": "/rest/items", "records": "data", "paging": {"kind": "id_gt"}},
        "unsized_pages": {"path": "/rest/array", "paging": {"kind": "page", "size_param": "per_page"}},
    }
}
LISTS = list(SETTINGS["resources"])
BY_KEY = ["items", "unsized"]


@pytest.fixture(scope="module")
def running_vendor() -> Iterator[Running]:
    with running(Options(rest_records=RECORDS)) as server:
        yield server


@pytest.fixture
def vendor(running_vendor: Running) -> Running:
    running_vendor.world.reset()
    return running_vendor


@pytest.fixture
def provider(vendor: Running) -> Iterator[Provider]:
    with a_turn(vendor.url) as turn:
        yield REST.make(turn.client, SETTINGS)


def criteria(name: str = "items", **wanted: Any) -> DownloadCriteria:
    return DownloadCriteria(object_name=name, **{"page_size": 40, **wanted})


def pages(
    provider: Provider,
    wanted: DownloadCriteria,
    cursor: Cursor | None = None,
    turns: int = 1000,
    room: int | None = None,
) -> list[Page]:
    left = iter(range(turns))
    return list(provider.source(wanted).pages(cursor or {}, lambda: next(left, None) is not None, room))


def records(found: list[Page]) -> list[dict[str, Any]]:
    return [json.loads(line) for page in found for line in bytes(page.body).splitlines()]


def ids(found: list[Page]) -> list[int]:
    return [record["id"] for record in records(found)]


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


def test_records_are_stored_byte_for_byte(vendor: Running, provider: Provider) -> None:
    with a_turn(vendor.url) as turn:
        sent = turn.client.get("/rest/items", params={"per_page": 3}).content

    body = bytes(pages(provider, criteria(page_size=3), turns=0)[0].body)

    assert all(line in sent for line in body.splitlines())
    assert body.endswith(b"}\n")


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


def test_a_check_makes_one_call(vendor: Running, provider: Provider) -> None:
    found = provider.check()

    assert found.ok
    assert vendor.world.ledger.stats()["requests"] == 1


def test_an_upload_is_refused() -> None:
    upload = UploadCriteria(object_name="items", operation=Operation.INSERT)

    with pytest.raises(Invalid):
        REST.check_criteria(upload, SETTINGS)


def test_objects_are_the_resources() -> None:
    assert [each.name for each in REST.objects(SETTINGS)] == LISTS


def test_an_object_is_found_whatever_its_case_and_a_wrong_one_is_answered_with_the_nearest() -> None:
    found: Criteria = REST.check_criteria(criteria("Unsized-Pages"), SETTINGS)

    assert found.object_name == "unsized_pages"
    with pytest.raises(Invalid, match="items"):
        REST.check_criteria(criteria("itens"), SETTINGS)


def test_a_download_is_one_fetch() -> None:
    assert [step.kind for step in REST.first_steps(criteria(), SETTINGS)] == [StepKind.FETCH]


def test_settings_are_completed_and_stay_the_same_when_read_again() -> None:
    once = REST.check_settings(SETTINGS)

    assert once["resources"]["items"]["paging"]["key"] == "id"
    assert REST.check_settings(json.loads(json.dumps(once))) == once


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "settings.resources"),
        ({"resources": {}}, "settings.resources"),
        ({"resources": {"a": {"path": "/a"}}}, "settings.resources.a.paging"),
        ({"resources": {"a": {"path": "/a", "paging": {"kind": "magic"}}}}, "settings.resources.a.paging.kind"),
        ({"resources": {"a": {"path": "/a", "paging": {"kind": "next_link"}}}}, "settings.resources.a.paging"),
        (
            {"resources": {"a": {"path": "/a", "paging": {"kind": "page", "maxSize": 0}}}},
            "settings.resources.a.paging.maxSize",
        ),
        ({"resources": {"a": {"path": "/a", "paging": {"kind": "page"}, "x": 1}}}, "settings.resources.a.x"),
    ],
)
def test_wrong_settings_are_named(settings: Mapping[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        REST.check_settings(settings)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "no"}', "no"),
        (b'{"error": {"message": "deep"}}', "deep"),
        (b'[{"message": "first", "errorCode": "X"}]', "first"),
        (b'{"errors": {"a": ["bad"]}}', '{"a":["bad"]}'),
        (b'"plain"', "plain"),
        (b"<html>", "status 400"),
        (b"{}", "status 400"),
        (b"", "status 400"),
    ],
)
def test_refusals_are_told_in_the_vendors_words(body: bytes, words: str) -> None:
    assert REST.refusal(400, body) == words


def test_usual_headers_of_rate_limits_are_understood() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = str(int(now.timestamp()) + 30)

    news = REST.news({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "10", "x-ratelimit-reset": later}, now)
    odd = REST.news({"ratelimit-remaining": "many", "ratelimit-reset": "1e300"}, now)

    assert (news.remaining, news.limits) == ({"rate": 7}, {"rate": 10})
    assert news.resets_in == {"rate": timedelta(seconds=30)}
    assert (odd.remaining, odd.resets_in) == ({}, {})


def test_a_vendor_that_refuses_for_good_stops_the_list(vendor: Running, provider: Provider) -> None:
    wanted = replace(criteria(), object_name="items", query={"updated_at[gt]": "yesterday"})

    with pytest.raises(Rejected, match="could not be read"):
        pages(provider, wanted)
