"""The pages that a problem's `type` points to."""

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from orchestrator.api.codes import CODES
from orchestrator.job.errors import Missing

router = APIRouter(prefix="/errors", tags=["errors"])


class Markdown(PlainTextResponse):
    """A page as people write it."""

    media_type = "text/markdown"


@router.get("/{code}", response_class=Markdown)
def page(code: str) -> Markdown:
    """Tell what an error code means and what to do."""
    known = CODES.get(code)
    if known is None:
        raise Missing("error code", code[:60])
    text = f"# {code}\n\n{known.title} (HTTP {known.status}).\n\n{known.advice}\n"
    return Markdown(text)
