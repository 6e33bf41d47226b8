"""Salesloft's lists and bulk objects: what they are called, where they are, how they can be walked.

Taken from the vendor's description of API v2. A list is walked by `updated_at` where it knows that filter, else by page
number, sorted by a key that records added in the meantime do not disturb, where it has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.job.errors import Invalid
from orchestrator.providers.objects import resolve
from orchestrator.providers.provider import ObjectType


@dataclass(frozen=True, kw_only=True)
class ListType:
    """A list of API v2."""

    path: str
    by_time: bool  # it knows `updated_at[gt]`
    sort_by: str | None = "created_at"  # of a walk by page numbers; None: it has no key that stands still


UPSERT_KEYS: Mapping[str, tuple[str, ...]] = {
    "person": ("id", "crm_id", "email_address"),
    "account": ("id", "crm_id", "domain"),
}
OPERATIONS = ("upsert",)  # of the job types that are documented: person/upsert, crm_share/upsert; by analogy, accounts

_ROWS: tuple[tuple[str, str, str, ListType | None], ...] = (
    # name, label, plural, list (None: write only)
    ("person", "Person", "people", ListType(path="/v2/people.json", by_time=True)),
    ("account", "Account", "accounts", ListType(path="/v2/accounts.json", by_time=True)),
    ("crm_share", "CRM share", "crm_shares", None),
    ("user", "User", "users", ListType(path="/v2/users.json", by_time=False, sort_by="id")),
    ("cadence", "Cadence", "cadences", ListType(path="/v2/cadences.json", by_time=True)),
    (
        "cadence_membership",
        "Cadence membership",
        "cadence_memberships",
        ListType(path="/v2/cadence_memberships.json", by_time=True),
    ),
    ("step", "Step", "steps", ListType(path="/v2/steps.json", by_time=False)),
    ("action", "Action", "actions", ListType(path="/v2/actions.json", by_time=True)),
    ("call", "Call", "calls", ListType(path="/v2/activities/calls.json", by_time=True)),
    ("email", "Email", "emails", ListType(path="/v2/activities/emails.json", by_time=True)),
    (
        "call_data_record",
        "Call data record",
        "call_data_records",
        ListType(path="/v2/call_data_records.json", by_time=True),
    ),
    ("call_disposition", "Call disposition", "call_dispositions", ListType(path="/v2/call_dispositions.json", by_time=False, sort_by="name")),
    ("call_sentiment", "Call sentiment", "call_sentiments", ListType(path="/v2/call_sentiments.json", by_time=False, sort_by="name")),
    ("crm_activity", "CRM activity", "crm_activities", ListType(path="/v2/crm_activities.json", by_time=True)),
    ("crm_user", "CRM user", "crm_users", ListType(path="/v2/crm_users.json", by_time=False, sort_by="id")),
    ("custom_field", "Custom field", "custom_fields", ListType(path="/v2/custom_fields.json", by_time=False)),
    ("email_template", "Email template", "email_templates", ListType(path="/v2/email_templates.json", by_time=True)),
    ("team_template", "Team template", "team_templates", ListType(path="/v2/team_templates.json", by_time=True)),
    ("group", "Group", "groups", ListType(path="/v2/groups.json", by_time=False)),
    ("import", "Import", "imports", ListType(path="/v2/imports.json", by_time=False)),
    ("meeting", "Meeting", "meetings", ListType(path="/v2/meetings.json", by_time=False)),
    ("note", "Note", "notes", ListType(path="/v2/notes.json", by_time=True)),
    ("person_stage", "Person stage", "person_stages", ListType(path="/v2/person_stages.json", by_time=False)),
    ("account_stage", "Account stage", "account_stages", ListType(path="/v2/account_stages.json", by_time=True)),
    ("account_tier", "Account tier", "account_tiers", ListType(path="/v2/account_tiers.json", by_time=False)),
    ("phone_number_assignment", "Phone number assignment", "phone_number_assignments", ListType(path="/v2/phone_number_assignments.json", by_time=False)),
    ("success", "Success", "successes", ListType(path="/v2/successes.json", by_time=True)),
    ("tag", "Tag", "tags", ListType(path="/v2/tags.json", by_time=False, sort_by="name")),
    ("task", "Task", "tasks", ListType(path="/v2/tasks.json", by_time=False, sort_by=None)),
)
WRITABLE = frozenset({"person", "account", "crm_share"})

LISTS: Mapping[str, ListType] = {name: found for name, _, _, found in _ROWS if found is not None}
OBJECTS = tuple(
    ObjectType(name=name, label=label, plural=plural, readable=name in LISTS, writable=name in WRITABLE)
    for name, label, plural, _ in _ROWS
)


def objects(settings: Mapping[str, Any]) -> tuple[ObjectType, ...]:
    """Return what can be read or written; the same for every connection."""
    return OBJECTS


def readable(wanted: str) -> ObjectType:
    """Return the object that can be downloaded under this name; raises Invalid."""
    return resolve([each for each in OBJECTS if each.readable], wanted)


def writable(wanted: str) -> ObjectType:
    """Return the object that bulk jobs can write under this name; raises Invalid."""
    return resolve([each for each in OBJECTS if each.writable], wanted)
