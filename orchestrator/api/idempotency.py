"""A POST with an Idempotency-Key is done once, however often it is sent; every repeat gets the first answer."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Header, Request, Response

from orchestrator.api.auth import Caller, caller
from orchestrator.api.state import runtime_of
from orchestrator.job.errors import Invalid
from orchestrator.store.engine import StoreDown
from orchestrator.store.idempotency import write_answer

LONGEST_KEY = 255
LOCK = timedelta(seconds=60)  # a process that died holds its key this long
JSON = "application/json"
REPLAYED = "Idempotency-Replayed"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a POST answers, in a form that can be kept."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self, *, replayed: bool = False) -> Response:
        """Return the HTTP answer."""
        more = {REPLAYED: "true"} if replayed else {}
        content = msgspec.json.encode(self.body)
        return Response(content, self.status, headers={**self.headers, **more}, media_type=JSON)


Transaction = Any  # the store's own, handed through
Keep = Callable[[Transaction, Answer], None]


def _keep_nothing(_: Transaction, __: Answer) -> None:
    """Without a key there is nothing to repeat."""


class Repeats:
    """One request's right to be done once."""

    def __init__(self, request: Request, who: Caller, key: str | None) -> None:
        self._request = request
        self._keys = runtime_of(request).store.idempotency
        self._tenant_id = who.tenant_id
        self._key = key

    def __call__(self, body: Any, work: Callable[[Keep], Answer]) -> Response:
        """Do the work, or answer what the same request was answered before. Raises Invalid and Conflict.

        `work` gets a function that keeps its answer inside the transaction of its effect, so that a crash in between
        cannot lead to a second job. Only answers of work that was done are kept; a refused request frees its key.
        """
        if self._key is None:
            return work(_keep_nothing).response()
        route = f"{self._request.method} {self._request.url.path}"[:200]
        before = self._keys.claim(self._tenant_id, self._key, route=route, fingerprint=fingerprint(body), lock=LOCK)
        if before is not None:
            return msgspec.json.decode(before.answer, type=Answer).response(replayed=True)
        return self._first(self._key, work).response()

    def _first(self, key: str, work: Callable[[Keep], Answer]) -> Answer:
        def keep(transaction: Transaction, answer: Answer) -> None:
            write_answer(transaction, self._tenant_id, key, answer.status, msgspec.json.encode(answer))

        try:
            answer = work(keep)
        except StoreDown:
            raise  # it may have been done: the key stays locked for a while
        except Exception:
            self._keys.release(self._tenant_id, key)
            raise
        self._keys.answer(self._tenant_id, key, answer.status, msgspec.json.encode(answer))
        return answer


def fingerprint(body: Any) -> str:
    """Return the hash by which two requests are the same: of the JSON, whatever its order and spaces."""
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def repeats(
    request: Request,
    who: Annotated[Caller, Depends(caller)],
    key: Annotated[str | None, Header(alias="Idempotency-Key", description="Makes a repeat harmless")] = None,
) -> Repeats:
    """Return the request's right to be done once. Raises Invalid for a key that cannot be kept."""
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        raise Invalid("Idempotency-Key", f"must have 1 to {LONGEST_KEY} printable characters", "Use a UUID.")
    return Repeats(request, who, key)


Once = Annotated[Repeats, Depends(repeats)]
