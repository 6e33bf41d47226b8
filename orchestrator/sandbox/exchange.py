"""What an imitated vendor is asked and what it answers, free of any server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl

import msgspec

from orchestrator.sandbox.faults import NO_FAULT, Fault
from orchestrator.sandbox.forms import nested

JSON = "application/json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """One request, whole."""

    method: str
    path: str
    raw_query: str
    query: Sequence[tuple[str, str]]
    headers: Mapping[str, str]  # lower-case names
    body: bytes
    fault: Fault = NO_FAULT

    @property
    def target(self) -> str:
        """The path, and the query as it was sent."""
        return f"{self.path}?{self.raw_query}" if self.raw_query else self.path

    @property
    def token(self) -> str:
        """What the caller identifies itself with; empty: nothing."""
        names = ("authorization", "x-api-key", "x-sfdc-session")
        sent = next((self.headers[name] for name in names if self.headers.get(name)), "")
        return sent.rpartition(" ")[2]

    def value(self, name: str) -> str | None:
        """Return a query parameter, the last one where it is repeated."""
        return next((value for key, value in reversed(self.query) if key == name), None)

    def choices(self, name: str) -> list[str]:
        """Return all values of a list parameter: `a=1,2`, `a[]=1&a[]=2` and repeated `a=` mean the same."""
        sent = (value for key, value in self.query if key in (name, f"{name}[]"))
        return [choice for value in sent for choice in value.split(",") if choice]

    def fields(self) -> dict[str, Any]:
        """Return the body, JSON or form; raises ValueError where it is neither or not an object."""
        if self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return nested(parse_qsl(self.body.decode(), keep_blank_values=True))
        try:
            return msgspec.json.decode(self.body or b"{}", type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """One answer, whole; `route`, `cost` and `rows` are for the statistics."""

    status: int = 200
    body: bytes = b""
    media: str = JSON
    headers: Sequence[tuple[str, str]] = field(default_factory=tuple)
    route: str = ""
    cost: int = 0
    rows: int = 0


class Refused(Exception):
    """The vendor says no; carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


class Vendor(Protocol):
    """An imitated vendor: paths it owns, and an answer to each request under them."""

    prefixes: tuple[str, ...]
    spoken: Mapping[int, str]  # JSON that it says itself of a status; what is not here is a gateway's

    def answer(self, request: Request) -> Answer:
        """Answer one request, whatever it is; never raises."""
        ...

    def eat(self, points: int) -> None:
        """Spend points of the team's budget, as another integration would."""
        ...

    def stats(self) -> dict[str, Any]:
        """Return what the vendor counted."""
        ...


def as_json(value: Any, status: int = 200, *, rows: int = 0) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=status, body=msgspec.json.encode(value), rows=rows)


def joined(head: bytes, rows: Sequence[bytes], tail: bytes) -> Answer:
    """Return an answer made of rendered rows: head, rows with commas between, tail."""
    return Answer(body=head + b",".join(rows) + tail, rows=len(rows))
