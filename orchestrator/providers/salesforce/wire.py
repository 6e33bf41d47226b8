"""What Salesforce answers, as far as we read it; answers differ by call and version, so that little is required."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import httpx
from msgspec import Struct, field

from orchestrator.http.client import decode

PROVIDER = "salesforce"
JSON = {"accept": "application/json"}
CSV = {"accept": "text/csv"}

T = TypeVar("T")


class Refusal(Struct, rename="camel"):
    """Why a call was refused."""

    error_code: str = ""
    message: str = ""

    def is_any(self, *codes: str) -> bool:
        """Whether this is one of the codes, which are spelled with and without underscores."""
        plain = self.error_code.replace("_", "").casefold()
        return plain in {code.replace("_", "").casefold() for code in codes}


class AsyncRefusal(Struct, rename="camel"):
    """Why a call of Bulk API 1.0 was refused."""

    exception_code: str = ""
    exception_message: str = ""


class JobInfo(Struct, kw_only=True, rename="camel"):
    """A job of Bulk API 2.0, and of 1.0 in lists; only `id` and `state` are always there."""

    id: str
    state: str
    object: str = ""
    operation: str = ""
    job_type: str = ""
    created_by_id: str = ""
    created_date: str = ""
    number_records_processed: int | None = None
    number_records_failed: int | None = None
    error_message: str | None = None

    def made_at(self) -> datetime | None:
        """When the job was created; None where that cannot be read."""
        try:
            return datetime.fromisoformat(self.created_date)
        except ValueError:
            return None


class JobList(Struct, kw_only=True, rename="camel"):
    """A page of the job list."""

    done: bool
    records: Sequence[JobInfo] = ()
    next_records_url: str | None = None


class Link(Struct, kw_only=True, rename="camel"):
    """A set of a result, in either published shape."""

    result_url: str | None = None
    result_link: str | None = None


class LinkList(Struct, kw_only=True, rename="camel"):
    """A page of links to the sets of a result, in either published shape and spelling."""

    result_pages: Sequence[Link] = ()
    result_chunks: Sequence[Link] = ()
    next_records_url: str | None = None
    next_record_url: str | None = None
    done: bool = False

    @property
    def links(self) -> Sequence[str]:
        """The links, in order."""
        every = [*self.result_pages, *self.result_chunks]
        return [link for each in every if (link := each.result_url or each.result_link)]

    @property
    def following(self) -> str | None:
        """Where the next page of links is; None: not known yet, or there is none."""
        return self.next_records_url or self.next_record_url


class FieldInfo(Struct, kw_only=True, rename="camel"):
    """A field of an object."""

    name: str
    label: str = ""
    type: str = ""
    filterable: bool = True
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    relationship_name: str | None = None  # of a reference: how its parent's fields are named
    external_id: bool = False
    id_lookup: bool = False


class ObjectInfo(Struct, kw_only=True, rename="camel"):
    """An object of the org."""

    name: str
    label: str = ""
    label_plural: str = ""
    queryable: bool = True
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    fields: Sequence[FieldInfo] = ()

    @property
    def types(self) -> dict[str, str]:
        """The type of each field."""
        return {field.name: field.type for field in self.fields}


class ObjectList(Struct, kw_only=True, rename="camel"):
    """All objects of the org."""

    sobjects: Sequence[ObjectInfo] = ()


class Identity(Struct, kw_only=True):
    """Whose token it is."""

    user_id: str = ""
    organization_id: str = ""
    preferred_username: str | None = None
    name: str | None = None


class Left(Struct, kw_only=True, rename="pascal"):
    """What is left of one of the org's limits."""

    max: int = 0
    remaining: int = 0


class Records(Struct, kw_only=True):
    """The answer to a plain query."""

    records: Sequence[dict[str, Any]] = ()
    total_size: int | None = field(name="totalSize", default=None)


class QueryPage(Struct, kw_only=True, rename="camel"):
    """A page of the answer to a plain query."""

    total_size: int
    done: bool
    records: list[dict[str, Any]]
    next_records_url: str | None = None


def read(response: httpx.Response, kind: type[T]) -> T:
    """Parse an answer; raises Unreachable where the body is not what a success promises."""
    return decode(PROVIDER, response, kind)
