"""One list call for many polls: where a vendor's list shows jobs as well as a look at each, it stands in for the looks.

Each step is claimed and committed under its own epoch, as ever; only what they would ask is asked together. Such a call
is paid for by the budget, and not counted against anybody's apiLimit.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestrator.job.errors import OrchestratorError
from orchestrator.job.step import StepKind
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.providers.provider import RemoteStatus
from orchestrator.store.claims import Claim
from orchestrator.store.engine import StoreDown
from orchestrator.store.store import Store

log = logging.getLogger(__name__)

AT_ONCE = 200  # polls of one list call
CHEAPER = 4  # polls that one call of a longer list must spare; what it does not show is looked at by itself

Seen = RemoteStatus | OrchestratorError | None  # None: the step must look for itself


@dataclass(frozen=True, kw_only=True)
class Held:
    """A claimed step, since when at the least, and what was seen of its vendor job."""

    claim: Claim
    claimed_at: float  # time.monotonic()
    seen: Seen = None


class SharedPolls:
    """Gathers polls that are due at once."""

    def __init__(self, store: Store, vendors: Vendors, owner: str) -> None:
        self._store = store
        self._vendors = vendors
        self._owner = owner

    def gather(self, first: Held) -> Sequence[Held]:
        """Return the step and, where it is a poll, the others of its connection that are due, with what was seen.

        A step alone is returned as it is, and so is one whose vendor has no such list: no call is made then.
        """
        claim = first.claim
        if claim.step.kind is not StepKind.POLL:
            return [first]
        connection = self._store.connections.by_id(claim.step.connection_id)
        polls_by_list = self._vendors.family(connection).polls_by_list
        if polls_by_list is None or not polls_by_list(claim.job.criteria):
            return [first]
        held = [first, *self._others(claim)]
        return held if len(held) == 1 else self._look(held)

    def _others(self, claim: Claim) -> Sequence[Held]:
        held: list[Held] = []
        try:
            for step_id in self._store.claims.due_polls(claim.lease, claim.step.connection_id, AT_ONCE - 1):
                claimed_at = time.monotonic()
                other = self._store.claims.claim(step_id, self._owner)
                if other is not None:
                    held.append(Held(claim=other, claimed_at=claimed_at))
        except StoreDown as down:
            log.warning("turn.store_down", extra={"step": claim.step.id, "cause": str(down)})
        return held

    def _look(self, held: Sequence[Held]) -> Sequence[Held]:
        connection = self._store.connections.by_id(held[0].claim.step.connection_id)
        ids = [self._remote_id(each.claim) for each in held]
        wanted, calls = [each for each in ids if each is not None], max(1, len(held) // CHEAPER)
        try:
            found = self._vendors.look(connection, lambda vendor: vendor.jobs().statuses(wanted, calls))
        except StoreDown:
            raise
        except OrchestratorError as error:
            return [replace(each, seen=error) for each in held]
        return [replace(each, seen=found.get(id_ or "")) for each, id_ in zip(held, ids, strict=True)]

    def _remote_id(self, claim: Claim) -> str | None:
        return self._store.vendor_jobs.get(claim.job.id, claim.step.vendor_seq).remote_id
