"""One commit of a turn: cursor, part, counters, effects, successors and status in one transaction, or nothing (I2).

Lock order: job, vendor jobs, chunks, steps, budget. A guard that hits no row rolls everything back and is Fenced.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, delete, insert, select, update

from orchestrator.job.commit import Commit, Finished, Moved, Signals, Stopped, Wait
from orchestrator.job.errors import Fenced
from orchestrator.job.status import JobStatus, WaitReason
from orchestrator.job.step import NOT_COUNTED, Lease, StepKind
from orchestrator.store.births import charge, insert_finish, insert_steps, next_place
from orchestrator.store.claims import DAY, others_wait, reserve
from orchestrator.store.control import GOES_ON, cancel_if_nothing_left, complete_job, stop_job, write_event
from orchestrator.store.effects import apply_effects
from orchestrator.store.engine import Database
from orchestrator.store.errors_of_rows import write_job_error, write_row_errors
from orchestrator.store.fixes import fix_budget
from orchestrator.store.records import COUNTERS, Row, micros
from orchestrator.store.tables import jobs, parts, steps
from orchestrator.store.usage import write_usage

OUR_OWN_WAITS = frozenset(
    {WaitReason.RATE, WaitReason.QUOTA, WaitReason.CONCURRENCY, WaitReason.GATE, WaitReason.API_LIMIT,
     WaitReason.LIMITER_DOWN, WaitReason.TOKEN_REFRESH}
)  # fmt: skip  # a wait for these is no sign of an outage
LONG_WAIT = timedelta(seconds=5)  # a longer one is a line of the timeline


class Commits:
    """Commits turns' work under their leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def commit(self, lease: Lease, commit: Commit) -> Signals:
        """Write the whole commit, or nothing. Raises Fenced where the lease or a guard no longer holds; StoreDown."""
        with self._database.write() as connection:
            return _Transaction(connection, self._database, lease, commit).run()

    def give_back(self, lease: Lease, pause: timedelta, *, poisonous: bool) -> None:
        """End a turn that could not commit: the step is due again after `pause`.

        `poisonous`: the step itself may be to blame, so that its attempt stays spent; else it is a failure like others.
        """
        blamed = {"attempt": steps.c.attempt} if poisonous else {"attempt": 0, "failures": steps.c.failures + 1}
        due_at = self._database.now + micros(pause)
        with self._database.write() as connection:
            connection.execute(
                update(steps)
                .where(steps.c.id == lease.step_id, steps.c.lease_epoch == lease.epoch)
                .values(lease_until=None, due_at=due_at, wait_reason=WaitReason.BACK_OFF, **blamed)
            )


