"""A key that sends too much is asked to wait, and no other key notices."""

import httpx
import pytest

from orchestrator.api import door as module
from orchestrator.api.door import Door
from tests.api.kit import Served, listening, runtime_of


class Told:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Told:
    return Told()


def test_a_burst_is_let_in_and_then_so_many_a_second(now):
    door = Door(10, now)

    at_once = [door.wait(1) for _ in range(21)]
    now.seconds += 0.1
    later = [door.wait(1), door.wait(1)]

    assert at_once[:20] == [0.0] * 20
    assert at_once[20] == pytest.approx(0.1)
    assert (later[0], later[1] > 0) == (0.0, True)


def test_what_was_refused_costs_nothing(now):
    door = Door(1, now)
    for _ in range(50):
        door.wait(1)

    now.seconds += 1

    assert door.wait(1) == 0


def test_keys_do_not_share(now):
    door = Door(1, now)
    refused = [door.wait(1) for _ in range(3)][-1]

    other = door.wait(2)

    assert refused > 0
    assert other == 0


def test_keys_that_are_quiet_are_forgotten(now, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEYS", 2)
    door = Door(0.5, now)

    for key in (1, 2, 3):
        door.wait(key)

    assert door.wait(1) == 0


def test_the_api_says_when_to_come_again(api: Served, now):
    with listening(runtime_of(api.workshop), Door(0.5, now)) as url:
        headers = {"Authorization": f"Bearer {api.key}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as http:
            answers = [http.get("/bulk/jobs"), http.get("/bulk/jobs"), http.get("/health/live")]

    assert [each.status_code for each in answers] == [200, 429, 200]
    assert answers[1].headers["retry-after"] == "2"
    assert answers[1].json()["code"] == "too_many_requests"
