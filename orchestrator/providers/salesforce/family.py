"""Salesforce as a family: its defaults, and what can be known of criteria without a call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrator.http.client import VendorClient
from orchestrator.job.criteria import Criteria, DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.step import StepKind, Successor
from orchestrator.providers.provider import Family, ObjectType, Provider
from orchestrator.providers.salesforce import soql
from orchestrator.providers.salesforce.addresses import address
from orchestrator.providers.salesforce.answers import API_REQUESTS, CONCURRENT, later, news, refusal
from orchestrator.providers.salesforce.provider import Salesforce
from orchestrator.providers.salesforce.query import LARGEST_SET, SET_ROWS
from orchestrator.providers.salesforce.settings import check_settings, token_age, token_url

BUILT = ("auto", "2.0")  # ways to read and write that are there


def check_criteria(criteria: Criteria, settings: Mapping[str, Any]) -> Criteria:
    """Return the criteria completed. Makes no call; raises Invalid. Whether an object exists is found out later."""
    if criteria.bulk_api is not None and criteria.bulk_api not in BUILT:
        raise Invalid("bulkApi", f"{criteria.bulk_api} is not built yet", "Use 2.0.", code="not_available_yet")
    return _download(criteria) if isinstance(criteria, DownloadCriteria) else _upload(criteria)


def first_steps(criteria: Criteria, settings: Mapping[str, Any]) -> Sequence[Successor]:
    """Return the step a job starts with: a query is started, an upload is cut into chunks first."""
    if isinstance(criteria, DownloadCriteria):
        return (Successor(kind=StepKind.CREATE, vendor_seq=1),)
    return (Successor(kind=StepKind.SPLIT),)


def objects(settings: Mapping[str, Any]) -> Sequence[ObjectType]:
    """Return none: each org has its own, and only a call can tell them."""
    return ()


def _download(criteria: DownloadCriteria) -> DownloadCriteria:
    for name in criteria.query:
        raise Invalid(f"query.{name}", "a query has no parameters", "Use selectFields, from, to or soql.")
    name = soql.check_object(criteria.object_name) if criteria.soql is None else soql.object_of(criteria.soql)
    for field in criteria.select_fields or ():
        soql.check_field(field, "selectFields")
    if criteria.filter_date_field is not None:
        soql.check_field(criteria.filter_date_field, "filterDateField")
    size = min(criteria.page_size or SET_ROWS, LARGEST_SET)
    return replace(criteria, object_name=name, page_size=size, partitions=1)


def _upload(criteria: UploadCriteria) -> UploadCriteria:
    name = soql.check_object(criteria.object_name)
    key = criteria.external_id_field
    if criteria.type is not None:
        raise Invalid("type", "Salesforce has operations only", "Leave it out.")
    if criteria.operation is Operation.UPSERT and key is None:
        raise Invalid("externalIdField", "is needed by upsert", "Name the external id field, or Id.")
    if criteria.operation is not Operation.UPSERT and key is not None:
        raise Invalid("externalIdField", "belongs to upsert alone", "Leave it out.")
    if key is not None:
        soql.check_field(key, "externalIdField")
    return replace(criteria, object_name=name)


def polls_by_list(criteria: Criteria) -> bool:
    """Return whether the org's list shows of the vendor jobs what is to be known; of Bulk 1.0 it does not."""
    return isinstance(criteria, UploadCriteria) and criteria.bulk_api != "1.0"


def _make(http: VendorClient, settings: Mapping[str, Any]) -> Provider:
    return Salesforce(http, settings)


SALESFORCE = Family(
    name="salesforce",
    default_base_url=None,  # each org has its own
    default_token_url=None,
    default_limits=(API_REQUESTS, CONCURRENT),
    credential_types=frozenset({"bearer", "oauth2_refresh", "oauth2_client", "jwt_bearer"}),
    objects=objects,
    check_settings=check_settings,
    check_criteria=check_criteria,
    first_steps=first_steps,
    news=news,
    refusal=refusal,
    make=_make,
    longest_call=timedelta(seconds=120),  # a PUT of tens of megabytes
    native_upload=True,
    native_query=True,
    later=later,
    token_url=token_url,
    address=address,
    token_age=token_age,
    polls_by_list=polls_by_list,
)
