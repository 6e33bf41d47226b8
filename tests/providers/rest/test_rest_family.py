"""The REST family: its settings, its objects, its words."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import Criteria, Operation, UploadCriteria
from orchestrator.job.errors import Invalid, Rejected
from orchestrator.job.step import StepKind
from orchestrator.providers.provider import Provider
from orchestrator.providers.rest import REST
from orchestrator.sandbox.server import Running
from tests.providers.rest.kit import LISTS, SETTINGS, criteria, pages


def test_a_check_makes_one_call(vendor: Running, provider: Provider) -> None:
    found = provider.check()

    assert found.ok
    assert vendor.world.ledger.stats()["requests"] == 1


def test_an_upload_is_refused() -> None:
    upload = UploadCriteria(object_name="items", operation=Operation.INSERT)

    with pytest.raises(Invalid):
        REST.check_criteria(upload, SETTINGS)


def test_objects_are_the_resources() -> None:
    assert [each.name for each in REST.objects(SETTINGS)] == LISTS


def test_an_object_is_found_whatever_its_case_and_a_wrong_one_is_answered_with_the_nearest() -> None:
    found: Criteria = REST.check_criteria(criteria("Unsized-Pages"), SETTINGS)

    assert found.object_name == "unsized_pages"
    with pytest.raises(Invalid, match="items"):
        REST.check_criteria(criteria("itens"), SETTINGS)


def test_a_download_is_one_fetch() -> None:
    assert [step.kind for step in REST.first_steps(criteria(), SETTINGS)] == [StepKind.FETCH]


def test_settings_are_completed_and_stay_the_same_when_read_again() -> None:
    once = REST.check_settings(SETTINGS)

    assert once["resources"]["items"]["paging"]["key"] == "id"
    assert REST.check_settings(json.loads(json.dumps(once))) == once


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "settings.resources"),
        ({"resources": {}}, "settings.resources"),
        ({"resources": {"a": {"path": "/a"}}}, "settings.resources.a.paging"),
        ({"resources": {"a": {"path": "/a", "paging": {"kind": "magic"}}}}, "settings.resources.a.paging.kind"),
        ({"resources": {"a": {"path": "/a", "paging": {"kind": "next_link"}}}}, "settings.resources.a.paging"),
        (
            {"resources": {"a": {"path": "/a", "paging": {"kind": "page", "maxSize": 0}}}},
            "settings.resources.a.paging.maxSize",
        ),
        ({"resources": {"a": {"path": "/a", "paging": {"kind": "page"}, "x": 1}}}, "settings.resources.a.x"),
    ],
)
def test_wrong_settings_are_named(settings: Mapping[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        REST.check_settings(settings)

    assert caught.value.field == field


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "no"}', "no"),
        (b'{"error": {"message": "deep"}}', "deep"),
        (b'[{"message": "first", "errorCode": "X"}]', "first"),
        (b'{"errors": {"a": ["bad"]}}', '{"a":["bad"]}'),
        (b'"plain"', "plain"),
        (b"<html>", "status 400"),
        (b"{}", "status 400"),
        (b"", "status 400"),
    ],
)
def test_refusals_are_told_in_the_vendors_words(body: bytes, words: str) -> None:
    assert REST.refusal(400, body) == words


def test_usual_headers_of_rate_limits_are_understood() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    later = str(int(now.timestamp()) + 30)

    news = REST.news({"x-ratelimit-remaining": "7", "x-ratelimit-limit": "10", "x-ratelimit-reset": later}, now)
    odd = REST.news({"ratelimit-remaining": "many", "ratelimit-reset": "1e300"}, now)

    assert (news.remaining, news.limits) == ({"rate": 7}, {"rate": 10})
    assert news.resets_in == {"rate": timedelta(seconds=30)}
    assert (odd.remaining, odd.resets_in) == ({}, {})


def test_a_vendor_that_refuses_for_good_stops_the_list(vendor: Running, provider: Provider) -> None:
    wanted = replace(criteria(), object_name="items", query={"updated_at[gt]": "yesterday"})

    with pytest.raises(Rejected, match="could not be read"):
        pages(provider, wanted)
