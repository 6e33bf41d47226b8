"""What Salesloft's answers say: shapes, times, ids, points, refusals."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest

from orchestrator.job.errors import Misbehaved, Unreachable
from orchestrator.providers.salesloft import SALESLOFT
from orchestrator.providers.salesloft.canonical import canonical_hash
from orchestrator.providers.salesloft.ids import packed, unpacked
from orchestrator.providers.salesloft.times import aware, written
from orchestrator.providers.salesloft.wire import BULK_JOB, ROWS, STAMPS
from orchestrator.results.canonical import canonical_hash as stored_hash

NOW = datetime(2025, 3, 2, 8, 14, 48, tzinfo=UTC)


def spelled(text: str) -> str:
    """A time as the vendor sends it, written as its filters take it."""
    (stamp,) = STAMPS.envelope(msgspec.json.encode({"data": [{"id": 1, "updated_at": text}]})).data
    return written(aware(stamp.updated_at))


def test_quirk_12_the_remaining_points_are_taken_from_the_answers() -> None:
    headers = httpx.Headers(
        {"X-RateLimit-Endpoint-Cost": "3", "X-RateLimit-Remaining-Minute": "588", "X-RateLimit-Limit-Minute": "700"}
    )

    news = SALESLOFT.news(headers, NOW)

    assert (news.remaining, news.limits, news.cost) == ({"points": 588}, {"points": 700}, 3)
    assert (news.retry_after, news.resets_in) == (None, {})


def test_without_retry_after_an_empty_budget_is_taken_to_come_back_with_the_clocks_minute() -> None:
    news = SALESLOFT.news({"x-ratelimit-remaining-minute": "0"}, NOW)

    assert news.resets_in == {"points": timedelta(seconds=12)}


@pytest.mark.parametrize(
    ("header", "pause"), [("7", 7), ("Sun, 02 Mar 2025 08:15:00 GMT", 12), ("Sat, 01 Mar 2025 08:15:00 GMT", 0)]
)
def test_retry_after_is_understood_in_seconds_and_as_a_date(header: str, pause: int) -> None:
    assert SALESLOFT.news({"retry-after": header}, NOW).retry_after == timedelta(seconds=pause)


@pytest.mark.parametrize("text", ["", "many", "-1", "nan", "inf"])
def test_headers_that_cannot_be_read_say_nothing(text: str) -> None:
    headers = dict.fromkeys(("x-ratelimit-remaining-minute", "x-ratelimit-endpoint-cost", "retry-after"), text)

    news = SALESLOFT.news(headers, NOW)

    assert (news.remaining, news.cost) == ({}, None)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error": "No bearer token was sent"}', "No bearer token was sent"),
        (b'{"error": "invalid_grant", "error_description": "It was used"}', "invalid_grant; It was used"),
        (
            b'{"errors": {"type": ["is unknown", "is late"], "data": ["is empty"]}}',
            "type is unknown, is late; data is empty",
        ),
        (b'{"errors": ["a", "b"]}', "a, b"),
        (b'{"status": 404, "error": "Not found"}', "Not found"),
        (b"<html>502</html>", "no explanation with status 502"),
        (b"\xff\xfe", "no explanation with status 502"),
        (b"[]", "no explanation with status 502"),
        (b"", "no explanation with status 502"),
    ],
)
def test_a_refusal_is_told_in_the_vendors_own_words(body: bytes, words: str) -> None:
    assert SALESLOFT.refusal(502, body) == words


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-02T08:14:07.118240Z",
        "2025-03-02T03:14:07.118240-05:00",
        "2025-03-02T08:14:07.118240",
        "2025-03-02 08:14:07.11824+00:00",
    ],
)
def test_quirk_10_all_spellings_of_an_instant_are_one(text: str) -> None:
    assert spelled(text) == "2025-03-02T08:14:07.118240Z"


def test_quirk_10_a_time_without_a_fraction_is_a_whole_second() -> None:
    assert spelled("2025-03-02T03:14:07-05:00") == "2025-03-02T08:14:07.000000Z"
    with pytest.raises(Misbehaved, match="updated_at"):
        spelled("yesterday")


def test_quirk_3_an_envelope_is_taken_off_and_a_bare_answer_read_as_well() -> None:
    enveloped = BULK_JOB.envelope(b'{"data": {"id": 1, "type": "x/y", "state": "open", "name": null}}').data
    bare = BULK_JOB.envelope(b'{"id": 1, "type": "x/y", "state": "open"}').data

    assert enveloped == bare
    assert len(ROWS.envelope(b'[{"id": 1, "status": "pending", "record": {}}]').data) == 1


def test_quirk_18_an_id_never_passes_through_a_float() -> None:
    assert BULK_JOB.envelope(b'{"data": {"id": 9223372036854775807, "state": "open"}}').data.id == 2**63 - 1
    with pytest.raises(Misbehaved):
        BULK_JOB.envelope(b'{"data": {"id": 9.3e15, "state": "open"}}')


def test_an_answer_that_is_no_json_can_be_asked_for_again_and_one_of_another_shape_cannot() -> None:
    with pytest.raises(Unreachable):
        BULK_JOB.envelope(b"<html>")
    with pytest.raises(Misbehaved):
        BULK_JOB.envelope(b'{"data": []}')


@pytest.mark.parametrize(
    "record",
    [
        {"a": 1, "b": [1, 2.5, None, True], "c": {"z": "é", "a": "\u2028"}},
        {"n": 1.0, "big": 2**63, "tiny": 1e-9, "huge": 1e300},
        {"email_address": "ines@orchard.test", "upsert_key": "email_address"},
    ],
)
def test_our_hash_of_an_echoed_record_is_the_hash_that_was_stored_with_the_chunk(record: dict[str, Any]) -> None:
    ours = msgspec.json.encode(record)
    echoed = msgspec.json.format(msgspec.json.encode(dict(reversed(record.items()))), indent=2)

    assert canonical_hash(echoed) == canonical_hash(ours) == stored_hash(record) == stored_hash(ours)


@pytest.mark.parametrize("ids", [[], [5], [1, 2, 3, 9, 11, 12], [2**63, 2**63 + 1]])
def test_ids_in_a_cursor_come_back_as_they_were(ids: list[int]) -> None:
    assert unpacked(msgspec.json.decode(msgspec.json.encode(packed(ids)))) == frozenset(ids)


def test_the_ids_of_one_import_take_one_run() -> None:
    assert packed(range(1000, 51_000)) == [[1000, 50_999]]
