"""Credentials by type: which of them are sent as they are, and how the others are turned into an access token.

Answers of token addresses: RFC 6749, sections 5 and 6; Salesforce sends no `expires_in`, Salesloft rotates refresh
tokens: https://developers.salesloft.com/docs/platform/api-basics/oauth-authentication/.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from orchestrator.clock import Clock, WallClock
from orchestrator.http.refusals import broken, clean, retry_after
from orchestrator.http.tokens import Auth
from orchestrator.job.errors import Invalid, Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.status import WaitReason
from orchestrator.secrets import signed_jwt

LEAST_PAUSE = timedelta(seconds=5)  # after a 429 of a token address that tells no time
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ASSERTION_LASTS = timedelta(minutes=3)  # the longest that Salesforce takes


class InvalidGrant(Unauthorized):
    """The token address no longer accepts the grant: rotated away, revoked or expired; a person must authorize."""


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """What a token address answered; `refresh_token` only where it rotates, and then it must be stored before use."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: timedelta | None = None
    base_url: str | None = None  # where the API lives for this token, if the vendor tells


class _Answer(msgspec.Struct):
    access_token: str
    refresh_token: str | None = None
    expires_in: float | str | None = None
    instance_url: str | None = None


class _Refusal(msgspec.Struct):
    error: str = ""
    error_description: str = ""


def bearer(token: str) -> Mapping[str, str]:
    """Return the header of an access token (RFC 6750, 2.1)."""
    return {"Authorization": f"Bearer {token}"}


class StaticKeeper:
    """Keeps credentials that never change: `bearer`, `basic`, `api_key`, `none`."""

    def __init__(self, provider: str, credentials: Mapping[str, Any], version: int = 1) -> None:
        self._provider = provider
        self._auth = static_auth(credentials, version)

    def current(self) -> Auth:
        """Return what to send; makes no call."""
        return self._auth

    def refresh(self, seen_version: int) -> None:
        """Raise Unauthorized: there is nothing to refresh."""
        raise Unauthorized(self._provider, 401, "the credentials are not accepted")


def static_auth(credentials: Mapping[str, Any], version: int) -> Auth:
    """Return what to send for credentials that need no token call; raises Invalid (field = the missing one)."""
    kind = credentials.get("type", "none")
    match kind:
        case "none":
            return Auth(version=version)
        case "bearer":
            return Auth(version=version, headers=bearer(_required(credentials, "token")))
        case "basic":
            pair = f"{_required(credentials, 'username')}:{_required(credentials, 'password')}"
            code = base64.b64encode(pair.encode()).decode()
            return Auth(version=version, headers={"Authorization": f"Basic {code}"})
        case "api_key":
            return _api_key(credentials, version)
        case _:
            raise Invalid("credentials.type", f"{kind} is not sent as it is")


def _api_key(credentials: Mapping[str, Any], version: int) -> Auth:
    pair = {_required(credentials, "name"): _required(credentials, "value")}
    match credentials.get("in", "header"):
        case "header":
            return Auth(version=version, headers=pair)
        case "query":
            return Auth(version=version, params=pair)
        case place:
            raise Invalid("credentials.in", f"{place} is no place for an API key", "Use header or query")


def _required(credentials: Mapping[str, Any], name: str) -> str:
    value = credentials.get(name)
    if not isinstance(value, str) or not value:
        raise Invalid(f"credentials.{name}", "is missing", f"Give {name} as text")
    return value


def _refresh_form(credentials: Mapping[str, Any], now: datetime) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "refresh_token": _required(credentials, "refreshToken"),
        "client_id": _required(credentials, "clientId"),
        "client_secret": str(credentials.get("clientSecret") or ""),
    }


def _client_form(credentials: Mapping[str, Any], now: datetime) -> dict[str, str]:
    return {
        "grant_type": "client_credentials",
        "client_id": _required(credentials, "clientId"),
        "client_secret": _required(credentials, "clientSecret"),
        "scope": str(credentials.get("scope") or ""),
    }


def _jwt_form(credentials: Mapping[str, Any], now: datetime) -> dict[str, str]:
    """Return the form of RFC 7523, 2.1; the audience is the token address's own host."""
    address = urlsplit(_required(credentials, "tokenUrl"))
    claims = {
        "iss": _required(credentials, "clientId"),
        "sub": _required(credentials, "username"),
        "aud": f"{address.scheme}://{address.netloc}",
        "exp": int((now + ASSERTION_LASTS).timestamp()),
    }
    return {"grant_type": JWT_BEARER, "assertion": signed_jwt(_required(credentials, "privateKey"), claims)}


FORMS: Mapping[str, Callable[[Mapping[str, Any], datetime], dict[str, str]]] = {
    "oauth2_refresh": _refresh_form,
    "oauth2_client": _client_form,
    "jwt_bearer": _jwt_form,
}
SECRETS = frozenset({"refresh_token", "client_secret", "assertion"})  # names in a form


def request_token(
    http: httpx.Client, token_url: str, credentials: Mapping[str, Any], *, provider: str, clock: Clock | None = None
) -> NewToken:
    """Ask the token address for an access token, by the credentials' own type; one POST, never repeated here.

    Raises InvalidGrant (the grant is dead), Rejected (the configuration is wrong), Throttled (TOKEN_REFRESH) or
    Unreachable; with `maybe_done` a rotated pair may be lost. No error text holds a secret.
    """
    now = (clock or WallClock()).now()
    form = {name: value for name, value in FORMS[credentials["type"]](credentials, now).items() if value}
    secrets = [value for name, value in form.items() if name in SECRETS]
    try:
        response = http.post(token_url, data=form, headers={"Accept": "application/json"})
    except httpx.HTTPError as error:
        raise broken(provider, error, secrets) from None
    if not response.is_success:
        raise _refused(provider, response, secrets, clock or WallClock())
    return _new_token(provider, response)


def _new_token(provider: str, response: httpx.Response) -> NewToken:
    try:
        answer = msgspec.json.decode(response.content, type=_Answer)
        lasts = None if answer.expires_in is None else timedelta(seconds=float(answer.expires_in))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, OverflowError):
        raise Unreachable(provider, "the token address gave an unreadable answer") from None
    return NewToken(
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        expires_in=lasts,
        base_url=answer.instance_url,
    )


def _refused(
    provider: str, response: httpx.Response, secrets: list[str], clock: Clock
) -> Unreachable | Throttled | Rejected:
    pause = retry_after(response.headers.get("retry-after"), clock.now())
    if response.status_code >= 500:
        return Unreachable(provider, f"token address: status {response.status_code}", pause=pause)
    refusal = _read_refusal(response.content)
    if response.status_code == 429 or refusal.error == "rate_limit_exceeded":
        return Throttled(provider, pause or LEAST_PAUSE, reason=WaitReason.TOKEN_REFRESH)
    text = clean(f"{refusal.error}: {refusal.error_description}".strip(": ") or "token address", secrets)
    kind = InvalidGrant if refusal.error == "invalid_grant" else Rejected
    return kind(provider, response.status_code, text)


def _read_refusal(body: bytes) -> _Refusal:
    try:
        return msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Refusal()
