"""Tokens: refresh tokens that rotate, access tokens that run out.

https://developers.salesloft.com/docs/platform/api-basics/oauth-authentication/
"""

import base64
import binascii
from typing import Any

from orchestrator.sandbox.exchange import Answer, Refused, Request, as_json
from orchestrator.sandbox.options import Switches
from orchestrator.sandbox.salesloft.refusals import unauthorized
from orchestrator.sandbox.told import Clock

CODE = "sandbox-code"  # the authorization code that is always good


class Tokens:
    """Every token given out, and until when it is good."""

    def __init__(self, clock: Clock, switches: Switches) -> None:
        self._clock = clock
        self._switches = switches
        self._ends: dict[str, int | None] = dict.fromkeys(switches.now.tokens)
        self._refresh = [switches.now.refresh_token]  # oldest first; using one revokes it and all before it
        self._issued = 0
        self.refreshes = 0

    def check(self, authorization: str) -> None:
        """Refuse a request without a good bearer token."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer" or not token:
            raise unauthorized("No bearer token was sent")
        ends = self._ends.get(token, 0)
        if ends is not None and ends <= self._clock.now():
            raise unauthorized("The access token is invalid, expired or revoked")

    def add(self, token: str, user: str = "") -> None:
        """Accept a token from now on, for ever; the team's users are all alike."""
        self._ends[token] = None

    def revoke(self, token: str | None = None) -> None:
        """Accept a token no longer; None: no token given out until now."""
        for each in [token] if token else list(self._ends):
            self._ends.pop(each, None)

    def revoke_refresh(self) -> None:
        """Accept no refresh token given out until now."""
        self._refresh.clear()

    def answer(self, request: Request) -> Answer:
        """Answer `POST /oauth/token`."""
        try:
            fields = request.fields()
        except ValueError as error:
            raise _bad("invalid_request", "The body could not be read") from error
        self._check_client(request, fields)
        match fields.get("grant_type"):
            case "refresh_token":
                return self._refreshed(str(fields.get("refresh_token")))
            case "client_credentials":
                return self._pair(str(fields.get("scope") or ""), with_refresh=False)
            case "authorization_code" if fields.get("code") == CODE:
                return self._pair(str(fields.get("scope") or ""), with_refresh=True)
            case "authorization_code":
                raise _bad("invalid_grant", "The authorization code is invalid or expired")
        raise _bad("unsupported_grant_type", "The grant type is not supported")

    def _check_client(self, request: Request, fields: dict[str, Any]) -> None:
        options = self._switches.now
        kind, _, packed = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "basic":
            if _unpacked(packed) != f"{options.client_id}:{options.client_secret}":
                raise _bad("invalid_client", "Client authentication failed", 401)
        elif (fields.get("client_id"), fields.get("client_secret")) != (options.client_id, options.client_secret):
            raise _bad("invalid_client", "Client authentication failed")

    def _refreshed(self, token: str) -> Answer:
        if token not in self._refresh:
            raise _bad("invalid_grant", "The refresh token is invalid, expired or revoked")
        self._refresh = self._refresh[self._refresh.index(token) + 1 :]
        self.refreshes += 1
        if self._switches.now.refresh_revokes_access:
            self.revoke()
        return self._pair("", with_refresh=True)

    def _pair(self, scope: str, *, with_refresh: bool) -> Answer:
        self._issued += 1
        now, life = self._clock.now(), self._switches.now.token_seconds
        access = f"sandbox-access-{self._issued}"
        self._ends[access] = now + life * 1_000_000
        pair: dict[str, Any] = {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": life,
            "scope": scope,
            "created_at": now // 1_000_000,
        }
        if with_refresh:
            pair["refresh_token"] = f"sandbox-refresh-{self._issued}"
            self._refresh.append(pair["refresh_token"])
        return as_json(pair)


def _unpacked(packed: str) -> str:
    try:
        return base64.b64decode(packed, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _bad(error: str, description: str, status: int = 400) -> Refused:
    return Refused(as_json({"error": error, "error_description": description}, status))
