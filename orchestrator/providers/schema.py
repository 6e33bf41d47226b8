"""What there is at a vendor: its objects and their fields."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """An object that can be read or written at the vendor."""

    name: str
    label: str
    plural: str
    readable: bool = True
    writable: bool = False
    fields: Sequence[str] = ()  # empty: not known, everything passes


@dataclass(frozen=True, kw_only=True)
class FieldType:
    """A field of an object, as people are shown it."""

    name: str
    label: str
    type: str  # the vendor's own word
    required: bool = False  # a new record must have it
    writable: bool = True
    filterable: bool | None = None  # by the vendor; None: not known
