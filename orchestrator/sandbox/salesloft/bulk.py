"""The bulk job endpoints.

https://developers.salesloft.com/docs/platform/guides/bulk-jobs/ — the flow; the limits of each call come from the
operation descriptions (5,000 records a call, 1 to 100 rows a page, `id[gt]` as the only cursor).
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from orchestrator.sandbox.exchange import Answer, Refused, Request, as_json
from orchestrator.sandbox.options import Options, Switches
from orchestrator.sandbox.salesloft.bulk_job import BulkJob, Execute, JobRow, RowStatus, State
from orchestrator.sandbox.salesloft.lists import per_page
from orchestrator.sandbox.salesloft.refusals import missing, unprocessable
from orchestrator.sandbox.salesloft.upserts import RowRefused, Upserts
from orchestrator.sandbox.told import Clock


class Posted(msgspec.Struct):
    """The body of a job_data call; each record stays as it was written."""

    data: list[msgspec.Raw]


class BulkJobs:
    """All bulk jobs of the team, and the seven calls."""

    def __init__(self, clock: Clock, switches: Switches, upserts: Upserts) -> None:
        self._clock = clock
        self._switches = switches
        self._upserts = upserts
        self._jobs: dict[int, BulkJob] = {}
        self._running: list[BulkJob] = []
        self._next_row = switches.now.first_row_id
        self._seen: set[bytes] = set()
        self.duplicates = 0  # released rows that equal an earlier released row, byte for byte

    def settle(self) -> None:
        """Handle the rows that are due by now."""
        for job in self._running:
            self._settle(job, self._clock.now())
        self._running = [job for job in self._running if job.state is State.EXECUTING]

    def _settle(self, job: BulkJob, now: int) -> None:
        options = self._switches.now
        elapsed = (now - (job.marked_at or now)) / 1_000_000 - options.start_after
        if elapsed < 0:
            return
        due = len(job.rows) if options.speed == 0 else int(elapsed * options.speed)
        job.handle(min(len(job.rows), due), now, self._execute(job))

    def _execute(self, job: BulkJob) -> Execute:
        def execute(raw: bytes) -> tuple[bytes, str | None]:
            try:
                record = msgspec.json.decode(raw, type=dict[str, Any])
                return msgspec.json.encode(self._upserts.execute(job.type, record, job.scopes)), None
            except RowRefused as error:
                return b"{}", str(error)

        return execute

    def create(self, request: Request) -> Answer:
        """`POST /v2/bulk_jobs`."""
        fields, options = _fields(request), self._switches.now
        if fields.get("type") not in options.types:
            raise unprocessable("type", "is not a known bulk job type")
        now, name = self._clock.now(), fields.get("name")
        job = BulkJob(
            id=90_417 + len(self._jobs),
            type=fields["type"],
            name=None if name is None else str(name),
            scopes=options.scopes,
            created_at=now,
            updated_at=now,
        )
        self._jobs[job.id] = job
        return self._shown(job, request, options.create_code)

    def index(self, request: Request) -> Answer:
        """`GET /v2/bulk_jobs`."""
        states = _choices(request, "state", State)
        cursor, size = _cursor(request), per_page(request)
        found = (j for j in self._jobs.values() if j.id > cursor and (not states or j.state in states))
        page = [self._view(job, request) for job in islice(found, size)]
        return _page(page, size, request, self._switches.now)

    def show(self, request: Request, job_id: int) -> Answer:
        """`GET /v2/bulk_jobs/{id}`."""
        return self._shown(self._job(job_id), request, 200)

    def update(self, request: Request, job_id: int) -> Answer:
        """`PUT /v2/bulk_jobs/{id}`: rename, or release."""
        job, fields = self._job(job_id), _fields(request)
        if job.state is not State.OPEN:
            raise unprocessable("ready_to_execute", "can only change while the job is open", self._closed)
        if "name" in fields:
            job.name = fields["name"]
        if fields.get("ready_to_execute") in (True, "true"):
            self._release(job, request.fault.retrying)
        return self._shown(job, request, 200)

    def _release(self, job: BulkJob, retried: int) -> None:
        job.release(self._clock.now(), retried)
        self._running.append(job)
        before = len(self._seen)
        self._seen.update(row.raw for row in job.rows)
        self.duplicates += len(job.rows) - (len(self._seen) - before)

    def fill(self, request: Request, job_id: int) -> Answer:
        """`POST /v2/bulk_jobs/{id}/job_data`."""
        job, raws = self._job(job_id), _records(request)
        if job.state is not State.OPEN:
            raise unprocessable("data", "can only be added while the job is open", self._closed)
        if not 0 < len(raws) <= self._switches.now.max_rows:
            raise unprocessable("data", f"must hold 1 to {self._switches.now.max_rows} records")
        raws, now = raws[: len(raws) - request.fault.drop_rows], self._clock.now()
        job.add([JobRow(id=self._next_row + n, raw=raw, created_at=now) for n, raw in enumerate(raws)], now)
        self._next_row += len(raws)
        return as_json({"data": {"records": max(0, len(raws) - request.fault.miscount)}})

    def job_data(self, request: Request, job_id: int) -> Answer:
        """`GET /v2/bulk_jobs/{id}/job_data`: the rows at any state of the job."""
        job, size = self._job(job_id), per_page(request)
        rows = islice(_after(job, request), size)
        long = self._switches.now.long_rows
        return _page([row.long(job.id) if long else row.short() for row in rows], size, request, self._switches.now)

    def results(self, request: Request, job_id: int) -> Answer:
        """`GET /v2/bulk_jobs/{id}/results`: empty until the job is done."""
        job, size = self._job(job_id), per_page(request)
        rows = islice(_after(job, request), size) if job.state is State.DONE else ()
        return _page([row.short() for row in rows], size, request, self._switches.now)

    def stats(self) -> dict[str, Any]:
        """What the vendor received and released, job by job."""
        jobs = list(self._jobs.values())
        released = [job for job in jobs if job.state is not State.OPEN]
        return {
            "created": len(jobs),
            "released": len(released),
            "rows_received": sum(len(job.rows) for job in jobs),
            "rows_released": sum(len(job.rows) for job in released),
            "duplicates": self.duplicates,
            "jobs": [
                {"id": j.id, "name": j.name, "type": j.type, "state": j.state, "posts": j.posts, "rows": len(j.rows)}
                | {"processed": j.processed, "errors": j.errors}
                for j in jobs
            ],
        }

    @property
    def _closed(self) -> int:
        return self._switches.now.closed_code

    def _job(self, job_id: int) -> BulkJob:
        if job_id not in self._jobs:
            raise missing()
        return self._jobs[job_id]

    def _view(self, job: BulkJob, request: Request) -> dict[str, Any]:
        shown, fault = self._switches.now.total_while_open, request.fault
        return job.view(total_while_open=shown, state_word=fault.state_word, miscount=fault.miscount)

    def _shown(self, job: BulkJob, request: Request, status: int) -> Answer:
        return as_json({"data": self._view(job, request)}, status)


def _page(rows: list[dict[str, Any]], size: int, request: Request, options: Options) -> Answer:
    rows = rows[: len(rows) - request.fault.drop_rows] if request.fault.drop_rows else rows
    rows = rows[::-1] if options.descending_pages else rows
    return as_json({"data": rows, "metadata": {"filtering": {}, "paging": {"per_page": size}}}, rows=len(rows))


def _after(job: BulkJob, request: Request) -> Iterator[JobRow]:
    statuses = _choices(request, "status", RowStatus)
    rows = job.after(_cursor(request), statuses)
    overlap = request.fault.overlap
    if not overlap:
        return rows
    first = next(rows, None)
    start = job.ids.index(first.id) if first else len(job.ids)
    return iter(job.rows[max(0, start - overlap) :])


def _cursor(request: Request) -> int:
    """`id[gt]`; any other spelling is an unknown filter, and those are ignored."""
    text = request.value("id[gt]")
    if text is None or request.fault.ignore_filters:
        return 0
    try:
        return int(text)
    except ValueError as error:
        raise unprocessable("id", "must be a whole number") from error


def _choices(request: Request, name: str, known: type[State] | type[RowStatus]) -> set[str]:
    chosen = set() if request.fault.ignore_filters else set(request.choices(name))
    if not chosen <= set(known):
        raise unprocessable(name, f"must be one of {', '.join(known)}")
    return chosen


def _fields(request: Request) -> dict[str, Any]:
    try:
        return request.fields()
    except ValueError as error:
        raise unprocessable("body", "could not be read") from error


def _records(request: Request) -> list[bytes]:
    """The records of a job_data call, byte for byte where the body is JSON."""
    try:
        if "json" in request.headers.get("content-type", "json"):
            raws = [bytes(raw) for raw in msgspec.json.decode(request.body, type=Posted).data]
        else:
            raws = [msgspec.json.encode(record) for record in request.fields().get("data", [])]
    except (msgspec.MsgspecError, ValueError) as error:
        raise Refused(as_json({"errors": {"data": ["must be an array of objects"]}}, 422)) from error
    if not all(raw.startswith(b"{") for raw in raws):
        raise unprocessable("data", "must be an array of objects")
    return raws
