"""Lists in pages: `id[gt]`, `pageSize`, `nextPage` in; Bulk v3's headers out. What is not known is refused by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from orchestrator.api.strict import refuse_unusable_text, suggestion
from orchestrator.job.errors import Invalid

DEFAULT_SIZE = 200
LARGEST_SIZE = 1000
LARGEST_ID = 2**63 - 1
AFTER = "id[gt]"
PAGING = frozenset({AFTER, "pageSize", "nextPage"})
NEXT_TOKEN = "elements-next-page-token"  # noqa: S105 - a header's name
RETURNED_COUNT = "elements-returned-count"
COMPLETE = "elements-complete"


@dataclass(frozen=True, kw_only=True)
class Paging:
    """Up to `size` items with ids above `after`."""

    after: int = 0
    size: int = DEFAULT_SIZE


def paging(
    after: Annotated[str | None, Query(alias=AFTER, description="Only items after this id")] = None,
    size: Annotated[str | None, Query(alias="pageSize", description="1 to 1000, default 200")] = None,
    token: Annotated[str | None, Query(alias="nextPage", description="The token of the page before")] = None,
) -> Paging:
    """Return the page asked for. Raises Invalid."""
    if after is not None and token is not None and after != token:
        raise Invalid("nextPage", f"does not agree with {AFTER}", "Send one of the two.")
    start = after if after is not None else token
    return Paging(
        after=0 if start is None else _whole(AFTER if after is not None else "nextPage", start, 0, LARGEST_ID),
        size=DEFAULT_SIZE if size is None else _whole("pageSize", size, 1, LARGEST_SIZE),
    )


Paged = Annotated[Paging, Depends(paging)]


def _whole(name: str, text: str, least: int, most: int) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)) else -1
    if not least <= number <= most:
        raise Invalid(name, f"must be a whole number from {least} to {most}")
    return number


def only(*names: str) -> Callable[[Request], None]:
    """Return a dependency that refuses every query parameter but these, and every one that is given twice."""
    known = frozenset(names)

    def check(request: Request) -> None:
        seen: set[str] = set()
        for name, value in (*request.path_params.items(), *request.query_params.multi_items()):
            refuse_unusable_text(name, value)
        for name, _ in request.query_params.multi_items():
            _refuse_parameter(name, known)
            if name in seen:
                raise Invalid(name, "is given twice", "Send it once.", code="invalid")
            seen.add(name)

    return check


def _refuse_parameter(name: str, known: frozenset[str]) -> None:
    if name in known:
        return
    if name.startswith("id[") and AFTER in known:
        raise Invalid(name, "is not an operator of this list", f"Only {AFTER} exists.", code="unknown_parameter")
    advice = suggestion(name, known) if known else "This call takes no parameters."
    raise Invalid(name, "is not a known parameter", advice, code="unknown_parameter")


def mark(response: Response, returned: int, *, next_token: int | None, more: Mapping[str, str] | None = None) -> None:
    """Write the paging headers; no token means that this was the last page."""
    response.headers[RETURNED_COUNT] = str(returned)
    if next_token is not None:
        response.headers[NEXT_TOKEN] = str(next_token)
    response.headers.update(more or {})
