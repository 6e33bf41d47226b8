"""Salesloft's lists and bulk objects: what they are called, where they are, how they can be walked.

Taken from the vendor's description of API v2. A list is walked by `updated_at` where it knows that filter, else by page
number, sorted by a key that records added in the meantime do not disturb, where it has one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.providers.objects import resolve
from orchestrator.providers.schema import ObjectType


@dataclass(frozen=True, kw_only=True)
class ListType:
    """A list of API v2."""

    path: str
    by_time: bool  # it knows `updated_at[gt]`
    sort_by: str | None = None  # of a walk by page numbers; None: the list has no key that stands still


UPSERT_KEYS: Mapping[str, tuple[str, ...]] = {
    "person": ("id", "crm_id", "email_address"),
    "account": ("id", "crm_id", "domain"),
}
OPERATIONS = ("upsert",)  # of the job types that are documented: person/upsert, crm_share/upsert; by analogy, accounts

_TIMED: tuple[tuple[str, str, str, str], ...] = (
    # name, label, plural, path
    ("person", "Person", "people", "people"),
    ("account", "Account", "accounts", "accounts"),
    ("action", "Action", "actions", "actions"),
    ("cadence", "Cadence", "cadences", "cadences"),
    ("cadence_membership", "Cadence membership", "cadence_memberships", "cadence_memberships"),
    ("call", "Call", "calls", "activities/calls"),
    ("call_data_record", "Call data record", "call_data_records", "call_data_records"),
    ("crm_activity", "CRM activity", "crm_activities", "crm_activities"),
    ("email", "Email", "emails", "activities/emails"),
    ("email_template", "Email template", "email_templates", "email_templates"),
    ("note", "Note", "notes", "notes"),
    ("success", "Success", "successes", "successes"),
    ("team_template", "Team template", "team_templates", "team_templates"),
)
_NUMBERED: tuple[tuple[str, str, str, str | None], ...] = (
    # name, label, plural (and path), sort key
    ("account_stage", "Account stage", "account_stages", "created_at"),  # knows updated_at, but has a page or two
    ("account_tier", "Account tier", "account_tiers", "created_at"),
    ("call_disposition", "Call disposition", "call_dispositions", "name"),
    ("call_sentiment", "Call sentiment", "call_sentiments", "name"),
    ("crm_user", "CRM user", "crm_users", "id"),
    ("custom_field", "Custom field", "custom_fields", "created_at"),
    ("group", "Group", "groups", "created_at"),
    ("import", "Import", "imports", "created_at"),
    ("meeting", "Meeting", "meetings", "created_at"),
    ("person_stage", "Person stage", "person_stages", "created_at"),
    ("phone_number_assignment", "Phone number assignment", "phone_number_assignments", "created_at"),
    ("step", "Step", "steps", "created_at"),
    ("tag", "Tag", "tags", "name"),
    ("task", "Task", "tasks", None),
    ("user", "User", "users", "id"),
)
_WRITTEN = (("crm_share", "CRM share", "crm_shares"),)  # by bulk jobs alone
WRITABLE = frozenset({"person", "account", "crm_share"})

LISTS: Mapping[str, ListType] = {
    **{name: ListType(path=f"/v2/{path}.json", by_time=True) for name, _, _, path in _TIMED},
    **{name: ListType(path=f"/v2/{path}.json", by_time=False, sort_by=sort) for name, _, path, sort in _NUMBERED},
}
OBJECTS = tuple(
    ObjectType(name=name, label=label, plural=plural, readable=name in LISTS, writable=name in WRITABLE)
    for name, label, plural in sorted([*(row[:3] for row in _TIMED), *(row[:3] for row in _NUMBERED), *_WRITTEN])
)


def objects(settings: Mapping[str, Any]) -> tuple[ObjectType, ...]:
    """Return what can be read or written; the same for every connection."""
    return OBJECTS


def time_field(name: str, settings: Mapping[str, Any]) -> str | None:
    """Return the field that tells when a record changed, where the vendor can filter by it."""
    return "updated_at" if LISTS[name].by_time else None


def readable(wanted: str) -> ObjectType:
    """Return the object that can be downloaded under this name; raises Invalid."""
    return resolve([each for each in OBJECTS if each.readable], wanted)


def writable(wanted: str) -> ObjectType:
    """Return the object that bulk jobs can write under this name; raises Invalid."""
    return resolve([each for each in OBJECTS if each.writable], wanted)