class _Transaction:
    def __init__(self, connection: Connection, database: Database, lease: Lease, commit: Commit) -> None:
        self._connection = connection
        self._database = database
        self._lease = lease
        self._commit = commit
        self._now = database.now

    def run(self) -> Signals:
        job = self._count()
        if apply_effects(self._connection, self._database, self._lease, self._commit.effects):
            self._touch(self._now)
        step = self._advance()
        self._write_records(job)
        reserved = self._top_up()
        finish_step = self._conclude(job, step)
        fix_budget(self._connection, self._database, self._lease, self._commit)
        return Signals(
            stop=step["state"] != "ready" or job["pause_requested"],
            others_wait=self._commit.outcome is None and others_wait(self._connection, self._database, step),
            reserved=reserved,
            finish_step=finish_step,
        )

    def _count(self) -> Row:
        commit, counts = self._commit, self._commit.counts
        values: dict[str, Any] = {
            column: jobs.c[column] + added for name, column in COUNTERS.items() if (added := getattr(counts, name))
        }
        if values or commit.part:
            values["progress_at"] = self._now
        bad = counts.refused + counts.invalid + sum(1 for error in commit.row_errors if error.row is None)
        if bad:
            values["error_count"] = jobs.c.error_count + bad
        values.update(self._calls())
        values.update(self._facts())
        values["status"] = self._running() if commit.fixes.answered else jobs.c.status
        statement = update(jobs).where(jobs.c.id == self._lease.job_id).values(**values).returning(jobs)
        return self._connection.execute(statement).mappings().one()

    def _running(self) -> ColumnElement[str]:
        return case((jobs.c.status == JobStatus.STARTED, JobStatus.RUNNING.value), else_=jobs.c.status)

    def _calls(self) -> dict[str, Any]:
        calls = self._commit.calls
        if not calls:
            return {}
        today = self._now // DAY
        counted = case((jobs.c.api_calls_day == today, jobs.c.api_calls_today), else_=0) + calls
        reserved = jobs.c.api_limit.is_not(None)  # then `reserve` has counted them already
        return {
            "api_calls_total": jobs.c.api_calls_total + calls,
            "api_calls_today": case((reserved, jobs.c.api_calls_today), else_=counted),
            "api_calls_day": case((reserved, jobs.c.api_calls_day), else_=today),
        }

    def _facts(self) -> dict[str, Any]:
        commit, facts = self._commit, dict[str, Any]()
        if commit.vendor_counted is not None:
            facts["vendor_counted"] = commit.vendor_counted
        if commit.native is not None:
            facts["native"] = commit.native
        if commit.stop_reason is not None:
            facts["stop_reason"] = commit.stop_reason
        if commit.status_message is not None:
            facts["status_message"] = commit.status_message
        if commit.default_select_fields is not None:
            facts["default_select_fields"] = list(commit.default_select_fields)
        return facts

    def _touch(self, moment: ColumnElement[int]) -> None:
        self._connection.execute(update(jobs).where(jobs.c.id == self._lease.job_id).values(progress_at=moment))

    def _advance(self) -> Row:
        commit = self._commit
        values: dict[str, Any] = {"attempt": 0, "next_part": steps.c.next_part + (1 if commit.part else 0)}
        if commit.cursor is not None:
            values["cursor"] = dict(commit.cursor)
        if commit.calls:
            values["api_held"] = case((steps.c.api_held > commit.calls, steps.c.api_held - commit.calls), else_=0)
        if commit.fixes.answered:
            values["failures"] = 0
        if commit.outcome is not None:
            values.update(self._ending())
        guard = [steps.c.id == self._lease.step_id, steps.c.lease_epoch == self._lease.epoch, steps.c.state != "done"]
        if commit.part:
            guard.append(steps.c.next_part == commit.part.seq)
        row = self._connection.execute(update(steps).where(*guard).values(**values).returning(steps)).mappings().first()
        if row is None:
            raise Fenced(self._lease.step_id, self._lease.epoch)
        return row

    def _ending(self) -> dict[str, Any]:
        values: dict[str, Any] = {"lease_until": None, "hinted_until": None}
        match self._commit.outcome:
            case Wait() as wait:
                values["due_at"] = self._now + micros(wait.pause)
                values["wait_reason"] = None if wait.reason is WaitReason.TURN else wait.reason
                if wait.failed:
                    values["failures"] = steps.c.failures + 1
            case Moved() | Finished() | Stopped(is_done=True):
                values["state"] = "done"
            case _:
                values["due_at"] = self._now
        return values

    def _write_records(self, job: Row) -> None:
        commit = self._commit
        if commit.part:
            self._insert_parts([commit.part])
        write_row_errors(self._connection, self._database, job, commit.row_errors)
        for event in commit.events:
            write_event(self._connection, self._database, job["id"], event.name, event.data, self._lease.step_id)
        if commit.usage:
            write_usage(self._connection, self._database, self._lease.budget_id, commit.usage)
        if commit.meta and any(job["meta"].get(key) != value for key, value in commit.meta.items()):
            merged = {**job["meta"], **commit.meta}
            self._connection.execute(update(jobs).where(jobs.c.id == job["id"]).values(meta=merged))

    def _insert_parts(self, wanted: Sequence[Any]) -> None:
        rows = [{**{name: getattr(part, name) for name in part.__dataclass_fields__}} for part in wanted]
        if rows:
            self._connection.execute(insert(parts), [{**row, "job_id": self._lease.job_id} for row in rows])

    def _top_up(self) -> int:
        if not self._commit.top_up or self._commit.outcome is not None:
            return 0
        return reserve(self._connection, self._database, self._lease, self._commit.top_up)

    def _conclude(self, job: Row, step: Row) -> int | None:
        born = insert_steps(self._connection, self._database, job, self._commit.successors)
        match self._commit.outcome:
            case None:
                self._open(job["id"], born)
                if self._commit.calls:
                    charge(self._connection, job, self._commit.calls)
                return None
            case Stopped() as stopped:
                self._refund(job, step)
                insert_steps(self._connection, self._database, job, stopped.successors)  # stopped with the others
                self._stop(job, step, stopped)
                return None
            case Finished() as finished:
                self._seal(finished)
                complete_job(self._connection, self._database, job["id"], finished.outcome, finished.message)
                return None
            case Wait() | Moved() as outcome:
                self._refund(job, step)
                return self._go_on(job, step, outcome, born)

    def _stop(self, job: Row, step: Row, stopped: Stopped) -> None:
        why = stopped.reason, stopped.message
        stops = stop_job(self._connection, self._database, job["id"], *why, stopped.restart_in)
        if stops and stopped.reason not in GOES_ON:
            write_job_error(self._connection, self._database, job["id"], *why, phase=step["kind"])

    def _refund(self, job: Row, step: Row) -> None:
        if step["api_held"] and job["api_limit"] is not None:
            same_day = jobs.c.api_calls_day == step["api_day"]
            self._connection.execute(
                update(jobs)
                .where(jobs.c.id == job["id"], same_day)
                .values(api_calls_today=jobs.c.api_calls_today - step["api_held"])
            )
            self._connection.execute(update(steps).where(steps.c.id == step["id"]).values(api_held=0))

    def _go_on(self, job: Row, step: Row, outcome: Wait | Moved, born: int) -> int | None:
        born += insert_steps(self._connection, self._database, job, outcome.successors)
        done = 1 if isinstance(outcome, Moved) and step["kind"] not in NOT_COUNTED else 0
        if isinstance(outcome, Wait):
            place = next_place(self._connection, job, before=step["vtime"], cost=self._commit.calls)
            self._connection.execute(update(steps).where(steps.c.id == step["id"]).values(vtime=place))
            self._tell_of(outcome)
            if outcome.reason in OUR_OWN_WAITS:
                self._touch(self._now + micros(outcome.pause))
        elif step["kind"] == StepKind.ABORT:
            cancel_if_nothing_left(self._connection, self._database, job["id"])
        open_steps = self._open(job["id"], born - done)
        return insert_finish(self._connection, self._database, job) if done and open_steps == 0 else None

    def _tell_of(self, wait: Wait) -> None:
        if wait.pause <= LONG_WAIT or wait.reason is WaitReason.TURN:
            return
        data = {"reason": wait.reason, "seconds": round(wait.pause.total_seconds(), 1)}
        write_event(self._connection, self._database, self._lease.job_id, "wait.long", data, self._lease.step_id)

    def _open(self, job_id: int, change: int) -> int:
        if change == 0:
            return int(self._connection.execute(select(jobs.c.open_steps).where(jobs.c.id == job_id)).scalar_one())
        statement = update(jobs).where(jobs.c.id == job_id).values(open_steps=jobs.c.open_steps + change)
        return int(self._connection.execute(statement.returning(jobs.c.open_steps)).scalar_one())

    def _seal(self, finished: Finished) -> None:
        for stream, sealed in finished.sealed.items():
            gone = delete(parts).where(parts.c.job_id == self._lease.job_id, parts.c.stream == stream)
            self._connection.execute(gone)
            self._insert_parts(sealed)
