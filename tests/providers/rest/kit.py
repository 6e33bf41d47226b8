"""The lists of the sandbox's REST vendor, and a short way to read them."""

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Page, Provider

RECORDS = 250
SETTINGS: Mapping[str, Any] = {
    "resources": {
        "items": {
            "path": "/rest/items",
            "records": "data",
            "paging": {"kind": "id_gt", "size_param": "per_page", "max_size": 1000},
            "total": "total",
            "date_filters": {"updated_at": {"from": "updated_at[gt]", "to": "updated_at[lt]", "strict": True}},
        },
        "numbered": {"path": "/rest/array", "paging": {"kind": "page", "size_param": "per_page", "max_size": 1000}},
        "skipped": {"path": "/rest/array", "paging": {"kind": "offset", "size_param": "limit", "max_size": 1000}},
        "linked": {
            "path": "/rest/linked",
            "records": "data",
            "paging": {"kind": "next_link", "next": "next", "size_param": "per_page"},
        },
        "paged": {"path": "/rest/paged", "paging": {"kind": "link_header", "sizeParam": "per_page"}},
        "unsized": {"path": "/rest/items", "records": "data", "paging": {"kind": "id_gt"}},
        "unsized_pages": {"path": "/rest/array", "paging": {"kind": "page", "size_param": "per_page"}},
    }
}
LISTS = list(SETTINGS["resources"])
BY_KEY = ["items", "unsized"]


def criteria(name: str = "items", **wanted: Any) -> DownloadCriteria:
    return DownloadCriteria(object_name=name, **{"page_size": 40, **wanted})


def pages(
    provider: Provider,
    wanted: DownloadCriteria,
    cursor: Cursor | None = None,
    turns: int = 1000,
    room: int | None = None,
) -> list[Page]:
    left = iter(range(turns))
    return list(provider.source(wanted).pages(cursor or {}, lambda: next(left, None) is not None, room))


def records(found: list[Page]) -> list[dict[str, Any]]:
    return [json.loads(line) for page in found for line in bytes(page.body).splitlines()]


def ids(found: list[Page]) -> list[int]:
    return [record["id"] for record in records(found)]
