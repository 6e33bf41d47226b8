"""What is known of Salesloft without a call: names, criteria, field types."""

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.job.criteria import DownloadCriteria, Operation, UploadCriteria
from orchestrator.job.errors import Invalid
from orchestrator.job.step import StepKind
from orchestrator.limits.limit import RateLimit
from orchestrator.providers.objects import resolve
from orchestrator.providers.salesloft import SALESLOFT
from orchestrator.providers.schema import ObjectType
from tests.providers.salesloft.conftest import Team, download, upload


@pytest.mark.parametrize("wanted", ["people", "PERSON", "Person", "person"])
def test_an_object_is_found_by_name_label_or_plural_in_any_case(wanted: str) -> None:
    assert download(object_name=wanted).object_name == "person"


@pytest.mark.parametrize("wanted", ["Cadence Memberships", "cadence-membership", "cadencememberships"])
def test_spaces_and_hyphens_in_a_name_do_not_count(wanted: str) -> None:
    assert download(object_name=wanted).object_name == "cadence_membership"


def test_an_unknown_object_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(Invalid) as refusal:
        download(object_name="peple")

    assert (refusal.value.field, refusal.value.code) == ("objectName", "unknown_object")
    assert "person" in refusal.value.advice


def test_an_exact_name_wins_over_another_objects_plural() -> None:
    objects = [ObjectType(name="news", label="N", plural="x"), ObjectType(name="item", label="I", plural="news")]

    assert resolve(objects, "NEWS").name == "news"


def test_what_can_only_be_written_is_not_downloaded_and_what_can_only_be_read_is_not_uploaded() -> None:
    with pytest.raises(Invalid, match="crm_share"):
        download(object_name="crm_share")
    with pytest.raises(Invalid, match="cadence"):
        upload(object_name="cadence", external_id_field=None)


def test_every_object_names_itself_once() -> None:
    objects = SALESLOFT.objects({})

    assert len({each.name for each in objects}) == len(objects)
    assert {each.name for each in objects if each.writable} == {"person", "account", "crm_share"}


def test_the_defaults_are_the_published_ones() -> None:
    (points,) = SALESLOFT.default_limits

    assert points == RateLimit(name="points", amount=600, window=timedelta(seconds=60))
    assert SALESLOFT.default_base_url == "https://api.salesloft.com"
    assert SALESLOFT.default_token_url == "https://accounts.salesloft.com/oauth/token"
    assert SALESLOFT.native_upload


def test_the_job_type_is_made_of_object_and_operation_unless_it_is_named() -> None:
    assert upload().type == "person/upsert"
    assert upload(type="person/import", operation=Operation.INSERT).type == "person/import"


@pytest.mark.parametrize(
    ("criteria", "field"),
    [
        ({"operation": Operation.DELETE}, "operation"),
        ({"operation": Operation.INSERT}, "operation"),
        ({"external_id_field": "phone"}, "externalIdField"),
        ({"object_name": "account", "external_id_field": "email_address"}, "externalIdField"),
        ({"object_name": "persn"}, "objectName"),
    ],
)
def test_what_the_vendor_cannot_do_is_refused_before_a_call(criteria: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        upload(**criteria)

    assert refusal.value.field == field
    assert refusal.value.advice


def test_an_external_id_field_belongs_to_upsert_alone() -> None:
    criteria = UploadCriteria(
        object_name="person", operation=Operation.INSERT, type="person/import", external_id_field="email_address"
    )

    with pytest.raises(Invalid, match="externalIdField"):
        SALESLOFT.check_criteria(criteria, {})


@pytest.mark.parametrize("name", ["page", "per_page", "sort_by", "updated_at[gt]", "include_paging_counts"])
def test_parameters_that_steer_the_walk_are_not_passed_through(name: str) -> None:
    with pytest.raises(Invalid) as refusal:
        download(query={name: "1"})

    assert refusal.value.field == f"query.{name}"


def test_the_page_size_is_the_vendors_maximum_unless_less_is_wanted() -> None:
    assert download().page_size == download(page_size=200).page_size == 100
    assert download(page_size=30).page_size == 30


def test_a_download_starts_with_one_fetch_and_an_upload_with_a_split() -> None:
    (fetch,) = SALESLOFT.first_steps(DownloadCriteria(object_name="person"), {})
    (split,) = SALESLOFT.first_steps(upload(), {})

    assert (fetch.kind, split.kind) == (StepKind.FETCH, StepKind.SPLIT)


def test_settings_that_do_not_exist_are_refused_by_name() -> None:
    assert SALESLOFT.check_settings({}) == {}
    with pytest.raises(Invalid, match=r"settings\.apiVersion"):
        SALESLOFT.check_settings({"apiVersion": "v2"})


def test_a_row_is_typed_by_the_field_table_and_named_by_its_upsert_key(team: Team) -> None:
    row = {
        "email_address": "ines@orchard.test",
        "owner_id": "17",
        "do_not_contact": "Yes",
        "tags": "red; green ;;blue",
        "phone": "0049 555",
        "custom_fields": {"size": "12"},
        "shoe": "42",
        "title": "",
    }

    shaped = team.sink().shape(row)

    assert shaped == {
        "email_address": "ines@orchard.test",
        "owner_id": 17,
        "do_not_contact": True,
        "tags": ["red", "green", "blue"],
        "phone": "0049 555",
        "custom_fields": {"size": "12"},
        "shoe": "42",
        "title": "",
        "upsert_key": "email_address",
    }


def test_a_row_that_names_its_own_upsert_key_keeps_it(team: Team) -> None:
    shaped = team.sink().shape({"upsert_key": "id", "id": "9007199254740993"})

    assert shaped == {"upsert_key": "id", "id": 9007199254740993}


def test_a_crm_id_is_named_as_the_only_kind_there_is(team: Team) -> None:
    shaped = team.sink(external_id_field="crm_id").shape({"crm_id": "003000000000000AAA"})

    assert shaped == {"crm_id": "003000000000000AAA", "crm_id_type": "salesforce", "upsert_key": "crm_id"}


def test_values_that_are_typed_already_stay_as_they_are(team: Team) -> None:
    row = {"owner_id": 17, "tags": ["a"], "do_not_contact": False, "custom_fields": None, "upsert_key": "id"}

    assert team.sink().shape(row) == row


@pytest.mark.parametrize(
    ("column", "text"), [("owner_id", "1.5"), ("owner_id", "x"), ("do_not_contact", "maybe"), ("custom_fields", "[1]")]
)
def test_a_text_that_does_not_fit_its_field_is_refused_by_column(team: Team, column: str, text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        team.sink().shape({column: text})

    assert refusal.value.field == column


def test_a_check_says_who_we_are(team: Team) -> None:
    check = team.provider.check()

    assert check.ok
    assert (check.user, check.account) == ("Sandbox User", "Sandbox team")
    assert len(team.requests()) == 1
