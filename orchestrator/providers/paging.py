"""One list, walked page by page; the next page is asked for while this one is shaped and stored.

    ask(cursor) ─▶ GET ─▶ read ─┬─▶ next cursor known: the next GET leaves in a helper thread
         ▲                      └─▶ shape ─▶ check ─▶ Page to the step
         └────────────────────────────────────────────┘

A provider writes a `Walk`: what to ask for at a cursor, and how to read the answer. `walk` drives any of them:

    def pages(self, cursor, go_on, room):
        return walk(self._client, MyWalk(...), self._shaper, cursor, go_on, room)
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import httpx
import msgspec

from orchestrator.http.client import Ahead, Params, VendorClient
from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.provider import GoOn, Page, Plan
from orchestrator.providers.shape import Raws, Shaper, is_unbroken


@dataclass(frozen=True, kw_only=True)
class Ask:
    """The request for one page; `cost` in units of the provider's rate limit."""

    path: str
    params: Params | None = None
    cost: int = 1


def _fine() -> None:
    """Find nothing wrong."""


@dataclass(frozen=True, kw_only=True)
class Got:
    """What an answer held. `records` are those we did not have already (ties are left out by the walk)."""

    records: Raws
    next: Cursor | None  # None: the vendor has no more
    after: Callable[[int], Cursor] | None = None  # position in `records` → the cursor right after that record
    key: Callable[[int], str] | None = None  # position in `records` → the record's key, where keys rise strictly
    check: Callable[[], None] = _fine  # what is slow to verify: runs while the next page travels; raises Misbehaved
    vendor_counted: int | None = None
    plan: Plan | None = None


class Walk(Protocol):
    """How one list is asked for and read; pure."""

    def ask(self, cursor: Cursor) -> Ask:
        """Return the request for the page after `cursor` ({}: the first)."""
        ...

    def read(self, cursor: Cursor, response: httpx.Response) -> Got:
        """Read the answer to `ask(cursor)`; raises Misbehaved where the cursor does not advance, and Unreachable."""
        ...


def walk(
    client: VendorClient, way: Walk, shaper: Shaper, cursor: Cursor, go_on: GoOn, room: int | None
) -> Iterator[Page]:
    """Yield the pages after `cursor`, as `Source.pages` promises; one page at most is asked for and not yielded."""
    response = _get(client, way.ask(cursor))
    while True:
        got = way.read(cursor, response)
        ahead = _ahead(client, way, got, go_on, room)
        try:
            page = _page(client.provider, got, shaper, room, cursor, unbroken=is_unbroken(response.content))
            room = None if room is None else room - page.rows
            yield page
        except BaseException:
            if ahead is not None:
                ahead.drop()
            raise
        if page.next is None or (ahead is None and not go_on()):
            return
        cursor = page.next
        response = _get(client, way.ask(cursor)) if ahead is None else ahead.result()


def _get(client: VendorClient, ask: Ask) -> httpx.Response:
    return client.get(ask.path, params=ask.params, cost=ask.cost)


def _ahead(client: VendorClient, way: Walk, got: Got, go_on: GoOn, room: int | None) -> Ahead | None:
    """Ask for the next page already, unless this one may fill the room or the turn is over."""
    if got.next is None or (room is not None and len(got.records) >= room) or not go_on():
        return None
    ask = way.ask(got.next)
    return client.ahead(ask.path, params=ask.params, cost=ask.cost)


def _page(provider: str, got: Got, shaper: Shaper, room: int | None, cursor: Cursor, *, unbroken: bool) -> Page:
    try:
        shaped = shaper.shape(got.records, room, unbroken=unbroken)
    except msgspec.MsgspecError as error:
        raise Misbehaved(provider, f"a record that cannot be read: {error}") from None
    got.check()
    ends = _ends(got, shaped.kept)
    return Page(
        body=shaped.body,
        rows=shaped.rows,
        read=len(got.records),
        filtered=shaped.filtered,
        cut=shaped.cut,
        undated=shaped.undated,
        first_key=ends[0],
        last_key=ends[1],
        next=None if shaped.full else got.next,
        resume=_resume(got, shaped.kept, cursor) if shaped.full else None,
        vendor_counted=got.vendor_counted,
        plan=got.plan,
    )


def _resume(got: Got, kept: Sequence[int], cursor: Cursor) -> Cursor | None:
    if got.after is None:
        return None
    return got.after(kept[-1]) if kept else cursor


def _ends(got: Got, kept: Sequence[int]) -> tuple[str | None, str | None]:
    if got.key is None or not kept:
        return None, None
    return got.key(kept[0]), got.key(kept[-1])
