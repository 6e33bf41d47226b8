"""Which fields each type of credentials has; the values are secrets and appear in no message."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from orchestrator.job.errors import Invalid
from orchestrator.providers.provider import Family

LONGEST = 20_000  # characters; an RSA key of 8,192 bits has 6,500
SEVERAL_LINES = frozenset({"privateKey"})
NO_SETTINGS: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The fields of one type of credentials."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


SHAPES: Mapping[str, Shape] = {
    "none": Shape(),
    "bearer": Shape(required=("token",)),
    "basic": Shape(required=("username", "password")),
    "api_key": Shape(required=("in", "name", "value")),
    "oauth2_refresh": Shape(
        required=("tokenUrl", "clientId", "clientSecret", "refreshToken"), optional=("accessToken",)
    ),
    "oauth2_client": Shape(required=("tokenUrl", "clientId", "clientSecret"), optional=("scope",)),
    "jwt_bearer": Shape(required=("tokenUrl", "clientId", "username", "privateKey")),
}


def checked_credentials(
    family: Family, given: Mapping[str, Any], settings: Mapping[str, Any] = NO_SETTINGS
) -> tuple[str, Mapping[str, str]]:
    """Return the type and the fields, `tokenUrl` completed by the settings, or the provider. Raises Invalid."""
    kind = given.get("type")
    if not isinstance(kind, str) or kind not in SHAPES or kind not in family.credential_types:
        permitted = ", ".join(sorted(family.credential_types & SHAPES.keys()))
        raise Invalid(
            "credentials.type", f"is not taken by {family.name}", f"Permitted: {permitted}.", code="credentials"
        )
    shape = SHAPES[kind]
    fields = {name: value for name, value in given.items() if name != "type" and value is not None}
    token_url = family.token_url(settings) if family.token_url else family.default_token_url
    if "tokenUrl" in shape.required and token_url:
        fields.setdefault("tokenUrl", token_url)
    _check_names(kind, shape, fields)
    for name, value in fields.items():
        _check_value(name, value)
    return kind, fields


def _check_names(kind: str, shape: Shape, fields: Mapping[str, Any]) -> None:
    known = shape.required + shape.optional
    advice = f"Credentials of type {kind} have {', '.join(known) or 'no field'}."
    for name in shape.required:
        if name not in fields:
            raise Invalid(f"credentials.{name}", "is missing", advice, code="credentials")
    for name in fields:
        if name not in known:
            raise Invalid(f"credentials.{name}", f"does not belong to {kind}", advice, code="credentials")


def _check_value(name: str, value: Any) -> None:
    field = f"credentials.{name}"
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST:
        raise Invalid(field, "is not a text, or is empty or too long", code="credentials")
    if name not in SEVERAL_LINES and not value.isprintable():
        raise Invalid(field, "holds a line break or a control character", "Paste it without.", code="credentials")
    if name == "in" and value not in {"header", "query"}:
        raise Invalid(field, "is neither header nor query", "Permitted: header, query.", code="credentials")
    if name == "tokenUrl" and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
        raise Invalid(field, "is not an http or https address", code="credentials")
