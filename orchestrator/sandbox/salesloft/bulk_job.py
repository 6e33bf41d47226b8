"""A bulk job: its rows, and how far they are handled.

```
open --PUT ready_to_execute=true--> executing --all rows handled--> done
```
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from orchestrator.sandbox.told import iso_or_none

Execute = Callable[[bytes], tuple[bytes, str | None]]  # row as posted → resource, error


class State(StrEnum):
    """The states that the vendor has; there is no failed one."""

    OPEN = "open"
    EXECUTING = "executing"
    DONE = "done"


class RowStatus(StrEnum):
    """The states of a row."""

    PENDING = "pending"
    SUCCESS = "success"
    ERROR = "error"
    RETRYING = "retrying"


@dataclass(slots=True, kw_only=True)
class JobRow:
    """One row, as posted, and what became of it."""

    id: int
    raw: bytes
    created_at: int
    status: RowStatus = RowStatus.PENDING
    resource: bytes = b"{}"
    error: str | None = None
    handled_at: int | None = None

    def short(self) -> dict[str, Any]:
        """The row as the results list shows it."""
        return {
            "id": self.id,
            "status": self.status,
            "record": msgspec.Raw(self.raw),
            "error": self.error,
            "resource": msgspec.Raw(self.resource),
        }

    def long(self, job_id: int) -> dict[str, Any]:
        """The row as the job_data list shows it."""
        return self.short() | {
            "bulk_job": {"id": job_id, "_href": f"/v2/bulk_jobs/{job_id}"},
            "created_at": iso_or_none(self.created_at),
            "started_at": iso_or_none(self.handled_at),
            "finished_at": iso_or_none(self.handled_at),
        }


@dataclass(slots=True, kw_only=True)
class BulkJob:
    """One bulk job, with its rows in the order of their ids."""

    id: int
    type: str
    name: str | None
    scopes: tuple[str, ...]
    created_at: int
    state: State = State.OPEN
    updated_at: int = 0
    marked_at: int | None = None
    finished_at: int | None = None
    processed: int = 0
    errors: int = 0
    retried: int = 0  # how many of the first rows are handled last
    posts: list[int] = field(default_factory=list)  # rows of each job_data call
    rows: list[JobRow] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def add(self, rows: list[JobRow], now: int) -> None:
        """Take the rows of one job_data call."""
        self.rows += rows
        self.ids += [row.id for row in rows]
        self.posts.append(len(rows))
        self.updated_at = now

    def release(self, now: int, retried: int) -> None:
        """Close the job for data and let it run; its first rows may be retried until the others are handled."""
        self.state, self.marked_at, self.updated_at = State.EXECUTING, now, now
        self.retried = min(retried, len(self.rows))

    def handle(self, upto: int, now: int, execute: Execute) -> None:
        """Handle rows until `upto` of them are handled; the last one makes the job done."""
        for position in range(self.processed, upto):
            row = self.rows[(position + self.retried) % len(self.rows)]
            row.resource, row.error = execute(row.raw)
            row.status = RowStatus.ERROR if row.error else RowStatus.SUCCESS
            row.handled_at = now
            self.errors += row.error is not None
        if upto > self.processed:
            self.processed, self.updated_at = upto, now
            self._show_retries()
        if self.processed == len(self.rows):
            self.state, self.finished_at, self.updated_at = State.DONE, now, now

    def _show_retries(self) -> None:
        for row in self.rows[: self.retried]:
            if row.status is RowStatus.PENDING:
                row.status = RowStatus.RETRYING

    def after(self, cursor: int, statuses: set[str]) -> Iterator[JobRow]:
        """Yield the rows above an id, rising, with one of these statuses (none: all)."""
        for position in range(bisect_right(self.ids, cursor), len(self.ids)):
            if not statuses or self.rows[position].status in statuses:
                yield self.rows[position]

    def view(self, *, total_while_open: bool, state_word: str | None, miscount: int) -> dict[str, Any]:
        """The job as the API shows it. `started_at` stays empty until the job is done."""
        total = len(self.rows) if total_while_open or self.state is not State.OPEN else 0
        return {
            "id": self.id,
            "name": self.name,
            "type": self.type,
            "state": state_word or self.state,
            "total": max(0, total - miscount),
            "processed": max(0, self.processed - miscount),
            "errors": self.errors,
            "ready_to_execute": self.state is not State.OPEN,
            "scopes": self.scopes,
            "created_at": iso_or_none(self.created_at),
            "updated_at": iso_or_none(self.updated_at),
            "marked_ready_at": iso_or_none(self.marked_at),
            "started_at": iso_or_none(self.marked_at if self.state is State.DONE else None),
            "finished_at": iso_or_none(self.finished_at),
        }
