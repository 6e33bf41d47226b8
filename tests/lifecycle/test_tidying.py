"""What concerns many jobs: old ones are forgotten, and objects that nobody names are deleted."""

from datetime import timedelta

MONTH = timedelta(days=30)


def test_an_object_that_no_row_names_is_deleted_after_a_day(workshop, upkeep):
    job = workshop.run(workshop.download(workshop.connect("rest"), "items"))
    workshop.objects.put_new("jobs/1/r0/s1-p99-e1.jsonl", b"{}\n")

    at_once = upkeep.tidy()
    workshop.time_told.passes(timedelta(days=1, minutes=1))
    later = upkeep.tidy()

    assert (at_once, later >= 1) == (0, True)
    assert not workshop.objects.exists("jobs/1/r0/s1-p99-e1.jsonl")
    assert len(workshop.lines(job)) == 1_000


def test_a_job_that_ended_before_the_retention_is_forgotten_with_its_objects(workshop, upkeep):
    workshop.run(workshop.download(workshop.connect("rest"), "items"))
    workshop.time_told.passes(MONTH + timedelta(days=2))

    upkeep.tidy()

    assert workshop.store.jobs.list(workshop.tenant.id) == []
    assert list(workshop.objects.list("jobs/")) == []


def test_a_job_that_has_not_ended_is_never_forgotten(workshop, upkeep):
    job = workshop.download(workshop.connect("rest"), "items")
    workshop.time_told.passes(MONTH * 2)

    upkeep.tidy()

    assert workshop.store.jobs.get(workshop.tenant.id, job.id).id == job.id
