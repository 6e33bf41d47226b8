"""Whether the process lives, and whether a job that is submitted now would run."""

from typing import Any

from fastapi import APIRouter, Request, Response

from orchestrator.api.state import runtime_of
from orchestrator.job.errors import OrchestratorError

router = APIRouter(prefix="/health", tags=["health"])

PROBE = "health/probe"  # an object that need not be there


@router.get("/live")
def live() -> dict[str, str]:
    """Answer while the process serves requests."""
    return {"status": "ok"}


@router.get("/ready")
def ready(request: Request, response: Response) -> dict[str, Any]:
    """Answer 200 if database and object store work and a worker took a message lately, else 503 and what is missing."""
    runtime = runtime_of(request)
    checks = {
        "database": _checked(lambda: runtime.store.workers.alive() is not None),
        "objects": _checked(lambda: runtime.objects.exists(PROBE) is not None),
        "workers": _checked(runtime.store.workers.any_consumes),
    }
    is_ready = all(each == "ok" for each in checks.values())
    response.status_code = 200 if is_ready else 503
    return {"status": "ready" if is_ready else "not ready", "checks": checks}


def _checked(works: Any) -> str:
    try:
        return "ok" if works() else "none consumes"
    except OrchestratorError as error:
        return error.code
