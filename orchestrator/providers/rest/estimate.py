"""What reading a list costs at a REST connection: one call for its first page, where the vendor tells the total."""

from collections.abc import Mapping
from math import ceil
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.providers.estimate import Estimate, Way, unknown, within
from orchestrator.providers.rest.source import RestSource, page_size
from orchestrator.providers.rest.wire import read


def estimate(http: VendorClient, settings: Mapping[str, Any], criteria: DownloadCriteria) -> Estimate:
    """Count the pages; a page costs one unit."""
    resource = read(settings).resources[criteria.object_name]
    counted = RestSource(http, resource, criteria).count()
    if counted is None:
        return unknown("The vendor does not tell how many records this list has.")
    total = within(counted, criteria.limit)
    pages = max(1, ceil(total / page_size(resource, criteria)))
    return Estimate(records=total, way=Way(name=resource.paging.kind, calls=pages, points=pages))
