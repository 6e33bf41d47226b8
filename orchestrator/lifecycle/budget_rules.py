"""What a user may say about a budget's limits, in the shape of the API; what is refused is told its permitted range."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.job.errors import Invalid
from orchestrator.limits.burst import largest_burst
from orchestrator.limits.limit import RateLimit

MOST = 1_000_000_000  # units; above it a limit limits nothing
LONGEST_RATE = 86_400  # seconds; what is counted for longer than a day is a quota
LARGEST_RESERVE = 0.95  # above it a budget would hardly move
WINDOWS = frozenset({"rolling24h", "day"})

Fields = Mapping[str, Any]


def checked_limits(limits: Sequence[Any]) -> Sequence[Fields]:
    """Return the limits, completed with their defaults. Raises Invalid, `field` names the place: `limits.0.amount`."""
    return [_limit(f"limits.{index}", each) for index, each in enumerate(limits)]


def checked_reserve(reserve: Any) -> float:
    """Return the share left to others. Raises Invalid outside 0 to 0.95."""
    return _number("reserve", reserve, 0, LARGEST_RESERVE)


def _limit(field: str, given: Any) -> Fields:
    if not isinstance(given, Mapping):
        raise Invalid(field, "is not an object", 'Like {"kind": "rate", "amount": 600, "seconds": 60}.')
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise Invalid(f"{field}.kind", "is not a kind of limit", f"Permitted: {', '.join(_KINDS)}.")
    names, check = _KINDS[kind]
    for name in given:
        if name not in names and name != "kind":
            advice = f"A {kind} limit has {', '.join(names)}."
            raise Invalid(f"{field}.{name}", f"does not belong to a {kind} limit", advice, code="unknown_field")
    return {"kind": kind, **check(field, given)}


def _rate(field: str, given: Fields) -> Fields:
    checked: dict[str, Any] = {
        "amount": _number(f"{field}.amount", given.get("amount"), 0, MOST, above=True),
        "seconds": _number(f"{field}.seconds", given.get("seconds"), 0, LONGEST_RATE, above=True),
    }
    if given.get("burst") is not None:
        window = timedelta(seconds=checked["seconds"])
        most = largest_burst(RateLimit(name="rate", amount=checked["amount"], window=window))
        checked["burst"] = _whole(f"{field}.burst", given["burst"], most)
    return checked


def _quota(field: str, given: Fields) -> Fields:
    window = given.get("window", "rolling24h")
    if not isinstance(window, str) or window not in WINDOWS:
        raise Invalid(f"{field}.window", "is not a window", "Permitted: rolling24h, day.")
    checked = {"amount": _whole(f"{field}.amount", given.get("amount")), "window": window}
    if window == "day":
        checked["timezone"] = checked_zone(f"{field}.timezone", given.get("timezone", "UTC"))
    elif given.get("timezone") is not None:
        raise Invalid(f"{field}.timezone", "has no meaning for a rolling window", "Leave it out, or use window day.")
    return checked


def _concurrency(field: str, given: Fields) -> Fields:
    return {"amount": _whole(f"{field}.amount", given.get("amount"))}


_KINDS: Mapping[str, tuple[Sequence[str], Callable[[str, Fields], Fields]]] = {
    "rate": (("amount", "seconds", "burst"), _rate),
    "quota": (("amount", "window", "timezone"), _quota),
    "concurrency": (("amount",), _concurrency),
}


def checked_zone(field: str, name: Any) -> str:
    """Return the name of an IANA time zone. Raises Invalid."""
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, TypeError, OSError):  # OSError: a name that is a directory, or too long
        raise Invalid(field, "is not a time zone", "Permitted: IANA names, like UTC or Europe/Berlin.") from None


def _number(field: str, value: Any, least: float, most: float, *, above: bool = False) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not fits or not (least < value <= most if above else least <= value <= most):
        start = f"above {least:g}" if above else f"from {least:g}"
        raise Invalid(field, "is out of range", f"Permitted: numbers {start} to {most:g}.")
    return float(value) if isinstance(value, float) else value


def _whole(field: str, value: Any, most: int = MOST) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Invalid(field, "is out of range", f"Permitted: whole numbers from 1 to {most}.")
    return value
