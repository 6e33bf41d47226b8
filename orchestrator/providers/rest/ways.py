"""The five ways of paging a list, each as data in, data out."""

from collections.abc import Mapping
from typing import Any

import httpx

from orchestrator.http.client import VendorClient
from orchestrator.job.errors import Misbehaved
from orchestrator.job.step import Cursor
from orchestrator.providers.keys import Keys
from orchestrator.providers.paging import Ask, Got, Walk
from orchestrator.providers.rest.answers import Cutter, Listed
from orchestrator.providers.rest.wire import PagingKind, Resource

Fixed = Mapping[str, Any]  # parameters that every page has


class ByKey:
    """Records above the last key seen; ends on an empty page, with a declared maximum on a short one."""

    def __init__(self, client: VendorClient, resource: Resource, fixed: Fixed, size: int | None) -> None:
        self._paging = resource.paging
        self._path = resource.path
        self._fixed = fixed
        self._size = size
        self._keys = Keys(client.provider, resource.paging.key)
        self._cutter = Cutter(client.provider, resource)

    def ask(self, cursor: Cursor) -> Ask:
        """Return the request for the records after the cursor's key."""
        after = cursor.get("after", self._paging.start)
        moving = {} if after is None else {self._paging.cursor_param: after}
        return Ask(path=self._path, params={**self._fixed, **moving})

    def read(self, cursor: Cursor, response: httpx.Response) -> Got:
        """Read the page; raises Misbehaved where its last key is not beyond the cursor."""
        listed = self._cutter.cut(response)
        records, after, keys = listed.records, cursor.get("after"), self._keys
        last = keys.advance(keys.of(records[-1]), after) if records else None
        return Got(
            records=records,
            next={"after": last} if _is_more(listed, self._size) else None,
            after=lambda position: {"after": keys.advance(keys.of(records[position]), after)},
            key=lambda position: str(keys.of(records[position])),
            check=lambda: keys.check(records, after),
            vendor_counted=None if cursor else listed.total,
        )


class ByNumber:
    """Page numbers or offsets; ends on an empty page, with a declared maximum on a short one."""

    def __init__(self, client: VendorClient, resource: Resource, fixed: Fixed, size: int | None) -> None:
        self._path = resource.path
        self._param = resource.paging.cursor_param
        self._is_page = resource.paging.kind is PagingKind.PAGE
        self._start = int(resource.paging.start if resource.paging.start is not None else self._is_page)
        self._fixed = fixed
        self._size = size
        self._cutter = Cutter(client.provider, resource)

    def ask(self, cursor: Cursor) -> Ask:
        """Return the request for the page, or the records from the offset on."""
        return Ask(path=self._path, params={**self._fixed, self._param: cursor.get("at", self._start)})

    def read(self, cursor: Cursor, response: httpx.Response) -> Got:
        """Read the page."""
        listed = self._cutter.cut(response)
        step = 1 if self._is_page else len(listed.records)
        following = {"at": cursor.get("at", self._start) + step}
        return Got(
            records=listed.records,
            next=following if _is_more(listed, self._size) else None,
            vendor_counted=None if cursor else listed.total,
        )


class ByLink:
    """The vendor says where to go on, in the answer or in a header; ends where it says nothing."""

    def __init__(self, client: VendorClient, resource: Resource, fixed: Fixed, size: int | None) -> None:
        self._client = client
        self._path = resource.path
        self._kind = resource.paging.kind
        self._token_param = resource.paging.param if self._kind is PagingKind.NEXT_LINK else None
        self._fixed = fixed
        self._cutter = Cutter(client.provider, resource)

    def ask(self, cursor: Cursor) -> Ask:
        """Return the request for the address, or with the token, that the page before named."""
        if "next" not in cursor:
            return Ask(path=self._path, params=self._fixed)
        if self._token_param is None:
            return Ask(path=cursor["next"])
        return Ask(path=self._path, params={**self._fixed, self._token_param: cursor["next"]})

    def read(self, cursor: Cursor, response: httpx.Response) -> Got:
        """Read the page; raises Misbehaved where it names itself as the next one."""
        listed = self._cutter.cut(response)
        following = self._following(listed, response)
        if following is not None and following == cursor.get("next"):
            raise Misbehaved(self._client.provider, "a page that names itself as the next one")
        return Got(
            records=listed.records,
            next=None if following is None else {"next": following},
            vendor_counted=None if cursor else listed.total,
        )

    def _following(self, listed: Listed, response: httpx.Response) -> str | None:
        in_header = self._kind is PagingKind.LINK_HEADER
        link = response.links.get("next", {}).get("url") if in_header else listed.next
        if link is None or self._token_param is not None:
            return link
        return self._client.link(response, link)


WAYS: Mapping[PagingKind, type[ByKey] | type[ByNumber] | type[ByLink]] = {
    PagingKind.ID_GT: ByKey,
    PagingKind.PAGE: ByNumber,
    PagingKind.OFFSET: ByNumber,
    PagingKind.NEXT_LINK: ByLink,
    PagingKind.LINK_HEADER: ByLink,
}


def way_of(client: VendorClient, resource: Resource, fixed: Fixed, size: int | None) -> Walk:
    """Return the way in which a resource is walked; `size` only where a short page proves the end."""
    return WAYS[resource.paging.kind](client, resource, fixed, size)


def _is_more(listed: Listed, size: int | None) -> bool:
    return bool(listed.records) and (size is None or len(listed.records) >= size)
