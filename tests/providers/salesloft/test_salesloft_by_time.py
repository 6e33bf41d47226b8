"""Lists walked by time: every record once, whatever shares an instant or changes meanwhile."""

from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from orchestrator.clock import to_micros
from orchestrator.job.errors import Misbehaved
from tests.providers.salesloft.conftest import Team, Teams, download, ids

NOON = to_micros(datetime(2025, 6, 1, 12, tzinfo=UTC))


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


@pytest.mark.parametrize(("times", "told"), [(1, 250), (None, 240)], ids=["a slip", "for good"])
def test_a_count_that_does_not_fit_is_asked_for_once_more(team: Team, times: int | None, told: int) -> None:
    team.orders("include_paging_counts", times=times, miscount=10)

    pages = team.pages()

    assert sum(page.read for page in pages) == 250
    assert pages[-1].vendor_counted == told


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


def test_a_walk_by_time_costs_one_point_a_page_and_one_to_begin(teams: Teams) -> None:
    team = teams(people=250)

    team.pages()

    assert team.points() == sum(team.purse.costs) == 4
