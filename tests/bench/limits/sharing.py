"""An account that others spend from, and calls that cost more than a bucket holds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import floor

from orchestrator.limits import burst
from tests.bench.limits.races import LATENCY
from tests.bench.limits.scene import Row, Scene, per_second

AMOUNT, EATEN = 600.0, 0.4
INACCURACY = 0.04  # of the account: what the other one spends between two looks at the header
DEAR = 5


@dataclass(frozen=True, kw_only=True)
class Shared:
    """How an account is shared."""

    name: str
    window: float  # s
    reserve: float
    seconds: float  # how long it is watched; only whole windows count
    silent: bool = False  # the provider does not tell when its window ends


RESERVED = Shared(name="10 s, reserve 20 %", window=10.0, reserve=0.2, seconds=42.0)
UNRESERVED = Shared(name="10 s, no reserve", window=10.0, reserve=0.0, seconds=62.0)
SALESLOFT = Shared(name="60 s, no reserve, no reset told", window=60.0, reserve=0.0, seconds=182.0, silent=True)


def rows(scene: Scene) -> Iterator[Row]:
    """Measure one after the other."""
    yield dear_call(scene)
    for how in (RESERVED, UNRESERVED, SALESLOFT):
        yield begin_shared(scene, how)()


def begin_shared(scene: Scene, how: Shared) -> Callable[[], Row]:
    """Let another integration spend 40 % of the account at random; the provider refuses what is too much, and tells.

    What is left is what the account gives less our reserve and less what the other one got. What is returned ends it.
    """
    (limit,) = burst.with_reserve([per_second(AMOUNT, how.window)], how.reserve)
    options = {"amount": AMOUNT, "window": how.window, "strict": 1, "eat": EATEN, "silent": float(how.silent)}
    account = scene.account(latency=LATENCY, **options)
    scene.crew.begin(scene.task(account, [limit], how.seconds, learns=True, cap=burst.max_cap([limit])))
    return lambda: shared(scene, account, how)


def shared(scene: Scene, account: str, how: Shared) -> Row:
    """Return what became of the shared account."""
    scene.crew.end()
    counted = scene.report(account)
    calls, eaten = ([at + counted["wall"] for at, _ in counted[whose]] for whose in ("calls", "eaten"))
    periods = whole_windows(calls[0], calls[-1], how.window)
    ours, theirs = (sum(floor(at / how.window) in periods for at in times) for times in (calls, eaten))
    used = ours / ((1 - how.reserve) * AMOUNT * len(periods) - theirs)
    share, most = len(counted["refused"]) / len(calls), max(_spent_when_called(calls, eaten, how.window).values())
    return Row(
        name=f"another integration spends 40 %: {how.name}",
        goal="under 0.1 % refused, 95 % of what is left",
        measured=f"{share:.2%} refused, {used:.1%}; we stopped at {most / AMOUNT:.1%}",
        ok=share < 0.001 and used >= 0.95 and most <= (1 - how.reserve + INACCURACY) * AMOUNT,
    )


def _spent_when_called(calls: Sequence[float], eaten: Sequence[float], window: float) -> dict[int, int]:
    """Return, of each window, how much was spent of it when we made our last call."""
    last = {floor(at / window): at for at in calls}
    return {n: sum(floor(at / window) == n and at <= end for at in [*calls, *eaten]) for n, end in last.items()}


def dear_call(scene: Scene) -> Row:
    """Let every call cost more than a full bucket holds."""
    limit, seconds = per_second(60, 6), 7.0
    account = scene.account(latency=LATENCY, amount=60, window=6)
    scene.crew.begin(scene.task(account, [limit], seconds, cost=DEAR))
    scene.crew.end()
    counted = scene.report(account)
    refused, calls = (counted["sliding"], counted["fixed"]), len(counted["calls"])
    wanted = floor(burst.rate(limit) * seconds / DEAR * 0.95)
    return Row(
        name=f"calls of {DEAR} units where a bucket holds {burst.burst(limit)}",
        goal=f"made, at least {wanted} in {seconds:g} s; 0 refused",
        measured=f"{calls} calls, {refused[0]} + {refused[1]} refused",
        ok=calls >= wanted and not any(refused),
    )


def whole_windows(first: float, last: float, window: float) -> range:
    """Return the windows of the provider that lie wholly between two moments."""
    return range(floor(first / window) + 1, floor(last / window))
