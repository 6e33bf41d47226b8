"""How a request finds the runtime, and what it names in it."""

from typing import TYPE_CHECKING, Annotated

from fastapi import Depends, Request

from orchestrator.job.errors import Invalid, Missing
from orchestrator.store.connections import Connection

if TYPE_CHECKING:
    from orchestrator.runtime import Runtime

LARGEST_ID = 2**63 - 1


def runtime_of(request: Request) -> "Runtime":
    """Return the runtime that the app was made with."""
    runtime: Runtime = request.app.state.runtime
    return runtime


def whole_id(kind: str, text: str) -> int:
    """Return an id in the path; what can be no id is as missing as any other. Raises Missing."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_ID)) else 0
    if not 1 <= number <= LARGEST_ID:
        raise Missing(kind, text[:40])
    return number


def job_number(job_id: str) -> int:
    """Return the job's id in the path. Raises Missing."""
    return whole_id("job", job_id)


JobId = Annotated[int, Depends(job_number)]


def named_connection(runtime: "Runtime", tenant_id: int, name: str) -> Connection:
    """Return the connection that a body names, by name or instanceId. Raises Invalid."""
    try:
        return runtime.store.connections.get(tenant_id, name)
    except Missing:
        advice = "GET /connections lists them; POST /connections adds one."
        raise Invalid("connection", f"there is no connection {name}", advice, code="unknown_connection") from None
