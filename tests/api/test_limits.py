"""Limits as a user sees them, and what is refused of them."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.limits.limit import LimiterDown, Seed
from orchestrator.sandbox.faults import Fault
from tests.api.kit import Served

SECOND = timedelta(seconds=1)
THREE = [
    {"kind": "rate", "amount": 600, "seconds": 60},
    {"kind": "quota", "amount": 1000, "window": "day", "timezone": "Europe/Berlin"},
    {"kind": "concurrency", "amount": 4},
]


def limits(api: Served, name: str = "rest") -> dict[str, Any]:
    """Return the answer."""
    return api.client.connection_limits(name)


def test_a_budget_that_made_no_call_shows_its_limits(api: Served) -> None:
    api.connect(limits=THREE, reserve=0.2)

    seen = limits(api)

    rate, quota, slots = seen["limits"]
    assert (seen["limiter"], seen["blockedBy"], seen["breaker"]["state"]) == ("unseeded", None, "closed")
    assert (rate["kind"], rate["amount"], rate["published"], rate["available"]) == ("rate", 480, 600, None)
    assert (quota["kind"], quota["amount"], quota["timezone"]) == ("quota", 800, "Europe/Berlin")
    assert (slots["kind"], slots["amount"], slots["windowSeconds"]) == ("concurrency", 3, None)
    assert seen["turnsAtOnce"] == {"now": 3, "cap": 16, "width": None}


def test_a_budget_at_work_shows_what_is_there_used_and_learned(api: Served) -> None:
    api.connect(limits=THREE)
    api.workshop.sandbox.world.change({"rest_rate": 500, "rest_window": 60.0})
    job = api.client.download({"connection": "rest", "objectName": "items", "pageSize": 100})
    api.workshop.limiter.seed("1", api.workshop.vendors.limits(api.workshop.store.budgets.get(1)), Seed())
    api.workshop.passes(60 * SECOND)
    api.run(job.id)

    seen = limits(api)

    rate, quota, slots = seen["limits"]
    api.workshop.sandbox.world.change({"rest_rate": 0})
    assert seen["limiter"] == "clear"
    assert rate["learnedFrom"]["header"] == "x-ratelimit-*"
    assert rate["learnedFrom"]["limit"] == 500
    assert rate["share"] == pytest.approx(500 / 600, abs=0.01)
    assert (quota["used"], quota["available"]) == (11, 989)
    assert quota["resetsAt"] > seen["now"]
    assert (slots["used"], slots["available"]) == (0, 4)


def test_who_waits_for_what_and_until_when_is_shown_with_a_forecast(api: Served) -> None:
    api.connect()
    api.workshop.sandbox.world.order(Fault(status=429, retry_after="60"), times=1)
    older, newest = (
        api.client.download({"connection": "rest", "objectName": "items", "pageSize": 100, "limit": 500}).id
        for _ in range(2)
    )
    api.workshop.turns.take_turn(api.workshop.due()[0])

    seen = limits(api)

    waiting = {each["jobId"]: each for each in seen["waiting"]}
    assert (seen["blockedBy"], seen["blockedUntil"] > seen["now"]) == ("gate", True)
    assert seen["gateClosedUntil"] > seen["now"]
    assert waiting[newest]["reason"] == "retry_after"
    assert waiting[newest]["until"] > seen["now"]
    assert waiting[older] == {"jobId": older, "steps": 1, "reason": "turn", "until": None}
    assert seen["forecast"]["jobs"] == 2
    assert seen["forecast"]["knownCalls"] >= 2
    assert 59 < seen["forecast"]["seconds"] < 70


def test_a_throttled_job_waits_too(api: Served) -> None:
    api.connect()
    job = api.client.download({"connection": "rest", "objectName": "items", "pageSize": 10, "apiLimit": 5})
    api.run(job.id)

    (waiting,) = limits(api)["waiting"]

    assert (waiting["jobId"], waiting["reason"]) == (job.id, "api_limit")
    assert waiting["until"] is not None


def test_an_open_circuit_is_shown(api: Served) -> None:
    api.connect()
    api.workshop.sandbox.world.order(Fault(status=503), times=5)
    for _ in range(5):
        api.client.download({"connection": "rest", "objectName": "items"})
    api.workshop.round()

    seen = limits(api)

    assert (seen["breaker"]["state"], seen["breaker"]["failures"]) == ("open", 5)
    assert seen["breaker"]["until"] > seen["now"]
    assert seen["turnsAtOnce"]["now"] < 16


def test_nonsense_of_headers_is_counted(api: Served) -> None:
    api.connect()
    hostile = {"x-ratelimit-remaining": "NaN", "x-ratelimit-limit": "-5"}
    api.workshop.sandbox.world.order(Fault(status=429, retry_after="1", headers=hostile), times=1)
    job = api.client.download({"connection": "rest", "objectName": "items"})
    api.workshop.round()

    seen, events = limits(api), api.client.events(job.id).items

    assert seen["nonsenseHeaders"] == {"x-ratelimit-remaining": 1, "x-ratelimit-limit": 1}
    assert [event["data"]["header"] for event in events if event["name"] == "limits.nonsense"] == [
        "x-ratelimit-remaining", "x-ratelimit-limit",
    ]  # fmt: skip


def test_a_limiter_that_is_down_hides_nothing_else(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    api.connect()

    def down(*_: Any) -> Any:
        raise LimiterDown

    monkeypatch.setattr(api.workshop.limiter, "look", down)

    assert limits(api)["limiter"] == "down"
    assert len(limits(api)["limits"]) == 1


def test_limits_of_others_are_not_there(api: Served) -> None:
    api.connect()
    key = api.key_with("read", tenant="beta")

    answer = api.http.get("/connections/rest/limits", headers={"Authorization": f"Bearer {key}"})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_parameter_that_is_not_known_is_refused(api: Served) -> None:
    api.connect()

    assert api.http.get("/connections/rest/limits?verbose=1").status_code == 422


@pytest.mark.parametrize(("burst", "advice"), [(30, "Permitted: whole numbers from 1 to 29."), (0, "1 to 29")])
def test_a_burst_that_the_window_cannot_bear_is_refused_with_its_range(api: Served, burst: int, advice: str) -> None:
    rate = {"kind": "rate", "amount": 600, "seconds": 60, "burst": burst}
    body = {"name": "x", "provider": "salesloft", "credentials": {"type": "bearer", "token": "t"}}

    answer = api.http.post("/connections", json=body | {"limits": [rate]}).json()

    assert (answer["status"], answer["field"]) == (422, "limits.0.burst")
    assert advice in answer["advice"]


def test_the_largest_burst_is_taken(api: Served) -> None:
    api.connect(limits=[{"kind": "rate", "amount": 600, "seconds": 60, "burst": 29}])

    assert limits(api)["limits"][0]["amount"] == 600
