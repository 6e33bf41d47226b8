"""After a lost answer to a fill: presence proves, absence does not."""

from typing import Any

import pytest

from orchestrator.job.errors import Unreachable
from orchestrator.providers.look import Proof
from orchestrator.sandbox.faults import Moment
from tests.providers.salesloft.conftest import Teams
from tests.providers.salesloft.salesloft_rows import chunk, looked, people, posted


@pytest.mark.parametrize("shown", [True, False], ids=["total moves while open", "total is 0 while open"])
@pytest.mark.parametrize("fault", [{"cut": Moment.AFTER}, {"cut": Moment.BODY}, {"status": 503, "when": Moment.AFTER}])
def test_a_fill_that_took_effect_before_its_answer_was_lost_is_proven(
    teams: Teams, shown: bool, fault: dict[str, Any]
) -> None:
    team = teams(total_while_open=shown)
    sink, first, second = team.sink(), people(230), people(310, first=500)
    job = sink.create("bulkhead:1")
    sink.fill(job, chunk(first))
    team.orders("job_data", method="POST", **fault)

    with pytest.raises(Unreachable):
        sink.fill(job, chunk(second))

    assert looked(sink, job, posted(second, acked=230)) is Proof.ARRIVED


@pytest.mark.parametrize("shown", [True, False], ids=["total moves while open", "total is 0 while open"])
@pytest.mark.parametrize("fault", [{"cut": Moment.BEFORE}, {"status": 502, "body": "<html>"}])
def test_a_fill_that_cannot_be_found_is_unproven(teams: Teams, shown: bool, fault: dict[str, Any]) -> None:
    team = teams(total_while_open=shown)
    sink, first, second = team.sink(), people(230), people(310, first=500)
    job = sink.create("bulkhead:1")
    sink.fill(job, chunk(first))
    team.orders("job_data", method="POST", **fault)

    with pytest.raises(Unreachable):
        sink.fill(job, chunk(second))

    assert looked(sink, job, posted(second, acked=230)) is Proof.UNPROVEN


def test_as_many_rows_of_another_content_prove_nothing(teams: Teams) -> None:
    sink = teams(total_while_open=False).sink()
    job = sink.create("bulkhead:1")
    sink.fill(job, chunk(people(250)))

    found = looked(sink, job, posted(people(250, first=2)))

    assert found is Proof.UNPROVEN


def test_a_fill_that_arrived_in_part_or_twice_is_unproven(teams: Teams) -> None:
    for shown in (True, False):
        sink, records = teams(total_while_open=shown).sink(), people(120)
        half, twice = sink.create("bulkhead:1"), sink.create("bulkhead:2")
        sink.fill(half, chunk(records[:60]))
        sink.fill(twice, chunk(records))
        sink.fill(twice, chunk(records))

        assert looked(sink, half, posted(records)) is Proof.UNPROVEN
        assert looked(sink, twice, posted(records)) is Proof.UNPROVEN


def test_one_call_proves_where_the_total_moves_and_the_walk_saves_itself_page_by_page(teams: Teams) -> None:
    for shown, calls in ((True, 1), (False, 1 + 4)):
        team = teams(total_while_open=shown)
        sink, records = team.sink(), people(350)
        job = sink.create("bulkhead:1")
        sink.fill(job, chunk(records))
        before = len(team.requests())

        assert looked(sink, job, posted(records)) is Proof.ARRIVED
        assert len(team.requests()) - before == calls


def test_a_walk_too_long_for_its_worth_is_not_begun(teams: Teams) -> None:
    team = teams(total_while_open=False)
    sink, records = team.sink(), people(5000)
    job = sink.create("bulkhead:1")
    sink.fill(job, chunk(records))
    sink.fill(job, chunk(records))

    found = sink.look(job, posted(records, acked=5000), None)

    assert found is Proof.UNPROVEN
    assert team.requests()[-1] == ("GET", f"/v2/bulk_jobs/{job}")


def test_a_walk_finds_a_whole_chunk_of_5000_within_its_sixty_calls(teams: Teams) -> None:
    team = teams(total_while_open=False)
    sink, records = team.sink(), people(5000)
    job = sink.create("bulkhead:1")
    sink.fill(job, chunk(records))

    assert looked(sink, job, posted(records)) is Proof.ARRIVED
    assert len(team.requests()) <= 2 + 1 + 60
