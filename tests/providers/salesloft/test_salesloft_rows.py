"""The rows of a bulk job: each one once, none skipped, no state taken for another."""

from typing import Any

import msgspec
import pytest

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.provider import Phase
from orchestrator.providers.salesloft.rows import RowState
from tests.providers.salesloft.conftest import RotatingKeeper, Team, Teams
from tests.providers.salesloft.salesloft_rows import chunk, fates, people, released


def test_an_upload_flows_from_an_empty_job_to_the_fate_of_each_row(team: Team) -> None:
    records = [*people(150), {"upsert_key": "email_address", "first_name": "Nobody"}]
    sink = team.sink()

    job = sink.create("bulkhead:1")
    opened = sink.status(job)
    sink.fill(job, chunk(records))
    sink.release(job)
    done = sink.status(job)
    rows = fates(sink, job)

    assert opened.phase is Phase.OPEN
    assert (done.phase, done.word, done.processed, done.errors, done.total) == (Phase.DONE, "done", 151, 1, 151)
    assert [msgspec.json.decode(row.record) for row in rows] == records
    assert [row.status for row in rows] == ["success"] * 150 + ["error"]
    assert rows[-1].error == "email_address is missing"
    assert msgspec.json.decode(rows[0].resource)["upsert_type"] == "create"
    assert sum(record.get("first_name") == "Ines" for record in team.records().values()) >= 150


def test_fates_go_on_after_any_stored_page_and_stop_when_the_turn_is_over(team: Team) -> None:
    sink, job = released(team, people(350))
    whole = fates(sink, job)

    (first,) = list(sink.fates(job, {}, lambda: False))
    assert first.next is not None
    rest = fates(sink, job, msgspec.json.decode(msgspec.json.encode(first.next)))

    assert [fate.key for fate in [*first.fates, *rest]] == [fate.key for fate in whole]
    assert len({fate.key for fate in whole}) == 350


def test_quirk_1_the_cursor_of_rows_is_spelled_with_a_bracket_and_gt(team: Team) -> None:
    sink, job = released(team, people(150))

    fates(sink, job)

    spelled = [target for _, target in team.requests() if "/results" in target]
    assert len(spelled) == 2
    assert all("id%5Bgt%5D=" in target or "id[gt]=" in target for target in spelled)


@pytest.mark.parametrize("fault", [{"ignore_filters": True}, {"overlap": 3}], ids=["ignored", "overlapping"])
def test_quirk_2_a_cursor_that_is_not_obeyed_stops_the_walk(team: Team, fault: dict[str, Any]) -> None:
    sink, job = released(team, people(350))
    team.orders("/results", after=1, times=None, **fault)

    with pytest.raises(Misbehaved, match="not obeyed"):
        fates(sink, job)


def test_quirk_2_rows_in_falling_order_stop_the_walk(teams: Teams) -> None:
    sink, job = released(teams(descending_pages=True), people(10))

    with pytest.raises(Misbehaved):
        fates(sink, job)


def test_quirk_5_an_empty_page_of_results_is_not_the_end_of_a_job(teams: Teams) -> None:
    team = teams(speed=1000.0, told_clock=True)
    sink, job = released(team, people(10))

    assert fates(sink, job) == []
    assert sink.status(job).phase is Phase.RUNNING
    team.world.clock.advance(60)
    assert sink.status(job).phase is Phase.DONE
    assert len(fates(sink, job)) == 10


def test_quirk_7_a_retrying_row_is_not_final_and_no_stored_cursor_passes_it(teams: Teams) -> None:
    team = teams(speed=10.0, told_clock=True)
    team.orders("bulk_jobs", method="PUT", retrying=1)
    sink, job = released(team, people(250))
    team.world.clock.advance(10)

    pages = list(sink.job_data(job, {}, ()))

    states: list[RowState] = [row for page in pages for row in page.rows]
    assert [states[0].status, states[1].status, states[-1].status] == ["retrying", "success", "pending"]
    assert len(states) == 250
    assert all(page.stored == {"after": 0} for page in pages)


def test_rows_can_be_asked_for_by_status_while_the_job_runs(teams: Teams) -> None:
    team = teams(speed=10.0, told_clock=True)
    sink, job = released(team, people(250))
    team.world.clock.advance(15)

    handled = list(sink.job_data(job, {}, ("success", "error")))
    waiting = list(sink.job_data(job, {}, ("pending", "retrying")))
    everything = list(sink.job_data(job, {}, ()))

    assert sum(len(page.rows) for page in handled) == 150
    assert sum(len(page.rows) for page in waiting) == 100
    assert handled[-1].stored == {"after": 0}
    assert everything[-1].stored == {"after": handled[-1].rows[-1].key}
    assert all(
        "status=success%2Cerror" in t or "status=success,error" in t for _, t in team.requests() if "success" in t
    )


@pytest.mark.parametrize("long", [True, False])
def test_the_long_and_the_short_row_are_both_understood(teams: Teams, long: bool) -> None:
    sink, job = released(teams(long_rows=long), people(3))

    (page,) = sink.job_data(job, {}, ())

    assert [row.status for row in page.rows] == ["success"] * 3
    assert page.stored == {"after": page.rows[-1].key}


def test_quirk_11_a_token_that_ends_in_the_middle_of_a_walk_is_refreshed_once(
    rotating: tuple[Team, RotatingKeeper],
) -> None:
    team, keeper = rotating
    sink, job = released(team, people(350))

    walk = sink.fates(job, {}, lambda: True)
    rows = [fate.key for fate in next(walk).fates]
    team.world.salesloft.tokens.revoke()
    rows += [fate.key for page in walk for fate in page.fates]

    assert len(rows) == len(set(rows)) == 350
    assert keeper.version == 2
    assert team.world.salesloft.tokens.refreshes == 1


@pytest.mark.parametrize("rows", [100, 200])
def test_quirk_15_a_full_last_page_of_fates_is_followed_by_an_empty_one(team: Team, rows: int) -> None:
    sink, job = released(team, people(rows))

    pages = list(sink.fates(job, {}, lambda: True))

    assert [len(page.fates) for page in pages] == [100] * (rows // 100) + [0]
    assert pages[-1].next is None


def test_quirk_18_row_ids_beyond_2_to_the_53_stay_whole(teams: Teams) -> None:
    sink, job = released(teams(first_row_id=2**53 + 1), people(150))

    rows = fates(sink, job)

    assert [row.key for row in rows] == list(range(2**53 + 1, 2**53 + 151))


def test_every_call_of_an_upload_costs_one_point(team: Team) -> None:
    sink, job = released(team, people(250))

    fates(sink, job)

    assert team.points() == sum(team.purse.costs) == len(team.requests()) == 6
