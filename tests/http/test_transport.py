"""What becomes of a vendor's answer, or of its silence: one of our errors, counted and told."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from orchestrator.http.auth import StaticKeeper
from orchestrator.http.tokens import Auth
from orchestrator.job.errors import Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.status import WaitReason
from orchestrator.sandbox.faults import Fault, Moment
from orchestrator.sandbox.server import Running
from tests.http.kit import KEY, a_lender, a_turn
from tests.servers import free_port

ITEMS = "/rest/items?per_page=2"


class RotatingKeeper:
    """Knows a second key, and shows it once the first was refused."""

    def __init__(self, *keys: str) -> None:
        self._keys = keys
        self.refreshed: list[int] = []

    def current(self) -> Auth:
        version = len(self.refreshed) + 1
        return Auth(version=version, headers={"X-API-Key": self._keys[version - 1]})

    def refresh(self, seen_version: int) -> None:
        self.refreshed.append(seen_version)


def test_an_answer_comes_back_whole_and_costs_one_call(sandbox: Running) -> None:
    with a_turn(sandbox.url) as turn:
        response = turn.client.get("/rest/items", params={"id[gt]": 5, "per_page": 2})

    assert [record["id"] for record in response.json()["data"]] == [6, 7]
    assert turn.purse.take_calls() == 1
    assert turn.purse.take_fixes().answered


@pytest.mark.parametrize(
    ("told", "least", "most"), [("7", 7, 7), ("0.5", 1, 1), ("999999", 3600, 3600), ("soon", 1, 20)]
)
def test_a_refusal_for_the_rate_is_throttled_for_as_long_as_the_vendor_says(
    sandbox: Running, told: str, least: int, most: int
) -> None:
    sandbox.world.order(Fault(status=429, retry_after=told))

    with a_turn(sandbox.url) as turn, pytest.raises(Throttled) as caught:
        turn.client.get(ITEMS)

    assert timedelta(seconds=least) <= caught.value.pause <= timedelta(seconds=most)
    assert caught.value.reason is WaitReason.RETRY_AFTER
    assert turn.purse.take_fixes().gate_for == caught.value.pause
    assert turn.purse.take_calls() == 1


def test_a_pause_can_be_told_as_a_date(sandbox: Running) -> None:
    sandbox.world.order(Fault(status=429, retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=40))))

    with a_turn(sandbox.url) as turn, pytest.raises(Throttled) as caught:
        turn.client.get(ITEMS)

    assert timedelta(seconds=37) < caught.value.pause <= timedelta(seconds=40)


def test_a_refusal_closes_the_gate_for_everybody(sandbox: Running) -> None:
    lender = a_lender()
    sandbox.world.order(Fault(status=429, retry_after="9"))

    with a_turn(sandbox.url, lender) as turn, pytest.raises(Throttled):
        turn.client.get(ITEMS)

    with a_turn(sandbox.url, lender) as another, pytest.raises(Throttled) as caught:
        another.client.get(ITEMS)
    assert caught.value.reason is WaitReason.GATE
    assert another.purse.take_fixes().blocked_by == "gate"
    assert sandbox.world.ledger.stats()["requests"] == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425])
def test_a_vendor_in_trouble_is_unreachable_and_may_have_done_it(sandbox: Running, status: int) -> None:
    sandbox.world.order(Fault(status=status, retry_after="12"))

    with a_turn(sandbox.url) as turn, pytest.raises(Unreachable) as caught:
        turn.client.post("/rest/items", json={})

    assert caught.value.maybe_done
    assert caught.value.pause == timedelta(seconds=12)
    assert str(status) in str(caught.value)


def test_five_hundreds_count_as_failures_of_the_budget(sandbox: Running) -> None:
    sandbox.world.order(Fault(status=500))

    with a_turn(sandbox.url) as turn, pytest.raises(Unreachable):
        turn.client.get(ITEMS)

    assert turn.purse.take_fixes().failed


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_a_refusal_for_good_speaks_the_vendors_own_words(sandbox: Running, status: int) -> None:
    sandbox.world.order(Fault(status=status, body='{"message": "no such shelf"}', media="application/json"))

    with a_turn(sandbox.url) as turn, pytest.raises(Rejected) as caught:
        turn.client.get(ITEMS)

    assert caught.value.status == status
    assert caught.value.text == "no such shelf"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_never_followed(sandbox: Running, status: int) -> None:
    sandbox.world.order(Fault(status=status, headers={"location": f"{sandbox.url}/rest/array"}))

    with a_turn(sandbox.url) as turn, pytest.raises(Rejected):
        turn.client.get(ITEMS)

    assert sandbox.world.ledger.stats()["requests"] == 1


def test_a_closed_door_was_certainly_not_entered() -> None:
    with a_turn(f"http://127.0.0.1:{free_port()}") as turn, pytest.raises(Unreachable) as caught:
        turn.client.post("/anything", json={})

    assert not caught.value.maybe_done


@pytest.mark.parametrize("moment", list(Moment))
def test_a_broken_answer_may_have_been_done(sandbox: Running, moment: Moment) -> None:
    sandbox.world.order(Fault(cut=moment))

    with a_turn(sandbox.url) as turn, pytest.raises(Unreachable) as caught:
        turn.client.get(ITEMS)

    assert caught.value.maybe_done
    assert sandbox.world.ledger.stats()["requests"] == 1


def test_a_stale_token_is_refreshed_once_and_the_call_is_sent_again(sandbox: Running) -> None:
    keeper = RotatingKeeper("stale", KEY)

    with a_turn(sandbox.url, keeper=keeper) as turn:
        response = turn.client.get(ITEMS)

    assert response.status_code == 200
    assert keeper.refreshed == [1]
    assert turn.purse.take_calls() == 2


def test_a_second_refusal_of_the_token_is_unauthorized(sandbox: Running) -> None:
    keeper = RotatingKeeper("stale", "stale too")

    with a_turn(sandbox.url, keeper=keeper) as turn, pytest.raises(Unauthorized):
        turn.client.get(ITEMS)

    assert sandbox.world.ledger.stats()["requests"] == 2


def test_credentials_that_never_change_are_not_tried_twice(sandbox: Running) -> None:
    keeper = StaticKeeper("rest", {"type": "bearer", "token": "wrong"})

    with a_turn(sandbox.url, keeper=keeper) as turn, pytest.raises(Unauthorized):
        turn.client.get(ITEMS)

    assert sandbox.world.ledger.stats()["requests"] == 1


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_worker_that_may_be_fenced_sends_nothing_that_has_an_effect(sandbox: Running, method: str) -> None:
    with a_turn(sandbox.url, a_lender(may_send=lambda: False)) as turn, pytest.raises(Unreachable) as caught:
        getattr(turn.client, method)("/rest/items")

    assert not caught.value.maybe_done
    assert sandbox.world.ledger.stats()["requests"] == 0
    assert turn.purse.take_calls() == 0


def test_a_worker_that_may_be_fenced_still_reads_and_repeats_the_harmless(sandbox: Running) -> None:
    with a_turn(sandbox.url, a_lender(may_send=lambda: False)) as turn:
        turn.client.get(ITEMS)
        with pytest.raises(Rejected):
            turn.client.put("/rest/items", json={}, repeatable=True)

    assert sandbox.world.ledger.stats()["requests"] == 2
