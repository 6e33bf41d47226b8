"""Tokens, versions and daily limits of the imitated Salesforce, by the fact sheets."""

import base64
import hashlib
import hmac
import json
import time

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from .salesforce import BASE, INGEST, QUERY, refusal

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def token(sandbox, **form):
    return sandbox.api.post("/services/oauth2/token", data=form, headers={"authorization": ""})


def refreshed(sandbox, refresh="sandbox-refresh"):
    return token(sandbox, grant_type="refresh_token", refresh_token=refresh, **CLIENT)


def part(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def key():
    return generate_private_key(65537, 2048)


@pytest.fixture
def signing(sandbox, key):
    """An app whose assertions are checked; signs some claims."""
    pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    sandbox.switch(sf_public_key=pem)

    def sign(**claims):
        own = {"iss": "sandbox-client", "sub": "integration@sandbox.test", "aud": "https://login.salesforce.com"}
        body = f"{part({'alg': 'RS256'})}.{part({**own, 'exp': int(time.time()) + 170, **claims})}"
        return f"{body}.{part(key.sign(body.encode(), PKCS1v15(), SHA256()))}"

    return sign


def test_a_refresh_brings_a_token_and_where_to_use_it_and_no_expiry(sandbox):
    answer = refreshed(sandbox).json()

    signed = hmac.new(b"sandbox-secret", (answer["id"] + answer["issued_at"]).encode(), hashlib.sha256).digest()
    assert set(answer) == {"access_token", "instance_url", "id", "token_type", "issued_at", "signature", "scope"}
    assert answer["instance_url"] == str(sandbox.api.base_url).rstrip("/")
    assert answer["issued_at"].isdigit()
    assert answer["signature"] == base64.b64encode(signed).decode()
    assert sandbox.api.get(f"{BASE}/limits", headers={"authorization": f"Bearer {answer['access_token']}"}).is_success


def test_a_refresh_token_stays_good_unless_the_app_rotates(sandbox):
    kept = [refreshed(sandbox).status_code for _ in range(2)]
    sandbox.switch(sf_rotate=True)
    first = refreshed(sandbox).json()["refresh_token"]

    assert kept == [200, 200]
    assert refreshed(sandbox, first).status_code == 200
    assert refreshed(sandbox).json() == {
        "error": "invalid_grant",
        "error_description": "expired access/refresh token",
    }


def test_client_credentials_work_where_the_app_has_a_user(sandbox):
    given = token(sandbox, grant_type="client_credentials", **CLIENT)
    basic = sandbox.api.post(
        "/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=("sandbox-client", "sandbox-secret")
    )
    sandbox.switch(sf_client_user=False)

    assert given.json()["api_instance_url"] == given.json()["instance_url"]
    assert "refresh_token" not in given.json()
    assert basic.status_code == 200
    assert token(sandbox, grant_type="client_credentials", **CLIENT).json()["error"] == "invalid_grant"


def test_an_assertion_that_the_app_signed_brings_a_token(sandbox, signing):
    answer = token(sandbox, grant_type=JWT_BEARER, assertion=signing())

    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": "https://elsewhere.test"}, "audience is invalid"),
        ({"sub": "somebody@else.test"}, "user hasn't approved this consumer"),
        ({"exp": 1}, "token validity expired"),
        ({"exp": int(time.time()) + 9000}, "token validity expired"),
    ],
)
def test_an_assertion_must_fit(sandbox, signing, claims, said):
    answer = token(sandbox, grant_type=JWT_BEARER, assertion=signing(**claims))

    assert (answer.status_code, answer.json()["error"], answer.json()["error_description"]) == (
        400,
        "invalid_grant",
        said,
    )


