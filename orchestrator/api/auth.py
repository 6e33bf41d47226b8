"""Who is asking: a Bearer key, stored as its SHA-256 alone, belongs to a tenant and carries scopes."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from orchestrator.api.problems import Refused
from orchestrator.api.state import runtime_of
from orchestrator.secrets import hash_api_key

Bearer = HTTPBearer(auto_error=False, description="An API key of Bulkhead.")


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The tenant that a request speaks for, and what its key may do."""

    tenant_id: int
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Whether the key carries the scope; `admin` contains the others."""
        return scope in self.scopes or "admin" in self.scopes


def caller(request: Request, bearer: Annotated[HTTPAuthorizationCredentials | None, Security(Bearer)]) -> Caller:
    """Return who is asking. Raises Refused without a valid key (401), and while it sends too much (429)."""
    if bearer is None or not bearer.credentials:
        raise Refused("unauthorized", "no API key was sent", field="Authorization")
    runtime = runtime_of(request)
    found = runtime.store.keys.find(hash_api_key(bearer.credentials))
    if found is None:
        raise Refused("unauthorized", "the API key is not known, or was revoked", field="Authorization")
    _pass_door(request, found.id)
    return Caller(tenant_id=found.tenant_id, scopes=frozenset(found.scopes))


def _pass_door(request: Request, key_id: int) -> None:
    door = request.app.state.door
    wait = 0.0 if door is None else door.wait(key_id)
    if wait:
        raise Refused("too_many_requests", "this key sends more than it may", retry_after=ceil(wait))


def needs(scope: str) -> Callable[[Caller], Caller]:
    """Return a dependency that lets only keys with the scope pass."""

    def check(who: Annotated[Caller, Depends(caller)]) -> Caller:
        if not who.may(scope):
            raise Refused("scope_missing", f"the API key lacks the scope {scope}", field="Authorization")
        return who

    return check


Reader = Annotated[Caller, Depends(needs("read"))]
Submitter = Annotated[Caller, Depends(needs("submit"))]
Admin = Annotated[Caller, Depends(needs("admin"))]
