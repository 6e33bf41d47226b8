"""Downloads: every record once, whatever shares an instant, changes meanwhile, or is misunderstood."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import msgspec
import pytest

from orchestrator.clock import to_micros
from orchestrator.job.errors import Misbehaved, Throttled
from orchestrator.providers.provider import Page
from orchestrator.providers.salesloft.answers import page_cost
from tests.providers.salesloft.conftest import Team, Teams, download, stored

NOON = to_micros(datetime(2025, 6, 1, 12, tzinfo=UTC))


def ids(pages: Sequence[Page]) -> list[int]:
    return [record["id"] for record in stored(pages)]


def test_every_person_is_downloaded_once_and_byte_for_byte_as_sent(team: Team) -> None:
    pages = team.pages()

    rows = [line for page in pages for line in bytes(page.body).splitlines()]
    assert sorted(rows) == sorted(row.body for row in team.world.salesloft.tables["people"].rows.values())
    assert sum(page.rows for page in pages) == 250
    assert pages[-1].next is None
    assert pages[-1].vendor_counted == 250


@pytest.mark.parametrize("ties", [2, 7, 100, 101, 120, 250])
def test_records_of_one_instant_come_once_each_even_over_several_pages(teams: Teams, ties: int) -> None:
    team = teams(ties=ties, people=450)

    pages = team.pages()

    assert sorted(ids(pages)) == sorted(team.records())
    assert pages[-1].vendor_counted == sum(page.read for page in pages) == 450


def test_keys_rise_strictly_from_part_to_part_also_within_one_instant(teams: Teams) -> None:
    team = teams(ties=170, people=450)

    pages = [page for page in team.pages() if page.rows]

    keys = [str(key) for page in pages for key in (page.first_key, page.last_key)]
    assert all(before <= after for before, after in pairwise(keys))
    assert all(last < first for last, first in list(pairwise(keys))[1::2])


@pytest.mark.parametrize("ties", [1, 130])
def test_a_walk_goes_on_from_any_stored_cursor_without_losing_or_doubling(teams: Teams, ties: int) -> None:
    team = teams(ties=ties, people=450)
    whole = team.pages()

    for nth, page in enumerate(whole[:-1]):
        cursor = msgspec.json.decode(msgspec.json.encode(page.next))
        rest = team.pages(cursor)

        assert ids(whole[: nth + 1]) + ids(rest) == ids(whole)


def test_a_turn_that_is_over_asks_for_no_further_page(team: Team) -> None:
    source = team.provider.source(download())

    pages = list(source.pages({}, lambda: False, None))

    assert len(pages) == 1
    assert pages[0].next is not None
    assert len(team.requests()) == 1


def test_people_changed_while_we_read_are_not_read_twice(teams: Teams) -> None:
    team = teams(people=350)
    before = set(team.records())
    source = team.provider.source(download())

    pages = []
    for page in source.pages({}, lambda: True, None):
        pages.append(page)
        for id_ in ids([page])[:5]:
            team.put({**team.records()[id_], "updated_at": "2025-06-01T12:00:00Z"}, NOON)

    assert len(ids(pages)) == len(set(ids(pages)))
    assert set(ids(pages)) <= before


def test_a_person_changed_before_its_page_is_left_to_the_next_walk_and_counts_agree(teams: Teams) -> None:
    team = teams(people=350)
    source = team.provider.source(download())
    late = max(team.records()) - 1

    pages = []
    for page in source.pages({}, lambda: True, None):
        pages.append(page)
        if page.rows and len(pages) == 2:
            team.put({**team.records()[late], "updated_at": "2025-06-01T12:00:00Z"}, NOON)

    assert late not in ids(pages)
    assert pages[-1].vendor_counted == sum(page.read for page in pages) == 349
    since = datetime.fromisoformat(team.records()[late - 1]["updated_at"])
    assert late in ids(team.pages(from_=since, filter_date_field="updated_at"))


def test_a_record_that_leaves_a_crowded_instant_does_not_push_another_out_of_sight(teams: Teams) -> None:
    team = teams(people=450, ties=450)
    source = team.provider.source(download())
    gone: list[int] = []

    pages = []
    for page in source.pages({}, lambda: True, None):
        pages.append(page)
        if page.rows and len(gone) < 3:
            gone.append(ids([page])[0])
            team.put({**team.records()[gone[-1]], "updated_at": "2025-06-01T12:00:00Z"}, NOON)

    assert sorted(ids(pages)) == sorted(team.records())


def test_a_page_that_lacks_rows_at_its_end_loses_none_of_them(teams: Teams) -> None:
    team = teams(people=350)
    team.orders("/v2/people", after=2, drop_rows=7)

    pages = team.pages()

    assert sorted(ids(pages)) == sorted(team.records())


def test_an_end_that_came_too_early_is_told_by_the_count(teams: Teams) -> None:
    team = teams(people=350)
    team.orders("/v2/people", after=2, drop_rows=100)

    pages = team.pages()

    assert sum(page.read for page in pages) < 350
    assert pages[-1].vendor_counted == 350


def test_an_empty_list_is_one_page_of_nothing(teams: Teams) -> None:
    team = teams(people=0)

    pages = team.pages()

    assert [(page.rows, page.next) for page in pages] == [(0, None)]


def test_quirk_1_the_cursor_is_spelled_with_a_bracket_and_gt(team: Team) -> None:
    team.pages()

    spelled = [target for _, target in team.requests()[2:]]
    assert all("updated_at%5Bgt%5D=" in target or "updated_at[gt]=" in target for target in spelled)


def test_quirk_2_a_filter_that_is_ignored_is_found_out_instead_of_reading_page_one_for_ever(team: Team) -> None:
    team.orders("/v2/people", times=None, ignore_filters=True)

    with pytest.raises(Misbehaved, match="not obeyed"):
        team.pages()


def test_quirk_10_times_with_an_offset_and_without_microseconds_are_the_same_instants(teams: Teams) -> None:
    team = teams(people=350, ties=3, mixed_times=True)

    pages = team.pages()

    assert sorted(ids(pages)) == sorted(team.records())


def test_quirk_15_an_exactly_full_last_page_needs_one_more_call_that_brings_nothing(teams: Teams) -> None:
    team = teams(people=199)

    pages = team.pages()

    assert sorted(ids(pages)) == sorted(team.records())
    assert pages[-1].rows == 0


def test_quirk_18_ids_beyond_2_to_the_53_stay_whole(teams: Teams) -> None:
    team = teams(people=0)
    huge = 2**53 + 1
    for n in range(3):
        team.put({"id": huge + n, "updated_at": "2025-06-01T12:00:00Z"}, NOON)

    pages = team.pages()

    assert ids(pages) == [huge, huge + 1, huge + 2]


def test_from_and_to_on_updated_at_are_asked_of_the_vendor_both_ends_included(teams: Teams) -> None:
    team = teams(people=350, ties=5)
    times = sorted(datetime.fromisoformat(record["updated_at"]) for record in team.records().values())
    first, last = times[50], times[270]

    pages = team.pages(from_=first, to=last, filter_date_field="updated_at")

    wanted = [id_ for id_, r in team.records().items() if first <= datetime.fromisoformat(r["updated_at"]) <= last]
    assert sorted(ids(pages)) == sorted(wanted)
    assert sum(page.filtered for page in pages) == 0
    assert pages[-1].vendor_counted == len(wanted)


def test_from_and_to_on_another_date_are_applied_here_and_counted(teams: Teams) -> None:
    team = teams(people=250)
    times = sorted(datetime.fromisoformat(record["created_at"]) for record in team.records().values())

    pages = team.pages(from_=times[50], to=times[99], filter_date_field="created_at")

    assert len(ids(pages)) == 50
    assert sum(page.filtered for page in pages) == 200
    assert sum(page.read for page in pages) == 250


def test_from_after_the_newest_change_brings_nothing(team: Team) -> None:
    pages = team.pages(from_=datetime(2030, 1, 1, tzinfo=UTC), filter_date_field="updated_at")

    assert ids(pages) == []
    assert pages[-1].next is None


def test_a_limit_cuts_within_the_page_and_ends_the_walk(team: Team) -> None:
    pages = team.pages(room=130)

    assert len(ids(pages)) == 130
    assert pages[-1].next is None
    assert sum(page.cut for page in pages) == sum(page.read for page in pages) - 130


def test_selected_fields_alone_are_stored(team: Team) -> None:
    records = stored(team.pages(select_fields=("id", "email_address")))

    assert {tuple(record) for record in records} == {("id", "email_address")}


def test_a_smaller_page_size_is_obeyed_and_a_larger_one_lowered(teams: Teams) -> None:
    team = teams(people=60)

    pages = team.pages(page_size=25)

    assert next(page.rows for page in pages if page.rows) == 25
    assert sorted(ids(pages)) == sorted(team.records())
    assert download(page_size=5000).page_size == 100


def test_the_vendors_own_parameters_are_passed_through(team: Team) -> None:
    pages = team.pages(query={"job_seniority": "director"})

    assert {record["job_seniority"] for record in stored(pages)} == {"director"}
    assert pages[-1].vendor_counted == len(stored(pages))


@pytest.mark.parametrize("name", ["users", "tags", "custom_fields", "person_stages", "tasks"])
def test_a_list_without_that_filter_is_read_by_page_numbers(teams: Teams, name: str) -> None:
    team = teams(others=230)

    pages = team.pages(object_name=name)

    assert sorted(ids(pages)) == sorted(team.records(name))
    assert pages[-1].vendor_counted == 230
    assert all("page=" in target for _, target in team.requests())


def test_users_are_read_by_pages_although_without_a_page_they_would_come_all_at_once(teams: Teams) -> None:
    team = teams(others=230)

    pages = team.pages(object_name="user")

    assert [page.rows for page in pages] == [100, 100, 30]


def test_a_page_number_walk_goes_on_from_any_stored_cursor(teams: Teams) -> None:
    team = teams(others=330)
    whole = team.pages(object_name="user")

    for nth, page in enumerate(whole[:-1]):
        rest = team.pages(msgspec.json.decode(msgspec.json.encode(page.next)), object_name="user")

        assert ids(whole[: nth + 1]) + ids(rest) == ids(whole)


def test_records_removed_under_the_page_numbers_push_none_out_of_sight(teams: Teams) -> None:
    team = teams(others=330)
    table = team.world.salesloft.tables["person_stages"]
    source = team.provider.source(download(object_name="person_stage"))

    pages = []
    for page in source.pages({}, lambda: True, None):
        pages.append(page)
        if len(pages) == 1:
            with team.world.lock:
                kept = [(r.record(), r.created_at, r.updated_at) for r in table.rows.values() if r.id > 10]
                table.rows.clear()
                table._orders.clear()
                for record, created, updated in kept:
                    table.put(record, created, updated)

    assert len(ids(pages)) == len(set(ids(pages)))
    assert set(ids(pages)) >= set(team.records("person_stages"))


def test_a_page_number_that_is_not_obeyed_is_found_out(teams: Teams) -> None:
    team = teams(others=130)
    cursor = team.pages(object_name="user")[0].next
    assert cursor is not None
    first = min(team.records("users"))

    with pytest.raises(Misbehaved, match="page before it"):
        team.pages({**cursor, "page": 1, "first": first}, object_name="user")


def test_pages_cost_what_the_vendor_charges_however_deep(teams: Teams) -> None:
    team = teams(others=520)

    team.pages(object_name="user", page_size=1)

    assert team.purse.costs[99:101] == [1, 3]
    assert team.purse.costs[150] == 8
    assert team.purse.costs[250] == 10
    assert team.purse.costs[500] == 30
    assert sum(team.purse.costs) == team.points()


def test_a_walk_by_time_costs_one_point_a_page_and_one_to_begin(teams: Teams) -> None:
    team = teams(people=250)

    team.pages()

    assert team.points() == sum(team.purse.costs) == 4


PRICES = [(1, 1), (100, 1), (101, 3), (150, 3), (151, 8), (250, 8), (251, 10), (500, 10), (501, 30)]


@pytest.mark.parametrize(("page", "cost"), PRICES)
def test_a_deep_page_has_its_published_price(page: int, cost: int) -> None:
    assert page_cost(page) == cost


def test_the_source_says_how_it_reads(team: Team) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=3)

    by_time = team.provider.source(download(from_=since, filter_date_field="updated_at")).meta
    by_page = team.provider.source(download(object_name="users", page_size=50)).meta

    assert by_time == {"pageSize": 100, "readBy": "updated_at", "pushedDown": ["updated_at[gt]"]}
    assert by_page == {"pageSize": 50, "readBy": "page", "pushedDown": []}


@pytest.mark.parametrize("told", [True, False], ids=["with Retry-After", "without"])
def test_a_walk_that_meets_the_teams_limit_goes_on_where_it_was(teams: Teams, told: bool) -> None:
    team = teams(people=350, rate=4, told_clock=True, retry_after=told)
    source = team.provider.source(download())

    pages: list[Page] = []
    with pytest.raises(Throttled) as pause:
        _until_it_breaks(source.pages({}, lambda: True, None), pages)
    team.world.clock.advance(60)
    assert pages[-1].next is not None
    rest = team.pages(pages[-1].next)

    assert pause.value.pause <= timedelta(seconds=75)
    assert sorted(ids([*pages, *rest])) == sorted(team.records())


def test_quirk_12_points_eaten_by_another_integration_stop_us_and_lose_nothing(teams: Teams) -> None:
    team = teams(people=350, rate=600, told_clock=True)
    team.orders("/v2/people", after=2, eat=600)
    source = team.provider.source(download())

    pages: list[Page] = []
    with pytest.raises(Throttled):
        _until_it_breaks(source.pages({}, lambda: True, None), pages)
    team.world.clock.advance(60)
    assert pages[-1].next is not None

    assert sorted(ids([*pages, *team.pages(pages[-1].next)])) == sorted(team.records())


def _until_it_breaks(walk: Iterator[Page], pages: list[Page]) -> None:
    for page in walk:
        pages.append(page)
