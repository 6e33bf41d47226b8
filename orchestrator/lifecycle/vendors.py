"""Opens a connection's provider for one turn: metered by the turn's purse, authorized by the connection's keeper."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import TypeVar

from orchestrator.clock import Clock
from orchestrator.http.client import VendorClient
from orchestrator.http.lender import WAIT_IN_PLACE, Lender
from orchestrator.http.pool import ClientPool
from orchestrator.http.purse import Purse
from orchestrator.http.transport import Manners
from orchestrator.job.errors import AddressMoved
from orchestrator.lifecycle.keeper import keeper_of
from orchestrator.limits.burst import max_cap, with_reserve
from orchestrator.limits.limit import Limit, Limiter, QuotaLimit, Seed
from orchestrator.limits.seeding import counts_until, used, used_as_told
from orchestrator.limits.shape import limits_of
from orchestrator.providers.provider import Family, Provider
from orchestrator.secrets import Keyring
from orchestrator.store.budgets import Budget
from orchestrator.store.connections import Connection
from orchestrator.store.store import Store

T = TypeVar("T")

PATIENCE = 2.0  # s that a look waits for its token: somebody waits for the answer, and no worker is held up
SLOT_MARGIN = timedelta(seconds=5)  # beyond the longest call
LOST_CALLS = 10  # a leased step may have made this many calls that no commit has counted
UNCOUNTED = 4.0  # units; with as many in a part that is being written, and one asked for ahead, still below LOST_CALLS


@dataclass(frozen=True, kw_only=True)
class OpenVendor:
    """A provider with the purse that pays for its calls."""

    provider: Provider
    purse: Purse
    client: VendorClient

    quotas: Sequence[str] = ()  # the limits that are counted in SQL

    def usage_of(self, units: int) -> Mapping[str, int]:
        """Return what spent units count in each quota."""
        return dict.fromkeys(self.quotas, units) if units else {}

    @property
    def is_far_ahead(self) -> bool:
        """Whether so much was spent of a quota that the next commit should count it."""
        return bool(self.quotas) and self.purse.uncounted >= UNCOUNTED

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
        self.patience = WAIT_IN_PLACE  # s that a turn's call waits for its token before the turn ends

    def family(self, connection: Connection) -> Family:
        """Return the family that speaks to the connection's vendor."""
        return self._families[connection.provider]

    def limits(self, budget: Budget) -> tuple[Limit, ...]:
        """Return the budget's limits, less its reserve; the provider's published ones where it names none."""
        published = tuple(self._families[budget.provider].default_limits)
        return with_reserve(limits_of(budget.limits, published) or published, budget.reserve)

    def cap(self, budget: Budget) -> int:
        """Return how many turns of the budget its limits allow at once."""
        return max_cap(self.limits(budget), budget.cap)

    def open(
        self,
        connection: Connection,
        *,
        prefix: str,
        reserve_calls: Callable[[int], int] | None = None,
        may_send: Callable[[], bool] = lambda: True,
        is_brief: bool = False,
        patience: float | None = None,
    ) -> OpenVendor:
        """Open the provider; `prefix` ("step:epoch") names its grants. Makes no call.

        `is_brief`: a call or two are all that is wanted, so that tokens are taken one by one.
        """
        budget, family = self._store.budgets.get(connection.budget_id), self.family(connection)
        limits = self.limits(budget)
        lender = Lender(
            provider=family.name,
            limiter=self._limiter,
            budget=str(budget.id),
            limits=limits,
            cap=self.cap(budget),
            reserve_calls=reserve_calls,
            seed=lambda: self._seed(budget.id, limits, family.longest_call),
            may_send=may_send,
            batch=1 if is_brief else None,
            patience=self.patience if patience is None else patience,
        )
        purse = Purse(lender, prefix, self._clock)
        client = self._client(connection, family, purse)
        return OpenVendor(
            provider=family.make(client, connection.settings),
            purse=purse,
            client=client,
            quotas=[limit.name for limit in limits if isinstance(limit, QuotaLimit)],
        )

    def _client(self, connection: Connection, family: Family, purse: Purse) -> VendorClient:
        manners = Manners(
            provider=family.name,
            news=family.news,
            refusal=family.refusal,
            longest_call=family.longest_call,
            later=family.later,
            dress=family.dress,
            is_stale=family.is_stale,
        )
        http = self._pool.client(connection_id=connection.id, base_url=connection.base_url, version=1, manners=manners)
        keeper = keeper_of(
            connection,
            connections=self._store.connections,
            keyring=self._keyring,
            token_url=family.default_token_url,
            token_client=self._pool.token_client,
            family=family,
            clock=self._clock,
        )
        return VendorClient(http, provider=family.name, purse=purse, keeper=keeper)

    def look(self, connection: Connection, work: Callable[[Provider], T]) -> T:
        """Return what `work` gets of the provider, outside of any turn; its calls are paid for and counted like others.

        Raises whatever the calls raise: Throttled where the budget has nothing left now, and no call was made then.
        Where the first token tells that the account lives elsewhere, the work is done there.
        """
        try:
            return self._look(connection, work)
        except AddressMoved:
            return self._look(self._store.connections.by_id(connection.id), work)

    def _look(self, connection: Connection, work: Callable[[Provider], T]) -> T:
        vendor = self.open(connection, prefix=f"look:{token_hex(8)}", patience=PATIENCE)
        try:
            return work(vendor.provider)
        finally:
            vendor.close()
            used = vendor.usage_of(vendor.purse.take_units())
            self._store.looks.book(connection.budget_id, used, vendor.purse.take_fixes())

    def _seed(self, budget_id: int, limits: tuple[Limit, ...], longest_call: timedelta) -> Seed:
        ttl = longest_call + SLOT_MARGIN
        lost = LOST_CALLS * self._store.claims.live_leases(budget_id)
        hours, now = self._store.usage.hours(budget_id), self._store.database_time()
        learned = self._store.budgets.get(budget_id).learned
        counts = {limit: hours.get(limit.name, {}) for limit in limits if isinstance(limit, QuotaLimit)}
        ends = {limit.name: counts_until(limit, counted, now) for limit, counted in counts.items()}
        return Seed(
            quota_used={
                limit.name: max(used(limit, counted, now) + lost, used_as_told(limit, learned.get(limit.name, {}), now))
                for limit, counted in counts.items()
            },
            quota_resets_in={name: end for name, end in ends.items() if end is not None},
            claimed={limit.name: said for limit in limits if (said := learned.get(limit.name, {}).get("limit"))},
            gate_for=self._store.claims.gate_closed_for(budget_id),
            slots_taken=2 * self._store.claims.live_leases(budget_id, within=ttl),
            slot_ttl=ttl,
        )
