"""Salesloft's timestamps: with `Z` or with an offset, with or without microseconds; filters compare microseconds."""

from datetime import UTC, datetime, timedelta

MICROSECOND = timedelta(microseconds=1)  # the vendor's resolution


def aware(moment: datetime) -> datetime:
    """Return the moment, in UTC where it names no zone."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def written(moment: datetime) -> str:
    """Write a moment as the vendor's filters take it."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
