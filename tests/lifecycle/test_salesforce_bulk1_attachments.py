"""Files by Bulk API 1.0: a zip with a table goes in, and the bytes of every file come out equal in the org."""

import base64
import io
import os
import zipfile
from collections.abc import Mapping

import pytest

from orchestrator.job.criteria import Operation
from orchestrator.job.errors import Invalid
from orchestrator.job.record import Job
from orchestrator.job.status import JobOutcome, JobStatus, StopReason
from orchestrator.sandbox.faults import Fault, Match, Moment
from orchestrator.sandbox.options import Options
from tests.lifecycle.bulk1 import an_org, records, told
from tests.lifecycle.workshop import Workshop

FILES = {"a.bin": bytes(range(256)) * 20, "folder/ü.txt": "naïve 😀".encode(), "empty": b""}


@pytest.fixture
def options() -> Options:
    """An org with one account to attach to."""
    return an_org(sf_accounts=1)


def parent(workshop: Workshop) -> str:
    return str(records(workshop, "Account")[0]["Id"])


def a_zip(table: str, files: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("request.txt", table)
        for name, body in files.items():
            packed.writestr(name, body)
    return out.getvalue()


def a_table(workshop: Workshop, names: list[str]) -> str:
    lines = [f"{name},{parent(workshop)},#{name}" for name in names]
    return "\n".join(["Name,ParentId,Body", *lines]) + "\n"


def attached(workshop: Workshop, body: bytes, content_type: str | None = None) -> Job:
    return workshop.upload(
        workshop.connect("salesforce"),
        body,
        object_name="Attachment",
        operation=Operation.INSERT,
        external_id_field=None,
        format="zip",
        content_type=content_type,
    )


def stored(workshop: Workshop) -> dict[str, bytes]:
    return {str(each["Name"]): base64.b64decode(str(each["Body"])) for each in records(workshop, "Attachment")}


@pytest.mark.parametrize("kind", ["ZIP_CSV", "ZIP_JSON", "ZIP_XML", None])
def test_the_bytes_of_every_file_come_back_equal(workshop: Workshop, kind: str | None) -> None:
    files = {name: body for name, body in FILES.items() if body}
    job = attached(workshop, a_zip(a_table(workshop, list(files)), files), kind)

    done = workshop.run(job)

    assert (done.status, done.outcome, done.counts.accepted) == (JobStatus.COMPLETED, JobOutcome.SUCCEEDED, 2)
    assert stored(workshop) == files
    assert told(workshop)["bulk1"]["jobs"][0]["contentType"] == (kind or "ZIP_CSV")


def test_many_files_are_cut_into_batches_within_the_limits_of_the_vendor(workshop: Workshop) -> None:
    files = {f"f{n}": os.urandom(3_000_000) for n in range(9)}
    job = attached(workshop, a_zip(a_table(workshop, list(files)), files))

    done = workshop.run(job)

    batches = [batch for each in told(workshop)["bulk1"]["jobs"] for batch in each["batches"]]
    assert (done.counts.accepted, stored(workshop)) == (9, files)
    assert max(batch["bytes"] for batch in batches) <= 10_000_000
    assert len(batches) >= 3


def test_a_file_that_is_not_there_or_leads_out_of_the_zip_is_refused_with_its_row(workshop: Workshop) -> None:
    outside = {"../../etc/passwd": b"slip", "good": b"kept"}
    job = attached(workshop, a_zip(a_table(workshop, ["missing", "../../etc/passwd", "good"]), outside))

    done = workshop.run(job)

    assert (done.outcome, done.counts.accepted, done.counts.refused) == (JobOutcome.PARTIAL, 1, 2)
    assert stored(workshop) == {"good": b"kept"}
    assert all("INVALID_FIELD" in str(line["error"]) for line in workshop.lines(job) if line["status"] == "error")


def test_a_file_larger_than_a_batch_is_refused_and_never_unpacked(workshop: Workshop) -> None:
    bomb = {"zeros": bytes(30_000_000), "good": b"kept"}
    job = attached(workshop, a_zip(a_table(workshop, list(bomb)), bomb))

    done = workshop.run(job)

    assert (done.counts.accepted, done.counts.refused) == (1, 1)
    (error,) = [line["error"] for line in workshop.lines(job) if line["status"] == "error"]
    assert "larger than one batch may be" in error


@pytest.mark.parametrize("moment", [Moment.BEFORE, Moment.AFTER])
def test_a_lost_answer_attaches_nothing_twice(workshop: Workshop, moment: Moment) -> None:
    job = attached(workshop, a_zip(a_table(workshop, ["a.bin"]), FILES))
    workshop.sandbox.world.order(Fault(cut=moment), Match(method="POST", path="/batch$"))

    done = workshop.run(job)

    assert (done.counts.accepted, len(records(workshop, "Attachment"))) == (1, 1)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"PK\x03\x04 broken", "no zip that can be read"),
        (a_zip("x", {}).replace(b"request.txt", b"elsewhere.x"), "no request.txt"),
        (a_zip("PK\x03\x04", {}), "is a zip itself"),
    ],
)
def test_a_zip_that_cannot_be_taken_says_why(workshop: Workshop, body: bytes, words: str) -> None:
    job = attached(workshop, body)

    done = workshop.run(job)

    assert (done.status, done.stop_reason) == (JobStatus.ABORTED, StopReason.BAD_INPUT)
    assert words in str(done.status_message)


def test_a_zip_is_for_vendors_that_take_files(workshop: Workshop) -> None:
    with pytest.raises(Invalid, match="takes no files"):
        workshop.upload(workshop.connect("salesloft"), b"", format="zip")
