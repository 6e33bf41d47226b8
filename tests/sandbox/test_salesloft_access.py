"""Tokens and points, by the fact sheet."""

import pytest

CLIENT = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}


def refreshed(sandbox, token, **fields):
    body = {"grant_type": "refresh_token", "refresh_token": token, **CLIENT, **fields}
    return sandbox.api.post("/oauth/token", json=body, headers={"authorization": ""})


@pytest.mark.parametrize("authorization", ["", "Bearer wrong", "Basic c2FuZGJveA==", "sandbox-token"])
def test_a_call_without_a_good_bearer_token_is_told_so_in_a_sentence(sandbox, authorization):
    refused = sandbox.api.get("/v2/me.json", headers={"authorization": authorization})

    assert refused.status_code == 401
    assert isinstance(refused.json()["error"], str)


def test_refresh_tokens_rotate(sandbox):
    first = refreshed(sandbox, "sandbox-refresh").json()
    second = refreshed(sandbox, first["refresh_token"])
    again = refreshed(sandbox, "sandbox-refresh")

    assert set(first) == {"access_token", "token_type", "expires_in", "refresh_token", "scope", "created_at"}
    assert first["expires_in"] == 7200
    assert second.status_code == 200
    assert again.status_code == 400
    assert again.json()["error"] == "invalid_grant"


def test_an_issued_token_works_until_it_runs_out(sandbox):
    sandbox.switch(token_seconds=30)
    token = refreshed(sandbox, "sandbox-refresh").json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}

    fresh = sandbox.api.get("/v2/me.json", headers=headers).status_code
    sandbox.control("clock", advance=30)
    stale = sandbox.api.get("/v2/me.json", headers=headers).status_code

    assert (fresh, stale) == (200, 401)


def test_client_credentials_bring_no_refresh_token(sandbox):
    body = {"grant_type": "client_credentials", "scope": "a b"}
    basic = sandbox.api.post("/oauth/token", data=body, auth=("sandbox-client", "sandbox-secret")).json()
    wrong = sandbox.api.post("/oauth/token", data=body, auth=("sandbox-client", "nonsense"))

    assert "refresh_token" not in basic
    assert basic["scope"] == "a b"
    assert wrong.status_code == 401


def test_every_token_can_be_revoked_on_order(sandbox):
    sandbox.control("tokens", revoke="*", add="new-token")

    assert sandbox.api.get("/v2/me.json").status_code == 401
    assert sandbox.api.get("/v2/me.json", headers={"authorization": "Bearer new-token"}).status_code == 200


@pytest.mark.parametrize(
    ("page", "points"),
    [(1, 1), (100, 1), (101, 3), (150, 3), (151, 8), (250, 8), (251, 10), (500, 10), (501, 30)],
)
def test_deep_pages_cost_more(sandbox, page, points):
    answer = sandbox.api.get("/v2/people.json", params={"page": page})

    assert answer.headers["x-ratelimit-endpoint-cost"] == str(points)
    assert answer.headers["x-ratelimit-remaining-minute"] == str(600 - points)


def test_a_team_that_spent_its_points_is_refused_until_the_next_minute(sandbox):
    sandbox.switch(rate=2)

    answers = [sandbox.api.get("/v2/me.json") for _ in range(3)]
    pause = int(answers[2].headers["retry-after"])
    sandbox.control("clock", advance=pause)

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= pause <= 60
    assert sandbox.stats()["refusals"] == 1
    assert sandbox.api.get("/v2/me.json").status_code == 200


def test_a_refusal_may_come_without_retry_after(sandbox):
    sandbox.switch(rate=1, retry_after=False, limit_header=True)
    sandbox.api.get("/v2/me.json")

    refused = sandbox.api.get("/v2/me.json")

    assert refused.status_code == 429
    assert "retry-after" not in refused.headers
    assert refused.headers["x-ratelimit-limit-minute"] == "1"


def test_a_sliding_window_gives_back_each_point_a_minute_after_it_was_spent(sandbox):
    sandbox.switch(rate=2, sliding=True)

    seen = []
    for pause in (0, 30, 15, 15, 1, 29):
        sandbox.control("clock", advance=pause)
        seen.append(sandbox.api.get("/v2/me.json").status_code)

    assert seen == [200, 200, 429, 200, 429, 200]


def test_another_integration_spends_the_same_points(sandbox):
    sandbox.control("spend", points=590)

    answer = sandbox.api.get("/v2/me.json")

    assert answer.headers["x-ratelimit-remaining-minute"] == "9"
