"""Claim, work, commit, dispatch: one turn of one step.

claim ──no row──▶ drop it (early, late or double)
  │
work ──error──▶ an outcome: later (Wait), or never (Stopped)
  │
end ──Fenced──▶ drop it, another worker won
  │
dispatch the budget's next steps; take the finish step that this commit brought about
"""

import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from datetime import time as time_of_day
from math import ceil

from orchestrator.http.purse import LONG_QUOTA
from orchestrator.job.commit import Moved, Outcome, Signals, Stopped, Wait
from orchestrator.job.criteria import GIVE_UP_AFTER
from orchestrator.job.errors import (
    ApiLimitUsed,
    Fenced,
    Gone,
    Invalid,
    Misbehaved,
    OrchestratorError,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from orchestrator.job.status import StopReason, WaitReason
from orchestrator.job.step import StepKind
from orchestrator.lifecycle.heartbeat import Heartbeat, Pulse
from orchestrator.lifecycle.recall import Recall
from orchestrator.lifecycle.shared_polls import Held, SharedPolls
from orchestrator.lifecycle.turn import LONG_TURN, LiveTurn
from orchestrator.lifecycle.vendors import OpenVendor, Vendors
from orchestrator.results.errors import Damaged, ObjectStoreDown
from orchestrator.results.objects import ObjectStore
from orchestrator.steps.abort import abort
from orchestrator.steps.create import create
from orchestrator.steps.fetch import fetch
from orchestrator.steps.finish import finish
from orchestrator.steps.poll import poll
from orchestrator.steps.release import release
from orchestrator.steps.split import split
from orchestrator.steps.step import Turn
from orchestrator.steps.upload import upload
from orchestrator.store.claims import Claim
from orchestrator.store.engine import StoreDown
from orchestrator.store.store import Store

log = logging.getLogger(__name__)

STEPS: Mapping[StepKind, Callable[[Turn], Outcome]] = {
    StepKind.SPLIT: split,
    StepKind.CREATE: create,
    StepKind.UPLOAD: upload,
    StepKind.RELEASE: release,
    StepKind.POLL: poll,
    StepKind.FETCH: fetch,
    StepKind.FINISH: finish,
    StepKind.ABORT: abort,
}
POISONED = 5  # claims without a commit between them: the step kills its workers
SEALING = timedelta(minutes=15)  # a finish orders gigabytes in one turn; if it hangs, it holds up its own job alone
MOST_BACK_OFF = 300.0  # s
SIBLING_HOLDS = timedelta(seconds=1)  # look again whether a sibling gave calls back


class TurnTaker:
    """Takes turns. `dispatch` is told each budget whose turn ended; `stopping` says whether this process should."""

    def __init__(
        self,
        *,
        store: Store,
        objects: ObjectStore,
        vendors: Vendors,
        heartbeat: Heartbeat,
        owner: str,
        dispatch: Callable[[int], None],
    ) -> None:
        self._store = store
        self._objects = objects
        self._vendors = vendors
        self._heartbeat = heartbeat
        self._owner = owner
        self._dispatch = dispatch
        self._shared = SharedPolls(store, vendors, owner)
        self._recall = Recall(store, objects)
        self._stopping = False

    def stop(self) -> None:
        """Ask every running turn to end at its next page, and take no new one."""
        self._stopping = True

    def take_turn(self, step_id: int) -> bool:
        """Take one step further, if it is due and nobody else has it; harmless when repeated, late or lost.

        Returns whether a turn was taken.
        """
        if self._stopping:
            return False
        claimed_at = time.monotonic()  # before the claim: whatever it takes, the lease is not longer than we think
        try:
            claim = self._store.claims.claim(step_id, self._owner)
        except StoreDown as down:
            log.warning("turn.store_down", extra={"step": step_id, "cause": str(down)})
            return False
        if claim is None:
            return False
        for held in self._gathered(Held(claim=claim, claimed_at=claimed_at)):
            finish_step = self._take(held)
            if finish_step is not None:
                self.take_turn(finish_step)
        self._dispatch(claim.lease.budget_id)
        return True

    def _gathered(self, first: Held) -> Sequence[Held]:
        try:
            return self._shared.gather(first)
        except StoreDown as down:
            log.warning("turn.store_down", extra={"step": first.claim.step.id, "cause": str(down)})
            return [first]

    def _take(self, held: Held) -> int | None:
        claim = held.claim
        try:
            with self._live(held) as turn:
                return self._end(turn, claim, self._work(turn, claim))
        except Fenced:
            log.warning("turn.fenced", extra={"step": claim.step.id, "epoch": claim.lease.epoch})
        except (StoreDown, ObjectStoreDown) as down:
            log.warning("turn.cannot_commit", extra={"step": claim.step.id, "cause": str(down)})
            self._give_back(claim, poisonous=False)
        except Exception:
            log.exception("turn.crashed", extra={"step": claim.step.id})
            self._give_back(claim, poisonous=True)
        return None

    @contextmanager
    def _live(self, held: Held) -> Iterator[LiveTurn]:
        claim, claimed_at = held.claim, held.claimed_at
        connection = self._store.connections.by_id(claim.step.connection_id)
        is_sealing = claim.step.kind is StepKind.FINISH
        longest = SEALING if is_sealing else LONG_TURN + self._vendors.family(connection).longest_call
        pulse = self._heartbeat.begin(claim.lease, longest, claimed_at)
        turn = LiveTurn(
            claim,
            store=self._store,
            objects=self._objects,
            open_vendor=lambda: self._open(claim, pulse),
            pulse=pulse,
            stopping=lambda: self._stopping,
            recall=self._recall,
            seen=held.seen,
        )
        try:
            yield turn
        finally:
            turn.close()
            self._heartbeat.end(pulse)

    def _open(self, claim: Claim, pulse: Pulse) -> OpenVendor:
        job, lease, claims = claim.job, claim.lease, self._store.claims
        limited = job.api_limit is not None and claim.step.kind is not StepKind.ABORT
        return self._vendors.open(
            self._store.connections.by_id(claim.step.connection_id),
            prefix=f"{lease.step_id}:{lease.epoch}",
            reserve_calls=(lambda wanted: claims.reserve_calls(lease, wanted)) if limited else None,
            may_send=pulse.is_fresh,
            is_brief=claim.is_brief,
        )

    def _work(self, turn: LiveTurn, claim: Claim) -> Outcome:
        outcome = self._attempt(turn, claim)
        if isinstance(outcome, Stopped) and claim.step.kind is StepKind.ABORT:
            turn.note_stop(StopReason.VENDOR_RUNS_ON, outcome.message)  # the cancel must come to its end all the same
            return Moved()
        return outcome

    def _attempt(self, turn: LiveTurn, claim: Claim) -> Outcome:
        if claim.step.attempt > POISONED:
            return Stopped(
                reason=StopReason.POISON_STEP,
                message=f"step {claim.step.id} ({claim.step.kind}) ended {POISONED} workers without getting on",
            )
        try:
            if isinstance(turn.seen, OrchestratorError):
                return self._outcome_of(turn.seen, turn, claim)
            return STEPS[claim.step.kind](turn)
        except (Fenced, StoreDown, ObjectStoreDown):
            raise
        except OrchestratorError as error:
            return self._outcome_of(error, turn, claim)

    def _outcome_of(self, error: OrchestratorError, turn: LiveTurn, claim: Claim) -> Outcome:
        match error:
            case ApiLimitUsed():
                return self._api_limit_used(claim)
            case Throttled(reason=WaitReason.QUOTA) if error.pause > LONG_QUOTA and not _is_abort(claim):
                return Stopped(reason=StopReason.VENDOR_QUOTA, message=_used_up(error), restart_in=error.pause)
            case Throttled():
                return Wait(pause=error.pause, reason=error.reason)
            case Unreachable():
                turn.tell(event="vendor.unreachable", data={"cause": error.cause})
                return self._again_or_give_up(error, claim)
            case Unauthorized():
                return Stopped(reason=StopReason.REAUTHORIZE, message=str(error))
            case Gone() if _needs_vendor_job(claim):
                message = f"the vendor job is no longer visible: purged, or made by another user ({error})"
                return Stopped(reason=StopReason.VENDOR_JOB_GONE, message=message)
            case Rejected():
                return Stopped(reason=StopReason.REJECTED, message=str(error))
            case Misbehaved() | Damaged():
                return Stopped(reason=StopReason.MISMATCH, message=str(error))
            case Invalid():
                return Stopped(reason=StopReason.BAD_INPUT, message=_refused(error))
            case _:
                raise error

    def _api_limit_used(self, claim: Claim) -> Outcome:
        if self._store.claims.calls_may_come_back(claim.job.id, claim.step.id):
            return Wait(pause=SIBLING_HOLDS, reason=WaitReason.API_LIMIT)
        return Stopped(
            reason=StopReason.API_LIMIT,
            message=f"API_LIMIT: {claim.job.api_limit} calls used today; goes on at midnight UTC",
            restart_in=until_midnight(claim.now),
        )

    def _again_or_give_up(self, error: Unreachable, claim: Claim) -> Outcome:
        patience = claim.job.criteria.give_up_after or GIVE_UP_AFTER
        if claim.now - claim.job.progress_at > patience and claim.step.kind is not StepKind.ABORT:
            return Stopped(reason=StopReason.OUTAGE, message=f"{error}; nothing moved for {patience}")
        pause = max(back_off(claim.step.failures), error.pause or timedelta(0))
        return Wait(pause=pause, reason=WaitReason.BACK_OFF, failed=True)

    def _end(self, turn: LiveTurn, claim: Claim, outcome: Outcome) -> int | None:
        signals: Signals = turn.end(outcome)
        log.info("turn.ended", extra={"step": claim.step.id, "outcome": type(outcome).__name__})
        return signals.finish_step

    def _give_back(self, claim: Claim, *, poisonous: bool) -> None:
        tried = claim.step.attempt if poisonous else claim.step.failures
        try:
            self._store.commits.give_back(claim.lease, back_off(tried), poisonous=poisonous)
        except StoreDown:
            log.warning("turn.lease_left", extra={"step": claim.step.id})  # it runs out by itself


def back_off(failures: int) -> timedelta:
    """Return min(5 min, 2^failures s), less up to half of it by chance, so that failed steps do not march in step."""
    whole = min(MOST_BACK_OFF, 2.0 ** min(failures, 10))
    return timedelta(seconds=whole * random.uniform(0.5, 1.0))  # noqa: S311 - spreads, hides nothing


def _needs_vendor_job(claim: Claim) -> bool:
    return claim.step.kind in (StepKind.POLL, StepKind.FETCH) and bool(claim.step.vendor_seq)


def _is_abort(claim: Claim) -> bool:
    return claim.step.kind is StepKind.ABORT


def _refused(error: Invalid) -> str:
    return str(error) if error.code == "invalid" else f"{error.code}: {error}"


def _used_up(error: Throttled) -> str:
    minutes = ceil(error.pause.total_seconds() / 60)
    return f"VENDOR_QUOTA: the {error.limit} of {error.provider} is used up; goes on in {minutes} minutes"


def until_midnight(now: datetime) -> timedelta:
    """Return the time to the next 00:00 UTC."""
    return datetime.combine(now.date() + timedelta(days=1), time_of_day(), now.tzinfo) - now
