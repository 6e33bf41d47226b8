"""Tokens: three flows without a person, sessions that slide, refresh tokens that may rotate.

https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from orchestrator.sandbox.exchange import Answer, Refused, Request
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.jwt import claims
from orchestrator.sandbox.salesforce.refusals import expired, missing, shown
from orchestrator.sandbox.told import Clock

ORG = ids.made("00D", 1)
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SECOND = 1_000_000


@dataclass(slots=True, kw_only=True)
class Session:
    """A token's user, and until when it is good; None: for ever."""

    user: str
    ends: int | None


class Sessions:
    """Every token given out, whose it is, and until when it is good."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._users = {"": ids.made("005", 1)}  # by the name that the control plane gave
        self._sessions = {token: Session(user=self.user(), ends=None) for token in switches.now.sf_tokens}
        self._refresh = {switches.now.sf_refresh_token}
        self._issued = 0
        self.refreshes = 0
        self.grants: dict[str, int] = {}  # flow → tokens given

    def user(self, name: str = "") -> str:
        """Return the id of a user; the integration's own has no name."""
        return self._users.setdefault(name, ids.made("005", 1 + len(self._users)))

    def check(self, authorization: str) -> str:
        """Return the caller's user id and let the session slide; refuses one without a good bearer token."""
        kind, _, token = authorization.partition(" ")
        session, now = self._sessions.get(token), self._clock.now()
        if kind.lower() != "bearer" or session is None or (session.ends is not None and session.ends <= now):
            raise expired()
        if session.ends is not None:
            session.ends = now + self._switches.now.sf_token_seconds * SECOND
        return session.user

    def add(self, token: str, user: str = "") -> None:
        """Accept a token of a user from now on, for ever."""
        self._sessions[token] = Session(user=self.user(user), ends=None)

    def revoke(self, token: str | None = None) -> None:
        """Accept a token no longer; None: no token given out until now."""
        for each in [token] if token else list(self._sessions):
            self._sessions.pop(each, None)

    def revoke_refresh(self) -> None:
        """Accept no refresh token given out until now."""
        self._refresh.clear()

    def answer(self, request: Request) -> Answer:
        """Answer `POST /services/oauth2/token`."""
        fields = _fields(request)
        match fields.get("grant_type"):
            case "refresh_token":
                self._check_client(request, fields)
                return self._refreshed(request, str(fields.get("refresh_token")))
            case "client_credentials":
                self._check_client(request, fields)
                if not self._switches.now.sf_client_user:
                    raise bad("invalid_grant", "no client credentials user enabled")
                return self._given(request, "client_credentials", {"api_instance_url": _address(request)})
            case str(flow) if flow == JWT_BEARER:
                self._check_assertion(request, str(fields.get("assertion", "")))
                return self._given(request, "jwt")
            case None | "":
                raise bad("invalid_request", "missing required parameter: grant_type")
        raise bad("unsupported_grant_type", "grant type not supported")

    def revoked(self, request: Request) -> Answer:
        """Answer `POST /services/oauth2/revoke`."""
        token = str(_fields(request).get("token") or request.value("token"))
        self.revoke(token)
        self._refresh.discard(token)
        return Answer(media="text/html")

    def identity(self, request: Request, path: str) -> Answer:
        """Answer the identity URL and `/services/oauth2/userinfo`."""
        user = self.check(request.headers.get("authorization", ""))
        if path.startswith("/id/") and path != f"/id/{ORG}/{user}":
            raise missing()
        name = self._switches.now.sf_username
        return shown(
            {
                "sub": f"{_address(request)}/id/{ORG}/{user}",
                "user_id": user,
                "organization_id": ORG,
                "preferred_username": name,
                "username": name,
                "name": "Sandbox Integration",
                "email": name,
                "active": True,
                "user_type": "STANDARD",
                "urls": {"rest": _address(request) + "/services/data/v{version}/"},
            }
        )

    def _check_client(self, request: Request, fields: dict[str, Any]) -> None:
        options = self._switches.now
        sent = (fields.get("client_id"), fields.get("client_secret"))
        kind, _, packed = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            sent = _unpacked(packed)
        if sent[0] != options.sf_client_id:
            raise bad("invalid_client_id", "client identifier invalid")
        if sent[1] != options.sf_client_secret:
            raise bad("invalid_client", "invalid client credentials")

    def _check_assertion(self, request: Request, assertion: str) -> None:
        options, now = self._switches.now, self._clock.now() / SECOND
        try:
            said = claims(assertion, options.sf_public_key)
        except ValueError as error:
            raise bad("invalid_grant", "invalid assertion") from error
        if said.get("iss") != options.sf_client_id:
            raise bad("invalid_client_id", "client identifier invalid")
        if said.get("aud") not in (*options.sf_audiences, _address(request)):
            raise bad("invalid_grant", "audience is invalid")
        if said.get("sub") != options.sf_username:
            raise bad("invalid_grant", "user hasn't approved this consumer")
        if not isinstance(said.get("exp"), int) or not now < said["exp"] <= now + options.sf_jwt_seconds:
            raise bad("invalid_grant", "token validity expired")

    def _refreshed(self, request: Request, token: str) -> Answer:
        if token not in self._refresh:
            raise bad("invalid_grant", "expired access/refresh token")
        self.refreshes += 1
        if not self._switches.now.sf_rotate:
            return self._given(request, "refresh_token")
        self._refresh.remove(token)
        following = f"sandbox-refresh-{self.refreshes}"
        self._refresh.add(following)
        return self._given(request, "refresh_token", {"refresh_token": following})

    def _given(self, request: Request, flow: str, extra: dict[str, str] | None = None) -> Answer:
        self._issued += 1
        self.grants[flow] = self.grants.get(flow, 0) + 1
        options, now, user = self._switches.now, self._clock.now(), self.user()
        token = f"{ids.short('00D', 1)}!AQ0AQ.sandbox.{self._issued}"
        self._sessions[token] = Session(user=user, ends=now + options.sf_token_seconds * SECOND)
        identity, issued = f"{_address(request)}/id/{ORG}/{user}", str(now // 1000)
        signed = hmac.new(options.sf_client_secret.encode(), (identity + issued).encode(), hashlib.sha256).digest()
        answer = {
            "access_token": token,
            "signature": base64.b64encode(signed).decode(),
            "scope": "refresh_token api",
            "instance_url": options.sf_instance_url or _address(request),
            "id": identity,
            "token_type": "Bearer",
            "issued_at": issued,
        }
        return shown(answer | (extra or {}))


def _fields(request: Request) -> dict[str, Any]:
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise bad("invalid_request", "the body must be a form")
    try:
        return request.fields()
    except ValueError as error:
        raise bad("invalid_request", "the body could not be read") from error


def _address(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _unpacked(packed: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(packed, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, secret


def bad(error: str, description: str) -> Refused:
    """Return a refusal of the token endpoint, which speaks OAuth and not the envelope of the rest."""
    return Refused(shown({"error": error, "error_description": description}, 400))
