"""Quartz's cron in the words of cron: six or seven fields, seconds first, years last, `?`, weekdays from 1 for Sunday.

What cron cannot say is a condition on the day: the weekday nearest to a date (`15W`), days before a month's end (`L-3`)
https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html
"""

import re
from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

FIELDS = ("seconds", "minutes", "hours", "day of month", "month", "day of week", "year")
YEARS = range(1970, 2100)
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
NEAREST = re.compile(r"(\d{1,2})W")
BEFORE_END = re.compile(r"L-(\d{1,2})")
WEEKDAY = re.compile(
    r"(?P<first>[A-Z]{3}|[1-7])(?P<last>L)?(?:-(?P<to>[A-Z]{3}|[1-7]))?(?:#(?P<nth>[1-5]))?(?:/(?P<step>\d+))?"
)
YEAR = re.compile(r"(?P<first>\*|\d{4})(?:-(?P<last>\d{4}))?(?:/(?P<step>[1-9]\d*))?")

Fits = Callable[[date], bool]


def any_day(_: date) -> bool:
    """Every day fits."""
    return True


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When to fire: an expression of cron, so many seconds later, on days and in years that fit."""

    expression: str
    seconds: int = 0
    fits: Fits = any_day
    years: frozenset[int] | None = field(default=None, repr=False)  # None: every year


def rule_of(text: str) -> Rule:
    """Return the rule that an expression of Quartz stands for; raises ValueError with the field that cannot be read.

    With one second the rest is five fields, so that a change of daylight saving time is met as cron meets it.
    """
    parts = text.upper().split()
    seconds, minutes, hours, day, month, weekday = parts[:6]
    if "?" not in (day, weekday) and "*" not in (day, weekday):
        raise ValueError("day of month and day of week are both given: put ? into one of them")
    days, fits = _days(day)
    rest = f"{minutes} {hours} {days} {month} {_weekdays(weekday)}"
    years = _years(parts[6]) if len(parts) == len(FIELDS) else None
    if seconds.isdigit() and int(seconds) < 60:
        return Rule(expression=rest, seconds=int(seconds), fits=fits, years=years)
    return Rule(expression=f"{seconds} {rest}", fits=fits, years=years)


def _days(text: str) -> tuple[str, Fits]:
    if found := NEAREST.fullmatch(text):
        return "*", _nearest_weekday(int(found[1]))
    if found := BEFORE_END.fullmatch(text):
        return "*", _before_end(int(found[1]))
    return text.replace("?", "*"), any_day


def _nearest_weekday(wanted: int) -> Fits:
    """Return the condition for the Monday to Friday nearest to a date, in the same month."""

    def fits(day: date) -> bool:
        last = monthrange(day.year, day.month)[1]
        if not 1 <= wanted <= last:
            return False
        ideal = day.replace(day=wanted)
        match ideal.weekday():
            case 5 if wanted > 1:
                return day == ideal - timedelta(days=1)
            case 5:
                return day == ideal + timedelta(days=2)
            case 6 if wanted < last:
                return day == ideal + timedelta(days=1)
            case 6:
                return day == ideal - timedelta(days=2)
            case _:
                return day == ideal

    return fits


def _before_end(days: int) -> Fits:
    return lambda day: day.day == monthrange(day.year, day.month)[1] - days


def _weekdays(text: str) -> str:
    if text in ("?", "*"):
        return "*"
    return ",".join(map(_weekday, text.split(",")))


def _weekday(text: str) -> str:
    if text == "L":
        return "6"  # Saturday is Quartz's last day of a week
    found = WEEKDAY.fullmatch(text)
    if found is None:
        raise ValueError(f"day of week: {text} cannot be read")
    first = _number(found["first"])
    if found["last"]:
        return f"{first}L"
    if found["nth"]:
        return f"{first}#{found['nth']}"
    last = _number(found["to"]) if found["to"] else (6 if found["step"] else first)
    return str(first) if first == last else f"{first}-{last}/{found['step'] or 1}"


def _number(text: str) -> int:
    if text.isdigit():
        return int(text) - 1
    if text not in WEEKDAYS:
        raise ValueError(f"day of week: {text} is none")
    return WEEKDAYS.index(text)


def _years(text: str) -> frozenset[int] | None:
    if text in ("*", "?"):
        return None
    return frozenset(year for each in text.split(",") for year in _range_of_years(each))


def _range_of_years(text: str) -> range:
    found = YEAR.fullmatch(text)
    if found is None:
        raise ValueError(f"year: {text} cannot be read")
    first = YEARS.start if found["first"] == "*" else int(found["first"])
    open_end = found["step"] or found["first"] == "*"
    last = int(found["last"]) if found["last"] else (YEARS[-1] if open_end else first)
    return range(max(first, YEARS.start), min(last, YEARS[-1]) + 1, int(found["step"] or 1))
