"""The API as one ASGI app over a runtime."""

from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi_swagger import patch_fastapi

from orchestrator.api import (
    bulk,
    connections,
    errors,
    health,
    limits,
    notifications,
    plan,
    problems,
    refusals,
    results,
    retry,
    schedules,
    tenant,
    timeline,
    upload,
    vendor_batches,
    vendor_jobs,
    views,
)
from orchestrator.api.door import Door
from orchestrator.api.edge import Edge

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

VERSION = "1"
ABOUT = "Bulk jobs against rate-limited APIs: not a row lost, not a row doubled, not a call over the limit."

GROUPS = (
    health,
    errors,
    upload,
    bulk,
    plan,
    retry,
    timeline,
    views,
    refusals,
    results,
    notifications,
    connections,
    limits,
    vendor_batches,
    vendor_jobs,
    schedules,
    tenant,
)


def make_app(runtime: "Runtime", door: Door | None = None) -> FastAPI:
    """Return the app; it opens nothing itself, and closes nothing. Without a door every key may send what it likes."""
    app = FastAPI(
        title="Bulkhead",
        version=VERSION,
        description=ABOUT,
        redirect_slashes=False,
        docs_url=None,  # FastAPI's own page loads its scripts from elsewhere, and is blank without the internet
        redoc_url=None,
        swagger_ui_oauth2_redirect_url=None,
    )
    patch_fastapi(app, "/docs")
    app.state.runtime = runtime
    app.state.door = door
    problems.install(app)
    for group in GROUPS:
        app.include_router(group.router, responses=problems.PROBLEMS)
    app.add_middleware(Edge)
    return app
