"""One turn's client against a real server, on tokens of a real limiter in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.clock import WallClock
from orchestrator.http.auth import StaticKeeper
from orchestrator.http.client import VendorClient
from orchestrator.http.lender import Lender
from orchestrator.http.pool import ClientPool
from orchestrator.http.purse import Purse
from orchestrator.http.tokens import TokenKeeper
from orchestrator.http.transport import Manners
from orchestrator.limits.limit import Limit, Limiter, News, RateLimit, Seed
from orchestrator.limits.memory import MemoryLimiter
from orchestrator.providers.rest import REST

LOOPBACK = ("127.0.0.0/8",)
FAST = RateLimit(name="rate", amount=1_000_000, window=timedelta(seconds=60))
KEY = "sandbox-key"


def a_lender(
    *,
    limiter: Limiter | None = None,
    limits: Sequence[Limit] = (FAST,),
    reserve_calls: Callable[[int], int] | None = None,
    may_send: Callable[[], bool] = lambda: True,
    seed: Callable[[], Seed] = Seed,
    cap: int = 1,
    batch: int | None = None,
) -> Lender:
    return Lender(
        provider="rest",
        limiter=limiter or MemoryLimiter(WallClock()),
        budget="b1",
        limits=limits,
        cap=cap,
        reserve_calls=reserve_calls,
        seed=seed,
        may_send=may_send,
        batch=batch,
    )


def manners(news: Callable[[Mapping[str, str], datetime], News] = REST.news) -> Manners:
    return Manners(provider="rest", news=news, refusal=REST.refusal, longest_call=timedelta(seconds=5))


@dataclass
class Turn:
    """A client and the purse it spends from."""

    client: VendorClient
    purse: Purse
    pool: ClientPool = field(repr=False)


@contextmanager
def a_turn(
    url: str,
    lender: Lender | None = None,
    *,
    keeper: TokenKeeper | None = None,
    speaks: Manners | None = None,
    allow: Sequence[str] = LOOPBACK,
) -> Iterator[Turn]:
    pool = ClientPool(allow=allow)
    http = pool.client(connection_id=1, base_url=url, version=1, manners=speaks or manners())
    purse = Purse(lender or a_lender(), "7:1")
    keeper = keeper or StaticKeeper("rest", {"type": "api_key", "in": "header", "name": "X-API-Key", "value": KEY})
    client = VendorClient(http, provider="rest", purse=purse, keeper=keeper)
    try:
        yield Turn(client=client, purse=purse, pool=pool)
    finally:
        client.close()
        purse.close()
        pool.close()
