"""Which terms of a job's `where` the vendor applies, and which are applied here; the status shows both."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator import ceql

META = "where"  # in the job's metaData


@dataclass(frozen=True, kw_only=True)
class Parted:
    """The terms of a filter, all of which must hold."""

    pushed: Sequence[ceql.Filter] = ()
    here: Sequence[ceql.Filter] = ()

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the status shows; nothing without a filter."""
        if not self.pushed and not self.here:
            return {}
        return {META: {"pushedDown": _text(self.pushed), "appliedHere": _text(self.here)}}


def parted(where: str | None, is_pushed: Callable[[ceql.Filter], bool]) -> Parted:
    """Part a filter: `is_pushed` says of each term, once and in order, whether the vendor applies it."""
    if where is None:
        return Parted()
    pushed, here = list[ceql.Filter](), list[ceql.Filter]()
    for term in ceql.terms(ceql.parse(where)):
        (pushed if is_pushed(term) else here).append(term)
    return Parted(pushed=pushed, here=here)


def left_here(meta: Mapping[str, Any]) -> str | None:
    """Return the filter that the job's metaData says is applied here."""
    told: Mapping[str, str | None] = meta.get(META, {})
    return told.get("appliedHere")


def _text(terms: Sequence[ceql.Filter]) -> str | None:
    whole = ceql.together(terms)
    return None if whole is None else ceql.render(whole)
