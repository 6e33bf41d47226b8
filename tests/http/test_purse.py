"""What a turn may spend, and what it learns on the way."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from orchestrator.clock import Clock
from orchestrator.http.purse import Purse
from orchestrator.job.errors import ApiLimitUsed, Throttled
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import (
    Answer,
    ConcurrencyLimit,
    Grant,
    Limit,
    LimiterDown,
    News,
    QuotaLimit,
    RateLimit,
    Refusal,
    Seed,
)
from orchestrator.limits.memory import MemoryLimiter
from tests.conftest import TimeTold
from tests.http.kit import FAST, a_lender

PER_MINUTE = RateLimit(name="rate", amount=600, window=timedelta(seconds=60))
SPACED = RateLimit(name="rate", amount=50, window=timedelta(seconds=1))


class Witness(MemoryLimiter):
    """A limiter that remembers what it was asked."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.grants: list[str] = []
        self.taken = 0
        self.given_back = 0
        self.told: list[News] = []
        self.settled: list[float] = []
        self.lost_answers = 0
        self.is_down = False

    def acquire(
        self, budget: str, limits: Sequence[Limit], *, grant_id: str, want: int, least: int = 1, held_by_others: int = 0
    ) -> Answer:
        if self.is_down:
            raise LimiterDown
        answer = super().acquire(
            budget, limits, grant_id=grant_id, want=want, least=least, held_by_others=held_by_others
        )
        if isinstance(answer, Grant):
            self.grants.append(grant_id)
            self.taken += answer.tokens
        if isinstance(answer, Grant) and self.lost_answers:
            self.lost_answers -= 1
            raise LimiterDown
        return answer

    def release(self, budget: str, limits: Sequence[Limit], *, grant_id: str, unused: int) -> None:
        self.given_back += unused
        super().release(budget, limits, grant_id=grant_id, unused=unused)

    def observe(self, budget: str, limits: Sequence[Limit], news: News) -> None:
        self.told.append(news)
        super().observe(budget, limits, news)

    def settle(self, budget: str, limits: Sequence[Limit], *, extra: float) -> None:
        if self.is_down:
            raise LimiterDown
        self.settled.append(extra)


@pytest.fixture
def limiter(time_told: TimeTold) -> Witness:
    """A limiter that has known the budget for a while: its buckets are full."""
    limiter = Witness(time_told)
    limiter.seed("b1", (PER_MINUTE,), Seed())
    time_told.passes(timedelta(minutes=5))
    return limiter


def spend_all(purse: Purse) -> None:
    for _ in range(1000):
        purse.spend()


class Ledger:
    """The calls of a job's apiLimit, as SQL would give them out."""

    def __init__(self, left: int) -> None:
        self.left = left
        self.asked: list[int] = []

    def reserve(self, calls: int) -> int:
        self.asked.append(calls)
        given = min(calls, self.left)
        self.left -= given
        return given


class Evening:
    """A clock that stands a moment before midnight."""

    def now(self) -> datetime:
        return datetime(2026, 5, 1, 23, 59, 59, 980_000, tzinfo=UTC)


