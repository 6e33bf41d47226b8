"""Where a worker touches the world: a test can let it die, freeze or fail at any of these moments.

Everything that a turn does and that outlives it goes through a claim, a commit, a put or a request. They are numbered
as they come; what happens between two of them cannot matter to anybody else.
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from orchestrator.http.pool import ClientPool
from orchestrator.job.commit import Commit, Signals
from orchestrator.job.step import Lease
from orchestrator.results.objects import Body, ObjectStore
from orchestrator.store.claims import Claim, Claims
from orchestrator.store.commit import Commits

T = TypeVar("T")
PATIENCE = 20.0  # s; a worker that never wakes up is a mistake of the test


class Died(BaseException):
    """The worker is gone: nothing it would have done afterwards happens."""


class Seams:
    """The moments of one workshop, and what shall happen at one of them.

    A moment is named by its number, from 0, or by its label, with `#2` for the second one of that label.
    """

    def __init__(self) -> None:
        self.frozen = threading.Event()
        self._thaw = threading.Event()
        self._lock = threading.Lock()
        self.begin()

    def begin(
        self,
        *,
        die_after: int | str | None = None,
        freeze_before: int | str | None = None,
        freeze_after: int | str | None = None,
    ) -> None:
        """Count from 0 again; die right after, or freeze right before or after, one moment."""
        self.seen: list[str] = []
        self.struck: str | None = None  # the moment at which something happened
        self.frozen.clear()
        self._thaw.clear()
        self._die_after, self._freeze_before, self._freeze_after = die_after, freeze_before, freeze_after

    def thaw(self) -> None:
        """Let the frozen worker go on."""
        self._thaw.set()

    def at(self, label: str, effect: Callable[[], T]) -> T:
        """Let the effect happen, unless it is its moment."""
        with self._lock:
            names = (len(self.seen), label, f"{label}#{self.seen.count(label) + 1}")
            self.seen.append(label)
            chosen = {self._die_after, self._freeze_before, self._freeze_after}.intersection(names) - {None}
            strikes = bool(chosen) and self.struck is None
            self.struck = f"{label} (number {names[0]})" if strikes else self.struck
        if strikes and self._freeze_before in chosen:
            self._freeze()
        result = effect()
        if strikes and self._freeze_after in chosen:
            self._freeze()
        if strikes and self._die_after in chosen:
            raise Died(label)
        return result

    def _freeze(self) -> None:
        self.frozen.set()
        assert self._thaw.wait(PATIENCE)


class WatchedObjects(ObjectStore):
    """An object store whose puts are moments."""

    seams: Seams

    def put_new(self, key: str, *data: Body) -> None:
        self.seams.at(f"put {key.rpartition('/')[2]}", lambda: super(WatchedObjects, self).put_new(key, *data))


class WatchedCommits(Commits):
    """Commits that are moments."""

    seams: Seams

    def commit(self, lease: Lease, commit: Commit) -> Signals:
        what = type(commit.outcome).__name__ if commit.outcome else "checkpoint"
        return self.seams.at(f"commit {what}", lambda: super(WatchedCommits, self).commit(lease, commit))


class WatchedClaims(Claims):
    """Claims and reservations that are moments."""

    seams: Seams

    def claim(self, step_id: int, owner: str) -> Claim | None:
        return self.seams.at("claim", lambda: super(WatchedClaims, self).claim(step_id, owner))

    def reserve_calls(self, lease: Lease, wanted: int) -> int:
        return self.seams.at("reserve", lambda: super(WatchedClaims, self).reserve_calls(lease, wanted))


class WatchedPool(ClientPool):
    """A pool whose requests are moments."""

    seams: Seams

    def _wires(self, *given: Any, **named: Any) -> Any:
        return _WatchedWires(super()._wires(*given, **named), self.seams)


class _WatchedWires(httpx.BaseTransport):
    def __init__(self, inner: Any, seams: Seams) -> None:
        self._inner = inner
        self._seams = seams

    def send(self, request: httpx.Request, *given: Any) -> httpx.Response:
        return self._watched(request, lambda: self._inner.send(request, *given))

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._watched(request, lambda: self._inner.handle_request(request))

    def _watched(self, request: httpx.Request, effect: Callable[[], httpx.Response]) -> httpx.Response:
        return self._seams.at(f"{request.method} {request.url.path}", effect)

    def close(self) -> None:
        self._inner.close()
