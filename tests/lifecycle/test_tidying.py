"""What concerns many jobs: old ones are forgotten, and objects that nobody names are deleted."""

from datetime import timedelta

from tests.lifecycle.workshop import people

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


def test_a_job_that_has_expired_is_forgotten_with_its_objects_and_others_stay(workshop, upkeep):
    name, soon = workshop.connect("rest"), workshop.store.database_time() + timedelta(hours=1)
    expiring = workshop.run(workshop.download(name, "items", expires_at=soon))
    staying = workshop.run(workshop.download(name, "items"))

    upkeep.tidy()
    before = [job.id for job in workshop.store.jobs.list(workshop.tenant.id)]
    workshop.passes(timedelta(hours=1))
    upkeep.tidy()

    assert before == [expiring.id, staying.id]
    assert [job.id for job in workshop.store.jobs.list(workshop.tenant.id)] == [staying.id]
    assert not list(workshop.objects.list(f"jobs/{expiring.id}/"))
    assert len(workshop.lines(staying)) == 1_000


def test_the_file_of_an_upload_expires_with_it(workshop, upkeep):
    soon = workshop.store.database_time() + timedelta(hours=1)
    job = workshop.run(workshop.upload(workshop.connect("salesloft"), people(3), expires_at=soon))
    workshop.passes(timedelta(hours=1))

    upkeep.tidy()

    assert workshop.store.jobs.list(workshop.tenant.id) == []
    assert not workshop.objects.exists(str(job.input_key))


def test_a_job_that_has_expired_before_its_end_ends_first(workshop, upkeep):
    soon = workshop.store.database_time() + timedelta(hours=1)
    job = workshop.download(workshop.connect("rest"), "items", expires_at=soon)
    workshop.passes(timedelta(hours=2))
    upkeep.tidy()

    ended = workshop.run(job)
    upkeep.tidy()

    assert ended.counts.stored == 1_000
    assert workshop.store.jobs.list(workshop.tenant.id) == []


def test_a_notification_still_to_be_sent_keeps_a_job_that_has_expired(workshop, upkeep):
    soon = workshop.store.database_time() + timedelta(hours=1)
    hook = "http://192.0.2.1/hook"
    job = workshop.run(workshop.download(workshop.connect("rest"), "items", expires_at=soon, notification_url=hook))
    workshop.passes(timedelta(hours=1))

    upkeep.tidy()

    assert workshop.store.jobs.get(workshop.tenant.id, job.id).id == job.id