def test_an_assertion_that_somebody_else_signed_is_refused(sandbox, signing):
    head, body, _ = signing().split(".")

    forged = token(sandbox, grant_type=JWT_BEARER, assertion=f"{head}.{body}.{part(b'x' * 256)}")

    assert forged.json() == {"error": "invalid_grant", "error_description": "invalid assertion"}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "refresh_token", **CLIENT, "client_id": "other"}, "invalid_client_id"),
        ({"grant_type": "refresh_token", **CLIENT, "client_secret": "other"}, "invalid_client"),
        ({"grant_type": "magic", **CLIENT}, "unsupported_grant_type"),
        (CLIENT, "invalid_request"),
    ],
)
def test_the_token_endpoint_speaks_oauth(sandbox, form, error):
    answer = token(sandbox, **form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_session_slides_with_use_and_ends_when_it_rests(sandbox):
    headers = {"authorization": f"Bearer {refreshed(sandbox).json()['access_token']}"}
    seen = []

    for rest in (7000, 7000, 7200):
        sandbox.control("clock", advance=rest)
        seen.append(sandbox.api.get(f"{BASE}/limits", headers=headers))

    assert [answer.status_code for answer in seen] == [200, 200, 401]
    assert refusal(seen[2]) == (401, "INVALID_SESSION_ID")
    assert seen[2].headers["www-authenticate"] == "Token"


def test_an_ordered_401_looks_like_a_session_that_ended(sandbox):
    sandbox.order({"status": 401}, path="/limits")

    assert refusal(sandbox.api.get(f"{BASE}/limits")) == (401, "INVALID_SESSION_ID")
    assert sandbox.api.get(f"{BASE}/limits").status_code == 200


def test_a_revoked_token_is_good_no_longer(sandbox):
    revoked = sandbox.api.post("/services/oauth2/revoke", data={"token": "sandbox-token"})

    assert revoked.status_code == 200
    assert sandbox.api.get(f"{BASE}/limits").status_code == 401


def test_the_identity_tells_user_and_org(sandbox):
    address = refreshed(sandbox).json()["id"]

    told = sandbox.api.get(address).json()

    assert address.endswith(f"/id/{told['organization_id']}/{told['user_id']}")
    assert sandbox.api.get("/services/oauth2/userinfo").json()["user_id"] == told["user_id"]


def test_every_answer_tells_what_the_day_has_cost(sandbox):
    usage = [sandbox.api.get(f"{BASE}/limits").headers["sforce-limit-info"] for _ in range(2)]
    sandbox.switch(sf_limit_tail=True)

    assert usage == ["api-usage=1/15000", "api-usage=2/15000"]
    assert sandbox.api.get(f"{BASE}/limits").headers["sforce-limit-info"].startswith("api-usage=3/15000; per-app")


def test_a_day_that_is_used_up_is_refused_until_it_has_rolled_on(sandbox):
    sandbox.switch(sf_api_requests=10)
    sandbox.control("spend", vendor="salesforce", points=9)

    answers = [sandbox.api.get(f"{BASE}/limits") for _ in range(2)]
    sandbox.control("clock", advance=86_400)

    assert answers[0].json()["DailyApiRequests"] == {"Max": 10, "Remaining": 0}
    assert refusal(answers[1]) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert sandbox.api.get(f"{BASE}/limits").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/services/data/v30.0/limits", 410),
        ("/services/data/v31.0/limits", 200),
        ("/services/data/v99.0/limits", 404),
        ("/services/data/v61/limits", 404),
        ("/services/data/v40.0/jobs/ingest", 404),
        ("/services/data/v41.0/jobs/ingest", 200),
        ("/services/data/v46.0/jobs/query", 404),
        ("/services/data/v47.0/jobs/query", 200),
        (f"{INGEST}/", 200),
        (f"{BASE}//jobs/ingest", 404),
        (f"{BASE}/nonsense", 404),
    ],
)
def test_a_version_has_what_it_had(sandbox, path, status):
    assert sandbox.api.get(path).status_code == status


def test_a_wrong_verb_is_told_the_right_ones(sandbox):
    answer = sandbox.api.put(QUERY)

    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
    assert "Allowed are GET, POST" in answer.json()[0]["message"]
