"""The provider's own list of jobs, in the provider's own paging, each marked with whose it is."""

from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Request

from orchestrator.api.auth import Admin, Reader
from orchestrator.api.paging import AFTER, only
from orchestrator.api.state import runtime_of
from orchestrator.api.wire import VendorJobBody
from orchestrator.lifecycle.vendor_job_desk import MarkedJob

router = APIRouter(prefix="/connections", tags=["connections"])

LISTED = ("isPkChunkingEnabled", "jobType", "concurrencyMode", "queryLocator", "state", AFTER, "per_page")


def asked(
    is_pk_chunking_enabled: Annotated[
        str | None, Query(alias="isPkChunkingEnabled", description="Salesforce: true, those with PK chunking")
    ] = None,
    job_type: Annotated[
        str | None,
        Query(alias="jobType", description="Salesforce: BigObjectIngest, Classic, V2Ingest, V2Query"),
    ] = None,
    concurrency_mode: Annotated[
        str | None, Query(alias="concurrencyMode", description="Salesforce: Parallel, Serial")
    ] = None,
    locator: Annotated[
        str | None, Query(alias="queryLocator", description="Salesforce: what nextRecordsUrl goes on with")
    ] = None,
    state: Annotated[str | None, Query(description="Salesloft: open, executing, done; several by comma")] = None,
    after: Annotated[str | None, Query(alias=AFTER, description="Salesloft: only jobs after this id")] = None,
    size: Annotated[str | None, Query(alias="per_page", description="Salesloft: 1 to 100, default 25")] = None,
) -> Mapping[str, str]:
    """Return the provider's own parameters, as far as they were given."""
    given = (is_pk_chunking_enabled, job_type, concurrency_mode, locator, state, after, size)
    return {name: value for name, value in zip(LISTED, given, strict=True) if value is not None}


@router.get("/{name}/vendor-jobs", dependencies=[Depends(only(*LISTED))])
def list_vendor_jobs(
    request: Request, who: Reader, name: str, parameters: Annotated[Mapping[str, str], Depends(asked)]
) -> dict[str, Any]:
    """Return a page of the provider's own job list; one call, paid for by the connection's budget.

    Each record has every field that the provider tells, and `bulkhead`: `mark` (ours, adopted, suspected_orphan,
    foreign) and `jobId`, the job of ours that it was made for. `nextRecordsUrl` is an address of this API.
    """
    page = runtime_of(request).vendor_jobs.page(who.tenant_id, name, parameters)
    following = None if page.following is None else f"{_path(name)}?{urlencode(page.following)}"
    return {"done": following is None, "records": [_shown(job) for job in page.jobs], "nextRecordsUrl": following}


@router.get("/{name}/vendor-jobs/{vendor_job}", dependencies=[Depends(only())])
def show_vendor_job(request: Request, who: Reader, name: str, vendor_job: str) -> dict[str, Any]:
    """Return one job of the provider, as it tells it, with its mark; one call, or one for each of its lists."""
    return _shown(runtime_of(request).vendor_jobs.one(who.tenant_id, name, vendor_job))


@router.put("/{name}/vendor-jobs/{vendor_job}", dependencies=[Depends(only())])
def move_vendor_job(request: Request, who: Admin, name: str, vendor_job: str, body: VendorJobBody) -> dict[str, Any]:
    """Set the state of a job at the provider, anybody's; 409 for one that a live job of ours owns."""
    return _shown(runtime_of(request).vendor_jobs.move(who.tenant_id, name, vendor_job, body.state))


def _shown(marked: MarkedJob) -> dict[str, Any]:
    return {**marked.job.fields, "bulkhead": {"mark": str(marked.mark), "jobId": marked.job_id}}


def _path(name: str) -> str:
    return f"/connections/{quote(name, safe='')}/vendor-jobs"
