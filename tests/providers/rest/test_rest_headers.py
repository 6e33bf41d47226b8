"""What a REST API's headers say of its limits, and what is not believed of it."""

from datetime import UTC, datetime, timedelta
from time import monotonic

import pytest

from orchestrator.providers.rest import REST

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("prefix", ["x-ratelimit", "ratelimit"])
def test_three_headers_tell_amount_rest_and_reset(prefix: str) -> None:
    news = REST.news({f"{prefix}-limit": "100", f"{prefix}-remaining": "40", f"{prefix}-reset": "30"}, NOW)

    assert (news.limits, news.remaining, news.resets_in) == ({"rate": 100}, {"rate": 40}, {"rate": 30 * SECOND})
    assert news.heard_from == {"rate": f"{prefix}-*"}


@pytest.mark.parametrize("reset", ["30", "1777896030", "1777896030000"])
def test_a_reset_is_told_in_seconds_or_as_a_date(reset: str) -> None:
    assert REST.news({"x-ratelimit-reset": reset}, NOW).resets_in == {"rate": 30 * SECOND}


def test_a_policy_of_the_draft_tells_its_own_window() -> None:
    headers = {"ratelimit": '"default";r=50;t=30', "ratelimit-policy": '"default";q=100;w=60'}

    news = REST.news(headers, NOW)

    assert (news.remaining, news.resets_in) == ({"rate": 50}, {"rate": 30 * SECOND})
    assert (news.limits, news.windows) == ({"rate": 100}, {"rate": 60 * SECOND})


def test_the_tightest_of_several_policies_counts_and_long_ones_are_a_quota() -> None:
    headers = {
        "ratelimit": '"burst";r=9;t=1, "minute";r=3;t=20, "daily";r=900;t=3600',
        "ratelimit-policy": '"burst";q=10;w=1,"minute";q=100;w=60,"daily";q=1000;w=86400;pk=:c2Rm:',
    }

    news = REST.news(headers, NOW)

    assert news.remaining == {"rate": 3, "quota": 900}
    assert news.limits == {"rate": 100, "quota": 1000}
    assert news.windows["quota"] == timedelta(days=1)


def test_the_older_draft_is_understood() -> None:
    headers = {"ratelimit": "limit=100, remaining=50, reset=5", "ratelimit-policy": "100;w=60"}

    news = REST.news(headers, NOW)

    assert (news.limits, news.remaining, news.resets_in) == ({"rate": 100}, {"rate": 50}, {"rate": 5 * SECOND})
    assert news.windows == {"rate": 60 * SECOND}


def test_the_newer_headers_are_believed_before_the_older_ones() -> None:
    news = REST.news({"ratelimit": '"a";r=5;t=1', "x-ratelimit-remaining": "80"}, NOW)

    assert news.remaining == {"rate": 5}


@pytest.mark.parametrize("text", ["-1", "NaN", "nan", "inf", "1e400", "-1e400", "0x10", "many", "", "9" * 10_000_000])
@pytest.mark.parametrize("name", ["x-ratelimit-remaining", "x-ratelimit-limit", "x-ratelimit-reset"])
def test_a_number_that_cannot_be_true_is_not_believed_but_noted(name: str, text: str) -> None:
    began = monotonic()

    news = REST.news({name: text}, NOW)

    assert (news.remaining, news.limits, news.resets_in, news.nonsense) == ({}, {}, {}, (name,))
    assert monotonic() - began < 1


@pytest.mark.parametrize(
    "header",
    ['"a";r=-5;t=1', '"a";r=NaN', '"a";r=1e400;t=2', "limit=x, remaining=y", '"a";r=5' * 1_000_000],
)
def test_a_list_that_cannot_be_true_is_not_believed_but_noted(header: str) -> None:
    began = monotonic()

    news = REST.news({"ratelimit": header}, NOW)

    assert (news.remaining, news.limits, news.nonsense) == ({}, {}, ("ratelimit",))
    assert monotonic() - began < 1


@pytest.mark.parametrize("header", ['";;;,,,="', "", "=", '"a"', ",", '"a;r=1'])
def test_rubbish_says_nothing(header: str) -> None:
    news = REST.news({"ratelimit": header}, NOW)

    assert (news.remaining, news.limits, news.resets_in) in [({}, {}, {}), ({"rate": 1}, {}, {})]


@pytest.mark.parametrize(("reset", "nonsense"), [("1777895995", ()), ("1577836800", ("x-ratelimit-reset",))])
def test_a_reset_in_the_past_is_over_and_one_long_ago_is_nonsense(reset: str, nonsense: tuple[str, ...]) -> None:
    news = REST.news({"x-ratelimit-reset": reset}, NOW)

    assert (news.resets_in, news.nonsense) == ({}, nonsense)


def test_a_limit_of_nothing_claims_nothing() -> None:
    assert REST.news({"x-ratelimit-limit": "0", "x-ratelimit-remaining": "0"}, NOW).limits == {}
