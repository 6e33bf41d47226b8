"""A plan as JSON, with one sentence for people."""

from datetime import timedelta
from typing import Any

from orchestrator.lifecycle.dry_run import DryRun
from orchestrator.lifecycle.planning import JobPlan, Span
from orchestrator.providers.estimate import Way
from orchestrator.store.status_body import millis


def plan_body(plan: JobPlan) -> dict[str, Any]:
    """Return the answer to a plan; what cannot be known before is null, and `assumptions` says why."""
    way, now = plan.way, plan.seen.now
    return {
        "connection": plan.seen.connection,
        "objectName": plan.object_name,
        "records": plan.records,
        "way": way and way.name,
        "calls": way and way.calls,
        "points": way and way.points,
        "vendorJobs": way and way.vendor_jobs,
        "quotas": [
            {"name": each.name, "units": each.units, "amount": each.amount, "available": each.available}
            | {"share": each.share}
            for each in plan.quotas
        ],
        "earliestFinish": plan.span and millis(now + plan.span.earliest),
        "likelyFinish": plan.span and millis(now + plan.span.likely),
        "seconds": _seconds(plan.span),
        "alternative": plan.alternative
        and {
            "way": plan.alternative.name,
            "calls": plan.alternative.calls,
            "points": plan.alternative.points,
            "vendorJobs": plan.alternative.vendor_jobs,
            "seconds": _seconds(plan.alternative_span),
        },
        "cheaper": _cheaper(way, plan.alternative),
        "summary": summary(plan),
        "callsMade": plan.calls_made,
        "assumptions": list(plan.assumed),
        "upload": plan.dry_run and _dry_run(plan.dry_run),
    }


def _seconds(span: Span | None) -> dict[str, float] | None:
    if span is None:
        return None
    return {"earliest": round(span.earliest.total_seconds(), 1), "likely": round(span.likely.total_seconds(), 1)}


def _cheaper(way: Way | None, other: Way | None) -> str | None:
    if way is None or other is None or way.points == other.points:
        return None
    return min((way, other), key=lambda each: each.points).name


def summary(plan: JobPlan) -> str:
    """Return the ways and what they cost in one line, the one that is taken first."""
    if plan.way is None or plan.span is None:
        return "cannot be told before it runs"
    told = [_told(plan.way, plan.span)]
    if plan.alternative is not None and plan.alternative_span is not None:
        told.append(_told(plan.alternative, plan.alternative_span))
    return "; ".join(told)


def _told(way: Way, span: Span) -> str:
    jobs = f", {way.vendor_jobs:,} vendor jobs" if way.vendor_jobs else ""
    return f"by {way.name}: {way.calls:,} calls, {way.points:,} points{jobs}, {_span(span.earliest)}"


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _dry_run(found: DryRun) -> dict[str, Any]:
    return {
        "rows": found.rows,
        "badRows": found.bad_rows,
        "bad": [{"row": each.row, "code": each.code, "message": each.message} for each in found.bad],
        "first": [dict(each) for each in found.first],
        "chunks": len(found.chunks),
        "columns": list(found.columns),
        "unmappedColumns": list(found.unmapped),
        "encoding": found.encoding,
    }
