"""What a query costs at Salesforce; counted with one plain query, after a look at the object's fields."""

import re
from collections.abc import Mapping
from dataclasses import replace
from math import ceil
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.providers.estimate import Estimate, Way, unknown, within
from orchestrator.providers.salesforce.conditions import conditions
from orchestrator.providers.salesforce.describe import Describer
from orchestrator.providers.salesforce.query import SET_ROWS, text_of
from orchestrator.providers.salesforce.settings import base_path
from orchestrator.providers.salesforce.wire import JSON, Records, read

PLAIN_ROWS = 2_000  # of one page of a plain query, where records are not wide
SELECTED = re.compile(r"^\s*select\b.*?\bfrom\b", re.I | re.S)
AROUND = 2  # create, and the look at the fields


def estimate(http: VendorClient, settings: Mapping[str, Any], criteria: DownloadCriteria) -> Estimate:
    """Compare a bulk query with a plain one; two calls. A query of the user's own is not counted: its LIMIT and
    ORDER BY do not go with a count."""
    if criteria.soql is not None:
        return unknown("A query of your own is not counted before it runs.")
    base = base_path(settings)
    describer = Describer(http, base)
    fields = () if criteria.where is None else describer.of(criteria.object_name).fields
    plain = replace(criteria, select_fields=("Id",), limit=None)
    text = text_of(plain, describer, conditions(criteria.where, criteria.object_name, fields))
    counting = SELECTED.sub("SELECT COUNT() FROM", text, count=1)
    path = "queryAll" if criteria.include_deleted else "query"
    counted = read(http.get(f"{base}/{path}", params={"q": counting}, headers=JSON), Records).total_size
    if counted is None:
        return unknown("Salesforce did not count this query.")
    total = within(counted, criteria.limit)
    sets, pages = max(1, ceil(total / (criteria.page_size or SET_ROWS))), max(1, ceil(total / PLAIN_ROWS))
    bulk = AROUND + sets
    return Estimate(
        records=total,
        way=Way(name="bulk_query", calls=bulk, points=bulk, vendor_jobs=1),
        alternative=Way(name="rest_query", calls=pages, points=pages),
    )


def upload_calls(rows: int, chunks: int) -> int:
    """Return the calls of one ingest job: create, fill, close, and the two files of fates."""
    return 4 + chunks
