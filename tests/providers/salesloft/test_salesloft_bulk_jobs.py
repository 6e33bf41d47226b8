"""Uploads: what is released was filled once, whatever happens to the answers."""

import msgspec
import pytest

from orchestrator.job.errors import Misbehaved, Rejected, Unauthorized, Unreachable
from orchestrator.providers.provider import Phase
from orchestrator.sandbox.faults import Moment
from tests.providers.salesloft.conftest import Team, Teams
from tests.providers.salesloft.salesloft_rows import chunk, fates, people, released


def test_a_new_job_carries_our_marker_and_the_type_of_the_criteria(team: Team) -> None:
    team.sink(object_name="account", external_id_field="domain").create("bulkhead:7")

    (job,) = team.world.salesloft.bulk.stats()["jobs"]
    assert (job["name"], job["type"]) == ("bulkhead:7", "account/upsert")


def test_a_created_answer_of_201_is_as_good_as_200(teams: Teams) -> None:
    sink = teams(create_code=201).sink()

    assert sink.status(sink.create("bulkhead:1")).phase is Phase.OPEN


def test_a_job_whose_create_got_no_answer_is_found_by_its_marker(team: Team) -> None:
    sink = team.sink()
    for n in range(130):
        sink.create(f"somebody else's {n}")
    team.orders("/v2/bulk_jobs", method="POST", cut=Moment.AFTER)
    with pytest.raises(Unreachable) as lost:
        sink.create("bulkhead:mine")

    found = sink.find("bulkhead:mine")

    assert lost.value.maybe_done
    assert found is not None
    assert sink.find("bulkhead:min") is None
    assert team.world.salesloft.bulk.stats()["jobs"][-1]["id"] == int(found)


def test_a_fill_of_which_the_vendor_took_fewer_rows_is_not_taken_for_done(team: Team) -> None:
    sink = team.sink()
    job = sink.create("bulkhead:1")
    team.orders("job_data", method="POST", drop_rows=1)

    with pytest.raises(Misbehaved, match="took 9"):
        sink.fill(job, chunk(people(10)))


def test_a_release_whose_answer_was_lost_is_released_once_more_without_harm(teams: Teams) -> None:
    for code in (422, 409, 400):
        team = teams(closed_code=code)
        sink = team.sink()
        job = sink.create("bulkhead:1")
        sink.fill(job, chunk(people(3)))
        team.orders(f"bulk_jobs/{job}", method="PUT", cut=Moment.AFTER)

        with pytest.raises(Unreachable):
            sink.release(job)
        sink.release(job)

        assert team.world.salesloft.bulk.stats()["rows_released"] == 3


def test_a_release_that_is_refused_for_another_reason_is_not_taken_for_done(team: Team) -> None:
    sink = team.sink()
    job = sink.create("bulkhead:1")
    team.orders(f"bulk_jobs/{job}", method="PUT", status=422, body='{"errors": {"name": ["is too long"]}}')

    with pytest.raises(Rejected, match="name is too long"):
        sink.release(job)


def test_quirk_4_bodies_are_sent_as_json(team: Team) -> None:
    sink, job = released(team, [{"upsert_key": "email_address", "email_address": "a@b.test", "tags": ["x", "y"]}])

    (fate,) = fates(sink, job)

    assert msgspec.json.decode(fate.record)["tags"] == ["x", "y"]


def test_quirk_6_a_job_that_is_done_can_have_failed_in_every_row(team: Team) -> None:
    sink, job = released(team, [{"first_name": "Nobody"}] * 3)

    status = sink.status(job)

    assert (status.phase, status.processed, status.errors) == (Phase.DONE, 3, 3)


def test_quirk_8_a_released_job_cannot_be_stopped_and_an_open_one_changes_nothing(team: Team) -> None:
    sink, job = released(team, people(3))
    still_open = sink.create("bulkhead:2")
    before = len(team.requests())

    assert sink.abort(job, released=True) is False
    assert sink.abort(still_open, released=False) is True
    assert len(team.requests()) == before


def test_quirk_9_running_is_read_from_the_state_and_never_from_started_at(teams: Teams) -> None:
    sink, job = released(teams(speed=1.0, told_clock=True), people(3))

    assert sink.status(job).phase is Phase.RUNNING


def test_a_token_that_cannot_be_refreshed_asks_for_a_person(team: Team) -> None:
    team.world.salesloft.tokens.revoke()

    with pytest.raises(Unauthorized):
        team.sink().create("bulkhead:1")


def test_quirk_14_a_job_that_is_not_visible_is_refused_and_not_taken_for_gone(team: Team) -> None:
    with pytest.raises(Rejected, match="Resource not found") as refusal:
        team.sink().status("1")

    assert refusal.value.status == 404


def test_quirk_16_a_job_takes_any_number_of_chunks(team: Team) -> None:
    sink = team.sink()
    job = sink.create("bulkhead:1")

    for n in range(12):
        sink.fill(job, chunk(people(20, first=n * 20)))
    sink.release(job)

    assert sink.status(job).total == 240
    assert (sink.chunk_rows, sink.chunks_per_job) == (5000, 10)


def test_a_state_nobody_knows_is_reported_and_never_taken_for_an_end(team: Team) -> None:
    sink, job = released(team, people(3))
    team.orders(f"bulk_jobs/{job}", state_word="hibernating")

    status = sink.status(job)

    assert (status.phase, status.word) == (Phase.UNKNOWN, "hibernating")


def test_an_answer_that_is_no_json_is_no_answer(team: Team) -> None:
    sink, job = released(team, people(3))
    team.orders(f"bulk_jobs/{job}", status=200, body="<html>welcome</html>")

    with pytest.raises(Unreachable, match="not JSON"):
        sink.status(job)


def test_more_rows_than_a_call_takes_are_refused_in_the_vendors_words(teams: Teams) -> None:
    sink = teams(max_rows=5).sink()
    job = sink.create("bulkhead:1")

    with pytest.raises(Rejected, match="data must hold 1 to 5 records"):
        sink.fill(job, chunk(people(6)))
