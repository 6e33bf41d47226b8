"""Limits as JSON, in the shape of the API, and back."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from orchestrator.limits.limit import ConcurrencyLimit, Limit, QuotaLimit, RateLimit

KINDS = {"rate": RateLimit, "quota": QuotaLimit, "concurrency": ConcurrencyLimit}


def limits_of(data: Sequence[Mapping[str, Any]], published: Sequence[Limit] = ()) -> tuple[Limit, ...]:
    """Return the limits of checked JSON.

    The first of a kind has the name of the provider's first published one, for its headers speak of that; without one
    it is named like its kind.
    """
    names = {kind: [each.name for each in published if isinstance(each, made)] for kind, made in KINDS.items()}
    seen: dict[str, int] = {}
    limits = []
    for each in data:
        kind = each["kind"]
        index = seen[kind] = seen.get(kind, -1) + 1
        limits.append(_limit(each, names[kind][index] if index < len(names[kind]) else _name(kind, index)))
    return tuple(limits)


def _name(kind: str, index: int) -> str:
    return f"{kind}{index + 1}" if index else kind


def _limit(data: Mapping[str, Any], name: str) -> Limit:
    match data["kind"]:
        case "rate":
            window = timedelta(seconds=data["seconds"])
            return RateLimit(name=name, amount=data["amount"], window=window, burst=data.get("burst"))
        case "quota":
            zone = data.get("timezone", "UTC") if data.get("window") == "day" else None
            return QuotaLimit(name=name, amount=data["amount"], timezone=zone)
        case "concurrency":
            return ConcurrencyLimit(name=name, amount=data["amount"])
        case kind:
            raise ValueError(f"{kind} is not a kind of limit")
