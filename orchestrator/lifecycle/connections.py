"""Connections: what a user may say about one, and one cheap real call to see that it works.

Secrets go in sealed and never come back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from orchestrator.job.errors import Invalid, OrchestratorError
from orchestrator.lifecycle.budget_rules import checked_limits, checked_reserve
from orchestrator.lifecycle.credential_rules import checked_credentials
from orchestrator.lifecycle.keeper import OAUTH
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.providers.provider import Check, Family
from orchestrator.providers.schema import FieldType, ObjectType
from orchestrator.store.budgets import Budget, Budgets, NewBudget
from orchestrator.store.connections import Also, Connection, Connections, NewConnection, Seal


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


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a user wants to have changed of a connection; None: it stays. Every value is unchecked."""

    base_url: str | None = None
    credentials: Mapping[str, Any] | None = field(default=None, repr=False)
    settings: Mapping[str, Any] | None = None  # by name; None as a value takes one back
    limits: Sequence[Any] | None = None  # of its budget; none: the provider's published ones
    reserve: Any = None


class ConnectionDesk:
    """Takes, checks and gives up connections."""

    def __init__(self, store: BudgetStore, families: Mapping[str, Family], sealer: Sealer, vendors: Vendors) -> None:
        self._store = store
        self._families = families
        self._sealer = sealer
        self._vendors = vendors

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
            base_url=_base_url(family, wish.base_url or _where_tokens_are(family, credentials)),
            settings=settings,
            credential_type=kind,
            budget=self._budget(tenant_id, family, wish),
        )
        plain = msgspec.json.encode({"type": kind, **credentials})
        return self._store.connections.add(tenant_id, new, lambda context: self._sealer.seal(plain, context), also)

    def change(self, tenant_id: int, name: str | int, change: Change) -> Connection:
        """Change what is given; new credentials, sealed, make the connection `ok` again. Makes no call.

        Jobs go on with them: rows in unreleased vendor jobs that a new user cannot use are sent anew. Limits hold for
        every turn that begins from then on, of all connections of the budget; what was spent stays spent.
        Raises Invalid, Missing.
        """
        connection = self._store.connections.get(tenant_id, name)
        family = self._family(connection.provider)
        settings = _merged(connection.settings, change.settings or {})
        if change.settings is not None:
            settings = family.check_settings(settings)
            _refuse_other_login(family, connection, settings, change)
        kind, seal = self._sealed(family, settings, change.credentials)
        base_url = None if change.base_url is None else _base_url(family, change.base_url)
        self._change_budget(connection, change)
        return self._store.connections.update(
            tenant_id,
            connection.id,
            base_url=base_url,
            settings=None if change.settings is None else settings,
            credential_type=kind,
            seal=seal,
        )

    def _change_budget(self, connection: Connection, change: Change) -> None:
        limits = None if change.limits is None else checked_limits(change.limits)
        reserve = None if change.reserve is None else checked_reserve(change.reserve)
        if limits is None and reserve is None:
            return
        budget = self._store.budgets.get(connection.budget_id)
        if budget.tenant_id is None:
            field = "limits" if limits is not None else "reserve"
            problem = f"budget {budget.name} is shared with other tenants"
            raise Invalid(field, problem, "Ask whoever runs this installation.", code="budget_differs")
        self._store.budgets.change(budget.id, limits=limits, reserve=reserve)

    def _sealed(
        self, family: Family, settings: Mapping[str, Any], given: Mapping[str, Any] | None
    ) -> tuple[str | None, Seal | None]:
        if given is None:
            return None, None
        kind, credentials = checked_credentials(family, given, settings)
        plain = msgspec.json.encode({"type": kind, **credentials})
        return kind, lambda context: self._sealer.seal(plain, context)

    def check(self, tenant_id: int, name: str | int) -> Check:
        """Make one cheap real call and tell what works; a refusal or an outage is an answer too. Raises Missing."""
        connection = self._store.connections.get(tenant_id, name)
        try:
            return self._vendors.look(connection, lambda vendor: vendor.check())
        except OrchestratorError as error:
            return Check(ok=False, message=str(error))

    def objects(self, tenant_id: int, name: str | int) -> Sequence[ObjectType]:
        """Return what there is at the vendor, by name. Raises Missing, and what the call raises."""
        found = self._vendors.look(self._store.connections.get(tenant_id, name), lambda vendor: vendor.objects())
        return sorted(found, key=lambda each: each.name.casefold())

    def fields(self, tenant_id: int, name: str | int, object_name: str) -> Sequence[FieldType]:
        """Return the fields of an object. Raises Missing, Invalid, and what the calls raise."""
        connection = self._store.connections.get(tenant_id, name)
        return self._vendors.look(connection, lambda vendor: vendor.fields(object_name))

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


def _merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    merged = {**before, **given}
    return {name: value for name, value in merged.items() if value is not None or name not in given}


def _refuse_other_login(family: Family, connection: Connection, settings: Mapping[str, Any], change: Change) -> None:
    """Tokens of one address are worth nothing at another: with it the credentials must come anew."""
    if family.token_url is None or connection.credential_type not in OAUTH or change.credentials is not None:
        return
    if family.token_url(settings) != family.token_url(connection.settings):
        raise Invalid("credentials", "belong to the token address as it was", "Send them too.", code="credentials")


def _where_tokens_are(family: Family, credentials: Mapping[str, str]) -> str | None:
    """Return the server of the token address, where the first token tells the account's own; else None."""
    if family.address is None or "tokenUrl" not in credentials:
        return None
    parts = urlsplit(credentials["tokenUrl"])
    return f"{parts.scheme}://{parts.netloc}"


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
