"""What was asked for: the criteria of a download and the metaData of an upload, after validation.

Both are plain values that turn into JSON and back (`to_json`, `from_json`); the wire shape is in `api/wire.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self


class FileFormat(StrEnum):
    """The format of a result file; the value is its media type."""

    JSONL = "application/jsonl"
    JSON = "application/json"
    CSV = "text/csv"


class Operation(StrEnum):
    """What an upload does to each record at the vendor."""

    INSERT = "insert"
    UPDATE = "update"
    UPSERT = "upsert"
    DELETE = "delete"
    HARD_DELETE = "hardDelete"


GIVE_UP_AFTER = timedelta(hours=24)  # without progress; longer than any vendor's nightly maintenance


def _plain(value: object) -> object:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case _:
            return value


class _Json:
    """Dataclass to JSON-able dict and back; dates as ISO 8601, durations as seconds."""

    def to_json(self) -> dict[str, Any]:
        """Return a JSON-able dict from which `from_json` makes an equal value."""
        return {key: _plain(value) for key, value in asdict(self).items()}  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Make the value again; unknown keys of a newer version are left out."""
        known: dict[str, Any] = {}
        for each in fields(cls):  # type: ignore[arg-type]
            if each.name in data:
                known[each.name] = _revive(str(each.type), data[each.name])
        return cls(**known)


def _revive(kind: str, value: Any) -> Any:
    if value is None:
        return None
    for name, make in _REVIVERS.items():
        if name in kind:
            return make(value)
    return value


_REVIVERS: Mapping[str, Any] = {
    "timedelta": lambda seconds: timedelta(seconds=seconds),  # before datetime, which is the name of its module too
    "datetime": datetime.fromisoformat,
    "FileFormat": FileFormat,
    "Operation": Operation,
    "tuple": tuple,
}


@dataclass(frozen=True, kw_only=True)
class DownloadCriteria(_Json):
    """One download, as asked for; `object_name` is already the provider's own spelling."""

    object_name: str
    format: FileFormat = FileFormat.JSONL
    select_fields: tuple[str, ...] | None = None
    limit: int | None = None  # records
    api_limit: int | None = None  # vendor calls per UTC day
    filter_nulls: bool = False
    from_: datetime | None = None  # inclusive
    to: datetime | None = None  # inclusive
    filter_date_field: str | None = None
    where: str | None = None  # a filter (`ceql/`) that can be read
    continues: int | None = None  # the id of the job whose end this one's beginning is
    known: tuple[int, ...] = ()  # jobs whose records are not stored again while they are as they were; latest first
    id_field: str | None = None  # by which records of `known` are told apart
    mark: datetime | None = None  # up to when all is read once it is COMPLETED; None: as its dates tell
    query: Mapping[str, str] = field(default_factory=dict)
    soql: str | None = None  # the user's own query, sent as it is; `object_name` is then what it reads from
    include_deleted: bool = False
    bulk_api: str | None = None  # the version of the vendor's bulk API; None: the family's choice
    content_type: str | None = None  # of the vendor's own files, where it knows several
    concurrency_mode: str | None = None  # Parallel | Serial
    pk_chunking: Mapping[str, Any] | None = None  # how the vendor splits the query by primary key; {}: as it likes
    page_size: int | None = None  # None: the provider's best
    partitions: int | None = None  # None: auto
    notification_url: str | None = None
    weight: float = 1.0
    auto_restart: bool = True
    give_up_after: timedelta = GIVE_UP_AFTER
    expires_at: datetime | None = None  # from then on the ended job may be forgotten; None: after the retention
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class UploadCriteria(_Json):
    """One upload, as asked for; `format`, `encoding` and the like describe the user's own file."""

    object_name: str
    operation: Operation
    format: str = "csv"  # csv | json | jsonl | zip: a table and the files that it names
    external_id_field: str | None = None
    encoding: str | None = None  # None: guessed
    column_delimiter: str = ","
    mapping: Mapping[str, str | None] = field(default_factory=dict)
    type: str | None = None  # Salesloft job type; None: objectName/operation
    blanks: str = "ignore"  # ignore | clear
    assignment_rule_id: str | None = None  # the vendor's rule that says whose the new records are
    bulk_api: str | None = None
    content_type: str | None = None  # of what is sent, where the vendor knows several
    concurrency_mode: str | None = None  # Parallel | Serial
    group_by: str | None = None  # the field whose rows of one value go into one batch
    on_ambiguous: str | None = None  # at_most_once | at_least_once; None: by the operation
    notification_url: str | None = None
    api_limit: int | None = None
    max_errors: int | None = None
    max_error_rate: float | None = None
    weight: float = 1.0
    auto_restart: bool = True
    give_up_after: timedelta = GIVE_UP_AFTER
    expires_at: datetime | None = None  # from then on the ended job may be forgotten; None: after the retention
    name: str | None = None
    callback_payload: Any = None


Criteria = DownloadCriteria | UploadCriteria
