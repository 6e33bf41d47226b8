"""Everything that can go wrong, grouped by what to do about it.

OrchestratorError
├── Unreachable      the provider gave no usable answer        try again soon
├── Throttled        the provider, or our limit, said later    try again when it says
│   ├── AddressMoved the account lives elsewhere now            at once, there
│   └── ApiLimitUsed the job's calls of today are used up       when the day turns
├── Rejected         the provider said never                   stop, tell a person
│   ├── Gone         it has no such thing (any more)           stop, or ask for it anew
│   └── Unauthorized the credentials are no longer good        reauthorize
├── Misbehaved       the provider broke its own contract       stop, tell a person
├── Fenced           another worker holds the step now         drop it, that worker won
├── IllegalMove      our own mistake                           crash loudly
├── Invalid          the user's input cannot be taken          422 with field and advice
├── Missing          there is no such thing for this tenant    404
└── Conflict         the thing is in no state for that         409
"""

from datetime import timedelta
from enum import StrEnum

from orchestrator.job.status import JobStatus, WaitReason


class Retry(StrEnum):
    """When the same thing may be tried again."""

    SOON = "soon"
    WHEN_TOLD = "when_told"
    NEVER = "never"


class OrchestratorError(Exception):
    """The root of all errors that Bulkhead raises on purpose."""

    retry = Retry.NEVER
    code = "internal"


class Unreachable(OrchestratorError):
    """The provider gave no usable answer: a broken connection, a time-out, a 5xx, a body that is not what it says.

    `maybe_done` is False only when the request certainly never took effect (it was not sent).
    """

    retry = Retry.SOON
    code = "unreachable"

    def __init__(self, provider: str, cause: str, *, maybe_done: bool = True, pause: timedelta | None = None) -> None:
        super().__init__(f"{provider} gave no usable answer: {cause}")
        self.provider = provider
        self.cause = cause
        self.maybe_done = maybe_done
        self.pause = pause


class Throttled(OrchestratorError):
    """The provider, or our own limit for it, asked for a pause; the request had no effect."""

    retry = Retry.WHEN_TOLD
    code = "throttled"

    def __init__(
        self, provider: str, pause: timedelta, *, reason: WaitReason = WaitReason.RETRY_AFTER, limit: str = ""
    ) -> None:
        super().__init__(f"{provider} asked for a pause of {pause.total_seconds():g} s ({reason})")
        self.provider = provider
        self.pause = pause
        self.reason = reason
        self.limit = limit


class AddressMoved(Throttled):
    """The account lives at another address than this turn speaks to; nothing was sent."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider, timedelta(0), reason=WaitReason.TOKEN_REFRESH)


class ApiLimitUsed(Throttled):
    """The job's own `apiLimit` has no call left to reserve; nothing was sent."""

    code = "api_limit"

    def __init__(self, provider: str) -> None:
        super().__init__(provider, timedelta(seconds=1), reason=WaitReason.API_LIMIT, limit="apiLimit")


class Rejected(OrchestratorError):
    """The provider refused the request for good; `text` is the vendor's own words, without secrets."""

    code = "vendor_rejected"

    def __init__(self, provider: str, status: int, text: str) -> None:
        super().__init__(f"{provider} refused with {status}: {text}")
        self.provider = provider
        self.status = status
        self.text = text


class Gone(Rejected):
    """The provider has no such thing, has it no more, or does not show it to this user; they look the same."""

    code = "vendor_gone"


class Unauthorized(Rejected):
    """The credentials are no longer accepted and cannot be refreshed; a person must authorize again."""

    code = "reauthorize"


class Misbehaved(OrchestratorError):
    """The provider broke its own contract, for instance a cursor that does not advance."""

    code = "vendor_misbehaved"

    def __init__(self, provider: str, what: str) -> None:
        super().__init__(f"{provider} broke its own contract: {what}")
        self.provider = provider
        self.what = what


class Fenced(OrchestratorError):
    """Another worker holds the step now, or the job was stopped; nothing was committed."""

    code = "fenced"

    def __init__(self, step_id: int, epoch: int) -> None:
        super().__init__(f"step {step_id} is no longer held under epoch {epoch}")
        self.step_id = step_id
        self.epoch = epoch


class IllegalMove(OrchestratorError):
    """A move that is not in the table of statuses: a mistake of ours."""

    code = "illegal_move"

    def __init__(self, job_id: int, source: JobStatus, target: JobStatus) -> None:
        super().__init__(f"job {job_id} cannot move from {source} to {target}")
        self.job_id = job_id
        self.source = source
        self.target = target


class Invalid(OrchestratorError):
    """The user's input cannot be taken; `advice` says what to do."""

    code = "invalid"

    def __init__(self, field: str, problem: str, advice: str = "", *, code: str = "invalid") -> None:
        super().__init__(f"{field}: {problem}. {advice}".strip())
        self.field = field
        self.problem = problem
        self.advice = advice
        self.code = code


class Missing(OrchestratorError):
    """There is no such thing, or it belongs to somebody else; the two look the same on purpose."""

    code = "not_found"

    def __init__(self, kind: str, name: object) -> None:
        super().__init__(f"there is no {kind} {name}")
        self.kind = kind
        self.name = name


class Conflict(OrchestratorError):
    """The thing exists but is in no state for that."""

    code = "conflict"

    def __init__(self, problem: str, advice: str = "", *, code: str = "conflict") -> None:
        super().__init__(f"{problem}. {advice}".strip())
        self.problem = problem
        self.advice = advice
        self.code = code
