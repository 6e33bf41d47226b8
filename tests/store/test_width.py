"""How many turns of a budget run at once, and when its circuit opens."""

from dataclasses import replace
from datetime import timedelta

import pytest

from orchestrator.store.circuit import Circuit, circuit, opens_for
from orchestrator.store.width import Felt, Width, after_turn, places

SECOND = 1_000_000
CAP = 16
START = 1_000 * SECOND
GROANS = Felt(squeezed=True)
QUIET = Felt(lasted=SECOND)


def feels(width: Width, felt: Felt, *, at: float) -> Width:
    """Return the width after a turn that ended `at` seconds after the start."""
    return after_turn(width, felt, cap=CAP, now=START + int(at * SECOND))


def reads(*millis: float, width: Width | None = None) -> Width:
    """Return the width after turns whose reads took so long, one each 10 s."""
    width = width or Width()
    for number, each in enumerate(millis):
        width = feels(width, Felt(latency=each * 1000, lasted=SECOND // 2), at=10 * number)
    return width


def test_a_budget_that_was_never_squeezed_has_no_width() -> None:
    width = feels(Width(), QUIET, at=0)

    assert width.turns is None
    assert places(width.turns, CAP) == CAP


def test_a_squeeze_takes_three_turns_of_ten() -> None:
    width = feels(Width(), GROANS, at=0)

    assert width.turns == pytest.approx(11.2)
    assert places(width.turns, CAP) == 11


def test_turns_that_are_squeezed_together_are_one_squeeze() -> None:
    width = feels(Width(), GROANS, at=0)

    for number in range(15):
        width = feels(width, GROANS, at=number / 10)

    assert width.turns == pytest.approx(11.2)


def test_one_turn_is_always_left() -> None:
    width = Width()

    for number in range(30):
        width = feels(width, GROANS, at=6 * number)

    assert width.turns == 1
    assert places(0.3, CAP) == 1


def test_a_quiet_second_brings_one_turn_back_whatever_the_number_of_turns() -> None:
    width = feels(Width(), GROANS, at=0)

    for tenth in range(1, 21):
        width = feels(width, QUIET, at=tenth / 10)

    assert width.turns == pytest.approx(11.2 + 2)


def test_time_without_turns_brings_nothing_back() -> None:
    width = feels(Width(), GROANS, at=0)

    after_an_hour = feels(width, replace(QUIET, lasted=SECOND // 2), at=3600)

    assert after_an_hour.turns == pytest.approx(11.7)


def test_a_width_grows_up_to_the_cap() -> None:
    width = feels(Width(), GROANS, at=0)

    for number in range(1, 30):
        width = feels(width, QUIET, at=number)

    assert width.turns == CAP


def test_slow_answers_are_a_squeeze() -> None:
    usual, slow = reads(*[200] * 5), reads(*[200] * 5, *[900] * 3)

    assert usual.turns is None
    assert slow.turns is not None


def test_one_slow_answer_is_none() -> None:
    assert reads(*[200] * 5, 700).turns is None


def test_what_takes_no_time_is_never_slow() -> None:
    assert reads(*[2] * 5, *[80] * 20).turns is None


def test_a_provider_that_is_slow_for_good_is_not_held_small_for_ever() -> None:
    width = reads(*[200] * 5, *[900] * 300)

    assert width.turns == CAP


@pytest.mark.parametrize(("failures", "seconds"), [(5, 10), (6, 20), (9, 160), (10, 300), (5000, 300)])
def test_the_circuit_opens_longer_each_time(failures: int, seconds: int) -> None:
    assert opens_for(failures) == timedelta(seconds=seconds)
    assert circuit(failures, is_open=True) is Circuit.OPEN
    assert circuit(failures, is_open=False) is Circuit.HALF_OPEN


def test_four_failures_are_the_noise_of_a_network() -> None:
    assert opens_for(4) is None
    assert circuit(4, is_open=False) is Circuit.CLOSED
