"""A job that names when it expires: its results go, and say so."""

from datetime import timedelta

import pytest

from orchestrator.store.status_body import millis
from tests.api.kit import Served

HOUR = timedelta(hours=1)


def expiring(api: Served) -> int:
    """Run a download that expires in an hour, and return its id."""
    api.connect()
    soon = (api.workshop.store.database_time() + HOUR).isoformat()
    job = api.client.download({"connection": "rest", "objectName": "items", "limit": 3, "expiresAt": soon})
    api.run(job.id)
    return job.id


@pytest.mark.parametrize("view", ["", "/data", "/errors"])
def test_the_result_is_there_until_then_and_expired_at_once_after(api: Served, view: str) -> None:
    job_id = expiring(api)

    before = api.http.get(f"/bulk/{job_id}{view}")
    api.workshop.passes(HOUR)
    after = api.http.get(f"/bulk/{job_id}{view}")

    assert before.status_code == 200
    assert (after.status_code, after.json()["code"]) == (410, "expired")


def test_the_status_tells_when_a_job_expires_and_outlives_its_result(api: Served) -> None:
    job_id = expiring(api)
    api.workshop.passes(HOUR)

    status = api.client.status(job_id)

    assert status["recordCount"] == 3
    assert status["metaData"]["expiresAt"] == status["jobCriteria"]["expiresAt"]
    assert millis(api.workshop.store.jobs.by_id(job_id).criteria.expires_at) > status["createdDate"]


def test_a_job_that_goes_on_from_one_that_expires_does_not_expire_with_it(api: Served) -> None:
    job_id = expiring(api)

    second = api.client.download({"continueFromJobId": job_id})

    assert api.workshop.store.jobs.by_id(second.id).criteria.expires_at is None


def test_a_schedule_has_no_one_moment_to_expire(api: Served) -> None:
    api.connect()
    criteria = {"connection": "rest", "objectName": "items", "expiresAt": "2999-01-01"}

    answer = api.http.post("/schedules", json={"name": "often", "everySeconds": 90, "criteria": criteria})

    assert (answer.status_code, answer.json()["field"]) == (422, "expiresAt")
