"""The lists of the v2 API that the sandbox has: their sort keys and filters.

https://developers.salesloft.com/docs/api/ — the parameters of each list operation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

BY_TIME = ("created_at", "updated_at")
BY_NAME = (*BY_TIME, "name")


@dataclass(frozen=True, kw_only=True)
class ListSpec:
    """One list: what it can be sorted and filtered by."""

    path: str
    sort_keys: tuple[str, ...] = BY_TIME
    default_sort: str = "updated_at"
    default_direction: str = "DESC"
    spans: tuple[str, ...] = ()  # filters with gt, gte, lt, lte
    equal: Mapping[str, str] = field(default_factory=dict)  # parameter → field of the record
    unique: tuple[str, ...] = ()
    whole_without_page: bool = False


CATALOGUE: Mapping[str, ListSpec] = {
    spec.path: spec
    for spec in (
        ListSpec(
            path="people",
            sort_keys=BY_NAME,
            spans=BY_TIME,
            equal={"email_addresses": "email_address", "crm_id": "crm_id", "job_seniority": "job_seniority"},
            unique=("email_address", "crm_id"),
        ),
        ListSpec(
            path="accounts",
            sort_keys=BY_NAME,
            spans=BY_TIME,
            equal={"domain": "domain", "crm_id": "crm_id", "name": "name"},
            unique=("domain", "crm_id"),
        ),
        ListSpec(
            path="users",
            sort_keys=("id", "name", "email"),
            default_sort="id",
            default_direction="ASC",
            whole_without_page=True,
        ),
        ListSpec(path="cadences", sort_keys=BY_NAME, spans=("updated_at",)),
        ListSpec(path="cadence_memberships", spans=("updated_at",)),
        ListSpec(path="notes", spans=("updated_at",)),
        ListSpec(path="tasks", spans=("updated_at",)),
        ListSpec(path="email_templates", spans=("updated_at",)),
        ListSpec(path="activities/calls", spans=BY_TIME),
        ListSpec(path="activities/emails", spans=("updated_at",)),
        ListSpec(path="custom_fields", equal={"field_type": "field_type"}),
        ListSpec(path="person_stages"),
        ListSpec(path="account_stages"),
        ListSpec(path="tags", sort_keys=("name",), default_sort="name", default_direction="ASC"),
    )
}
