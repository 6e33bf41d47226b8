"""How Salesforce answers and refuses: an array of `errorCode` and `message`.

Codes of the bulk resources come without separators (`INVALIDJOBSTATE`), those of the rest of REST with underscores.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from orchestrator.sandbox.exchange import Answer, Refused

MEDIA = "application/json;charset=UTF-8"
GONE = "The requested resource does not exist"
EXPIRED = "Session expired or invalid"

SPOKEN: Mapping[int, str] = {  # what an ordered status says, where Salesforce itself says it
    400: '[{"message":"The request could not be read","errorCode":"CLIENTINPUTERROR"}]',
    401: f'[{{"message":"{EXPIRED}","errorCode":"INVALID_SESSION_ID"}}]',
    403: '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]',
    404: f'[{{"errorCode":"NOT_FOUND","message":"{GONE}"}}]',
}


def shown(value: Any, status: int = 200, *, rows: int = 0) -> Answer:
    """Return an answer with a JSON body."""
    return Answer(status=status, body=msgspec.json.encode(value), media=MEDIA, rows=rows)


def refused(status: int, code: str, message: str, *headers: tuple[str, str]) -> Refused:
    """Return a refusal in the envelope of all of them."""
    body = msgspec.json.encode([{"errorCode": code, "message": message}])
    return Refused(Answer(status=status, body=body, media=MEDIA, headers=headers))


def missing() -> Refused:
    """Return what is said of an unknown, deleted or purged id, and of an unknown path."""
    return refused(404, "NOT_FOUND", GONE)


def expired() -> Refused:
    """Return what is said to a caller without a good token."""
    return refused(401, "INVALID_SESSION_ID", EXPIRED, ("www-authenticate", "Token"))


def wrong_verb(method: str, allowed: list[str]) -> Refused:
    """Return what is said of a method that the path does not have."""
    names = ", ".join(sorted(allowed))
    return refused(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are {names}")


def wrong_state(message: str) -> Refused:
    """Return what is said of a call that the job's state does not allow."""
    return refused(400, "INVALIDJOBSTATE", message)


def said(refusal: Refused) -> tuple[str, str]:
    """Return code and message of a refusal."""
    [reason] = msgspec.json.decode(refusal.answer.body)
    return reason["errorCode"], reason["message"]
