"""Lists walked by page numbers: every record once, at the price of its page."""

import msgspec
import pytest

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesloft.answers import page_cost
from tests.providers.salesloft.conftest import Teams, download, ids


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


PRICES = [(1, 1), (100, 1), (101, 3), (150, 3), (151, 8), (250, 8), (251, 10), (500, 10), (501, 30)]


@pytest.mark.parametrize(("page", "cost"), PRICES)
def test_a_deep_page_has_its_published_price(page: int, cost: int) -> None:
    assert page_cost(page) == cost
