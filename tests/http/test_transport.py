"""What a turn sees of a vendor: an answer, or one of our errors."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from orchestrator.http.auth import StaticKeeper
from orchestrator.http.client import decode
from orchestrator.http.tokens import Auth
from orchestrator.job.errors import Misbehaved, Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import ConcurrencyLimit, News
from orchestrator.sandbox.faults import Fault, Moment
from orchestrator.sandbox.server import Running
from tests.http.kit import FAST, KEY, a_lender, a_turn, manners
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


def test_no_error_shows_a_secret(sandbox: Running) -> None:
    secret = "s3cr3t-value"
    echo = Fault(status=400, body=f'{{"message": "the key {secret} is odd"}}', media="application/json")
    sandbox.world.order(echo, times=3)
    kinds = [
        {"type": "bearer", "token": secret},
        {"type": "api_key", "in": "query", "name": "key", "value": secret},
        {"type": "api_key", "in": "header", "name": "X-API-Key", "value": secret},
    ]

    for credentials in kinds:
        keeper = StaticKeeper("rest", credentials)
        with a_turn(sandbox.url, keeper=keeper) as turn, pytest.raises(Rejected) as caught:
            turn.client.get(ITEMS)

        shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {keeper.current()!r}"
        assert secret not in shown
        assert "***" in shown


def test_an_api_key_in_the_query_is_sent_but_not_shown(sandbox: Running, caplog: pytest.LogCaptureFixture) -> None:
    keeper = StaticKeeper("rest", {"type": "api_key", "in": "query", "name": "key", "value": "s3cr3t-value"})
    sandbox.world.change({"rest_keys": [""]})

    with caplog.at_level("DEBUG"), a_turn(sandbox.url, keeper=keeper) as turn:
        response = turn.client.get(ITEMS)

    assert "key=s3cr3t-value" in sandbox.world.ledger.log(0, 1)[0].target
    assert "s3cr3t-value" not in f"{response.url} {response.request.url} {caplog.text}"


def test_a_link_to_another_origin_is_never_followed(sandbox: Running) -> None:
    with a_turn(sandbox.url) as turn, pytest.raises(Misbehaved):
        turn.client.get("http://127.0.0.1:1/rest/items")

    assert turn.purse.take_calls() == 0


def test_an_absolute_link_within_the_origin_is_followed(sandbox: Running) -> None:
    with a_turn(sandbox.url) as turn:
        response = turn.client.get(f"{sandbox.url}{ITEMS}")

    assert len(response.json()["data"]) == 2


def test_a_slot_is_held_for_the_call_alone(sandbox: Running) -> None:
    lender = a_lender(limits=(FAST, ConcurrencyLimit(name="calls", amount=1)))

    with a_turn(sandbox.url, lender) as turn:
        for _ in range(5):
            turn.client.get(ITEMS)

    assert turn.purse.take_calls() == 5


def test_a_call_without_a_free_slot_is_not_sent_and_not_counted(sandbox: Running) -> None:
    lender = a_lender(limits=(FAST, ConcurrencyLimit(name="calls", amount=1)))

    with a_turn(sandbox.url, lender) as turn:
        turn.client.get(ITEMS)
        turn.purse.take_calls()
        with turn.purse.slot(timedelta(seconds=5)), pytest.raises(Throttled) as caught:
            turn.client.get(ITEMS)

    assert caught.value.reason is WaitReason.CONCURRENCY
    assert timedelta(seconds=0.2) <= caught.value.pause <= timedelta(seconds=1)
    assert turn.purse.take_calls() == 0
    assert turn.purse.take_fixes().blocked_for is None
    assert sandbox.world.ledger.stats()["requests"] == 1


def test_the_next_page_travels_while_this_one_is_worked_on(sandbox: Running) -> None:
    with a_turn(sandbox.url) as turn:
        ahead = turn.client.ahead("/rest/items", params={"per_page": 1})

        assert ahead.result().json()["data"][0]["id"] == 1
        assert turn.purse.take_calls() == 1


def test_what_goes_wrong_ahead_is_raised_where_it_is_asked_for(sandbox: Running) -> None:
    sandbox.world.order(Fault(status=404, body='{"message": "gone"}'))

    with a_turn(sandbox.url) as turn:
        ahead = turn.client.ahead(ITEMS)
        with pytest.raises(Rejected):
            ahead.result()


def test_what_the_vendor_says_a_call_cost_is_what_it_costs(sandbox: Running) -> None:
    settled: list[float] = []
    lender = a_lender()
    lender.limiter.settle = lambda *_, extra: settled.append(extra)  # type: ignore[method-assign]

    with a_turn(sandbox.url, lender, speaks=manners(lambda *_: News(cost=8))) as turn:
        turn.client.get(ITEMS, cost=3)

    assert settled == [5]


def test_an_unreadable_success_is_unreachable(sandbox: Running) -> None:
    sandbox.world.order(Fault(status=200, body="<html>maintenance</html>"))

    with a_turn(sandbox.url) as turn, pytest.raises(Unreachable):
        decode("rest", turn.client.get(ITEMS), dict)


def test_the_environment_names_no_proxy(sandbox: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    with a_turn(sandbox.url) as turn:
        response = turn.client.get(ITEMS)

    assert response.status_code == 200


def test_a_client_lives_as_long_as_its_settings(sandbox: Running) -> None:
    with a_turn(sandbox.url) as turn:
        same = [turn.pool.client(connection_id=1, base_url=sandbox.url, version=1, manners=manners()) for _ in "ab"]
        newer = turn.pool.client(connection_id=1, base_url=sandbox.url, version=2, manners=manners())

        assert same[0] is same[1]
        assert newer is not same[0]
        turn.client.get(ITEMS)
