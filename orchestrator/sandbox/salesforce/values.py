"""Texts of a CSV cell, read as the values of a field, and what is said where they cannot be."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime

from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.schema import NUMBERS, Field

EMAIL = re.compile(r"[^@\s,;]+@[^@\s,;]+\.[^@\s.,;]+")
WHEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:?\d\d)")
TRUTHS = {"true": "true", "1": "true", "yes": "true", "false": "false", "0": "false", "no": "false"}

Read = Callable[[str], str]


class RowRefused(Exception):
    """A row fails alone; the text is what `sf__Error` shows."""

    def __init__(self, code: str, message: str, *fields: str) -> None:
        super().__init__(f"{code}:{message}:{','.join(fields)}{' ' if fields else ''}--")
        self.code = code
        self.message = message
        self.fields = fields


def reader(field: Field) -> Read:
    """Return what turns a cell's text into the field's value, as it is kept; it raises RowRefused."""
    if field.to or field.type == "id":
        return lambda text: _id(text, field)
    if field.type in NUMBERS:
        return lambda text: _number(text, field)
    special: dict[str, Callable[[str, Field], str]] = {"boolean": _truth, "date": _date, "datetime": _when}
    if field.type in special:
        read = special[field.type]
        return lambda text: read(text, field)
    if field.type == "email":
        return lambda text: _email(text, field)
    return lambda text: text if len(text) <= field.length else _too_long(text, field)


def number(text: str) -> str:
    """Return a number as it is kept: no exponent, no zeros at its end; ValueError where it is none."""
    value = float(text)
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def when(text: str) -> str:
    """Return a date and time as it is kept: UTC, milliseconds, Z; ValueError where it is none."""
    if not WHEN.fullmatch(text):
        raise ValueError(text)
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def scientific(text: str) -> str:
    """Write a number as results sometimes do: `912260031` comes back as `9.12260031E8`."""
    value = float(text)
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value:.15e}".partition("e")
    mantissa = mantissa.rstrip("0")
    return f"{mantissa}{'0' if mantissa.endswith('.') else ''}E{int(exponent)}"


def _id(text: str, field: Field) -> str:
    key = ids.key_of(text)
    if key is None:
        raise RowRefused("MALFORMED_ID", f"{field.name}: id value of incorrect type: {text}", field.name)
    return ids.full(key)


def _number(text: str, field: Field) -> str:
    try:
        return number(text)
    except ValueError as error:
        raise _wrong_type(text, field) from error


def _truth(text: str, field: Field) -> str:
    value = TRUTHS.get(text.lower())
    if value is None:
        raise _wrong_type(text, field)
    return value


def _date(text: str, field: Field) -> str:
    try:
        return date.fromisoformat(text[:10] if WHEN.fullmatch(text) else text).isoformat()
    except ValueError as error:
        raise _wrong_type(text, field) from error


def _when(text: str, field: Field) -> str:
    try:
        return when(text)
    except ValueError as error:
        raise _wrong_type(text, field) from error


def _email(text: str, field: Field) -> str:
    if len(text) > field.length:
        return _too_long(text, field)
    if not EMAIL.fullmatch(text) or ".." in text or "@." in text:
        raise RowRefused("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", field.name)
    return text


def _too_long(text: str, field: Field) -> str:
    message = f"{field.name}: data value too large: {text} (max length={field.length})"
    raise RowRefused("STRING_TOO_LONG", message, field.name)


def _wrong_type(text: str, field: Field) -> RowRefused:
    message = f"{field.name}: value not of required type: {text}"
    return RowRefused("INVALID_TYPE_ON_FIELD_IN_RECORD", message, field.name)
