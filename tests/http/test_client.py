"""What a provider can rely on: secrets stay secret, links stay at home, calls ahead are counted."""

import threading
from datetime import timedelta

import pytest

from orchestrator.http.auth import StaticKeeper
from orchestrator.http.client import decode
from orchestrator.job.errors import Misbehaved, Rejected, Throttled, Unreachable
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import ConcurrencyLimit, News
from orchestrator.sandbox.faults import Fault
from orchestrator.sandbox.server import Running
from tests.http.kit import FAST, a_lender, a_turn, manners
from tests.servers import eventually

ITEMS = "/rest/items?per_page=2"


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


def test_a_call_ahead_that_nobody_wants_is_counted_or_never_made(sandbox: Running) -> None:
    sandbox.world.change({"latency": 0.05})

    with a_turn(sandbox.url) as turn:
        for _ in range(5):
            turn.client.ahead(ITEMS).drop()
        counted = turn.purse.take_calls()
        turn.client.close()
        eventually(lambda: "ahead" not in [thread.name for thread in threading.enumerate()])

        assert turn.purse.take_calls() == 0
        assert sandbox.world.ledger.stats()["requests"] == counted


def test_links_are_kept_without_credentials(sandbox: Running) -> None:
    keeper = StaticKeeper("rest", {"type": "api_key", "in": "query", "name": "key", "value": "s3cr3t-value"})
    sandbox.world.change({"rest_keys": [""]})

    with a_turn(sandbox.url, keeper=keeper) as turn:
        link = turn.client.link(turn.client.get(ITEMS), "?cursor=7&key=s3cr3t-value")

    assert link == f"{sandbox.url}/rest/items?cursor=7"


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
