"""What happened to a job, and what was sent."""

import json

from tests.api.kit import Served
from tests.api.test_jobs import start, upload


def test_a_timeline_is_followed_until_the_job_has_ended(api: Served) -> None:
    job_id = start(api, limit=1)
    seen: list[str] = []

    for event in api.client.follow(job_id):
        seen.append(event["name"])
        if event["name"] == "job.created":
            api.client.cancel(job_id)

    listed = [event["name"] for event in api.client.events(job_id).items]
    assert seen == listed
    assert seen[-1] == "job.moved"


def test_a_follower_goes_on_behind_the_last_event_it_has_seen(everywhere: Served) -> None:
    job_id = start(everywhere, limit=1)
    everywhere.run(job_id)
    events = everywhere.client.events(job_id).items
    behind = {"Last-Event-ID": str(events[0]["id"])}

    answer = everywhere.http.get(f"/bulk/{job_id}/events", params={"follow": "true"}, headers=behind)
    end = {"Last-Event-ID": str(events[-1]["id"])}
    over = everywhere.http.get(f"/bulk/{job_id}/events", params={"follow": "true"}, headers=end)

    first, *_ = answer.text.split("\n\n")
    lines = dict(line.split(": ", 1) for line in first.splitlines())
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert (lines["id"], lines["event"]) == (str(events[1]["id"]), events[1]["name"])
    assert json.loads(lines["data"]) == events[1]
    assert answer.text.count("\nevent: ") == len(events) - 1
    assert over.status_code == 204


def test_a_last_event_that_can_be_none_is_refused(api: Served) -> None:
    job_id = start(api, limit=1)

    answer = api.http.get(f"/bulk/{job_id}/events", params={"follow": "true"}, headers={"Last-Event-ID": "x"})

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_a_chunk_leads_to_what_was_sent_and_what_became_of_it(everywhere: Served) -> None:
    job_id = upload(everywhere)
    everywhere.run(job_id)
    [chunk] = everywhere.client.chunks(job_id).items

    sent = everywhere.http.get(chunk["links"]["request"]).json()
    told = everywhere.http.get(chunk["links"]["result"]).json()

    assert (len(sent), sent[0]["email_address"]) == (31, "p0@orchard.test")
    assert [row["id"] for row in told] == list(range(1, 32))
    assert (chunk["vendorJob"]["rows"], chunk["vendorJob"]["processed"]) == (31, 31)


def test_the_result_of_a_chunk_is_empty_until_its_fates_are_known(api: Served) -> None:
    job_id = upload(api)
    api.workshop.run_until_due(api.workshop.store.jobs.by_id(job_id), "create")
    [chunk] = api.client.chunks(job_id).items

    told = api.http.get(chunk["links"]["result"])

    assert (told.status_code, told.json()) == (200, [])
    assert api.http.get(f"/bulk/{job_id}/chunks/7/request").status_code == 404
