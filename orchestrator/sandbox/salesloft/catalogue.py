"""The lists of the v2 API that the sandbox has: what they can be sorted and filtered by.

https://developers.salesloft.com/docs/api/ — the parameters of each list operation. Only people and accounts are filled
with full records; the others have what a walk needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

TIMES = ("created_at", "updated_at")
COLUMNS = {  # sort keys of the vendor that the sandbox keeps in another column
    "added_at": "created_at",
    "due_at": "created_at",
    "due_date": "created_at",
    "last_contacted_at": "updated_at",
    "last_used_at": "updated_at",
    "order": "id",
    "send_time": "created_at",
    "start_time": "created_at",
    "succeeded_at": "created_at",
    "title": "name",
}


class Paging(StrEnum):
    """What a list does without a page number."""

    ALWAYS = "always"  # shows the first page
    WHEN_ASKED = "when asked"  # shows everything, without paging data
    NEVER = "never"  # shows everything, whatever is asked


@dataclass(frozen=True, kw_only=True)
class ListSpec:
    """One list; its first sort key is the default."""

    path: str
    sort_keys: tuple[str, ...] = ("updated_at", "created_at")
    direction: str = "DESC"
    spans: tuple[str, ...] = ()  # filters with gt, gte, lt, lte
    equal: Mapping[str, str] = field(default_factory=dict)  # parameter → field of the record
    unique: tuple[str, ...] = ()  # fields that an upsert looks records up by
    paging: Paging = Paging.ALWAYS

    def column(self, sort_key: str) -> str:
        """Return where the values of a sort key are."""
        return COLUMNS.get(sort_key, sort_key)


PEOPLE = ListSpec(
    path="people",
    sort_keys=("updated_at", "created_at", "last_contacted_at", "name", "title"),
    spans=TIMES,
    equal={"email_addresses": "email_address", "crm_id": "crm_id", "job_seniority": "job_seniority"},
    unique=("email_address", "crm_id"),
)
ACCOUNTS = ListSpec(
    path="accounts",
    sort_keys=("updated_at", "created_at", "last_contacted_at", "name"),
    spans=TIMES,
    equal={"domain": "domain", "crm_id": "crm_id", "name": "name"},
    unique=("domain", "crm_id"),
)
WITH_TIME_FILTER = (
    ListSpec(path="account_stages", sort_keys=("updated_at", "created_at", "order"), spans=("updated_at",)),
    ListSpec(path="actions", spans=("updated_at",)),
    ListSpec(path="activities/calls", spans=TIMES),
    ListSpec(path="activities/emails", sort_keys=("updated_at", "send_time"), spans=("updated_at",)),
    ListSpec(path="cadence_memberships", sort_keys=("updated_at", "added_at"), spans=("updated_at",)),
    ListSpec(path="cadences", sort_keys=("updated_at", "created_at", "name"), spans=("updated_at",)),
    ListSpec(path="call_data_records", spans=TIMES),
    ListSpec(path="crm_activities", spans=("updated_at",)),
    ListSpec(path="email_templates", sort_keys=("updated_at", "created_at", "last_used_at"), spans=("updated_at",)),
    ListSpec(path="notes", spans=("updated_at",)),
    ListSpec(path="successes", sort_keys=("updated_at", "created_at", "succeeded_at"), spans=("updated_at",)),
    ListSpec(path="team_templates", sort_keys=("updated_at", "created_at", "last_used_at"), spans=("updated_at",)),
)
WITHOUT_TIME_FILTER = (
    ListSpec(path="account_tiers", sort_keys=("updated_at", "created_at", "order")),
    ListSpec(path="call_dispositions", sort_keys=("name", "updated_at"), direction="ASC"),
    ListSpec(path="call_sentiments", sort_keys=("name", "updated_at"), direction="ASC"),
    ListSpec(path="crm_users", sort_keys=("id", "updated_at")),
    ListSpec(path="custom_fields", sort_keys=("updated_at", "created_at", "name"), equal={"field_type": "field_type"}),
    ListSpec(path="groups", paging=Paging.NEVER),
    ListSpec(path="imports", sort_keys=("created_at", "updated_at")),
    ListSpec(path="meetings", sort_keys=("start_time", "created_at", "updated_at"), spans=("created_at",)),
    ListSpec(path="person_stages"),
    ListSpec(path="phone_number_assignments"),
    ListSpec(path="steps"),
    ListSpec(path="tags", sort_keys=("name",)),
    ListSpec(path="tasks", sort_keys=("due_date", "due_at"), direction="ASC"),
    ListSpec(path="users", sort_keys=("id", "email", "name"), paging=Paging.WHEN_ASKED),
)
CATALOGUE: Mapping[str, ListSpec] = {
    spec.path: spec for spec in (PEOPLE, ACCOUNTS, *WITH_TIME_FILTER, *WITHOUT_TIME_FILTER)
}
