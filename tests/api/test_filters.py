"""`where`: of a download, and of the list of jobs."""

import pytest

from orchestrator.client import ApiError
from tests.api.kit import Served


def test_a_download_tells_what_of_its_filter_is_applied_where(api: Served) -> None:
    api.connect()
    where = "id > 5 AND sku LIKE '%7'"

    job = api.client.download({"connection": "rest", "objectName": "items", "where": where, "limit": 3}).id
    api.run(job)
    status = api.client.status(job)

    assert [record["id"] for record in api.client.data(job).items] == [7, 17, 27]
    assert status["metaData"]["where"] == {"pushedDown": None, "appliedHere": where}
    assert status["jobCriteria"]["where"] == where
    counts = status["reconciliation"]
    assert counts["read"] == counts["stored"] + counts["filtered"] + counts["cut"]
    assert counts["filtered"] > 20


def test_a_filter_that_cannot_be_read_is_refused_with_its_place_and_starts_nothing(api: Served) -> None:
    api.connect()

    with pytest.raises(ApiError) as refused:
        api.client.download({"connection": "rest", "objectName": "items", "where": "id >"})

    assert (refused.value.status, refused.value.code, refused.value.field) == (422, "invalid_filter", "where")
    assert "character 5" in refused.value.detail
    assert "a number" in refused.value.advice
    assert api.jobs() == 0


def test_jobs_are_listed_by_a_filter_page_by_page(api: Served) -> None:
    api.connect()
    names = ["items", "Items", "items", "items"]
    jobs = [api.client.download({"connection": "rest", "objectName": name}).id for name in names]
    api.client.cancel(jobs[1])

    first = api.client.jobs(size=2, where="job_status != 'CANCELED'")
    second = api.client.jobs(after=first.next_token or "", size=2, where="job_status != 'CANCELED'")

    assert [job["id"] for job in (*first.items, *second.items)] == [jobs[0], jobs[2], jobs[3]]


@pytest.mark.parametrize("where", ["", "job_state =", "colour = 'red'", "objectName < 'x'"])
def test_a_filter_of_jobs_that_cannot_be_is_refused(api: Served, where: str) -> None:
    with pytest.raises(ApiError) as refused:
        api.client.jobs(where=where)

    assert (refused.value.status, refused.value.code, refused.value.field) == (422, "invalid_filter", "where")
