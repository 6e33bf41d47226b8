"""Errors as RFC 9457 `application/problem+json`; the one place that turns our error classes into answers."""

import logging
from datetime import timedelta
from math import ceil
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from orchestrator.api.codes import code_of
from orchestrator.job.errors import Conflict, Invalid, Missing, OrchestratorError, Throttled, Unauthorized
from orchestrator.job.status import WaitReason
from orchestrator.limits.limit import LimiterDown

log = logging.getLogger("bulkhead.api")

PROBLEM_JSON = "application/problem+json"
_TEXT, _MAYBE = {"type": "string"}, {"type": ["string", "null"]}
_PROBLEM = {
    "description": "What is wrong, and what to do about it (RFC 9457).",
    "content": {
        PROBLEM_JSON: {
            "schema": {
                "type": "object",
                "required": ["type", "title", "status", "detail", "code", "field", "advice", "requestId"],
                "properties": {
                    **dict.fromkeys(("type", "title", "detail", "code", "advice", "requestId"), _TEXT),
                    "status": {"type": "integer"},
                    "field": _MAYBE,
                },
            }
        }
    },
}
PROBLEMS: dict[int | str, dict[str, Any]] = {"4XX": _PROBLEM, "5XX": _PROBLEM}
BY_STATUS = {
    400: "malformed_body",
    401: "unauthorized",
    403: "scope_missing",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
}
BY_KIND = {"missing": "missing_field", "json_invalid": "malformed_body", "extra_forbidden": "unknown_field"}


class Refused(OrchestratorError):
    """The request is refused before it reaches a job: key, scope, media type, size."""

    def __init__(
        self, code: str, problem: str, *, field: str | None = None, advice: str = "", retry_after: int | None = None
    ) -> None:
        super().__init__(problem)
        self.retry_after = retry_after  # seconds
        self.code = code
        self.field = field
        self.advice = advice


def request_id(request: Request) -> str:
    """Return the id under which this request is logged."""
    return str(request.scope.get("state", {}).get("request_id", "unknown"))


def problem(
    request: Request,
    code: str,
    detail: str,
    *,
    field: str | None = None,
    advice: str = "",
    status: int | None = None,
    pause: timedelta | None = None,
) -> JSONResponse:
    """Return the problem answer for a code; the advice is the code's own where the caller has none."""
    known = code_of(code)
    status = status or known.status
    body = {
        "type": f"/errors/{code}",
        "title": known.title,
        "status": status,
        "detail": detail,
        "code": code,
        "field": field,
        "advice": advice or known.advice,
        "requestId": request_id(request),
    }
    return JSONResponse(body, status, headers=_headers(status, pause), media_type=PROBLEM_JSON)


def _headers(status: int, pause: timedelta | None) -> dict[str, str]:
    if pause is not None:
        return {"Retry-After": str(max(1, ceil(pause.total_seconds())))}
    match status:
        case 401:
            return {"WWW-Authenticate": "Bearer"}
        case 503:
            return {"Retry-After": "2"}
        case _:
            return {}


def install(app: FastAPI) -> None:
    """Make every error of the app a problem answer."""
    app.add_exception_handler(OrchestratorError, _ours)
    app.add_exception_handler(LimiterDown, _limiter_down)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _ours(request: Request, error: Exception) -> JSONResponse:
    match error:
        case Invalid():
            detail = f"{error.field}: {error.problem}" if error.field else error.problem
            return problem(request, error.code, detail, field=error.field, advice=error.advice)
        case Conflict():
            return problem(request, error.code, error.problem, advice=error.advice, status=409)
        case Missing():
            return problem(request, "not_found", str(error), field=error.kind)
        case Refused():
            answer = problem(request, error.code, str(error), field=error.field, advice=error.advice)
            if error.retry_after is not None:
                answer.headers["Retry-After"] = str(error.retry_after)
            return answer
        case Throttled():
            code = "limiter_down" if error.reason is WaitReason.LIMITER_DOWN else error.code
            return problem(request, code, str(error), pause=error.pause)
        case Unauthorized():
            return problem(request, error.code, str(error))
        case OrchestratorError() if code_of(error.code).status >= 500:
            log.warning("request.failed", extra={"request": request_id(request), "code": error.code})
            return problem(request, error.code, str(error))
        case _:
            return _unexpected(request, error)


def _limiter_down(request: Request, _: Exception) -> JSONResponse:
    return problem(request, "store_down", "the limiter does not answer", status=503)


def _validation(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)
    first = error.errors()[0]
    kind = str(first["type"])
    code = BY_KIND.get(kind, "invalid")
    # FastAPI puts the place in front of the field's path
    field = ".".join(map(str, first["loc"][1 if isinstance(error, RequestValidationError) else 0 :])) or "body"
    return problem(request, code, f"{field}: {_sentence(first)}", field=field)


def _sentence(error: Any) -> str:
    # pydantic's message names the rule, never the value: the value may be a secret
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = BY_STATUS.get(error.status_code, "invalid")
    status = 422 if error.status_code == 400 else error.status_code
    return problem(request, code, f"{request.method} {request.url.path}: {error.detail}", status=status)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.crashed", extra={"request": request_id(request)}, exc_info=error)
    return problem(request, "internal", "something went wrong on our side")
