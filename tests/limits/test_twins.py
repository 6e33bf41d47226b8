"""Both members give the same answers, whatever they are asked in whatever order."""

import random
from datetime import timedelta

import pytest

from orchestrator.limits.burst import with_reserve
from orchestrator.limits.limit import ConcurrencyLimit, Grant, News, QuotaLimit, RateLimit, Refusal, Seed

LIMITS = [
    RateLimit(name="rate", amount=600, window=timedelta(seconds=6000)),
    RateLimit(name="second", amount=100, window=timedelta(seconds=1000), burst=4),
    QuotaLimit(name="rolling", amount=50),
    QuotaLimit(name="day", amount=200, timezone="America/New_York"),
    ConcurrencyLimit(name="slots", amount=3),
]
NONE = timedelta(0)
SOON = timedelta(seconds=0.5)  # between the two, time goes on a little


@pytest.mark.parametrize("seed", range(12))
def test_the_twins_give_the_same_answers(memory_desk, redis_desk, clock, seed):
    script = Script(seed, clock)
    twins = memory_desk.limiter, redis_desk.limiter
    for limiter in twins:
        limiter.seed("team", script.limits, Seed(quota_used={"rolling": 3}))
    clock.passes(timedelta(minutes=10))

    answers = [[ask(limiter) for limiter in twins] for ask in script.questions(80)]

    assert any(isinstance(one, Grant) for one, _ in answers)
    for one, other in answers:
        assert alike(one, other), (one, other)


class Script:
    """A random but repeatable talk with a limiter; time passes between the questions."""

    def __init__(self, seed, clock):
        self._dice = random.Random(seed)
        self._clock = clock
        self._asked = ["1:1:0"]
        self.limits = with_reserve(LIMITS, self._dice.choice([0, 0.2]))

    def questions(self, count):
        """Yield questions, each to be put to both twins before the next."""
        kinds = [self._acquire] * 6 + [
            self._release,
            self._settle,
            self._observe,
            self._enter,
            self._leave,
            self._look,
            self._seed,
        ]
        for number in range(count):
            if self._dice.random() < 0.2:
                self._asked = [f"2:{number}:0"]  # an old grant lives by the server's own clock
                self._clock.passes(timedelta(seconds=self._dice.choice([0.5, 3.3, 20, 200, 5000, 40_000])))
            yield self._dice.choice(kinds)(number)

    def _some(self):
        return [limit for limit in self.limits if self._dice.random() < 0.8]

    def _acquire(self, number):
        grant_id = self._dice.choice(self._asked) if self._dice.random() < 0.2 else f"1:1:{number}"
        self._asked.append(grant_id)
        limits, want = self._some(), self._dice.randint(1, 12)
        least, held = self._dice.randint(1, want), self._dice.choice([0, 0, 5])
        return lambda it: it.acquire("team", limits, grant_id=grant_id, want=want, least=least, held_by_others=held)

    def _release(self, _):
        limits, grant_id, unused = self._some(), self._dice.choice(self._asked), self._dice.randint(0, 5)
        return lambda it: it.release("team", limits, grant_id=grant_id, unused=unused)

    def _settle(self, _):
        limits, extra = self._some(), self._dice.choice([-3, -1.5, 2, 20])
        return lambda it: it.settle("team", limits, extra=extra)

    def _observe(self, _):
        limits, named = self._some(), [limit.name for limit in self.limits if self._dice.random() < 0.4]
        news = News(
            remaining={name: self._dice.randint(0, 80) for name in named},
            limits={name: 80 for name in named if self._dice.random() < 0.3},
            resets_in={name: timedelta(seconds=self._dice.randint(20, 3000)) for name in named[:1]},
            retry_after=self._dice.choice([None, None, timedelta(seconds=30)]),
            sent_ago=self._dice.choice([None, timedelta(seconds=1), timedelta(seconds=40)]),
        )
        refused = News(refused=True, retry_after=timedelta(seconds=3))
        return lambda it: it.observe("team", limits, refused if len(named) == 3 else news)

    def _enter(self, _):
        limits, slot_id = self._some(), f"slot {self._dice.randint(0, 5)}"
        return lambda it: it.enter("team", limits, slot_id=slot_id, ttl=timedelta(seconds=30))

    def _leave(self, _):
        limits, slot_id = self._some(), f"slot {self._dice.randint(0, 5)}"
        return lambda it: it.leave("team", limits, slot_id=slot_id)

    def _seed(self, _):
        known = Seed(quota_used={"rolling": self._dice.randint(0, 50)}, quota_resets_in={"rolling": timedelta(hours=3)})
        return lambda it: it.seed("team", self.limits, known)

    def _look(self, _):
        limits = self._some()
        return lambda it: it.look("team", limits)


def alike(one, other):
    """Tell whether two answers are the same but for a moment's difference; waits for slots have jitter."""
    if isinstance(one, Grant) and isinstance(other, Grant):
        return one.tokens == other.tokens and abs(one.use_by - other.use_by) < SOON
    if isinstance(one, Refusal) and isinstance(other, Refusal):
        near = abs(one.wait - other.wait) < 2 * SOON
        return near and one.blocked_by is other.blocked_by
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(seen_alike(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other)


def seen_alike(one, other):
    """Tell whether two looks at one limit saw the same."""
    spans = [abs((getattr(one, name) or NONE) - (getattr(other, name) or NONE)) for name in ("resets_in", "gate_for")]
    units = [abs(getattr(one, name) - getattr(other, name)) for name in ("available", "used", "share")]
    return one.name == other.name and one.kind is other.kind and max(spans) < 2 * SOON and max(units) < 0.1
