"""Uploads: what is released was filled once, whatever happens to the answers."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from orchestrator.job.errors import Misbehaved, Rejected, Unauthorized, Unreachable
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Fate, Phase, Posted, Proof, RowState, Walking
from orchestrator.providers.salesloft.bulk_jobs import SalesloftBulkJobs
from orchestrator.providers.salesloft.canonical import canonical_hash
from orchestrator.sandbox.faults import Moment
from tests.providers.salesloft.conftest import RotatingKeeper, Team, Teams

Records = Sequence[dict[str, Any]]


def people(count: int, first: int = 1) -> Records:
    return [
        {"upsert_key": "email_address", "email_address": f"new-{n}@orchard.test", "first_name": "Ines", "n": n + 0.5}
        for n in range(first, first + count)
    ]


def chunk(records: Records) -> bytes:
    return msgspec.json.encode(records)


def posted(records: Records, acked: int = 0) -> Posted:
    hashes = [canonical_hash(msgspec.json.encode(record)) for record in records]
    return Posted(acked_rows=acked, rows=len(records), hashes=hashes)


def looked(sink: SalesloftBulkJobs, job: str, lost: Posted, walk: Cursor | None = None) -> Proof:
    """Look until it is known, each time as another turn would."""
    while True:
        found = sink.look(job, lost, walk)
        if not isinstance(found, Walking):
            return found
        walk = msgspec.json.decode(msgspec.json.encode(found.cursor))


def released(team: Team, records: Records) -> tuple[SalesloftBulkJobs, str]:
    sink = team.sink()
    job = sink.create("bulkhead:1")
    for start in range(0, len(records), sink.chunk_rows):
        sink.fill(job, chunk(records[start : start + sink.chunk_rows]))
    sink.release(job)
    return sink, job


def fates(sink: SalesloftBulkJobs, job: str, cursor: Cursor | None = None) -> list[Fate]:
    return [fate for page in sink.fates(job, cursor or {}, lambda: True) for fate in page.fates]


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


def test_quirk_4_bodies_are_sent_as_json(team: Team) -> None:
    sink, job = released(team, [{"upsert_key": "email_address", "email_address": "a@b.test", "tags": ["x", "y"]}])

    (fate,) = fates(sink, job)

    assert msgspec.json.decode(fate.record)["tags"] == ["x", "y"]


def test_quirk_5_an_empty_page_of_results_is_not_the_end_of_a_job(teams: Teams) -> None:
    team = teams(speed=1000.0, told_clock=True)
    sink, job = released(team, people(10))

    assert fates(sink, job) == []
    assert sink.status(job).phase is Phase.RUNNING
    team.world.clock.advance(60)
    assert sink.status(job).phase is Phase.DONE
    assert len(fates(sink, job)) == 10


def test_quirk_6_a_job_that_is_done_can_have_failed_in_every_row(team: Team) -> None:
    sink, job = released(team, [{"first_name": "Nobody"}] * 3)

    status = sink.status(job)

    assert (status.phase, status.processed, status.errors) == (Phase.DONE, 3, 3)


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


def test_a_token_that_cannot_be_refreshed_asks_for_a_person(team: Team) -> None:
    team.world.salesloft.tokens.revoke()

    with pytest.raises(Unauthorized):
        team.sink().create("bulkhead:1")


def test_quirk_14_a_job_that_is_not_visible_is_refused_and_not_taken_for_gone(team: Team) -> None:
    with pytest.raises(Rejected, match="Resource not found") as refusal:
        team.sink().status("1")

    assert refusal.value.status == 404


@pytest.mark.parametrize("rows", [100, 200])
def test_quirk_15_a_full_last_page_of_fates_is_followed_by_an_empty_one(team: Team, rows: int) -> None:
    sink, job = released(team, people(rows))

    pages = list(sink.fates(job, {}, lambda: True))

    assert [len(page.fates) for page in pages] == [100] * (rows // 100) + [0]
    assert pages[-1].next is None


def test_quirk_16_a_job_takes_any_number_of_chunks(team: Team) -> None:
    sink = team.sink()
    job = sink.create("bulkhead:1")

    for n in range(12):
        sink.fill(job, chunk(people(20, first=n * 20)))
    sink.release(job)

    assert sink.status(job).total == 240
    assert (sink.chunk_rows, sink.chunks_per_job) == (5000, 10)


def test_quirk_18_row_ids_beyond_2_to_the_53_stay_whole(teams: Teams) -> None:
    sink, job = released(teams(first_row_id=2**53 + 1), people(150))

    rows = fates(sink, job)

    assert [row.key for row in rows] == list(range(2**53 + 1, 2**53 + 151))


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


def test_every_call_of_an_upload_costs_one_point(team: Team) -> None:
    sink, job = released(team, people(250))

    fates(sink, job)

    assert team.points() == sum(team.purse.costs) == len(team.requests()) == 6
