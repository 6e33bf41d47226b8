"""What the criteria of a download do to a walk, and what stops it for a while."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.job.errors import Throttled
from orchestrator.providers.provider import Page
from tests.providers.salesloft.conftest import Team, Teams, download, ids, stored


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
