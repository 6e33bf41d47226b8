"""Opens a connection's provider for one turn: metered by the turn's purse, authorized by the connection's keeper."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex

from orchestrator.clock import Clock
from orchestrator.http.client import VendorClient
from orchestrator.http.pool import ClientPool
from orchestrator.http.purse import Lender, Purse
from orchestrator.http.transport import Manners
from orchestrator.lifecycle.keeper import keeper_of
from orchestrator.limits.burst import max_cap, with_reserve
from orchestrator.limits.limit import Limit, Limiter, QuotaLimit, Seed
from orchestrator.limits.shape import limits_of
from orchestrator.providers.provider import Family, Provider
from orchestrator.secrets import Keyring
from orchestrator.store.budgets import Budget
from orchestrator.store.connections import Connection
from orchestrator.store.store import Store

SLOT_MARGIN = timedelta(seconds=5)  # beyond the longest call
LOST_CALLS = 10  # a leased step may have made this many calls that no commit has counted


@dataclass(frozen=True, kw_only=True)
class OpenVendor:
    """A provider with the purse that pays for its calls."""

    provider: Provider
    purse: Purse
    client: VendorClient

    usage_of: Callable[[int], Mapping[str, int]]  # calls → what they count in each quota

    def close(self) -> None:
        """Give unused tokens back."""
        self.client.close()
        self.purse.close()


class Vendors:
    """All providers, by connection."""

    def __init__(
        self,
        *,
        store: Store,
        families: Mapping[str, Family],
        limiter: Limiter,
        pool: ClientPool,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._store = store
        self._families = families
        self._limiter = limiter
        self._pool = pool
        self._keyring = keyring
        self._clock = clock

    def family(self, connection: Connection) -> Family:
        """Return the family that speaks to the connection's vendor."""
        return self._families[connection.provider]

    def limits(self, budget: Budget) -> tuple[Limit, ...]:
        """Return the budget's limits, less its reserve; the provider's published ones where it names none."""
        published = tuple(self._families[budget.provider].default_limits)
        return with_reserve(limits_of(budget.limits, published) or published, budget.reserve)

    def open(
        self,
        connection: Connection,
        *,
        prefix: str,
        reserve_calls: Callable[[int], int] | None = None,
        may_send: Callable[[], bool] = lambda: True,
    ) -> OpenVendor:
        """Open the provider; `prefix` ("step:epoch") names its grants. Makes no call."""
        budget, family = self._store.budgets.get(connection.budget_id), self.family(connection)
        limits = self.limits(budget)
        lender = Lender(
            provider=family.name,
            limiter=self._limiter,
            budget=str(budget.id),
            limits=limits,
            cap=max_cap(limits, budget.cap),
            reserve_calls=reserve_calls,
            seed=lambda: self._seed(budget.id, limits, family.longest_call),
            may_send=may_send,
        )
        purse = Purse(lender, prefix, self._clock)
        client = self._client(connection, family, purse)
        quotas = [limit.name for limit in limits if isinstance(limit, QuotaLimit)]
        return OpenVendor(
            provider=family.make(client, connection.settings),
            purse=purse,
            client=client,
            usage_of=lambda calls: dict.fromkeys(quotas, calls) if calls else {},
        )

    def _client(self, connection: Connection, family: Family, purse: Purse) -> VendorClient:
        manners = Manners(
            provider=family.name, news=family.news, refusal=family.refusal, longest_call=family.longest_call
        )
        http = self._pool.client(connection_id=connection.id, base_url=connection.base_url, version=1, manners=manners)
        keeper = keeper_of(
            connection,
            connections=self._store.connections,
            keyring=self._keyring,
            token_url=family.default_token_url,
            token_client=self._pool.token_client,
        )
        return VendorClient(http, provider=family.name, purse=purse, keeper=keeper)

    @contextmanager
    def opened(self, connection: Connection) -> Iterator[Provider]:
        """Open the provider outside of any turn, for one look."""
        vendor = self.open(connection, prefix=f"look:{token_hex(8)}")
        try:
            yield vendor.provider
        finally:
            vendor.close()

    def _seed(self, budget_id: int, limits: tuple[Limit, ...], longest_call: timedelta) -> Seed:
        ttl = longest_call + SLOT_MARGIN
        leased = self._store.claims.live_leases(budget_id)
        used = self._store.usage.of(budget_id)
        return Seed(
            quota_used={name: count + LOST_CALLS * leased for name, count in used.items()},
            gate_for=self._store.claims.gate_closed_for(budget_id),
            slots_taken=2 * self._store.claims.live_leases(budget_id, within=ttl),
            slot_ttl=ttl,
        )
