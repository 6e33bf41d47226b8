"""What a job would cost at a vendor, as far as it can be known before: a few cheap calls, no effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to do a job: `calls` at the vendor, which cost `points` of its rate limit."""

    name: str
    calls: int
    points: int
    vendor_jobs: int = 0


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The way that will be taken, and another that could be; None where the vendor does not tell how much there is."""

    records: int | None
    way: Way | None
    alternative: Way | None = None
    assumed: Sequence[str] = field(default_factory=tuple)  # what is not known but assumed, each a sentence


Estimator = Callable[[VendorClient, Mapping[str, Any], DownloadCriteria], Estimate]
UploadCalls = Callable[[int, int], int]  # rows and chunks of one vendor job → its calls, but for the looks at it


def unknown(reason: str) -> Estimate:
    """Return what there is to say where nothing could be counted."""
    return Estimate(records=None, way=None, assumed=(reason,))


def within(total: int, limit: int | None) -> int:
    """Return how many of the records there are the job would read."""
    return total if limit is None else min(total, limit)
