"""Salesloft's timestamps as whole microseconds since 1970: with `Z` or an offset, with or without a fraction."""

from datetime import UTC, datetime

from orchestrator.clock import from_micros, to_micros
from orchestrator.job.errors import Misbehaved
from orchestrator.providers.salesloft.wire import PROVIDER


def read_time(text: str) -> int:
    """Read a timestamp, taking UTC where it names no offset; raises Misbehaved where it is none."""
    try:
        return micros(datetime.fromisoformat(text))
    except ValueError:
        raise Misbehaved(PROVIDER, f"updated_at is not a timestamp: {text[:40]!r}") from None


def micros(moment: datetime) -> int:
    """Return whole microseconds since 1970, taking UTC where the moment names no zone."""
    return to_micros(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def write_time(at: int) -> str:
    """Write microseconds since 1970 as the vendor's filters take them."""
    return f"{from_micros(at).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
