"""What a look at a connection finds out."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What the vendor says is left of one of its limits."""

    name: str
    limit: float
    remaining: float


@dataclass(frozen=True, kw_only=True)
class Check:
    """What one cheap real call found out about a connection."""

    ok: bool
    message: str
    account: str | None = None  # team or org
    user: str | None = None
    environment: str | None = None  # production | sandbox
    allowances: Sequence[Allowance] = ()  # by whomever they are used
