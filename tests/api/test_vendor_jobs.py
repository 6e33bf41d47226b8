"""The provider's own job list behind our API: its paging, its fields, and whose each job is."""

from collections.abc import Iterator
from typing import Any

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from orchestrator.sandbox.server import Running, running
from tests.api.kit import Served
from tests.api.vendor_job_kit import LIST, an_upload, every_page, marks, problem, remote_id, theirs
from tests.lifecycle.workshop import people

FIELDS = (
    "apiVersion", "columnDelimiter", "concurrencyMode", "contentType", "contentUrl", "createdById", "createdDate", "id",
    "jobType", "lineEnding", "object", "operation", "state", "systemModstamp",
)  # fmt: skip
VENDORS = ("salesforce", "salesloft")


@pytest.fixture
def vendor() -> Iterator[Running]:
    """A sandbox of one test, with jobs of other integrations in its list."""
    with running(Options(people=0, rate=0, speed=0, sf_speed=0, sf_foreign_jobs=12)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("field", FIELDS)
def test_a_record_has_each_field_of_the_vendors_page(api: Served, field: str) -> None:
    job = an_upload(api, "salesforce")

    (page,) = every_page(api, LIST)

    mine = next(record for record in page if record["id"] == remote_id(api, job))
    told = api.workshop.sandbox.world.salesforce.jobs.all[mine["id"][:15]]
    assert mine[field] not in (None, "")
    assert (mine["state"], mine["operation"], mine["jobType"]) == (told.state, told.operation, "V2Ingest")


@pytest.mark.parametrize("kind", ["BigObjectIngest", "Classic", "V2Ingest"])
def test_the_list_shows_the_job_type_that_is_asked_for(api: Served, kind: str) -> None:
    api.connect("salesforce")

    pages = every_page(api, LIST, jobType=kind)

    assert {record["jobType"] for page in pages for record in page} == {kind}


def test_query_jobs_are_listed_by_their_job_type_and_go_on_where_the_vendor_says(api: Served) -> None:
    workshop = api.connected("salesforce").workshop
    workshop.sandbox.world.change({"sf_list_page": 1})
    jobs = [workshop.download("salesforce", "Contact", select_fields=("Id",)) for _ in range(2)]
    for job in jobs:
        workshop.run(job)

    pages = every_page(api, LIST, jobType="V2Query")

    whose = marks(pages)
    assert {id_ for id_ in whose if whose[id_] == "ours"} == {remote_id(api, job) for job in jobs}
    assert {record["jobType"] for page in pages for record in page} == {"V2Query"}
    assert {record["bulkhead"]["jobId"] for page in pages for record in page} == {None, *(job.id for job in jobs)}


def test_pk_chunking_is_a_filter(api: Served) -> None:
    api.connect("salesforce")

    (chunked,), (every,) = (every_page(api, LIST, isPkChunkingEnabled=each) for each in ("true", "false"))

    assert {record["jobType"] for record in chunked} == {"Classic"}
    assert len(every) > len(chunked)


def test_the_concurrency_mode_is_a_filter(api: Served) -> None:
    api.connect("salesforce")

    assert every_page(api, LIST, concurrencyMode="Serial") == [[]]
    assert every_page(api, LIST, concurrencyMode="Parallel")[0]


def test_a_query_locator_goes_on_and_the_links_lead_to_us_alone(api: Served) -> None:
    api.connect("salesforce")
    api.workshop.sandbox.world.change({"sf_list_page": 5})

    first = api.http.get(LIST).json()
    address, _, locator = first["nextRecordsUrl"].partition("?queryLocator=")
    second = api.http.get(LIST, params={"queryLocator": locator}).json()
    pages = every_page(api, LIST)

    assert (address, first["done"], len(first["records"]), len(second["records"])) == (LIST, False, 5, 4)
    assert len(marks(pages)) == sum(len(page) for page in pages) == 9


@pytest.mark.parametrize("link", ["https://evil.test/x?queryLocator=a%2Fb%26c", "//evil.test/?queryLocator=a%2Fb%26c"])
def test_a_link_to_another_address_is_never_followed(api: Served, link: str) -> None:
    api.connect("salesforce")
    body = f'{{"done": false, "records": [], "nextRecordsUrl": "{link}"}}'
    api.workshop.sandbox.world.order(Fault(status=200, body=body, media="application/json"), Match(path="jobs/ingest"))

    page = api.http.get(LIST).json()
    following = api.http.get(page["nextRecordsUrl"])

    assert page["nextRecordsUrl"] == f"{LIST}?queryLocator=a%2Fb%26c"
    assert problem(following) == (502, "vendor_rejected", None)
    assert "INVALID_QUERY_LOCATOR" in following.text


def test_a_list_that_goes_on_but_says_not_where_is_the_vendors_mistake(api: Served) -> None:
    api.connect("salesforce")
    body = '{"done": false, "records": [], "nextRecordsUrl": null}'
    api.workshop.sandbox.world.order(Fault(status=200, body=body, media="application/json"), Match(path="jobs/ingest"))

    assert problem(api.http.get(LIST)) == (502, "vendor_misbehaved", None)


@pytest.mark.parametrize("provider", VENDORS)
def test_a_job_is_ours_with_the_job_it_was_made_for_or_foreign(everywhere: Served, provider: str) -> None:
    job = an_upload(everywhere, provider)
    foreign = theirs(everywhere, provider)

    (page,) = every_page(everywhere, f"/connections/{provider}/vendor-jobs")

    mine = remote_id(everywhere, job)
    whose = marks([page])
    assert whose.pop(mine) == "ours"
    assert (set(whose.values()), whose[foreign]) == ({"foreign"}, "foreign")
    assert [record["bulkhead"]["jobId"] for record in page if str(record["id"]) == mine] == [job.id]


def test_what_a_lost_create_left_is_marked_as_a_suspected_orphan(api: Served) -> None:
    workshop = api.connected("salesforce").workshop
    asked: dict[str, Any] = {"object_name": "Contact", "operation": Operation.INSERT, "external_id_field": None}
    workshop.sandbox.world.order(Fault(status=503, when=Moment.AFTER), Match(method="POST", path=r"jobs/ingest$"))
    job = workshop.upload("salesforce", b"LastName\nAmber\n", **asked)
    workshop.run(job)

    whose = marks(every_page(api, LIST))

    (orphan,) = (data["vendorJobId"] for data in workshop.told(job, "vendor_job.suspected_orphan"))
    assert (whose[orphan], whose[remote_id(api, job)]) == ("suspected_orphan", "ours")


def test_what_was_found_by_its_marker_is_marked_as_adopted(everywhere: Served) -> None:
    workshop = everywhere.connected("salesloft").workshop
    workshop.sandbox.world.order(Fault(status=503, when=Moment.AFTER), Match(method="POST", path=r"bulk_jobs$"))
    job = workshop.upload("salesloft", people(2))
    workshop.run(job)

    (page,) = every_page(everywhere, "/connections/salesloft/vendor-jobs")

    assert [record["bulkhead"] for record in page] == [{"mark": "adopted", "jobId": job.id}]


def test_salesloft_is_walked_by_its_own_cursor_and_filtered_by_state(api: Served) -> None:
    api.connect("salesloft")
    first, second, third = (theirs(api, "salesloft") for _ in range(3))
    path = "/connections/salesloft/vendor-jobs"

    pages = every_page(api, path, per_page="1", state="open,done")
    after = every_page(api, path, **{"id[gt]": first})
    done = every_page(api, path, state="done")

    assert [list(marks([page])) for page in pages] == [[first], [second], [third], []]
    assert [list(marks([page])) for page in after] == [[second, third]]
    assert done == [[]]


WRONG = [
    ("salesforce", {"jobType": "V3Ingest"}, "jobType"),
    ("salesforce", {"isPkChunkingEnabled": "yes"}, "isPkChunkingEnabled"),
    ("salesforce", {"concurrencyMode": "Sideways"}, "concurrencyMode"),
    ("salesforce", {"queryLocator": ""}, "queryLocator"),
    ("salesforce", {"per_page": "5"}, "per_page"),
    ("salesforce", {"locator": "x"}, "locator"),
    ("salesloft", {"jobType": "V2Ingest"}, "jobType"),
    ("salesloft", {"state": "Open"}, "state"),
    ("salesloft", {"id[gt]": "-1"}, "id[gt]"),
    ("salesloft", {"per_page": "101"}, "per_page"),
]


@pytest.mark.parametrize(("provider", "parameters", "field"), WRONG, ids=[f"{each[0]}-{each[2]}" for each in WRONG])
def test_a_wrong_parameter_is_refused_by_name_before_any_call(
    api: Served, provider: str, parameters: dict[str, str], field: str
) -> None:
    api.connect(provider)

    answer = api.http.get(f"/connections/{provider}/vendor-jobs", params=parameters)

    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert api.workshop.routes == {}


@pytest.mark.parametrize("provider", VENDORS)
def test_one_job_is_shown_and_one_that_is_not_there_is_missing(api: Served, provider: str) -> None:
    job = an_upload(api, provider)
    path = f"/connections/{provider}/vendor-jobs"

    shown = api.http.get(f"{path}/{remote_id(api, job)}").json()
    missing = [api.http.get(f"{path}/{each}") for each in ("750000000000000AAA", "4711", "..%2F..%2Flimits", "x y")]

    assert (str(shown["id"]), shown["bulkhead"]) == (remote_id(api, job), {"mark": "ours", "jobId": job.id})
    assert {answer.status_code for answer in missing} == {404}


def test_a_query_job_is_shown_too_and_an_id_may_have_fifteen_characters(api: Served) -> None:
    workshop = api.connected("salesforce").workshop
    job = workshop.download("salesforce", "Contact", select_fields=("Id",))
    workshop.run(job)

    shown = api.http.get(f"{LIST}/{remote_id(api, job)[:15]}").json()

    assert (shown["jobType"], shown["bulkhead"]["mark"]) == ("V2Query", "ours")
