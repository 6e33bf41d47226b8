"""Limits of a connection's budget as they are now."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Depends, Request

from orchestrator.api.auth import Reader
from orchestrator.api.paging import only
from orchestrator.api.state import runtime_of
from orchestrator.lifecycle.limit_desk import LimitsSeen, learned_of
from orchestrator.limits.limit import BlockedBy, ConcurrencyLimit, Limit, QuotaLimit, RateLimit
from orchestrator.store.status_body import millis
from orchestrator.store.waiters import Waiter

router = APIRouter(prefix="/connections", tags=["connections"])


@router.get("/{name}/limits", dependencies=[Depends(only())])
def show(request: Request, who: Reader, name: str) -> dict[str, Any]:
    """Return each limit now, what blocks it, what its provider said, who waits, and how long; makes no call."""
    return _body(runtime_of(request).limits.see(who.tenant_id, name))


def _body(seen: LimitsSeen) -> dict[str, Any]:
    budget, until = seen.budget, seen.blocked_until
    gate = max((state.gate_for for state in seen.states.values()), default=timedelta(0))
    return {
        "connection": seen.connection,
        "provider": budget.provider,
        "budget": budget.name,
        "shared": budget.tenant_id is None,
        "now": millis(seen.now),
        "limiter": str(seen.sight),
        "reserve": budget.reserve,
        "limits": [_limit(each, seen) for each in seen.limits],
        "blockedBy": budget.blocked_by if until else None,
        "blockedUntil": millis(until),
        "gateClosedUntil": _ahead(seen.now, gate),
        "breaker": {
            "state": str(seen.circuit),
            "failures": budget.failures,
            "until": millis(budget.circuit_until) if seen.circuit == "open" else None,
        },
        "turnsAtOnce": {"now": seen.cap, "cap": budget.cap, "width": _rounded(budget.width)},
        "latencySeconds": None if budget.latency is None else round(budget.latency.total_seconds(), 3),
        "nonsenseHeaders": dict(budget.learned.get("nonsense", {})),
        "waiting": [_waiter(each) for each in seen.waiting],
        "othersWaiting": seen.others_waiting,
        "forecast": {
            "seconds": None if seen.done_in is None else round(seen.done_in.total_seconds(), 1),
            "knownCalls": seen.work.calls,
            "jobs": seen.work.jobs,
            "jobsOfUnknownSize": seen.work.unknown,
        },
    }


def _limit(limit: Limit, seen: LimitsSeen) -> dict[str, Any]:
    state, learned = seen.states.get(limit.name), learned_of(seen.budget, limit.name)
    return {
        "name": limit.name,
        **_shape(limit),
        "amount": limit.amount,
        "published": getattr(limit, "published", None) or limit.amount,
        "available": None if state is None else state.available,
        "used": None if state is None else state.used,
        "share": None if state is None else state.share,
        "resetsAt": None if state is None else _ahead(seen.now, state.resets_in, always=True),
        "learnedFrom": _learned(learned) if learned else None,
    }


def _shape(limit: Limit) -> dict[str, Any]:
    match limit:
        case RateLimit():
            return {"kind": str(BlockedBy.RATE), "windowSeconds": limit.window.total_seconds(), "timezone": None}
        case QuotaLimit():
            return {
                "kind": str(BlockedBy.QUOTA), "windowSeconds": limit.window.total_seconds(), "timezone": limit.timezone,
            }  # fmt: skip
        case ConcurrencyLimit():
            return {"kind": str(BlockedBy.CONCURRENCY), "windowSeconds": None, "timezone": None}


def _learned(said: Mapping[str, Any]) -> dict[str, Any]:
    at = said.get("at")
    return {
        "header": said.get("header"),
        "at": None if at is None else at // 1000,
        "remaining": said.get("remaining"),
        "limit": said.get("limit"),
        "resetsInSeconds": said.get("resets_in"),
    }


def _waiter(waiter: Waiter) -> dict[str, Any]:
    return {
        "jobId": waiter.job_id,
        "steps": waiter.steps,
        "reason": str(waiter.reason),
        "until": millis(waiter.until),
    }


def _ahead(now: datetime, span: timedelta | None, *, always: bool = False) -> int | None:
    return millis(now + span) if span is not None and (span or always) else None


def _rounded(width: float | None) -> float | None:
    return None if width is None else round(width, 2)
