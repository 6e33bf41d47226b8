"""A download that names no fields shows which ones it read."""

import pytest

from orchestrator.job.criteria import FileFormat
from orchestrator.sandbox.options import Options
from orchestrator.store.status_body import Sight, status_body
from tests.lifecycle.workshop import Workshop


@pytest.fixture
def options() -> Options:
    """A few records everywhere."""
    return Options(people=5, accounts=0, others=0, sf_accounts=3, sf_contacts=0, sf_others=0, sf_speed=0, rate=0)


def shown(workshop: Workshop, provider: str, object_name: str, **criteria: object) -> str | None:
    """Run a download, and return the fields that its status shows."""
    job = workshop.run(workshop.download(workshop.connect(provider), object_name, **criteria))
    assert job.status == "COMPLETED", workshop.story(job)
    sight = Sight(request={}, now=workshop.store.database_time())
    fields: str | None = status_body(job, sight)["defaultSelectFields"]
    return fields


def test_salesloft_shows_every_field_of_its_records(workshop):
    fields = shown(workshop, "salesloft", "people")

    assert fields is not None
    assert fields.split(",")[:1] == ["id"]
    assert {"updated_at", "email_address", "first_name"} <= set(fields.split(","))


@pytest.mark.parametrize("form", [FileFormat.CSV, FileFormat.JSONL])
def test_salesforce_shows_the_fields_that_the_query_asked_for(workshop, form):
    fields = shown(workshop, "salesforce", "Account", format=form)

    assert fields is not None
    assert {"Id", "Name", "SystemModstamp"} <= set(fields.split(","))


@pytest.mark.parametrize("nulls", [True, False], ids=["without nulls", "with nulls"])
def test_a_rest_list_shows_what_its_records_have(workshop, nulls):
    fields = shown(workshop, "rest", "items", filter_nulls=nulls)

    assert fields is not None
    assert {"id", "name"} <= set(fields.split(","))


@pytest.mark.parametrize("criteria", [{"select_fields": ("id",)}, {"query": {"id[gt]": "999999"}}], ids=str)
def test_nothing_is_shown_where_the_fields_were_named_or_none_was_seen(workshop, criteria):
    assert shown(workshop, "rest", "items", **criteria) is None
