"""Connections: what a user may say about one, and one cheap real call to see that it works.

Secrets go in sealed and never come back.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from orchestrator.job.errors import Invalid, OrchestratorError
from orchestrator.lifecycle.budget_rules import checked_limits, checked_reserve
from orchestrator.lifecycle.credential_rules import checked_credentials
from orchestrator.providers.provider import Check, Family, Provider
from orchestrator.store.budgets import Budget, Budgets, NewBudget
from orchestrator.store.connections import Also, Connection, Connections, NewConnection

OpenVendor = Callable[[Connection], AbstractContextManager[Provider]]


class Sealer(Protocol):
    """Encrypts bytes so that they open only under the same context (see secrets.py)."""

    def seal(self, plain: bytes, context: bytes) -> str:
        """Return the sealed text."""
        ...


class BudgetStore(Protocol):
    """What the desk needs of the store."""

    @property
    def connections(self) -> Connections:
        """All connections."""
        ...

    @property
    def budgets(self) -> Budgets:
        """All budgets."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A connection as a user asks for it; every value is unchecked."""

    name: str
    provider: str
    base_url: str | None = None
    credentials: Mapping[str, Any] = field(repr=False)
    settings: Mapping[str, Any] = field(default_factory=dict)
    limits: Sequence[Any] | None = None  # None: the provider's own
    reserve: Any = None
    budget: str | None = None  # None: one of its own


class ConnectionDesk:
    """Takes, checks and gives up connections."""

    def __init__(
        self, store: BudgetStore, families: Mapping[str, Family], sealer: Sealer, open_vendor: OpenVendor
    ) -> None:
        self._store = store
        self._families = families
        self._sealer = sealer
        self._open_vendor = open_vendor

    def add(self, tenant_id: int, wish: Wish, also: Also | None = None) -> Connection:
        """Store a connection, its credentials sealed, its budget where that is new, and what `also` writes, together.

        Makes no call.
        Raises Invalid for anything that cannot be right, and Conflict for a name that is taken.
        """
        family = self._family(wish.provider)
        settings = family.check_settings(wish.settings)
        kind, credentials = checked_credentials(family, wish.credentials, settings)
        new = NewConnection(
            name=wish.name,
            provider=family.name,
            base_url=_base_url(family, wish.base_url),
            settings=settings,
            credential_type=kind,
            budget=self._budget(tenant_id, family, wish),
        )
        plain = msgspec.json.encode({"type": kind, **credentials})
        return self._store.connections.add(tenant_id, new, lambda context: self._sealer.seal(plain, context), also)

    def check(self, tenant_id: int, name: str | int) -> Check:
        """Make one cheap real call and tell what works; a refusal or an outage is an answer too. Raises Missing."""
        connection = self._store.connections.get(tenant_id, name)
        try:
            with self._open_vendor(connection) as vendor:
                return vendor.check()
        except OrchestratorError as error:
            return Check(ok=False, message=str(error))

    def remove(self, tenant_id: int, name: str | int) -> None:
        """Remove a connection and erase its credentials. Raises Missing, and Conflict while something needs it."""
        self._store.connections.remove(tenant_id, name)

    def _family(self, provider: str) -> Family:
        family = self._families.get(provider)
        if family is None:
            known = ", ".join(sorted(self._families))
            raise Invalid("provider", f"{provider} is not known", f"Known: {known}.", code="unknown_provider")
        return family

    def _budget(self, tenant_id: int, family: Family, wish: Wish) -> int | NewBudget:
        limits = None if wish.limits is None else checked_limits(wish.limits)
        reserve = None if wish.reserve is None else checked_reserve(wish.reserve)
        if wish.budget is not None:
            existing = self._store.budgets.by_name(tenant_id, wish.budget)
            if existing is not None:
                return _joined(existing, family, limits, reserve)
        name = wish.budget or self._own_name(tenant_id, wish.name)
        return NewBudget(name=name, provider=family.name, limits=limits or (), reserve=reserve or 0.0)

    def _own_name(self, tenant_id: int, name: str) -> str:
        # the budget of a removed connection of that name is still there, for its jobs
        taken = self._store.budgets.by_name(tenant_id, name) is not None
        return f"{name}-{token_hex(4)}" if taken else name


def _joined(existing: Budget, family: Family, limits: Sequence[Mapping[str, Any]] | None, reserve: float | None) -> int:
    if existing.provider != family.name:
        problem = f"{existing.name} is a budget at {existing.provider}, not at {family.name}"
        raise Invalid("budget", problem, "Name another budget, or leave it out.", code="budget_differs")
    if limits is not None and list(limits) != list(existing.limits):
        raise Invalid("limits", f"budget {existing.name} has other limits", code="budget_differs")
    if reserve is not None and reserve != existing.reserve:
        problem = f"budget {existing.name} has the reserve {existing.reserve:g}"
        raise Invalid("reserve", problem, code="budget_differs")
    return existing.id


def _base_url(family: Family, given: str | None) -> str:
    url = (given or family.default_base_url or "").rstrip("/")
    if not url:
        raise Invalid("baseUrl", f"{family.name} has no default address", "Name it.", code="missing_field")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in parts.netloc or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise Invalid("baseUrl", "is not a plain http or https address", "Like https://api.example.com.")
    return url
