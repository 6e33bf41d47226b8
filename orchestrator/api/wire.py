"""The bodies that our API takes, as pydantic models: names, types, ranges. Meaning is checked where they are used."""

from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StrictBool, StrictStr

from orchestrator.api.strict import Strict
from orchestrator.job.schedule import CatchUp, Overlap

LARGEST = 2**31 - 1  # what an INTEGER column of PostgreSQL holds


def _named(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("must be a number")  # noqa: TRY004 - pydantic turns only ValueError into an answer
    return value


def _moment(value: Any) -> Any:
    if not isinstance(value, str):
        raise ValueError("must be a date or a date and time in ISO 8601")  # noqa: TRY004 - see above
    return value


def _start(value: Any) -> datetime:
    return _aware(datetime.fromisoformat(_moment(value)))


def _end(value: Any) -> datetime:
    moment = datetime.fromisoformat(_moment(value))
    bare = len(value.strip()) <= len("2025-02-01")
    return _aware(datetime.combine(moment.date(), time.max) if bare else moment)


def _aware(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be between the years 1 and 9999 in UTC") from None


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("must be an http or https address without user and password")
    return value


def _texts(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: _plain(each) for key, each in value.items()}


def _plain(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise ValueError("values must be text, numbers or booleans")


Count = Annotated[int, BeforeValidator(_number), Field(ge=1, le=LARGEST)]
ManyRows = Annotated[int, BeforeValidator(_number), Field(ge=1, le=2**53)]
NotNegative = Annotated[int, BeforeValidator(_number), Field(ge=0, le=LARGEST)]
Share = Annotated[float, BeforeValidator(_number), Field(ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, BeforeValidator(_number), Field(gt=0, le=1000, allow_inf_nan=False)]
Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Text = Annotated[StrictStr, Field(min_length=1, max_length=1000)]
ConnectionName = Annotated[Name, BeforeValidator(_named)]  # or its instanceId, number or text
WebAddress = Annotated[StrictStr, Field(max_length=2000), AfterValidator(_web_address)]
Patience = Annotated[timedelta, Field(gt=timedelta(0), le=timedelta(days=365))]  # seconds, or ISO 8601 "PT24H"
BulkApi = Literal["auto", "rest", "1.0", "2.0"]
Soql = Annotated[StrictStr, Field(min_length=1, max_length=100_000)]
Where = Annotated[StrictStr, Field(min_length=1)]  # how much longer is for the filter's own parser to say
Parameters = Annotated[dict[str, str], BeforeValidator(_texts)]


class DownloadBody(Strict):
    """Criteria of a download."""

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            "docsHubDetails",
        }
    )

    connection: ConnectionName | None = None  # needed, but to go on from another job
    object_name: Name | None = None  # needed, but for `soql`, and to go on from another job
    continue_from_job_id: Annotated[str, BeforeValidator(_named), Field(pattern=r"^[1-9]\d{0,17}$")] | None = None
    soql: Soql | None = None
    include_deleted: StrictBool = False
    bulk_api: BulkApi | None = None
    content_type: Name | None = None
    concurrency_mode: Name | None = None
    pk_chunking: Parameters | None = None
    format: StrictStr = "jsonl"
    select_fields: Annotated[StrictStr, Field(max_length=100_000)] | None = None
    limit: ManyRows | None = None
    api_limit: Count | None = None
    filter_nulls: StrictBool = False
    from_: Annotated[datetime, BeforeValidator(_start)] | None = Field(None, validation_alias="from")
    to: Annotated[datetime, BeforeValidator(_end)] | None = None
    filter_date_field: Name | None = None
    where: Where | None = None
    query: Parameters = Field(default_factory=dict)
    page_size: Count | None = None
    partitions: Literal["auto"] | Annotated[int, BeforeValidator(_number), Field(ge=1, le=256)] = "auto"
    notification_url: WebAddress | None = None
    weight: Weight = 1.0
    auto_restart: StrictBool = True
    give_up_after: Patience | None = None
    expires_at: Annotated[datetime, BeforeValidator(_start)] | None = None
    name: Name | None = None


class UploadBody(Strict):
    """metaData of an upload."""

    LATER: ClassVar[frozenset[str]] = frozenset(
        {
            "source",
        }
    )

    connection: ConnectionName
    object_name: Name
    operation: Literal["insert", "update", "upsert", "delete", "hardDelete"]
    external_id_field: Name | None = Field(
        None, validation_alias=AliasChoices("externalIdField", "externalIdFieldName")
    )
    format: StrictStr | None = None
    encoding: Name | None = None
    column_delimiter: Literal["COMMA", "TAB", "PIPE", "SEMICOLON", "CARET", "BACKQUOTE"] | None = None  # None: guessed
    line_ending: Literal["LF", "CRLF"] | None = None  # both are understood; said for Bulk v3's sake
    mapping: dict[Name, Name | None] = Field(default_factory=dict)
    blanks: Literal["ignore", "clear"] = "ignore"
    bulk_api: BulkApi | None = None
    content_type: Name | None = None
    concurrency_mode: Name | None = None
    assignment_rule_id: Annotated[StrictStr, Field(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")] | None = None
    group_by: Name | None = None
    on_ambiguous: Literal["at_most_once", "at_least_once"] | None = None
    type: Text | None = None
    notification_url: WebAddress | None = None
    api_limit: Count | None = None
    max_errors: NotNegative | None = None
    max_error_rate: Share | None = None
    weight: Weight = 1.0
    auto_restart: StrictBool = True
    give_up_after: Patience | None = None
    expires_at: Annotated[datetime, BeforeValidator(_start)] | None = None
    name: Name | None = None
    callback_payload: Any = Field(None, validation_alias="callback-payload")


class RestartBody(Strict):
    """What a restart may change."""

    api_limit: Count | None = None


class RowsBody(Strict):
    """An upload without its file: what so many rows would cost."""

    meta_data: dict[str, Any]
    rows: ManyRows


class RetryBody(Strict):
    """Which rows are sent again."""

    only: Literal["transient", "failed", "unprocessed"] = "failed"


class ConnectionBody(Strict):
    """A new connection; credentials, settings and limits are checked by their provider's rules."""

    name: Annotated[StrictStr, Field(min_length=1, max_length=100, pattern=r"^[\w][\w .-]*$")]
    provider: Name
    base_url: Annotated[StrictStr, Field(max_length=2000)] | None = Field(
        None, validation_alias=AliasChoices("baseUrl", "apiUrl")
    )
    credentials: dict[str, Any]
    budget: Name | None = None
    limits: list[Any] | None = None
    reserve: Any = None
    settings: dict[str, Any] = Field(default_factory=dict)


class ConnectionChangeBody(Strict):
    """What shall be other than it is; whatever is not named stays."""

    base_url: Annotated[StrictStr, Field(max_length=2000)] | None = Field(
        None, validation_alias=AliasChoices("baseUrl", "apiUrl")
    )
    credentials: dict[str, Any] | None = None
    settings: dict[str, Any] | None = None
    limits: list[Any] | None = None
    reserve: Any = None


class TenantBody(Strict):
    """What a tenant sets for itself."""

    notification_url: WebAddress | None


class WebhookSecretBody(Strict):
    """How long the old secret signs beside the new one."""

    overlap_seconds: Annotated[timedelta, Field(ge=timedelta(0), le=timedelta(days=30))] = timedelta(days=1)


class VendorJobBody(Strict):
    """What a job at the provider shall be set to, in the provider's own word."""

    state: Text


class ScheduleBody(Strict):
    """A job that starts again and again."""

    LATER: ClassVar[frozenset[str]] = frozenset({"metaData"})

    name: Annotated[StrictStr, Field(min_length=1, max_length=100, pattern=r"^[\w][\w .-]*$")]
    cron: Text | None = None
    every_seconds: Count | None = None
    timezone: Annotated[StrictStr, Field(min_length=1, max_length=60)] = "UTC"
    direction: Literal["DOWNLOAD", "UPLOAD"] = "DOWNLOAD"
    criteria: dict[str, Any]
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.ONE
    continue_from_last: StrictBool = False
    notification_url: WebAddress | None = None
    enabled: StrictBool = True


class ScheduleChanges(Strict):
    """What is to be different in a schedule; what is absent stays."""

    LATER: ClassVar[frozenset[str]] = frozenset({"metaData"})

    cron: Text | None = None
    every_seconds: Count | None = None
    timezone: Annotated[StrictStr, Field(min_length=1, max_length=60)] | None = None
    criteria: dict[str, Any] | None = None
    overlap: Overlap | None = None
    catch_up: CatchUp | None = None
    continue_from_last: StrictBool | None = None
    notification_url: WebAddress | None = None  # null: none of its own
    enabled: StrictBool | None = None