def test_ten_calls_cost_one_trip(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.spend()

    for _ in range(19):
        purse.spend()

    assert limiter.grants == ["7:3:0", "7:3:1"]
    assert purse.take_calls() == 20


def test_what_is_left_over_goes_back(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    for _ in range(3):
        purse.spend()

    purse.close()

    assert (limiter.taken, limiter.given_back) == (10, 7)


def test_a_lost_answer_is_asked_for_again_under_the_same_id(limiter: Witness) -> None:
    limiter.lost_answers = 1
    purse = Purse(a_lender(limiter=limiter), "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()
    purse.spend()

    assert caught.value.reason is WaitReason.LIMITER_DOWN
    assert limiter.grants == ["7:3:0", "7:3:0"]
    assert purse.take_calls() == 1


def test_no_call_is_made_without_a_limiter(limiter: Witness) -> None:
    limiter.is_down = True
    purse = Purse(a_lender(limiter=limiter), "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert timedelta(seconds=1) <= caught.value.pause <= timedelta(seconds=2)
    assert purse.take_calls() == 0
    assert purse.take_fixes().blocked_for is None


def test_closing_never_raises_and_ends_the_spending(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.spend()
    limiter.is_down = True

    purse.close()

    with pytest.raises(Throttled) as caught:
        purse.spend()
    assert caught.value.reason is WaitReason.TURN


def test_a_limiter_that_knows_nothing_is_told_what_sql_knows(limiter: Witness) -> None:
    limiter.forget()
    quota = QuotaLimit(name="daily", amount=100)
    lender = a_lender(limiter=limiter, limits=(quota,), seed=lambda: Seed(quota_used={"daily": 95}))
    purse = Purse(lender, "7:3")

    for _ in range(5):
        purse.spend()
    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert caught.value.reason is WaitReason.QUOTA
    assert caught.value.limit == "daily"


def test_a_short_wait_is_waited_in_place(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(SPACED,)), "7:3")

    started = time.monotonic()
    for _ in range(5):
        purse.spend()

    assert time.monotonic() - started >= 3 / 50
    assert purse.take_calls() == 5


def test_a_long_wait_ends_the_turn_and_blocks_the_budget(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")

    with pytest.raises(Throttled) as caught:
        spend_all(purse)

    fixes = purse.take_fixes()
    assert caught.value.reason is WaitReason.RATE
    assert (fixes.blocked_for, fixes.blocked_by) == (caught.value.pause, "rate")
    assert purse.take_fixes().blocked_for is None


def test_tokens_are_never_used_on_another_day(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3", Evening())
    purse.spend()

    time.sleep(0.03)
    purse.spend()

    assert limiter.grants == ["7:3:0", "7:3:1"]
    assert limiter.given_back == 0


def test_a_dear_call_takes_what_it_costs(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    purse.spend()

    purse.spend(cost=30)
    purse.close()

    assert limiter.taken - limiter.given_back == 31


def test_calls_are_reserved_before_they_are_made(limiter: Witness) -> None:
    ledger = Ledger(12)
    purse = Purse(a_lender(limiter=limiter, reserve_calls=ledger.reserve), "7:3")

    with pytest.raises(ApiLimitUsed) as caught:
        spend_all(purse)

    assert ledger.asked[:2] == [10, 10]
    assert purse.take_calls() == 12
    assert caught.value.reason is WaitReason.API_LIMIT
    assert purse.take_fixes().blocked_for is None


def test_a_checkpoint_tops_the_reservation_up_to_the_calls_of_half_a_second() -> None:
    purse = Purse(a_lender(reserve_calls=lambda n: n), "7:3")
    for _ in range(45):
        purse.spend()

    wanted = purse.top_up_wanted()
    purse.topped_up(wanted)

    assert 10 <= wanted <= 45
    assert purse.top_up_wanted() == 0


def test_without_an_api_limit_nothing_is_reserved() -> None:
    purse = Purse(a_lender(), "7:3")

    purse.spend()

    assert purse.top_up_wanted() == 0
    assert purse.take_calls() == 1
    assert purse.take_calls() == 0


def test_a_call_reserved_today_is_not_made_tomorrow(limiter: Witness) -> None:
    ledger = Ledger(100)
    purse = Purse(a_lender(limiter=limiter, reserve_calls=ledger.reserve), "7:3", Evening())
    purse.spend()

    time.sleep(0.03)
    purse.spend()

    assert len(ledger.asked) == 2


def test_a_call_that_the_rate_refuses_is_not_counted(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,), reserve_calls=lambda n: n), "7:3")

    with pytest.raises(Throttled):
        spend_all(purse)

    assert purse.take_calls() == limiter.taken


def test_a_falling_count_is_told_at_most_twice_a_second(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")

    for left in range(500, 400, -10):
        purse.learn(News(remaining={"rate": left}), time.monotonic())

    assert len(limiter.told) == 1
    assert purse.take_fixes().learned == {"rate": {"remaining": 410}}


def test_our_own_calls_are_no_news(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter, limits=(PER_MINUTE,)), "7:3")
    purse.spend()
    purse.learn(News(remaining={"rate": 599}), time.monotonic())
    told = len(limiter.told)

    purse.spend()
    purse.learn(News(remaining={"rate": 598}), time.monotonic())

    assert len(limiter.told) == told


def test_an_answer_that_was_overtaken_is_old_news(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    now = time.monotonic()
    purse.learn(News(remaining={"rate": 300}), now)

    purse.learn(News(remaining={"rate": 5}), now - 1)

    assert purse.take_fixes().learned == {"rate": {"remaining": 300}}


def test_a_refusal_is_heeded_however_late_it_comes(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    now = time.monotonic()
    purse.learn(News(remaining={"rate": 300}), now)

    pause = purse.learn(News(refused=True, retry_after=timedelta(seconds=4)), now - 1)

    assert pause == timedelta(seconds=4)
    assert limiter.told[-1].refused
    assert purse.take_fixes().gate_for == pause


def test_a_refusal_without_a_date_waits_for_the_window_that_is_used_up(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    resets = {"rate": timedelta(seconds=8), "daily": timedelta(hours=5)}

    pause = purse.learn(News(refused=True, remaining={"rate": 0, "daily": 900}, resets_in=resets), time.monotonic())

    assert pause == timedelta(seconds=8)


def test_slots_are_refused_without_blocking_anybody() -> None:
    lender = a_lender(limits=(FAST, ConcurrencyLimit(name="calls", amount=2)))
    purse = Purse(lender, "7:3")
    purse.spend()

    with purse.slot(timedelta(seconds=5)), purse.slot(timedelta(seconds=5)), pytest.raises(Throttled) as caught:
        purse.slot(timedelta(seconds=5)).__enter__()

    assert caught.value.reason is WaitReason.CONCURRENCY
    assert purse.take_fixes().blocked_for is None
    with purse.slot(timedelta(seconds=5)):
        pass


def test_failures_and_answers_are_kept_until_the_checkpoint() -> None:
    purse = Purse(a_lender(), "7:3")
    purse.saw_answer()
    purse.saw_failure()

    first, second = purse.take_fixes(), purse.take_fixes()

    assert (first.answered, first.failed) == (True, True)
    assert (second.answered, second.failed) == (False, False)


def test_two_threads_share_one_purse(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    threads = [Thread(target=spend_all, args=[purse]) for _ in range(4)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    purse.close()
    assert purse.take_calls() == 4000
    assert limiter.taken - limiter.given_back == 4000


def test_a_settlement_that_did_not_get_through_is_made_up_for(limiter: Witness) -> None:
    purse = Purse(a_lender(limiter=limiter), "7:3")
    limiter.is_down = True
    purse.settle(charged=1, true_cost=3)
    limiter.is_down = False

    purse.settle(charged=1, true_cost=8)

    assert limiter.settled == [9]


def test_a_limiter_that_forgets_all_the_time_is_as_good_as_down(limiter: Witness) -> None:
    limiter.forget()
    limiter.seed = lambda *_: None  # type: ignore[method-assign]
    purse = Purse(a_lender(limiter=limiter), "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert caught.value.reason is WaitReason.LIMITER_DOWN


def test_a_refusal_of_the_gate_blocks_the_budget(limiter: Witness) -> None:
    limiter.forget()
    lender = a_lender(limiter=limiter, seed=lambda: Seed(gate_for=timedelta(seconds=30)))
    purse = Purse(lender, "7:3")

    with pytest.raises(Throttled) as caught:
        purse.spend()

    assert caught.value.reason is WaitReason.GATE
    assert isinstance(limiter.acquire("b1", (FAST,), grant_id="x", want=1), Refusal)
    assert purse.take_fixes().blocked_by == "gate"
