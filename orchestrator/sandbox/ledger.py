"""What happened at the sandbox: each request, and the counts that tests and demos judge by."""

import hashlib
from collections import Counter, deque
from dataclasses import dataclass
from itertools import islice
from typing import Any

from orchestrator.sandbox.exchange import Answer, Request
from orchestrator.sandbox.faults import NO_FAULT


@dataclass(frozen=True, slots=True)
class Entry:
    """One request; never the token itself."""

    seq: int
    at: int  # microseconds since 1970
    method: str
    target: str  # path and query
    status: int  # 0: no answer, the connection was cut
    cost: int
    authorization: str  # a hash
    fault: bool
    rows: int


class Ledger:
    """The log and the counts; the log forgets its oldest entries, the counts nothing."""

    def __init__(self, size: int) -> None:
        self._entries: deque[Entry] = deque(maxlen=size)
        self._hashes: dict[str, str] = {}
        self._seq = 0
        self._running = 0
        self._max_concurrent = 0
        self._routes: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self._statuses: Counter[int] = Counter()
        self._faults = 0

    def begin(self) -> None:
        """Count a request in."""
        self._running += 1
        self._max_concurrent = max(self._max_concurrent, self._running)

    def end(self, at: int, request: Request, answer: Answer, status: int) -> None:
        """Count a request out and write it down."""
        self._running -= 1
        self._seq += 1
        self._routes[answer.route] += 1
        self._rows[answer.route] += answer.rows
        self._statuses[status] += 1
        struck = request.fault is not NO_FAULT
        self._faults += struck
        owner = self._hash(request.token)
        entry = Entry(self._seq, at, request.method, request.target, status, answer.cost, owner, struck, answer.rows)
        self._entries.append(entry)

    def _hash(self, token: str) -> str:
        if token not in self._hashes:
            self._hashes[token] = hashlib.sha256(token.encode()).hexdigest()[:12] if token else ""
        return self._hashes[token]

    def log(self, since: int, limit: int) -> list[Entry]:
        """Return entries after `since`, oldest first."""
        return list(islice((entry for entry in self._entries if entry.seq > since), limit))

    def stats(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "requests": self._seq,
            "in_flight": self._running,
            "max_concurrent": self._max_concurrent,
            "faults": self._faults,
            "statuses": {str(status): count for status, count in sorted(self._statuses.items())},
            "routes": dict(sorted(self._routes.items())),
            "rows": {route: count for route, count in sorted(self._rows.items()) if count},
        }
