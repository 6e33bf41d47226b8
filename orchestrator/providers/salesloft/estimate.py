"""What reading a list costs at Salesloft; asked with one call that brings one record and the count."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.providers.estimate import Estimate, Way, unknown, within
from orchestrator.providers.salesloft import by_time
from orchestrator.providers.salesloft.answers import pages_cost
from orchestrator.providers.salesloft.catalog import LISTS
from orchestrator.providers.salesloft.filters import narrowed
from orchestrator.providers.salesloft.lists import LARGEST_PAGE, ONE_AND_COUNT
from orchestrator.providers.salesloft.rows import PER_PAGE
from orchestrator.providers.salesloft.times import aware
from orchestrator.providers.salesloft.wire import RECORDS, TIME_FIELD


def estimate(http: VendorClient, settings: Mapping[str, Any], criteria: DownloadCriteria) -> Estimate:
    """Compare a walk by time with one by page numbers, whose deep pages cost up to 30 points; one call."""
    kind = LISTS[criteria.object_name]
    pushed = kind.by_time and criteria.filter_date_field == TIME_FIELD
    since = aware(criteria.from_) if pushed and criteria.from_ else None
    until = aware(criteria.to) if pushed and criteria.to else None
    asked = narrowed(criteria.where, criteria.object_name, by_time=kind.by_time, since=since, until=until)
    bounds = by_time.bounds(asked.since, asked.until) if kind.by_time else {}
    params = {**criteria.query, **asked.params, **bounds, **ONE_AND_COUNT}
    metadata = RECORDS.envelope(http.get(kind.path, params=params).content).metadata
    counted = metadata.paging.total_count if metadata is not None and metadata.paging is not None else None
    if counted is None:
        return unknown("Salesloft did not count this list.")
    total, size = within(counted, criteria.limit), criteria.page_size or LARGEST_PAGE
    pages = max(1, ceil(total / size))
    by_page = Way(name="page", calls=pages, points=pages_cost(pages))
    if not kind.by_time:
        return Estimate(records=total, way=by_page)
    calls = 1 + max(1, ceil((total - 1) / max(1, size - 1)))
    return Estimate(records=total, way=Way(name=TIME_FIELD, calls=calls, points=calls), alternative=by_page)


def upload_calls(rows: int, chunks: int) -> int:
    """Return the calls of one bulk job: create, fill, release, and the fates, 100 a page."""
    return 2 + chunks + ceil(rows / PER_PAGE)
