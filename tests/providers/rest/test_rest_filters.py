"""A filter as the query parameters that a list declares."""

import pytest

from orchestrator.providers.rest.filters import pushed_down
from orchestrator.providers.rest.wire import Resource

RESOURCE = Resource.model_validate(
    {
        "path": "/orders",
        "paging": {"kind": "page"},
        "filters": {
            "status": {"eq": "status", "in": "status", "ne": "status_not"},
            "size": {"gt": "min_size", "lte": "max_size"},
            "region": {"in": "regions", "separator": ","},
            "at": {"eq": "on", "gte": "since", "lt": "before", "lte": "until"},
        },
    }
)


@pytest.mark.parametrize(
    ("where", "params"),
    [
        ("status = 'open'", {"status": "open"}),
        ("NOT status = 'open'", {"status_not": "open"}),
        ("status IN ('open', 'new')", {"status": ["open", "new"]}),
        ("region IN ('north', 5, true)", {"regions": "north,5,true"}),
        ("region IN ('north,south')", {}),
        ("size > 2.5 AND size <= 9", {"min_size": "2.5", "max_size": "9"}),
        ("size >= 2.5", {}),
        ("at >= 2025-01-31 AND at < '2025-02-28'", {"since": "2025-01-31", "before": "2025-02-28"}),
        ("at <= 2025-01-31T10:00:00+02:00", {"until": "2025-01-31T08:00:00.000000Z"}),
        ("at <= 2025-01-31", {}),
        ("at = 2025-01-31", {}),
        ("status = 'open' OR size > 3", {}),
        ("status = 'open' AND status = 'new'", {"status": "open"}),
        ("status LIKE 'o%' AND size IS NULL", {}),
        ("page = 3 AND status = 'open'", {"status": "open"}),
    ],
)
def test_what_is_declared_is_asked_for(where: str, params: dict[str, object]) -> None:
    assert pushed_down(where, RESOURCE, frozenset({"page"}))[0] == params


def test_what_the_job_or_the_paging_sends_already_is_left_to_them() -> None:
    found, division = pushed_down("status = 'open' AND size > 3", RESOURCE, frozenset({"status"}))

    assert found == {"min_size": "3"}
    assert division.meta == {"where": {"pushedDown": "size > 3", "appliedHere": "status = 'open'"}}
