"""What lifecycle lends to a purse; `http/` never reaches the store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.limits.limit import Limit, Limiter, Seed

WAIT_IN_PLACE = 0.2  # s a turn; a longer wait ends the turn, so that its worker serves others meanwhile


@dataclass(frozen=True, kw_only=True)
class Lender:
    """The limits and the limiter of one turn's budget, and what to ask of SQL."""

    provider: str
    limiter: Limiter
    budget: str
    limits: Sequence[Limit]  # already reduced by reserve
    cap: int  # turns of the budget at once
    reserve_calls: Callable[[int], int] | None  # apiLimit: reserve n more calls in SQL, k <= n; None: no apiLimit
    seed: Callable[[], Seed]  # what SQL knows, asked when the limiter answers Unseeded
    may_send: Callable[[], bool]  # False: the heartbeat is too old for a request that is not idempotent
    batch: int | None = None  # units asked for at once; None: as many as the limits allow
    patience: float = WAIT_IN_PLACE  # s that a call waits for its token before it is refused
