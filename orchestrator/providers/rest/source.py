"""One list of a REST connection, as a download reads it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.step import Cursor
from orchestrator.providers.paging import walk
from orchestrator.providers.provider import GoOn, Page
from orchestrator.providers.rest.filters import pushed_down
from orchestrator.providers.rest.ways import way_of
from orchestrator.providers.rest.wire import Resource
from orchestrator.providers.shape import Shaper

USUAL_SIZE = 200  # records a page, where neither the job nor the settings say another size
WIDER = timedelta(microseconds=1)  # the finest unit in which vendors compare times


class RestSource:
    """Reads one resource; filters that the vendor does not know are applied here."""

    def __init__(self, client: VendorClient, resource: Resource, criteria: DownloadCriteria) -> None:
        self._client = client
        size = page_size(resource, criteria)
        pushed = date_params(resource, criteria)
        sized = {resource.paging.size_param: size} if resource.paging.size_param else {}
        fixed = {**criteria.query, **pushed, **sized}
        where, division = pushed_down(criteria.where, resource, frozenset({*fixed, resource.paging.cursor_param}))
        fixed |= where
        self._way = way_of(client, resource, fixed, size if resource.paging.max_size else None)
        self._shaper = Shaper(criteria)
        self._meta = {
            "pageSize": size if sized else None,
            "pushedDown": sorted({*pushed, *where}),
            "paging": resource.paging.kind,
            **division.meta,
        }

    @property
    def meta(self) -> Mapping[str, Any]:
        """The effective page size (null: the vendor's), the pushed-down filters, the way of paging."""
        return self._meta

    def pages(self, cursor: Cursor, go_on: GoOn, room: int | None) -> Iterator[Page]:
        """Yield the pages after `cursor`; see `Source`."""
        return walk(self._client, self._way, self._shaper, cursor, go_on, room)

    def count(self) -> int | None:
        """Ask for the first page again, for its total."""
        ask = self._way.ask({})
        return self._way.read({}, self._client.get(ask.path, params=ask.params, cost=ask.cost)).vendor_counted


def page_size(resource: Resource, criteria: DownloadCriteria) -> int:
    """Return the records to ask for at once: what the job wants, else the vendor's maximum, never more than that."""
    most = resource.paging.max_size
    wanted = criteria.page_size or most or USUAL_SIZE
    return wanted if most is None else min(wanted, most)


def date_params(resource: Resource, criteria: DownloadCriteria) -> dict[str, str]:
    """Return the query parameters by which the vendor filters `from` and `to` itself; {} where it cannot."""
    known = resource.date_filters.get(criteria.filter_date_field or "")
    if known is None:
        return {}
    wider = WIDER if known.strict else timedelta(0)
    bounds: list[tuple[str | None, datetime | None]] = [
        (known.from_, criteria.from_ and criteria.from_ - wider),
        (known.to, criteria.to and criteria.to + wider),
    ]
    return {param: _iso(moment) for param, moment in bounds if param and moment}


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
