"""Bodies that are surely wrong: each is refused with a code that has a page, and the field that is wrong."""

import json
from collections.abc import Callable
from random import Random
from typing import Any

from orchestrator.api.codes import CODES
from tests.api.kit import Served

Body = dict[str, Any]

BODIES = 200

DOWNLOAD: Body = {"connection": "rest", "objectName": "items", "format": "csv", "limit": 5, "query": {"a": "b"}}
UPLOAD: Body = {
    "metaData": {"connection": "salesloft", "objectName": "person", "operation": "upsert"},
    "data": [{"a": 1}],
}
CONNECTION: Body = {"name": "n", "provider": "rest", "credentials": {"type": "none"}, "settings": {}}
SCHEDULE: Body = {"name": "s", "everySeconds": 60, "criteria": {"connection": "rest", "objectName": "items"}}
RETRY: Body = {"only": "failed"}
CALLS: list[tuple[str, Body]] = [
    ("/bulk/download", DOWNLOAD),
    ("/bulk/plan", DOWNLOAD),
    ("/bulk/upload", UPLOAD),
    ("/connections", CONNECTION),
    ("/schedules", SCHEDULE),
    ("/bulk/1/retry", RETRY),
]
WRONG_TYPES: list[Any] = [[], [1], {"x": {"y": 1}}, "\x00", "\ud800", True, -1, 1e308, 2**80]


def unknown_field(body: Body, random: Random) -> Body:
    return body | {f"no{random.randrange(10**6)}": random.random()}


def wrong_type(body: Body, random: Random) -> Body:
    name = random.choice(sorted(body.keys() - {"query", "credentials", "settings", "criteria"}))
    return body | {name: random.choice(WRONG_TYPES[:5])}


def nested_too_deep(body: Body, random: Random) -> Body:
    inner: Any = random.random()
    for _ in range(random.randrange(40, 80)):
        inner = {"n": inner}
    return body | {random.choice(sorted(body)): inner}


def out_of_range(body: Body, random: Random) -> Body:
    return body | {random.choice(("weight", "name", "apiLimit", "giveUpAfter")): random.choice((-1, "", [], 1e308))}


def no_object(body: Body, random: Random) -> Any:
    return random.choice([[], [body], "text", 3, True, ""])


MUTATIONS: list[Callable[[Body, Random], Any]] = [unknown_field, wrong_type, nested_too_deep, out_of_range, no_object]


def refused(api: Served, seed: int) -> str | None:
    """Send the wrong body of a number; return what is wrong with its answer."""
    random = Random(seed)
    path, body = random.choice(CALLS)
    wrong = random.choice(MUTATIONS)(body, random)
    text = json.dumps(wrong)
    content = text[: random.randrange(1, len(text))] if seed % 7 == 0 and len(text) > 2 and text[0] in "[{" else text
    answer = api.http.post(path, content=content, headers={"Content-Type": "application/json"})
    if not 400 <= answer.status_code < 500:
        return f"{seed}: {path} {content[:200]} → {answer.status_code}"
    told = answer.json()
    if told["code"] not in CODES or not told["field"]:
        return f"{seed}: {path} {content[:200]} → {told}"
    return None


def test_every_wrong_body_is_refused_with_a_code_and_a_field(steady: Served) -> None:
    steady.connected("rest", "salesloft")

    answers = [refused(steady, seed) for seed in range(BODIES)]

    taken = [each for each in answers if each is not None]
    assert not taken, "\n".join(taken)
