"""When Bulk API 1.0 is the way: where it is asked for, or what only it can do is."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from orchestrator.job.criteria import DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.providers.salesforce.bulk1.chunking import check_chunking
from orchestrator.providers.salesforce.bulk1.kinds import DEFAULT, ZIP, check_kind

CLASSIC = "1.0"
MODES: Mapping[str, str] = {"parallel": "Parallel", "serial": "Serial"}

Asked = TypeVar("Asked", DownloadCriteria, UploadCriteria)


def choose(criteria: Asked) -> Asked:
    """Return the criteria with 1.0 as their way where nothing else can do what they ask for. Raises Invalid."""
    mode, kind = _mode(criteria.concurrency_mode), _kind(criteria)
    asked: dict[str, object] = {
        "concurrencyMode": mode if mode == "Serial" else None,
        "contentType": kind if kind != DEFAULT else None,
    }
    if isinstance(criteria, DownloadCriteria):
        asked["pkChunking"] = check_chunking(criteria.pk_chunking)
    else:
        asked["groupBy"] = criteria.group_by  # how 2.0 cuts a file, nobody can say
    needed = [name for name, value in asked.items() if value is not None]
    if needed and criteria.bulk_api in (None, "auto"):
        criteria = replace(criteria, bulk_api=CLASSIC)
    if criteria.bulk_api == CLASSIC:
        return replace(criteria, concurrency_mode=mode, content_type=kind)
    if needed:
        advice = f"Ask for bulkApi {CLASSIC}, or leave it out."
        raise Invalid(needed[0], f"does not go with bulkApi {criteria.bulk_api}", advice)
    return criteria


def _kind(criteria: DownloadCriteria | UploadCriteria) -> str:
    """Return the content type; that of a zip where one is handed in."""
    kind = check_kind(criteria.content_type)
    is_zip = isinstance(criteria, UploadCriteria) and criteria.format == "zip"
    if kind.startswith(ZIP) and not is_zip:
        raise Invalid("contentType", f"{kind} needs a zip", "Hand in a zip, with the table in request.txt.")
    return kind if kind.startswith(ZIP) == is_zip else ZIP + kind


def _mode(asked: str | None) -> str | None:
    if asked is None:
        return None
    if asked.lower() not in MODES:
        raise Invalid("concurrencyMode", f"{asked} is unknown", "Use Parallel or Serial.")
    return MODES[asked.lower()]
