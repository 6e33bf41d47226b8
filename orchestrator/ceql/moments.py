"""Dates and times in ISO 8601, as filters and records write them. No zone means UTC."""

import re
from datetime import UTC, date, datetime, time

DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
LONGEST = 40  # characters of a date and time with a fraction and a zone; anything longer is text


def moment_of(text: str) -> datetime | date | None:
    """Return the moment that a text is, or the day; None where it is neither."""
    if len(text) > LONGEST or not DATE.match(text):
        return None
    try:
        if len(text) == len("2025-01-31"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def day_of(moment: date) -> tuple[datetime, datetime]:
    """Return the first and the last moment of a day; of a moment, itself twice."""
    if isinstance(moment, datetime):
        return moment, moment
    return datetime.combine(moment, time.min, UTC), datetime.combine(moment, time.max, UTC)
