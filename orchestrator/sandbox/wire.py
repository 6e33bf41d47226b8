"""What the control plane takes; a misspelled name is refused, so that no rehearsal runs without its fault."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.sandbox.faults import Fault, Match, Moment


class Strict(BaseModel):
    """A body without unknown fields."""

    model_config = ConfigDict(extra="forbid")


class MatchBody(Strict):
    """Which requests."""

    method: str | None = None
    path: str | None = Field(default=None, description="regular expression, searched in path and query as sent")
    token: str | None = None

    def match(self) -> Match:
        """Return it as the sandbox knows it."""
        return Match(**self.model_dump())


class FaultBody(Strict):
    """What goes wrong; see `orchestrator/sandbox/faults.py` for each field."""

    delay: float = 0.0
    cut: Moment | None = None
    status: int | None = Field(default=None, ge=200, le=599)
    when: Literal[Moment.BEFORE, Moment.AFTER] = Moment.BEFORE
    retry_after: str | int | None = None
    body: str | None = None
    media: str | None = None
    headers: dict[str, str] = {}
    eat: int = 0
    ignore_filters: bool = False
    overlap: int = 0
    drop_rows: int = 0
    miscount: int = 0
    state_word: str | None = None
    retrying: int = 0

    def fault(self) -> Fault:
        """Return it as the sandbox knows it."""
        pause = None if self.retry_after is None else str(self.retry_after)
        return Fault(**self.model_dump() | {"retry_after": pause})


class OrderBody(Strict):
    """A fault on order."""

    match: MatchBody = MatchBody()
    fault: FaultBody
    times: int | None = Field(default=1, ge=1, description="null: for ever")
    after: int = Field(default=0, ge=0, description="matching requests that pass first")


class ClockBody(Strict):
    """Time, told."""

    advance: float = Field(default=0.0, ge=0, description="seconds")
    told: bool | None = Field(default=None, description="true: time stands until it is advanced")


class SeedBody(Strict):
    """More records in Salesloft's lists."""

    lists: dict[str, int] = Field(default={}, description="list → how many more")
    ties: int = Field(default=1, ge=1, description="records that share one updated_at")
    records: dict[str, list[dict[str, Any]]] = Field(default={}, description="list → whole records")


class OrgBody(Strict):
    """More in Salesforce: records, and jobs of other integrations."""

    objects: dict[str, int] = Field(default={}, description="object → how many more")
    records: dict[str, list[dict[str, Any]]] = Field(default={}, description="object → whole records")
    jobs: list[dict[str, Any]] = Field(default=[], description="JobInfo fields, `user` (empty: ours), `age` in seconds")


class TokenBody(Strict):
    """Who may call."""

    vendor: Literal["salesloft", "salesforce"] = "salesloft"
    user: str = Field(default="", description="Salesforce: whose token is added; empty: the integration's user")
    add: str | None = None
    revoke: str | None = Field(default=None, description="a token, or `*` for all that were given out")
    revoke_refresh: bool = False


class SpendBody(Strict):
    """What another integration spends."""

    vendor: Literal["salesloft", "salesforce", "rest"] = "salesloft"
    points: int = Field(ge=0)


class ResourceBody(Strict):
    """One more list of the generic REST vendor."""

    name: str
    key: str | None = "data"
    total: str | None = None
    next_key: str | None = None
    link_header: bool = False
