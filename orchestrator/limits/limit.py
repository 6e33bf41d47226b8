"""The contract of a limiter: tokens per budget, taken before a call, settled after it.

Members: `redis.py` (the real one, one atomic script) and `memory.py` (its twin, for one process).
Both pass tests/limits/test_limit.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Protocol


class LimiterDown(Exception):
    """The limiter cannot be reached: no call may be made (fail closed)."""


@dataclass(frozen=True, kw_only=True)
class RateLimit:
    """`amount` units per `window`, the published figure; we run a little below it (see `burst.py`)."""

    name: str
    amount: float
    window: timedelta
    burst: int | None = None  # None: derived so that burst + held tokens never break the window
    published: float | None = None  # what the vendor publishes, where `amount` is less because of a reserve


@dataclass(frozen=True, kw_only=True)
class QuotaLimit:
    """`amount` units per day: rolling 24 h, or a calendar day of `timezone`.

    A rolling window slides by the hours of the ledger in SQL: as its parts end the limiter asks for a new seed.
    """

    name: str
    amount: int
    window: timedelta = timedelta(hours=24)
    timezone: str | None = None  # None: rolling
    published: int | None = None  # what the vendor publishes, where `amount` is less because of a reserve


@dataclass(frozen=True, kw_only=True)
class ConcurrencyLimit:
    """`amount` calls in flight at once; a slot is held for one call and expires by itself."""

    name: str
    amount: int


Limit = RateLimit | QuotaLimit | ConcurrencyLimit


class BlockedBy(StrEnum):
    """What kind of limit refused."""

    RATE = "rate"
    QUOTA = "quota"
    CONCURRENCY = "concurrency"
    GATE = "gate"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """`tokens` units may be spent until `use_by` from now; what is left over goes back by `release`."""

    id: str
    tokens: int
    use_by: timedelta


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Nothing was taken; `wait` is when asking again makes sense."""

    wait: timedelta
    blocked_by: BlockedBy
    limit: str  # the limit's name, or "gate"


@dataclass(frozen=True, kw_only=True)
class Unseeded:
    """This limiter does not know the budget (first use, or its memory was lost), or part of a rolling quota's window is
    over: call `seed` with what SQL knows, then ask again."""


Answer = Grant | Refusal | Unseeded


@dataclass(frozen=True, kw_only=True)
class Seed:
    """What SQL knows of a budget, to start a limiter that knows nothing."""

    quota_used: Mapping[str, int] = field(default_factory=dict)  # by limit name; + 10 × leased steps, by the caller
    quota_resets_in: Mapping[str, timedelta] = field(default_factory=dict)  # rolling: until the oldest use is over
    claimed: Mapping[str, float] = field(default_factory=dict)  # by limit name, the amount the provider last claimed
    gate_for: timedelta = timedelta(0)
    slots_taken: int = 0  # of each concurrency limit, until now + slot TTL
    slot_ttl: timedelta = timedelta(seconds=65)


@dataclass(frozen=True, kw_only=True)
class News:
    """What a provider's answer said of its limits, in the vendor's published figures (the reserve is taken off here).

    News only lowers, but for a known reset. Answers overtake each other: where `sent_ago` is given, what is said of
    remaining units by an answer to a request sent before the last such news is ignored.
    """

    remaining: Mapping[str, float] = field(default_factory=dict)  # by limit name, units left in the current window
    limits: Mapping[str, float] = field(default_factory=dict)  # by limit name, the amount the provider claims
    windows: Mapping[str, timedelta] = field(default_factory=dict)  # and for how long, where it tells (see `fitted`)
    resets_in: Mapping[str, timedelta] = field(default_factory=dict)
    retry_after: timedelta | None = None  # closes the gate
    refused: bool = False  # a 429: halve the effective rate
    cost: float | None = None  # what the call really cost; for the caller, who settles it
    sent_ago: timedelta | None = None  # how long ago the request was sent: a duration, clocks are never compared
    heard_from: Mapping[str, str] = field(default_factory=dict)  # by limit name, the header that spoke of it
    nonsense: Sequence[str] = ()  # headers whose values cannot be true: not believed, but counted


@dataclass(frozen=True, kw_only=True)
class LimitState:
    """A limit as it is now. `amount` is ours per window (the reserve is taken off), `available` may be a debt."""

    name: str
    kind: BlockedBy  # rate, quota or concurrency
    amount: float
    published: float
    available: float  # units, or slots, that could be taken now; of a rate those of its burst
    used: float
    resets_in: timedelta | None  # rate: its bucket is full again; quota: its window ends; None: slots
    share: float  # of the amount that is in force: what the provider claims, times what a refusal left of the rate
    gate_for: timedelta  # how long the budget's gate stays closed


class Limiter(Protocol):
    """Tokens of budgets. `budget` is the budget's key; all its limits are taken together or not at all."""

    def acquire(
        self, budget: str, limits: Sequence[Limit], *, grant_id: str, want: int, least: int = 1, held_by_others: int = 0
    ) -> Answer:
        """Take between `least` and `want` units of every rate and quota limit, or nothing.

        The same `grant_id` asked again (a lost answer) returns the same grant and takes nothing more.
        A `least` above the burst is granted when the bucket is full, and puts it into debt.
        `held_by_others`: units of this budget that others hold unspent; the grant leaves room for them in the window.
        Raises LimiterDown, as every other method does.
        """
        ...

    def enter(self, budget: str, limits: Sequence[Limit], *, slot_id: str, ttl: timedelta) -> Refusal | None:
        """Take one slot of every concurrency limit for one call, or none; it expires after `ttl`.

        Without a concurrency limit this costs nothing and says None. A closed gate refuses, and so does a budget that
        is not seeded (the next `acquire` answers Unseeded). The wait of a full limit has jitter.
        """
        ...

    def leave(self, budget: str, limits: Sequence[Limit], *, slot_id: str) -> None:
        """Give the slot back; harmless when repeated or late."""
        ...

    def release(self, budget: str, limits: Sequence[Limit], *, grant_id: str, unused: int) -> None:
        """Give `unused` units of a grant back; harmless when repeated or late."""
        ...

    def settle(self, budget: str, limits: Sequence[Limit], *, extra: float) -> None:
        """Charge (or, negative, credit) the difference between the true cost and what was charged; may cause debt."""
        ...

    def observe(self, budget: str, limits: Sequence[Limit], news: News) -> None:
        """Take note of what the provider said; only ever lowers what is available, but for a known reset.

        A `retry_after` closes the gate; a refusal without one closes it until the next window, with jitter. A refusal
        halves the rates, once per incident; they heal by 5 % a minute without another.
        """
        ...

    def seed(self, budget: str, limits: Sequence[Limit], seed: Seed) -> None:
        """Write the whole state of a budget once; if another was faster, only quotas that must be counted anew."""
        ...

    def look(self, budget: str, limits: Sequence[Limit]) -> Sequence[LimitState]:
        """Return each limit as it is now, in the order given; () where the budget is unknown. Changes nothing."""
        ...
