"""Plans: what a job would cost and when it would be done. Nothing is started; a download costs a cheap call or two."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from secrets import token_hex

from orchestrator.job.criteria import DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Fenced, IllegalMove, Invalid, OrchestratorError
from orchestrator.lifecycle.dry_run import LOOKS, DryRun, dry_run, of_rows
from orchestrator.lifecycle.forecast import QuotaShare, duration, quota_shares
from orchestrator.lifecycle.limit_desk import LimitDesk, LimitsSeen
from orchestrator.lifecycle.submit import new_job
from orchestrator.lifecycle.vendors import Vendors
from orchestrator.providers.estimate import Estimate, Way, unknown
from orchestrator.providers.provider import Upload
from orchestrator.results.inputs.reader import open_upload
from orchestrator.results.objects import ObjectStore
from orchestrator.store.connections import Connection

NO_LOOKS = f"The vendor's own time is not known; {LOOKS} looks at each of its jobs are counted."
RATE = "The time is what the limits allow; slow answers of the vendor come on top of it."
BY_NUMBER = "Requests are taken to be filled by the number of rows, not by their size."
WHERE = "A part of `where` that is applied here is not in the count: fewer records may be stored than are read."
AHEAD = "The likely finish lets the calls that other jobs of this budget still need go first."


@dataclass(frozen=True, kw_only=True)
class Span:
    """From now: the soonest that the limits allow, and behind the work of others that is known."""

    earliest: timedelta
    likely: timedelta


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """What a job would cost; `way` None: it cannot be told before."""

    object_name: str
    seen: LimitsSeen
    records: int | None
    way: Way | None
    span: Span | None
    alternative: Way | None = None
    alternative_span: Span | None = None
    quotas: Sequence[QuotaShare] = ()
    calls_made: int = 0
    assumed: Sequence[str] = ()
    dry_run: DryRun | None = None


class PlanDesk:
    """Looks ahead; stores nothing."""

    def __init__(self, vendors: Vendors, limits: LimitDesk, objects: ObjectStore) -> None:
        self._vendors = vendors
        self._limits = limits
        self._objects = objects

    def download(self, connection: Connection, criteria: DownloadCriteria) -> JobPlan:
        """Return what a download would cost; asks the vendor for its count. Raises Invalid, as a submit would."""
        family = self._vendors.family(connection)
        checked = new_job(family, connection, criteria, {}).criteria
        assert isinstance(checked, DownloadCriteria)
        estimate, made = self._estimate(connection, checked)
        notes = [*estimate.assumed, *([NO_LOOKS] if family.native_query else []), *([WHERE] if checked.where else [])]
        return self._plan(connection, checked, estimate, made, notes)

    def upload(self, connection: Connection, criteria: UploadCriteria, key: str) -> JobPlan:
        """Return what an upload of a stored file would cost; reads all of it, and makes no call. Raises Invalid."""
        read = partial(open_upload, self._objects, key)
        return self._upload(connection, criteria, lambda checked, sink: dry_run(read(checked), checked, sink))

    def upload_of(self, connection: Connection, criteria: UploadCriteria, rows: int) -> JobPlan:
        """Return what an upload of so many rows would cost; makes no call. Raises Invalid."""
        found = self._upload(connection, criteria, lambda _, sink: of_rows(rows, sink))
        return replace(found, assumed=(*found.assumed, BY_NUMBER), dry_run=None)

    def _upload(
        self, connection: Connection, criteria: UploadCriteria, run: Callable[[UploadCriteria, Upload], DryRun]
    ) -> JobPlan:
        family = self._vendors.family(connection)
        checked = new_job(family, connection, criteria, {}).criteria
        assert isinstance(checked, UploadCriteria)
        vendor = self._vendors.open(connection, prefix=f"plan:{token_hex(8)}")
        try:
            sink = vendor.provider.sink(checked)
            found = run(checked, sink)
        finally:
            vendor.close()
        way = found.way(sink, family.upload_calls) if family.upload_calls is not None else None
        estimate = Estimate(records=found.rows - found.bad_rows, way=way)
        return self._plan(connection, checked, estimate, 0, (NO_LOOKS,), found)

    def _estimate(self, connection: Connection, criteria: DownloadCriteria) -> tuple[Estimate, int]:
        ask = self._vendors.family(connection).estimate
        if ask is None:
            return unknown("This provider does not tell how much there is."), 0
        vendor = self._vendors.open(connection, prefix=f"plan:{token_hex(8)}")
        try:
            return ask(vendor.client, connection.settings, criteria), vendor.purse.take_calls()
        except (Invalid, Fenced, IllegalMove):
            raise
        except OrchestratorError as error:
            return unknown(f"The records could not be counted: {error}"), vendor.purse.take_calls()
        finally:
            vendor.close()

    def _plan(
        self,
        connection: Connection,
        criteria: DownloadCriteria | UploadCriteria,
        estimate: Estimate,
        made: int,
        notes: Sequence[str],
        found: DryRun | None = None,
    ) -> JobPlan:
        seen = self._limits.see(connection.tenant_id, connection.id)
        return JobPlan(
            object_name=criteria.object_name,
            seen=seen,
            records=estimate.records,
            way=estimate.way,
            span=_span(estimate.way, seen, criteria.api_limit),
            alternative=estimate.alternative,
            alternative_span=_span(estimate.alternative, seen, criteria.api_limit),
            quotas=() if estimate.way is None else quota_shares(estimate.way.points, seen),
            calls_made=made,
            assumed=[*notes, *([RATE, AHEAD] if estimate.way is not None else [])],
            dry_run=found,
        )


def _span(way: Way | None, seen: LimitsSeen, api_limit: int | None) -> Span | None:
    if way is None:
        return None
    earliest = duration(way.points, way.calls, seen, api_limit)
    return Span(earliest=earliest, likely=duration(way.points, way.calls, seen, api_limit, ahead=seen.work.calls))
