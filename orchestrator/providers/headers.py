"""Reads the numbers in answer headers with suspicion: what cannot be true is left out, and its header noted."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta

LONGEST = 40  # characters of a number; a header may have megabytes
MOST = 1e13  # above a date in milliseconds, below which all is possible
EPOCH = 1e9  # a reset beyond this is a date in seconds since 1970, not a duration
EPOCH_MILLIS = 1e11  # and beyond this one in milliseconds
LONGEST_RESET = timedelta(days=8)  # beyond the longest window of a vendor, a week
LATE = timedelta(hours=1)  # clocks differ, and answers travel: a reset may lie a little in the past


class Headers:
    """The headers of one answer, by lower-case name; `nonsense` lists those that could not be believed."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers
        self.nonsense: list[str] = []

    def text(self, name: str) -> str | None:
        """Return the header as it is; None where there is none."""
        return self._headers.get(name)

    def number(self, name: str) -> float | None:
        """Return a number from 0 to 10¹³; None where there is none, or nonsense."""
        text = self._headers.get(name)
        return None if text is None else self.believed(name, text)

    def believed(self, name: str, text: str) -> float | None:
        """Return the number that `text`, a part of the header `name`, says; None and a note for nonsense."""
        try:
            number = float(text) if len(text) <= LONGEST else math.nan
        except ValueError:
            number = math.nan
        if 0 <= number <= MOST:
            return number
        self.doubt(name)
        return None

    def reset(self, name: str, now: datetime) -> timedelta | None:
        """Return in how long something is reset: told in seconds, or as a date in seconds or ms since 1970."""
        told = self.number(name)
        if told is None:
            return None
        if told > EPOCH:
            after = timedelta(seconds=told / (1000 if told > EPOCH_MILLIS else 1) - now.timestamp())
        else:
            after = timedelta(seconds=told)
        if not -LATE <= after <= LONGEST_RESET:
            self.doubt(name)
            return None
        return after if after >= timedelta(0) else None

    def doubt(self, name: str) -> None:
        """Note that a header says nonsense."""
        if name not in self.nonsense:
            self.nonsense.append(name)
