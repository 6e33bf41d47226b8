"""Faults on order: what shall go wrong, with which request, how often."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SPOKEN: Mapping[int, str] = {
    401: '{"error":"The access token is invalid"}',
    403: '{"error":"Not permitted"}',
    404: '{"error":"Resource not found"}',
}


class Moment(StrEnum):
    """When a fault strikes."""

    BEFORE = "before"  # the request has no effect
    AFTER = "after"  # the request took effect, the answer is lost
    BODY = "body"  # the request took effect, the answer breaks off in its middle


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with one request; the fields can be combined."""

    delay: float = 0.0  # seconds before the vendor looks at the request: a late effect where the client has gone
    cut: Moment | None = None  # the connection is closed
    status: int | None = None  # answered instead of the vendor's own answer
    when: Moment = Moment.BEFORE  # of `status`
    retry_after: str | None = None  # header of `status`: seconds or an HTTP date
    body: str | None = None  # of `status`; None: what vendors and their gateways usually say
    media: str | None = None  # of `status`; None: what goes with the body
    headers: Mapping[str, str] = field(default_factory=dict)  # of `status`
    eat: int = 0  # points that another integration spends right before the request
    ignore_filters: bool = False  # every filter, the cursor too, is treated as a misspelled one
    overlap: int = 0  # rows before the cursor that are sent again
    drop_rows: int = 0  # rows left out at the end of a page, or of a fill
    miscount: int = 0  # by how much counts in the answer are too low
    state_word: str | None = None  # the state of a bulk job, in a word nobody knows
    retrying: int = 0  # rows of the released job that are retried until the others are handled

    def page(self, spoken: Mapping[int, str] = SPOKEN) -> tuple[str, str]:
        """Return media type and body of `status`: JSON where the vendor speaks itself, else a gateway's HTML."""
        media, body = "text/html", f"<html><body><h1>{self.status}</h1></body></html>"
        if self.status is not None and self.status in spoken:
            media, body = "application/json", spoken[self.status]
        return self.media or media, body if self.body is None else self.body


NO_FAULT = Fault()


@dataclass(frozen=True, kw_only=True)
class Match:
    """Which requests an order is for; None matches all."""

    method: str | None = None
    path: str | None = None  # a regular expression, searched in path and query
    token: str | None = None  # the bearer token

    def hits(self, method: str, target: str, token: str) -> bool:
        """Say whether a request is meant."""
        return (
            (self.method is None or self.method.upper() == method)
            and (self.token is None or self.token == token)
            and (self.path is None or re.search(self.path, target) is not None)
        )


@dataclass(kw_only=True)
class Order:
    """A fault, for whom and how often; `times` None: for ever."""

    id: int
    fault: Fault
    match: Match = field(default_factory=Match)
    times: int | None = 1
    after: int = 0  # matching requests that pass first
    fired: int = 0
    passed: int = 0

    @property
    def is_spent(self) -> bool:
        """Whether the order will never strike again."""
        return self.times is not None and self.fired >= self.times

    def strikes(self) -> bool:
        """Count one matching request; say whether the fault is its fate."""
        if self.passed < self.after:
            self.passed += 1
            return False
        self.fired += 1
        return True


class Faults:
    """The orders, oldest first. The first one that strikes takes the request; those behind it do not see it."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._last_id = 0

    def order(self, fault: Fault, match: Match, times: int | None = 1, after: int = 0) -> Order:
        """Add an order."""
        self._last_id += 1
        order = Order(id=self._last_id, fault=fault, match=match, times=times, after=after)
        self._orders.append(order)
        return order

    def fate(self, method: str, target: str, token: str) -> Fault:
        """Return what shall go wrong with this request, and count it."""
        for order in self._orders:
            if not order.is_spent and order.match.hits(method, target, token) and order.strikes():
                return order.fault
        return NO_FAULT

    def clear(self) -> None:
        """Forget all orders."""
        self._orders.clear()

    def view(self) -> list[dict[str, Any]]:
        """Return each order and how often it struck."""
        return [
            {"id": o.id, "fired": o.fired, "passed": o.passed, "spent": o.is_spent, "path": o.match.path}
            for o in self._orders
        ]
