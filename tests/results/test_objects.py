"""The object store, whichever it is."""

import pytest

from orchestrator.job.errors import Invalid, Retry
from orchestrator.results.errors import ObjectExists, ObjectMissing, ObjectStoreDown
from orchestrator.results.objects import ObjectStore


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_what_was_put_is_read_back(objects, kind):
    objects.put_new("jobs/1/a", kind(b"hello"))

    body = objects.get("jobs/1/a")

    assert body == b"hello"
    assert objects.size("jobs/1/a") == 5


def test_an_object_is_never_overwritten(objects):
    objects.put_new("jobs/1/a", b"first")

    with pytest.raises(ObjectExists):
        objects.put_new("jobs/1/a", b"second")

    assert objects.get("jobs/1/a") == b"first"


def test_a_put_whose_answer_was_lost_may_be_repeated(objects):
    objects.put_new("jobs/1/a", b"same")

    objects.put_new("jobs/1/a", b"same")

    assert objects.get("jobs/1/a") == b"same"


@pytest.mark.parametrize("read", ["get", "size"])
def test_an_object_that_is_not_there_is_missing(objects, read):
    with pytest.raises(ObjectMissing):
        getattr(objects, read)("jobs/1/none")

    assert not objects.exists("jobs/1/none")


@pytest.mark.parametrize("offset", [0, 1, 99_999, 100_000, 100_001])
def test_a_stream_starts_at_any_byte(objects, offset):
    body = bytes(range(250)) * 400
    objects.put_new("in", body)

    streamed = b"".join(objects.stream("in", offset, block=1000))

    assert streamed == body[offset:]


def test_a_stream_of_nothing_is_empty_and_a_stream_of_no_object_is_missing(objects):
    objects.put_new("empty", b"")

    assert b"".join(objects.stream("empty")) == b""
    with pytest.raises(ObjectMissing):
        list(objects.stream("none"))


@pytest.mark.parametrize(("start", "length", "expected"), [(0, 3, b"abc"), (2, 10, b"cde"), (5, 1, b""), (9, 9, b"")])
def test_a_range_ends_where_the_object_ends(objects, start, length, expected):
    objects.put_new("in", b"abcde")

    assert objects.get_range("in", start, length) == expected


def test_a_written_object_appears_whole(objects):
    with objects.writer("inputs/1") as writer:
        for _ in range(20):
            writer.write(b"x" * (1 << 20))
        assert not objects.exists("inputs/1")

    assert objects.size("inputs/1") == writer.size == 20 << 20


@pytest.mark.parametrize("mebibytes", [1, 20])
def test_a_write_that_fails_leaves_nothing_behind(objects, mebibytes):
    with pytest.raises(FileNotFoundError):
        write_and_break_off(objects, mebibytes)

    assert not objects.exists("inputs/1")
    assert list(objects.list("inputs")) == []


def write_and_break_off(objects, mebibytes):
    with objects.writer("inputs/1") as writer:
        writer.write(b"x" * (mebibytes << 20))
        raise FileNotFoundError("the client went away")


def test_a_listing_goes_by_whole_names(objects):
    for key in ("jobs/4/a", "jobs/4/r0/b", "jobs/42/c"):
        objects.put_new(key, b"xy")

    found = {info.key: info.size for info in objects.list("jobs/4")}

    assert found == {"jobs/4/a": 2, "jobs/4/r0/b": 2}
    assert all(info.modified.tzinfo is not None for info in objects.list("jobs"))


def test_deleting_twice_is_harmless(objects):
    objects.put_new("a", b"x")

    objects.delete("a")
    objects.delete("a")

    assert not objects.exists("a")


@pytest.mark.parametrize("url", ["ftp://x/y", "s3://bucket/p?unknown_key=1", "nowhere", "file:relative/dir"])
def test_an_address_that_is_not_understood_is_refused(url):
    with pytest.raises(Invalid):
        ObjectStore.open(url)


def test_a_directory_with_spaces_in_its_name_can_be_opened(tmp_path):
    objects = ObjectStore.open(f"file://{tmp_path}/two%20words")

    objects.put_new("a", b"x")

    assert (tmp_path / "two words" / "a").read_bytes() == b"x"


def test_an_outage_says_try_again_soon(tmp_path):
    objects = ObjectStore.open(f"file://{tmp_path}/objects")
    (tmp_path / "objects" / "jobs").write_bytes(b"a file where a directory must be")

    with pytest.raises(ObjectStoreDown) as caught:
        objects.put_new("jobs/1/a", b"x")

    assert caught.value.retry is Retry.SOON
    assert "\n" not in str(caught.value)
