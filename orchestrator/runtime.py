"""Wiring: the only file that knows every concrete thing. Nothing is built at import."""

import logging
import secrets as random_source
from collections.abc import Mapping, Sequence
from datetime import datetime

from orchestrator.clock import WallClock
from orchestrator.dispatch import Dispatch, make_celery, queue_of
from orchestrator.http.pool import ClientPool
from orchestrator.lifecycle import Lifecycle
from orchestrator.lifecycle.connections import ConnectionDesk
from orchestrator.lifecycle.heartbeat import Heartbeat
from orchestrator.lifecycle.limit_desk import LimitDesk
from orchestrator.lifecycle.planning import PlanDesk
from orchestrator.lifecycle.reaper import Reaper
from orchestrator.lifecycle.retry import RetryDesk
from orchestrator.lifecycle.take import TurnTaker
from orchestrator.lifecycle.vendor_batch_desk import VendorBatchDesk
from orchestrator.lifecycle.vendor_job_desk import VendorJobDesk
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.lifecycle.webhook_desk import WebhookDesk
from orchestrator.limits.limit import Limiter, LimiterDown
from orchestrator.limits.redis import RedisLimiter, UnfitServer
from orchestrator.notify import Notifier
from orchestrator.providers.provider import Family
from orchestrator.providers.rest import REST
from orchestrator.providers.salesforce import SALESFORCE
from orchestrator.providers.salesloft import SALESLOFT
from orchestrator.results.objects import ObjectStore
from orchestrator.secrets import Keyring
from orchestrator.settings import Settings, unknown_variables
from orchestrator.store.store import Store
from orchestrator.upkeep import Upkeep

log = logging.getLogger(__name__)

FAMILIES: Mapping[str, Family] = {family.name: family for family in (SALESLOFT, SALESFORCE, REST)}

PROVIDER_QUEUES = tuple(queue_of(name) for name in sorted(FAMILIES))


class Runtime:
    """One process's view of everything."""

    def __init__(
        self,
        settings: Settings,
        *,
        store: Store,
        objects: ObjectStore,
        limiter: Limiter,
        pool: ClientPool,
        keyring: Keyring,
    ) -> None:
        clock = WallClock(settings.clock_shift)
        self.settings = settings
        self.store = store
        self.objects = objects
        self.limiter = limiter
        self.families = FAMILIES
        self.owner = random_source.token_hex(16)
        self._pool = pool
        self.vendors = Vendors(store=store, families=FAMILIES, limiter=limiter, pool=pool, keyring=keyring, clock=clock)
        self.dispatch = Dispatch(store, make_celery(settings.broker_url), self.vendors.cap)
        self._worker: tuple[Sequence[str], int] | None = None
        self.heartbeat = Heartbeat(store.claims.renew, also=self._show_worker)
        self.turns = TurnTaker(
            store=store,
            objects=objects,
            vendors=self.vendors,
            heartbeat=self.heartbeat,
            owner=self.owner,
            dispatch=self.dispatch.budget,
        )
        self.lifecycle = Lifecycle(store=store, families=FAMILIES, turns=self.turns, dispatch=self.dispatch.budget)
        self.retries = RetryDesk(store, objects, self.lifecycle)
        self.limits = LimitDesk(store, self.vendors, limiter)
        self.plans = PlanDesk(self.vendors, self.limits, objects)
        self.connections = ConnectionDesk(store, FAMILIES, keyring, self.vendors)
        self.webhooks = WebhookDesk(store.tenants, keyring)
        self.vendor_jobs = VendorJobDesk(store, self.vendors)
        self.vendor_batches = VendorBatchDesk(store, self.vendors)
        self.upkeep = self._upkeep()

    def _upkeep(self) -> Upkeep:
        notifier = Notifier(self.store.outbox, client=self._pool.token_client, keys=self.webhooks.keys, now=_now)
        return Upkeep(
            store=self.store,
            objects=self.objects,
            dispatch=self.dispatch,
            lifecycle=self.lifecycle,
            notifier=notifier,
            reaper=Reaper(self.store, self.vendors),
            retention=self.settings.retention,
        )

    @classmethod
    def make(cls, settings: Settings) -> "Runtime":
        """Wire everything up for these settings; connects to nothing yet."""
        for name in unknown_variables():
            log.warning("settings.unknown", extra={"variable": name})
        return cls(
            settings,
            store=Store.open(settings.database_url, clock_shift=settings.clock_shift),
            objects=ObjectStore.open(settings.store_url),
            limiter=RedisLimiter(settings.redis_url, settings.clock_shift),
            pool=ClientPool(
                allow=settings.allow_networks,
                ca_bundle=str(settings.ca_bundle) if settings.ca_bundle else None,
                proxy=settings.proxy,
            ),
            keyring=keyring_of(settings),
        )

    def start_heartbeat(self, queues: Sequence[str], slots: int) -> None:
        """Show this process as a worker of these queues, and carry its turns' leases on."""
        self._worker = (queues, slots)
        self._check_limiter()
        self._show_worker()
        self.heartbeat.start()

    def _check_limiter(self) -> None:
        """Say it loudly if the server of the limits would forget tokens by itself; one that is down is no news."""
        if isinstance(self.limiter, RedisLimiter):
            try:
                self.limiter.check_server()
            except UnfitServer as unfit:
                log.error("limiter.unfit", extra={"cause": str(unfit)})  # noqa: TRY400 - the reason is the message
            except LimiterDown:
                return

    def prove(self) -> None:
        """Note that this process consumes a provider's queue; readiness rests on it."""
        self.store.workers.prove(self.owner)

    def stop(self) -> None:
        """Ask the running turns to end at their next page."""
        self.lifecycle.stop()

    def close(self) -> None:
        """Let go of everything."""
        self.heartbeat.stop()
        if self._worker is not None:
            self.store.workers.leave(self.owner)
        self._pool.close()
        self.store.close()

    def _show_worker(self) -> None:
        if self._worker is not None:
            self.store.workers.beat(self.owner, *self._worker)


def keyring_of(settings: Settings) -> Keyring:
    """Return the keys that seal credentials: the stated ones, else those of the home folder."""
    return Keyring.from_text(settings.keys) if settings.keys else Keyring.from_file(settings.keys_path)


def _now() -> datetime:
    return WallClock().now()
