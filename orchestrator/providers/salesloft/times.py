"""Salesloft's timestamps as whole microseconds since 1970: with `Z` or an offset, with or without a fraction."""

from datetime import UTC, datetime, timedelta

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesloft.wire import PROVIDER

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def read_time(text: str) -> int:
    """Read a timestamp, taking UTC where it names no offset; raises Misbehaved where it is none."""
    try:
        return micros(datetime.fromisoformat(text))
    except ValueError:
        raise Misbehaved(PROVIDER, f"updated_at is not a timestamp: {text[:40]!r}") from None


def micros(moment: datetime) -> int:
    """Return whole microseconds since 1970, without a float on the way."""
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND


def write_time(at: int) -> str:
    """Write microseconds since 1970 as the vendor's filters take them."""
    return f"{(EPOCH + timedelta(microseconds=at)).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
