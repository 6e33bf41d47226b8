"""One authorized call of a versioned path."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from orchestrator.sandbox.exchange import Request
from orchestrator.sandbox.salesforce.refusals import refused


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Who asks what of which version; `name` is the changing part of the path, `last` its last word in lower case."""

    request: Request
    version: str  # 61.0
    user: str
    name: str = ""
    last: str = ""

    @property
    def number(self) -> float:
        """The version as jobs carry it."""
        return float(self.version)

    @property
    def base(self) -> str:
        """The path that all paths of the version start with."""
        return f"/services/data/v{self.version}"

    def fields(self) -> dict[str, Any]:
        """Return the JSON body; refuses anything else."""
        return decoded(self.request.body)


def decoded(body: bytes) -> dict[str, Any]:
    """Return a JSON object; refuses anything else."""
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise refused(400, "JSON_PARSER_ERROR", str(error)) from error


def stamp(at: int) -> str:
    """Write microseconds since 1970 as job resources write times: milliseconds, an offset without a colon."""
    return f"{_moment(at)}+0000"


def stamp_z(at: int) -> str:
    """Write microseconds since 1970 as CSV results write times: milliseconds and a Z."""
    return f"{_moment(at)}Z"


def _moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000_000, UTC).isoformat(timespec="milliseconds").removesuffix("+00:00")
