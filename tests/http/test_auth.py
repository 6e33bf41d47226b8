"""How credentials become headers, and how tokens are asked for."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from orchestrator.http.auth import InvalidGrant, StaticKeeper, request_token, static_auth
from orchestrator.http.pool import ClientPool
from orchestrator.job.errors import Invalid, Rejected, Throttled, Unauthorized, Unreachable
from orchestrator.job.status import WaitReason
from orchestrator.sandbox.faults import Fault
from orchestrator.sandbox.server import Running
from tests.http.kit import LOOPBACK

REFRESH = {
    "type": "oauth2_refresh",
    "clientId": "sandbox-client",
    "clientSecret": "sandbox-secret",
    "refreshToken": "sandbox-refresh",
}


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    pool = ClientPool(allow=LOOPBACK)
    yield pool.token_client()
    pool.close()


@pytest.fixture
def token_url(sandbox: Running) -> str:
    return f"{sandbox.url}/oauth/token"


@pytest.mark.parametrize(
    ("credentials", "headers", "params"),
    [
        ({"type": "none"}, {}, {}),
        ({"type": "bearer", "token": "t"}, {"Authorization": "Bearer t"}, {}),
        ({"type": "basic", "username": "u", "password": "p"}, {"Authorization": "Basic dTpw"}, {}),
        ({"type": "api_key", "in": "header", "name": "X-Key", "value": "v"}, {"X-Key": "v"}, {}),
        ({"type": "api_key", "in": "query", "name": "key", "value": "v"}, {}, {"key": "v"}),
    ],
)
def test_credentials_that_are_sent_as_they_are(
    credentials: dict[str, str], headers: dict[str, str], params: dict[str, str]
) -> None:
    auth = StaticKeeper("rest", credentials, version=3).current()

    assert (auth.version, auth.headers, auth.params) == (3, headers, params)


@pytest.mark.parametrize(
    ("credentials", "field"),
    [
        ({"type": "bearer"}, "credentials.token"),
        ({"type": "basic", "username": "u"}, "credentials.password"),
        ({"type": "api_key", "in": "cookie", "name": "k", "value": "v"}, "credentials.in"),
        ({"type": "kerberos"}, "credentials.type"),
    ],
)
def test_missing_credentials_are_named(credentials: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        static_auth(credentials, 1)

    assert caught.value.field == field


def test_there_is_nothing_to_refresh_in_a_constant() -> None:
    with pytest.raises(Unauthorized):
        StaticKeeper("rest", {"type": "bearer", "token": "t"}).refresh(1)


def test_a_refresh_brings_a_new_pair(http: httpx.Client, token_url: str) -> None:
    token = request_token(http, token_url, REFRESH, provider="salesloft")

    assert token.access_token
    assert token.refresh_token not in (None, "sandbox-refresh")
    assert token.expires_in == timedelta(seconds=7200)
    assert token.access_token not in repr(token)


def test_client_credentials_bring_a_token_without_a_pair(http: httpx.Client, token_url: str) -> None:
    token = request_token(http, token_url, {**REFRESH, "type": "oauth2_client"}, provider="salesloft")

    assert token.access_token
    assert token.refresh_token is None


def test_a_grant_that_was_rotated_away_is_dead(http: httpx.Client, token_url: str) -> None:
    request_token(http, token_url, REFRESH, provider="salesloft")

    with pytest.raises(InvalidGrant) as caught:
        request_token(http, token_url, REFRESH, provider="salesloft")

    assert "sandbox-refresh" not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(status=400, body='{"error": "invalid_grant"}'), InvalidGrant),
        (Fault(status=401, body='{"error": "invalid_client", "error_description": "sandbox-secret"}'), Rejected),
        (Fault(status=400, body="<html>"), Rejected),
        (Fault(status=400, body='{"error": "rate_limit_exceeded"}'), Throttled),
        (Fault(status=429, retry_after="3"), Throttled),
        (Fault(status=503, retry_after="3"), Unreachable),
        (Fault(status=200, body="<html>"), Unreachable),
        (Fault(status=200, body='{"token": 1}'), Unreachable),
        (Fault(status=200, body='{"access_token": "a", "expires_in": "soon"}'), Unreachable),
        (Fault(status=302, headers={"location": "http://169.254.169.254/"}), Rejected),
    ],
)
def test_every_answer_of_a_token_address_is_one_of_our_errors(
    sandbox: Running, http: httpx.Client, token_url: str, fault: Fault, error: type[Exception]
) -> None:
    sandbox.world.order(fault)

    with pytest.raises(error) as caught:
        request_token(http, token_url, REFRESH, provider="salesloft")

    assert type(caught.value) is error
    assert "sandbox-secret" not in str(caught.value)


def test_a_throttled_refresh_says_what_it_waits_for(sandbox: Running, http: httpx.Client, token_url: str) -> None:
    sandbox.world.order(Fault(status=429, retry_after="3"))

    with pytest.raises(Throttled) as caught:
        request_token(http, token_url, REFRESH, provider="salesloft")

    assert caught.value.reason is WaitReason.TOKEN_REFRESH
    assert caught.value.pause == timedelta(seconds=3)


def test_numbers_as_text_are_numbers(sandbox: Running, http: httpx.Client, token_url: str) -> None:
    answer = '{"access_token": "a!b.c", "expires_in": "60", "instance_url": "https://x.test", "issued_at": "19"}'
    sandbox.world.order(Fault(status=200, body=answer))

    token = request_token(http, token_url, REFRESH, provider="salesforce")

    found: dict[str, Any] = {"token": token.access_token, "lasts": token.expires_in, "at": token.base_url}
    assert found == {"token": "a!b.c", "lasts": timedelta(seconds=60), "at": "https://x.test"}
