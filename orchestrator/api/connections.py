"""Connections: add, list, look, change, check, remove. Secrets go in and never come back."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from orchestrator.api.auth import Admin, Reader, Submitter
from orchestrator.api.idempotency import Answer, Keep, Once
from orchestrator.api.paging import PAGING, Paged, mark, only
from orchestrator.api.state import runtime_of
from orchestrator.api.wire import ConnectionBody, ConnectionChangeBody
from orchestrator.lifecycle.connections import Change, Wish
from orchestrator.store.budgets import Budget
from orchestrator.store.connections import Connection
from orchestrator.store.status_body import millis

router = APIRouter(prefix="/connections", tags=["connections"])


@router.post("", status_code=201, dependencies=[Depends(only())])
def add(request: Request, who: Admin, body: ConnectionBody, once: Once) -> Response:
    """Add a connection; makes no call at the provider."""

    def work(keep: Keep) -> Answer:
        runtime = runtime_of(request)
        added = runtime.connections.add(
            who.tenant_id, _wish(body), lambda transaction, it, budget: keep(transaction, _added(it, budget))
        )
        return _added(added, runtime.store.budgets.get(added.budget_id))

    return once(body.sent, work)


def _added(connection: Connection, budget: Budget) -> Answer:
    location = f"/connections/{connection.id}"
    return Answer(status=201, body=_shown(connection, budget), headers={"Location": location})


def _wish(body: ConnectionBody) -> Wish:
    return Wish(
        name=body.name,
        provider=body.provider,
        base_url=body.base_url,
        credentials=body.credentials,
        settings=body.settings,
        limits=body.limits,
        reserve=body.reserve,
        budget=body.budget,
    )


@router.get("", dependencies=[Depends(only(*PAGING))])
def list_connections(request: Request, response: Response, who: Reader, paging: Paged) -> list[dict[str, Any]]:
    """List connections in the order they were added."""
    store = runtime_of(request).store
    found = store.connections.list(who.tenant_id, after_id=paging.after, size=paging.size)
    mark(response, len(found), next_token=found[-1].id if len(found) == paging.size else None)
    return [_shown(each, store.budgets.get(each.budget_id)) for each in found]


@router.get("/{name}", dependencies=[Depends(only())])
def show(request: Request, who: Reader, name: str) -> dict[str, Any]:
    """Return one connection, by name or instanceId."""
    store = runtime_of(request).store
    found = store.connections.get(who.tenant_id, name)
    return _shown(found, store.budgets.get(found.budget_id))


@router.patch("/{name}", dependencies=[Depends(only())])
def change(request: Request, who: Admin, name: str, body: ConnectionChangeBody) -> dict[str, Any]:
    """Change address, credentials, settings, or the limits of its budget; jobs go on with them.

    New credentials make `authState` ok again. Limits and reserve are those of all connections of the budget.
    """
    runtime = runtime_of(request)
    asked = Change(
        base_url=body.base_url,
        credentials=body.credentials,
        settings=body.settings,
        limits=body.limits,
        reserve=body.reserve,
    )
    changed = runtime.connections.change(who.tenant_id, name, asked)
    return _shown(changed, runtime.store.budgets.get(changed.budget_id))


@router.delete("/{name}", status_code=204, dependencies=[Depends(only())])
def remove(request: Request, who: Admin, name: str) -> Response:
    """Remove a connection that no live job and no schedule needs, and erase its credentials."""
    runtime_of(request).connections.remove(who.tenant_id, name)
    return Response(status_code=204)


@router.post("/{name}/check", dependencies=[Depends(only())])
def check(request: Request, who: Submitter, name: str, once: Once) -> Response:
    """Make one cheap real call and say what works; a refusal is an answer, not an error."""

    def work(_: Keep) -> Answer:
        found = runtime_of(request).connections.check(who.tenant_id, name)
        told = {each: getattr(found, each) for each in ("ok", "message", "account", "user", "environment")}
        return Answer(status=200, body=told | {"allowances": [asdict(each) for each in found.allowances]})

    return once({}, work)


@router.get("/{name}/objects", dependencies=[Depends(only())])
def objects(request: Request, who: Reader, name: str) -> list[dict[str, Any]]:
    """List what there is at the provider, by name; one call at most, paid for by the connection's budget."""
    found = runtime_of(request).connections.objects(who.tenant_id, name)
    return [
        {
            "name": each.name,
            "label": each.label,
            "plural": each.plural,
            "readable": each.readable,
            "writable": each.writable,
        }
        for each in found
    ]


@router.get("/{name}/objects/{object_name}/fields", dependencies=[Depends(only())])
def fields(request: Request, who: Reader, name: str, object_name: str) -> list[dict[str, Any]]:
    """List the fields of an object as the provider describes them; 422 `not_described` where nobody does."""
    return [asdict(each) for each in runtime_of(request).connections.fields(who.tenant_id, name, object_name)]


def _shown(connection: Connection, budget: Budget) -> dict[str, Any]:
    return {
        "instanceId": connection.id,
        "name": connection.name,
        "provider": connection.provider,
        "baseUrl": connection.base_url,
        "credentials": {"type": connection.credential_type},
        "settings": dict(connection.settings),
        "budget": budget.name,
        "limits": [dict(each) for each in budget.limits],
        "reserve": budget.reserve,
        "authState": str(connection.auth_state),
        "createdDate": millis(connection.created_at),
    }
