"""Submit: a checked wish becomes a job with its first steps, in one transaction."""

from collections.abc import Mapping
from typing import Any

from orchestrator.job.criteria import Criteria, UploadCriteria
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
    checked = family.check_criteria(criteria, connection.settings)
    uploads = isinstance(checked, UploadCriteria)
    named = resolve(family.objects(connection.settings), checked.object_name)
    return NewJob(
        tenant_id=connection.tenant_id,
        connection_id=connection.id,
        budget_id=connection.budget_id,
        provider=family.name,
        direction=Direction.UPLOAD if uploads else Direction.DOWNLOAD,
        object_name=named.name,
        criteria=checked,
        request=request,
        first_steps=family.first_steps(checked, connection.settings),
        api_limit=checked.api_limit,
        weight=checked.weight,
        auto_restart=checked.auto_restart,
        give_up_after=checked.give_up_after,
        native=uploads and family.native_upload,
    )
