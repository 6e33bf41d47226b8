"""A window that others spend from, at a vendor that tells what remains but not until when."""

from datetime import timedelta

import pytest

from orchestrator.limits.burst import with_reserve
from orchestrator.limits.limit import News, RateLimit
from tests.limits.conftest import HELD_BACK, MINUTES, NOON, time_for

SECOND = timedelta(seconds=1)
TURN = NOON.replace(second=0) + timedelta(minutes=10)  # of a window of ten minutes
MOMENT = SECOND / 10


@pytest.fixture
def tell(desk, full):
    """Seed a full bucket and return what tells the limiter how many units remain."""
    full(MINUTES)

    def told(left, **more):
        desk.limiter.observe("team", [MINUTES], News(remaining={"rate": left}, **more))

    return told


def test_the_last_fiftieth_of_a_window_is_left_to_others(desk, clock, tell):
    tell(HELD_BACK, resets_in={"rate": 60 * SECOND})

    clock.passes(60 * SECOND + MOMENT)

    assert desk.all_of([MINUTES]) == 0


def test_a_reserve_is_all_that_is_held_back(desk, clock, full):
    (kept,) = with_reserve([RateLimit(name="rate", amount=600, window=timedelta(minutes=10))], 0.2)
    full(kept)

    desk.limiter.observe("team", [kept], News(remaining={"rate": 125}, resets_in={"rate": 60 * SECOND}))
    clock.passes(60 * SECOND + MOMENT)

    assert desk.all_of([kept]) == 5


def test_a_window_is_taken_to_turn_at_a_multiple_of_its_length(desk, clock, tell):
    tell(HELD_BACK + 5)

    clock.moves_to(TURN - time_for(6))
    before = desk.all_of([MINUTES])
    clock.moves_to(TURN + MOMENT)

    assert (before, desk.all_of([MINUTES])) == (0, 5)


def test_a_window_turns_where_much_came_back_at_once(desk, clock, tell):
    tell(40)
    clock.passes(10 * SECOND)
    tell(590)
    turn = clock.now() + timedelta(minutes=10)
    clock.passes(MOMENT)
    tell(HELD_BACK + 5)

    clock.moves_to(turn - time_for(6))
    before = desk.all_of([MINUTES])
    clock.moves_to(turn + MOMENT)

    assert (before, desk.all_of([MINUTES])) == (0, 5)


def test_in_a_window_that_slides_what_lacks_is_waited_for_and_no_more(desk, clock, tell):
    tell(100)
    clock.passes(10 * SECOND)
    tell(130)
    tell(HELD_BACK - 4)

    clock.passes(time_for(4))
    before = desk.all_of([MINUTES])
    clock.passes(time_for(3))

    assert (before, desk.all_of([MINUTES])) == (0, 3)


def test_a_window_that_does_not_turn_where_it_should_slides(desk, clock, tell):
    tell(100)
    clock.moves_to(TURN + SECOND)
    tell(130)
    tell(HELD_BACK - 4)

    clock.passes(time_for(7))

    assert desk.all_of([MINUTES]) == 3


def test_an_answer_that_travelled_while_the_window_turned_is_not_believed(desk, clock, tell):
    clock.moves_to(TURN + SECOND)

    tell(0, sent_ago=2 * SECOND)

    assert desk.all_of([MINUTES]) == 15


def test_a_window_that_is_known_to_slide_turns_again_when_much_comes_back(desk, clock, tell):
    tell(100)
    clock.passes(10 * SECOND)
    tell(130)
    clock.passes(10 * SECOND)
    tell(590)
    turn = clock.now() + timedelta(minutes=10)
    clock.passes(MOMENT)
    tell(HELD_BACK)

    clock.moves_to(turn - SECOND)

    assert desk.all_of([MINUTES]) == 0
