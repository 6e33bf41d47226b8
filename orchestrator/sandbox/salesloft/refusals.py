"""The vendor's refusals: `error` with a sentence, `errors` with lists of them by field."""

from orchestrator.sandbox.exchange import Refused, as_json


def unprocessable(field: str, message: str, status: int = 422) -> Refused:
    """Return a validation error."""
    return Refused(as_json({"errors": {field: [message]}}, status))


def missing() -> Refused:
    """Return what is said of an unknown id, and of one outside the caller's visibility."""
    return Refused(as_json({"error": "Resource not found"}, 404))


def unauthorized(sentence: str) -> Refused:
    """Return what is said to a caller without a good token."""
    return Refused(as_json({"error": sentence}, 401))
