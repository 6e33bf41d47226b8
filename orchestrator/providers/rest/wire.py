"""The settings of a REST connection: which lists there are, and how they are paged."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AliasChoices, AliasGenerator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from orchestrator.job.errors import Invalid

JsonPath = Annotated[str, Field(pattern=r"^[^.]+(\.[^.]+)*$")]  # names with dots between: `paging.next`


class _Strict(BaseModel):
    """Refuses unknown names; takes `max_size` and `maxSize` alike."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name, to_camel(name))),
    )


class PagingKind(StrEnum):
    """How a list goes on after its first page."""

    ID_GT = "id_gt"  # records whose key is greater than the last one seen
    PAGE = "page"  # page numbers
    OFFSET = "offset"  # how many records to skip
    NEXT_LINK = "next_link"  # an address, or a token, inside the answer
    LINK_HEADER = "link_header"  # RFC 8288, rel="next"


PARAMS = {PagingKind.ID_GT: "id[gt]", PagingKind.PAGE: "page", PagingKind.OFFSET: "offset"}


class Paging(_Strict):
    """One way of paging."""

    kind: PagingKind
    param: str | None = None  # the query parameter of the cursor; at next_link: `next` is a token for it, no address
    size_param: str | None = None  # the query parameter of the page size; None: the vendor decides
    max_size: int | None = Field(default=None, ge=1)  # with it a short page is the last one; only an empty one without
    key: str = "id"  # id_gt: the field that rises
    start: int | str | None = None  # the first value of `param`
    next: JsonPath | None = None  # next_link: where the address or token is

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Paging":
        if self.kind is PagingKind.NEXT_LINK and self.next is None:
            raise ValueError("next_link needs `next`, the place of the address in the answer")
        return self

    @property
    def cursor_param(self) -> str:
        """The query parameter that carries the cursor."""
        return self.param or PARAMS.get(self.kind, "cursor")


class DateFilter(_Strict):
    """Query parameters by which the vendor itself filters a date."""

    from_: str | None = Field(default=None, validation_alias="from", serialization_alias="from")
    to: str | None = None
    strict: bool = False  # the vendor's bounds are exclusive: they are asked for 1 µs wider and trimmed here


class FieldFilter(_Strict):
    """Query parameters by which the vendor itself filters a field, one for each comparison that it knows."""

    eq: str | None = None
    ne: str | None = None
    lt: str | None = None
    lte: str | None = None
    gt: str | None = None
    gte: str | None = None
    in_: str | None = Field(default=None, validation_alias="in", serialization_alias="in")
    separator: str | None = Field(default=None, min_length=1)  # between the values of `in`; None: it is repeated


class Resource(_Strict):
    """One list."""

    path: str
    records: JsonPath | None = None  # where the array is in the answer; None: the answer is the array
    paging: Paging
    date_filters: Mapping[str, DateFilter] = Field(default_factory=dict)  # by field of the record
    filters: Mapping[str, FieldFilter] = Field(default_factory=dict)  # by field of the record
    total: JsonPath | None = None  # where the number of all records is told


class Settings(_Strict):
    """All settings of a REST connection."""

    resources: Mapping[str, Resource] = Field(min_length=1)
    check_path: str | None = None  # one cheap GET; None: the first resource's


def read(settings: Mapping[str, Any]) -> Settings:
    """Read the settings; raises Invalid with the path of the field that is wrong."""
    try:
        return Settings.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        path = ".".join(str(part) for part in ("settings", *first["loc"]))
        raise Invalid(path, first["msg"], "See the page on the REST provider", code="invalid_settings") from None


def completed(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the settings with every default filled in; raises Invalid."""
    return read(settings).model_dump(mode="json", by_alias=True)
