"""Submit: a checked wish becomes a job with its first steps, in one transaction."""

from collections.abc import Mapping
from typing import Any

from orchestrator.job.criteria import Criteria, DownloadCriteria, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.status import Direction
from orchestrator.providers.objects import resolve
from orchestrator.providers.provider import Family
from orchestrator.store.connections import Connection
from orchestrator.store.jobs import NewJob


def new_job(
    family: Family,
    connection: Connection,
    criteria: Criteria,
    request: Mapping[str, Any],
) -> NewJob:
    """Return the job to be stored; makes no call. Raises Invalid for what the provider cannot do."""
    _check_bulk_api(family, criteria)
    checked = family.check_criteria(criteria, connection.settings)
    uploads = isinstance(checked, UploadCriteria)
    objects = family.objects(connection.settings)
    name = resolve(objects, checked.object_name).name if objects else checked.object_name
    return NewJob(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        budget_id=connection.budget_id,
        provider=family.name,
        direction=Direction.UPLOAD if uploads else Direction.DOWNLOAD,
        object_name=name,
        criteria=checked,
        request=request,
        first_steps=family.first_steps(checked, connection.settings),
        api_limit=checked.api_limit,
        weight=checked.weight,
        auto_restart=checked.auto_restart,
        give_up_after=checked.give_up_after,
        native=family.native_upload if uploads else family.native_query and checked.bulk_api != "rest",
    )


def _check_bulk_api(family: Family, criteria: Criteria) -> None:
    """Refuse what only a vendor that runs queries as jobs can be asked for."""
    if family.native_query:
        return
    asked: dict[str, object] = {
        "bulkApi": criteria.bulk_api,
        "contentType": criteria.content_type,
        "concurrencyMode": criteria.concurrency_mode,
    }
    if isinstance(criteria, DownloadCriteria):
        asked["pkChunking"] = criteria.pk_chunking
        asked |= {"soql": criteria.soql, "includeDeleted": criteria.include_deleted or None}
    else:
        asked |= {"assignmentRuleId": criteria.assignment_rule_id, "groupBy": criteria.group_by}
        if criteria.format == "zip":
            raise Invalid("format", f"{family.name} takes no files", "Send a table: csv, json or jsonl.")
    for name, given in asked.items():
        if given is not None:
            raise Invalid(name, f"{family.name} has no bulk queries", "Leave it out.")
