"""What objects there are, their fields, and how they are described."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SYSTEM = ("Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "SystemModstamp")
ID, IS_DELETED, CREATED, CREATED_BY, MODIFIED, MODSTAMP = range(len(SYSTEM))
NUMBERS = frozenset({"double", "int", "currency", "percent"})
COMPOUND = frozenset({"address", "location"})


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field; `external` ones find records, `unique` ones hold each value once."""

    name: str
    type: str = "string"
    length: int = 255
    required: bool = False
    writable: bool = True
    external: bool = False
    unique: bool = False
    default: str | None = None
    to: tuple[str, ...] = ()  # what a reference points to
    relationship: str | None = None

    def described(self) -> dict[str, Any]:
        """The field as a describe shows it."""
        custom, is_id = self.name.endswith("__c"), self.type == "id"
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": 18 if is_id or self.to else (self.length if self.type not in NUMBERS else 0),
            "nillable": not self.required and not is_id,
            "createable": self.writable,
            "updateable": self.writable,
            "custom": custom,
            "externalId": self.external and custom,
            "idLookup": self.external or is_id,
            "unique": self.unique,
            "defaultedOnCreate": self.default is not None or self.name in SYSTEM,
            "calculated": False,
            "filterable": self.type not in ("textarea", *COMPOUND),
            "sortable": self.type not in ("textarea", *COMPOUND),
            "referenceTo": list(self.to),
            "relationshipName": self.relationship,
        }


@dataclass(frozen=True, kw_only=True)
class SObject:
    """One object; `bulk` False: Bulk refuses it, plain REST does not. `kept` False: its records are forgotten."""

    name: str
    prefix: str
    own: tuple[Field, ...]
    bulk: bool = True
    kept: bool = True

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """All fields, in the order of a record's values."""
        return (*_system(), *self.own)

    @cached_property
    def columns(self) -> Mapping[str, int]:
        """Where each field is in a record, by its name in lower case."""
        return {field.name.lower(): column for column, field in enumerate(self.fields)}

    @cached_property
    def parents(self) -> Mapping[str, int]:
        """Where each reference is in a record, by the name of its relationship in lower case."""
        return {f.relationship.lower(): column for column, f in enumerate(self.fields) if f.relationship}

    def brief(self, base: str) -> dict[str, Any]:
        """The object as the list of objects shows it."""
        path = f"{base}/sobjects/{self.name}"
        flags = dict.fromkeys(("createable", "updateable", "deletable", "queryable", "retrieveable"), True)
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "keyPrefix": self.prefix,
            "custom": self.name.endswith("__c"),
            **flags,
            "urls": {"sobject": path, "describe": f"{path}/describe"},
        }

    def described(self, base: str) -> dict[str, Any]:
        """The whole describe."""
        return self.brief(base) | {"fields": [field.described() for field in self.fields]}


def _system() -> Sequence[Field]:
    made = {"type": "datetime", "writable": False}
    return (
        Field(name="Id", type="id", length=18, writable=False),
        Field(name="IsDeleted", type="boolean", writable=False),
        Field(name="CreatedDate", **made),  # type: ignore[arg-type]
        Field(name="CreatedById", type="reference", writable=False, to=("User",), relationship="CreatedBy"),
        Field(name="LastModifiedDate", **made),  # type: ignore[arg-type]
        Field(name="SystemModstamp", **made),  # type: ignore[arg-type]
    )


KEY = Field(name="External_Id__c", external=True, unique=True)
EMAIL = Field(name="Email", type="email", length=80, external=True)
NOTES = Field(name="Description", type="textarea", length=32_000)
ACCOUNT = Field(name="AccountId", type="reference", to=("Account",), relationship="Account")
LEGACY = Field(name="Legacy_Number__c", type="double", external=True)

PERSON = (
    Field(name="FirstName", length=40),
    Field(name="LastName", length=80, required=True),
    Field(name="Name", length=121, writable=False),
    EMAIL,
    Field(name="Phone", type="phone", length=40),
    Field(name="Title", length=128),
)

OBJECTS: Sequence[SObject] = (
    SObject(
        name="Account",
        prefix="001",
        own=(
            Field(name="Name", required=True),
            Field(name="Industry", type="picklist"),
            Field(name="Phone", type="phone", length=40),
            Field(name="Website", type="url"),
            Field(name="NumberOfEmployees", type="int"),
            Field(name="AnnualRevenue", type="currency"),
            Field(name="ParentId", type="reference", to=("Account",), relationship="Parent"),
            Field(name="BillingCity", length=40),
            Field(name="BillingAddress", type="address", writable=False),
            NOTES,
            KEY,
        ),
    ),
    SObject(
        name="Contact",
        prefix="003",
        own=(
            *PERSON,
            ACCOUNT,
            Field(name="ReportsToId", type="reference", to=("Contact",), relationship="ReportsTo"),
            Field(name="Birthdate", type="date"),
            Field(name="DoNotCall", type="boolean", default="false"),
            Field(name="MailingCity", length=40),
            Field(name="MailingAddress", type="address", writable=False),
            Field(name="Score__c", type="double"),
            Field(name="Last_Seen__c", type="datetime"),
            NOTES,
            KEY,
            LEGACY,
        ),
    ),
    SObject(
        name="Lead",
        prefix="00Q",
        own=(
            *PERSON,
            Field(name="Company", required=True),
            Field(name="Status", type="picklist", default="Open - Not Contacted"),
            Field(name="LeadSource", type="picklist"),
            NOTES,
            KEY,
        ),
    ),
    SObject(
        name="Task",
        prefix="00T",
        own=(
            Field(name="Subject"),
            Field(name="Status", type="picklist", default="Not Started"),
            Field(name="Priority", type="picklist", default="Normal"),
            Field(name="ActivityDate", type="date"),
            Field(name="WhoId", type="reference", to=("Contact", "Lead"), relationship="Who"),
            Field(name="WhatId", type="reference", to=("Account",), relationship="What"),
            NOTES,
            KEY,
        ),
    ),
    SObject(
        name="Depot__c",
        prefix="a0B",
        own=(
            Field(name="Name", length=80, required=True),
            Field(name="Depot_Code__c", length=40, external=True, unique=True),
            Field(name="Notes__c", type="textarea", length=131_072),
        ),
    ),
    SObject(
        name="Crate__c",
        prefix="a0L",
        own=(
            Field(name="Name", length=80),
            Field(name="Sku__c", length=40, external=True),
            Field(name="Email__c", type="email", length=80),
            Field(name="Amount__c", type="double"),
            Field(name="Note__c", type="textarea", length=32_000),
        ),
        kept=False,
    ),
    SObject(
        name="Attachment",
        prefix="00P",
        own=(
            Field(name="Name", required=True),
            Field(
                name="ParentId",
                type="reference",
                to=("Account", "Contact", "Lead"),
                relationship="Parent",
                required=True,
            ),
            Field(name="ContentType", length=120),
            Field(name="Description", length=500),
            Field(name="Body", type="base64", length=40_000_000, required=True),
        ),
    ),
    SObject(
        name="User",
        prefix="005",
        own=(Field(name="Username", length=80), Field(name="Name", length=121), EMAIL),
    ),
    SObject(
        name="Organization",
        prefix="00D",
        own=(Field(name="Name", length=80), Field(name="IsSandbox", type="boolean"), Field(name="OrganizationType")),
    ),
    SObject(
        name="TaskStatus",  # setup data: REST shows it, Bulk does not know it
        prefix="01J",
        own=(Field(name="ApiName", length=40), Field(name="IsClosed", type="boolean")),
        bulk=False,
    ),
)
