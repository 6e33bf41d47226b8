"""The page-numbered lists of the v2 API: paging, sorting, filtering, and the metadata that echoes them."""

from typing import Any

import msgspec

from orchestrator.sandbox.exchange import Answer, Request, joined
from orchestrator.sandbox.salesloft.catalogue import ListSpec, Paging
from orchestrator.sandbox.salesloft.refusals import missing, unprocessable
from orchestrator.sandbox.salesloft.table import Table, Want
from orchestrator.sandbox.told import parsed

MAX_PAGE = 100
COUNTED = 10_000  # where limit_paging_counts stops counting
FAR = 2**62  # later than any time
DEPTHS = ((500, 30), (250, 10), (150, 8), (100, 3))  # pages beyond it, points


def cost(request: Request) -> int:
    """Return the points of a request by its page number."""
    page = number(request, "page", 1)
    return next((points for depth, points in DEPTHS if page > depth), 1)


def number(request: Request, name: str, default: int) -> int:
    """Return a whole-number parameter; one that is none counts as not sent."""
    try:
        return int(request.value(name) or default)
    except ValueError:
        return default


def per_page(request: Request) -> int:
    """Return the page size, corrected into 1..100."""
    return min(MAX_PAGE, max(1, number(request, "per_page", 25)))


def listed(spec: ListSpec, table: Table, request: Request) -> Answer:
    """Answer one page of a list."""
    sorting = _sorting(spec, request)
    want, filtering = _want(spec, request, sorting)
    asked = request.value("page") is not None
    if spec.paging is Paging.NEVER or (spec.paging is Paging.WHEN_ASKED and not asked):
        rows, _ = table.page(want, 0, len(table.rows))
        return _rendered(rows, {"filtering": filtering, "sorting": sorting})
    page, size = max(1, number(request, "page", 1)), per_page(request)
    rows, total = table.page(want, (page - 1) * size, size)
    paging = _paging(request, page, size, total)
    rows = rows[: len(rows) - request.fault.drop_rows] if request.fault.drop_rows else rows
    return _rendered(rows, {"filtering": filtering, "paging": paging, "sorting": sorting})


def one(table: Table, id_: int) -> Answer:
    """Answer a single record."""
    if id_ not in table.rows:
        raise missing()
    return joined(b'{"data":', [table.rows[id_].body], b"}")


def _rendered(rows: Any, metadata: dict[str, Any]) -> Answer:
    return joined(b'{"metadata":' + msgspec.json.encode(metadata) + b',"data":[', rows, b"]}")


def _sorting(spec: ListSpec, request: Request) -> dict[str, str]:
    """The order asked for, as the metadata echoes it."""
    sort_by = request.value("sort_by") or spec.sort_keys[0]
    if sort_by not in spec.sort_keys:
        raise unprocessable("sort_by", f"must be one of {', '.join(spec.sort_keys)}")
    direction = (request.value("sort_direction") or spec.direction).upper()
    if direction not in ("ASC", "DESC"):
        raise unprocessable("sort_direction", "must be one of ASC, DESC")
    return {"sort_by": sort_by, "sort_direction": f"{direction} NULLS LAST"}


def _paging(request: Request, page: int, size: int, total: int) -> dict[str, Any]:
    paging: dict[str, Any] = {
        "per_page": size,
        "current_page": page,
        "next_page": page + 1 if page * size < total else None,
        "prev_page": page - 1 if page > 1 else None,
    }
    if request.value("include_paging_counts") == "true":
        limited = request.value("limit_paging_counts") == "true"
        count = max(0, (min(total, COUNTED) if limited else total) - request.fault.miscount)
        paging |= {"total_pages": -(-count // size), "total_count": count}
    return paging


def _want(spec: ListSpec, request: Request, sorting: dict[str, str]) -> tuple[Want, dict[str, Any]]:
    """What is asked for, and the filters that were understood; an unknown filter is no error."""
    filtering: dict[str, Any] = {}
    column, descending = spec.column(sorting["sort_by"]), sorting["sort_direction"].startswith("DESC")
    if request.fault.ignore_filters:
        return Want(sort_by=column, descending=descending), filtering
    want = Want(
        sort_by=column,
        descending=descending,
        spans=_spans(spec, request, filtering),
        equal=_equal(spec, request, filtering),
        ids=_ids(request, filtering),
    )
    return want, filtering


def _spans(spec: ListSpec, request: Request, filtering: dict[str, Any]) -> dict[str, tuple[int, int]]:
    spans = {}
    for name in spec.spans:
        bounds = {op: text for op in ("gt", "gte", "lt", "lte") if (text := request.value(f"{name}[{op}]"))}
        if bounds:
            filtering[name] = bounds
            spans[name] = _span(name, bounds)
    return spans


def _span(name: str, bounds: dict[str, str]) -> tuple[int, int]:
    """The bounds as a half-open span of microseconds."""
    try:
        at = {op: parsed(text) for op, text in bounds.items()}
    except ValueError as error:
        raise unprocessable(name, "is not a valid timestamp") from error
    first = max(at.get("gt", -2) + 1, at.get("gte", -1))
    before = min(at.get("lt", FAR), at.get("lte", FAR) + 1)
    return first, before


def _equal(spec: ListSpec, request: Request, filtering: dict[str, Any]) -> dict[str, frozenset[str]]:
    equal = {}
    for parameter, name in spec.equal.items():
        if choices := request.choices(parameter):
            filtering[parameter] = choices
            equal[name] = frozenset(choice.lower() for choice in choices)
    return equal


def _ids(request: Request, filtering: dict[str, Any]) -> frozenset[int] | None:
    choices = request.choices("ids")
    if not choices:
        return None
    if not all(choice.isdigit() for choice in choices):
        raise unprocessable("ids", "must be whole numbers")
    filtering["ids"] = choices
    return frozenset(map(int, choices))
