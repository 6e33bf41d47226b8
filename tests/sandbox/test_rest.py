"""The generic REST vendor: one list in every style of paging."""

import pytest


def walked(sandbox, first, following):
    """Follow a list to its end; `following` gives the next address of a page, or None."""
    ids, address = [], first
    while address:
        answer = sandbox.api.get(address)
        assert answer.status_code == 200
        body = answer.json()
        ids += [record["id"] for record in (body if isinstance(body, list) else body["data"])]
        address = following(answer, ids)
    return ids


STYLES = {
    "cursor": (
        "/rest/items?id[gt]=0&per_page=300",
        lambda _, ids: f"/rest/items?id[gt]={ids[-1]}&per_page=300" if ids[-1] < 1000 else None,
    ),
    "page": (
        "/rest/array?page=1&per_page=300",
        lambda _, ids: f"/rest/array?page={len(ids) // 300 + 1}&per_page=300" if len(ids) % 300 == 0 else None,
    ),
    "offset": (
        "/rest/array?offset=0&limit=300",
        lambda _, ids: f"/rest/array?offset={len(ids)}&limit=300" if len(ids) < 1000 else None,
    ),
    "next link": ("/rest/linked?per_page=300", lambda answer, _: answer.json()["next"]),
    "Link header": ("/rest/paged?per_page=300", lambda answer, _: answer.links.get("next", {}).get("url")),
}


@pytest.mark.parametrize("style", STYLES)
def test_a_walk_in_each_style_reads_each_record_once(sandbox, style):
    first, following = STYLES[style]

    ids = walked(sandbox, first, following)

    assert ids == list(range(1, 1001))


def test_records_are_read_by_their_time(started):
    sandbox = started(rest_records=100, rest_ties=10)

    body = sandbox.api.get(
        "/rest/items", params={"updated_at[gt]": "2024-01-01T00:00:03Z", "updated_at[lte]": "2024-01-01T00:00:05Z"}
    ).json()

    assert [record["id"] for record in body["data"]] == list(range(40, 60))
    assert body["total"] == 20


def test_every_record_has_the_same_width_and_the_pages_join_without_a_seam(started):
    sandbox = started(rest_records=25_000)

    answer = sandbox.api.get("/rest/array", params={"id[gt]": 9_990, "per_page": 10_000})

    assert [record["id"] for record in answer.json()] == list(range(9_991, 19_991))
    assert len(answer.content) == 10_000 * 440 + 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": "Bearer sandbox-token"}, 200),
        ({"authorization": "", "x-api-key": "sandbox-key"}, 200),
        ({"authorization": "Basic c2FuZGJveC1rZXk6"}, 200),
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer wrong"}, 401),
    ],
)
def test_a_key_or_a_token_opens_the_list(sandbox, headers, status):
    assert sandbox.api.get("/rest/items", headers=headers).status_code == status


def test_the_limit_is_told_in_headers_and_kept(sandbox):
    sandbox.switch(rest_rate=2, rest_window=60)

    answers = [sandbox.api.get("/rest/items?per_page=1") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[0].headers["x-ratelimit-limit"] == "2"
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[2].headers["retry-after"]) >= 1
    assert sandbox.stats()["refusals"] == 1


def test_a_list_in_another_style_can_be_added(sandbox):
    sandbox.control("rest", name="orders", key="results", total="count", next_key="next_page_url")

    body = sandbox.api.get("/rest/orders?per_page=2").json()

    assert [record["id"] for record in body["results"]] == [1, 2]
    assert body["count"] == 1000
    assert sandbox.api.get(body["next_page_url"]).json()["results"][0]["id"] == 3
