"""The pages that a problem's `type` points to."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from orchestrator.api.codes import CODES
from orchestrator.job.errors import Missing

router = APIRouter(prefix="/errors", tags=["errors"])


@router.get("/{code}", response_class=PlainTextResponse)
def page(code: str) -> PlainTextResponse:
    """Tell what an error code means and what to do."""
    known = CODES.get(code)
    if known is None:
        raise Missing("error code", code[:60])
    text = f"# {code}\n\n{known.title} (HTTP {known.status}).\n\n{known.advice}\n"
    return PlainTextResponse(text, media_type="text/markdown")
