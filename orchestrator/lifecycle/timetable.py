"""When a schedule fires next, and what becomes of the times that have come: pure functions of time.

Every so many seconds, or by cron in an IANA time zone: five fields, or Quartz's six or seven. At a change of daylight
saving time a fire that falls into the gap comes at its end, and one in the doubled hour once (cronsim; see docs of
Debian's cron).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from orchestrator.job.errors import Invalid
from orchestrator.job.schedule import CatchUp
from orchestrator.lifecycle.quartz import FIELDS, Rule, rule_of

CRON_FIELDS = 5
A_SECOND = timedelta(seconds=1)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
MOST_YEARS = 50  # a day that does not come in so many years never comes
LATE = timedelta(minutes=5)  # a fire that comes later than this was missed: a restart or an upgrade is no absence
MOST_CAUGHT_UP = 100  # jobs of one absence, the latest; more would be a flood, and each vendor's budget is shared
MOST_COUNTED = 10_000  # times of one absence that are told apart


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When a schedule fires: `cron` in its zone, or `every`."""

    cron: str | None
    every: timedelta | None
    timezone: str

    def after(self, moment: datetime) -> datetime:
        """Return the first moment after `moment` (aware) at which it fires, in UTC; NEVER if there is none."""
        if self.every is not None:
            return moment.astimezone(UTC) + self.every
        assert self.cron is not None
        try:
            return _next(_rule(self.cron), moment.astimezone(ZoneInfo(self.timezone))).astimezone(UTC)
        except StopIteration:
            return NEVER


@dataclass(frozen=True, kw_only=True)
class Due:
    """What becomes of the times that have come: those that fire, those that nobody saw, and the next one."""

    fires: Sequence[datetime]
    missed: Sequence[datetime]
    next_at: datetime


def due(timing: Timing, first: datetime, now: datetime, catch_up: CatchUp) -> Due:
    """Return what becomes of the times from `first` to `now`.

    `skip` fires the latest if it has only just come, `one` the latest, `all` each of them, the latest 100 at most.
    """
    times = list(islice(_until(timing, first, now), MOST_COUNTED))
    fires = times[-1:]
    match catch_up:
        case CatchUp.SKIP if now - times[-1] > LATE:
            fires = []
        case CatchUp.ALL:
            fires = times[-MOST_CAUGHT_UP:]
    missed = times[: len(times) - len(fires)]
    return Due(fires=fires, missed=missed, next_at=_following(timing, times[-1], now))


def _until(timing: Timing, first: datetime, now: datetime) -> Iterator[datetime]:
    at = first
    while at <= now:
        yield at
        at = timing.after(at)


def _following(timing: Timing, last: datetime, now: datetime) -> datetime:
    """Return the first time after `now`; of a rhythm it keeps the beat."""
    if timing.every is not None:
        return last + timing.every * ((now - last) // timing.every + 1)
    return timing.after(max(last, now))


def checked_cron(cron: str, *, now: datetime, timezone: str) -> str:
    """Return the expression. Raises Invalid if it is none, or never fires."""
    if len(cron.split()) not in (CRON_FIELDS, len(FIELDS) - 1, len(FIELDS)):
        advice = "Write minute, hour, day, month, weekday: 0 6 * * 1-5; or Quartz's six or seven fields."
        raise Invalid("cron", "has neither five fields, nor six or seven", advice, code="invalid_cron")
    try:
        first = Timing(cron=cron, every=None, timezone=timezone).after(now)
    except (CronSimError, ValueError) as error:
        raise Invalid("cron", f"cannot be read: {error}", "Like 0 6 * * 1-5.", code="invalid_cron") from None
    if first == NEVER:
        raise Invalid("cron", "never fires", "Name a day that exists.", code="invalid_cron")
    return cron


def _rule(cron: str) -> Rule:
    return Rule(expression=cron) if len(cron.split()) == CRON_FIELDS else rule_of(cron)


def _next(rule: Rule, local: datetime) -> datetime:
    last_year = local.year + MOST_YEARS
    while local.year <= last_year:
        start = _later(_in_years(rule, local), -rule.seconds)
        found = _later(next(CronSim(rule.expression, start)), rule.seconds)
        if rule.fits(found.date()) and (rule.years is None or found.year in rule.years):
            return found
        local = found if rule.fits(found.date()) else _end_of_day(found)
    raise StopIteration


def _later(local: datetime, seconds: int) -> datetime:
    """Return the moment so many seconds later; local arithmetic would take a doubled hour for its first one."""
    return (local.astimezone(UTC) + seconds * A_SECOND).astimezone(local.tzinfo)


def _in_years(rule: Rule, local: datetime) -> datetime:
    """Return `local`, or the last second before the next year that fits; raises StopIteration if there is none."""
    if rule.years is None or local.year in rule.years:
        return local
    later = [year for year in rule.years if year > local.year]
    if not later:
        raise StopIteration
    return local.replace(year=min(later), month=1, day=1, hour=0, minute=0, second=0, microsecond=0) - A_SECOND


def _end_of_day(moment: datetime) -> datetime:
    return moment.replace(hour=23, minute=59, second=59)
