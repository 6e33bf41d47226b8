"""When a schedule fires next: every so many seconds, or by five-field cron in an IANA time zone.

At a change of daylight saving time a fire that falls into the gap comes at its end, and one in the doubled hour once
(cronsim; see docs of Debian's cron).
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from orchestrator.job.errors import Invalid

CRON_FIELDS = 5


def next_fire(*, after: datetime, cron: str | None, every: timedelta | None, timezone: str) -> datetime:
    """Return the first moment after `after` (aware) at which the schedule fires, in UTC; costs no call."""
    if every is not None:
        return after.astimezone(UTC) + every
    assert cron is not None
    return next(CronSim(cron, after.astimezone(ZoneInfo(timezone)))).astimezone(UTC)


def checked_cron(cron: str, *, now: datetime, timezone: str) -> str:
    """Return the expression. Raises Invalid if it is none, or never fires."""
    if len(cron.split()) != CRON_FIELDS:
        advice = "Write minute, hour, day, month, weekday: 0 6 * * 1-5."
        raise Invalid("cron", f"has not {CRON_FIELDS} fields", advice, code="invalid_cron")
    try:
        next_fire(after=now, cron=cron, every=None, timezone=timezone)
    except CronSimError as error:
        raise Invalid("cron", f"cannot be read: {error}", "Like 0 6 * * 1-5.", code="invalid_cron") from None
    except StopIteration:
        raise Invalid("cron", "never fires", "Name a day that exists.", code="invalid_cron") from None
    return cron
