"""Salesloft as a family: its defaults, and what can be known of criteria without a call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.provider import Family, Provider
from orchestrator.providers.salesloft.answers import POINTS, news, refusal
from orchestrator.providers.salesloft.catalog import OPERATIONS, UPSERT_KEYS, objects, readable, time_field, writable
from orchestrator.providers.salesloft.estimate import estimate, upload_calls
from orchestrator.providers.salesloft.lists import LARGEST_PAGE
from orchestrator.providers.salesloft.provider import Salesloft

OURS = ("page", "per_page", "sort_by", "sort_direction", "include_paging_counts", "limit_paging_counts", "updated_at")


def check_settings(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings as they are: Salesloft has none. Raises Invalid for any that is given."""
    for name in settings:
        raise Invalid(f"settings.{name}", "Salesloft has no such setting", "Leave it out", code="unknown_setting")
    return settings


def check_criteria(criteria: Criteria, settings: Mapping[str, Any]) -> Criteria:
    """Return the criteria completed, in the vendor's spelling. Makes no call; raises Invalid."""
    match criteria:
        case DownloadCriteria():
            return _download(criteria)
        case UploadCriteria():
            return _upload(criteria)


def first_steps(criteria: Criteria, settings: Mapping[str, Any]) -> Sequence[Successor]:
    """Return the step a job starts with: a list is read by one walk, an upload is cut into chunks first."""
    kind = StepKind.FETCH if isinstance(criteria, DownloadCriteria) else StepKind.SPLIT
    return (Successor(kind=kind),)


def _download(criteria: DownloadCriteria) -> DownloadCriteria:
    for name in criteria.query:
        if name.partition("[")[0] in OURS:
            raise Invalid(
                f"query.{name}", "is decided by the walk itself", "Use pageSize, from, to and filterDateField"
            )
    return replace(
        criteria,
        object_name=readable(criteria.object_name).name,
        page_size=min(criteria.page_size or LARGEST_PAGE, LARGEST_PAGE),
        partitions=1,
    )


def _upload(criteria: UploadCriteria) -> UploadCriteria:
    name = writable(criteria.object_name).name
    if criteria.type is None and criteria.operation not in OPERATIONS:
        advice = f"Use {' or '.join(OPERATIONS)}, or name the vendor's own job type in `type`"
        raise Invalid("operation", f"Salesloft's bulk jobs cannot {criteria.operation} a {name}", advice)
    _check_key(name, criteria)
    return replace(criteria, object_name=name, type=criteria.type or f"{name}/{criteria.operation}")


def _check_key(name: str, criteria: UploadCriteria) -> None:
    if criteria.external_id_field is None:
        return
    if criteria.operation != "upsert":
        raise Invalid("externalIdField", "belongs to upsert alone", "Leave it out")
    known = UPSERT_KEYS.get(name)
    if known is not None and criteria.external_id_field not in known:
        raise Invalid("externalIdField", f"a {name} cannot be found by it", f"Use one of {', '.join(known)}")


def _make(http: VendorClient, settings: Mapping[str, Any]) -> Provider:
    return Salesloft(http)


SALESLOFT = Family(
    name="salesloft",
    default_base_url="https://api.salesloft.com",
    default_token_url="https://accounts.salesloft.com/oauth/token",  # noqa: S106 - an address, not a secret
    default_limits=(POINTS,),
    credential_types=frozenset({"bearer", "oauth2_refresh", "oauth2_client"}),  # an API key (ak…) goes as bearer
    objects=objects,
    check_settings=check_settings,
    check_criteria=check_criteria,
    first_steps=first_steps,
    news=news,
    refusal=refusal,
    make=_make,
    native_upload=True,
    estimate=estimate,
    upload_calls=upload_calls,
    time_field=time_field,
)
