"""Records cut into chunks that know where their rows came from."""

import hashlib
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.job.errors import Invalid
from orchestrator.results.canonical import canonical, canonical_hash
from orchestrator.results.chunks import ChunkCutter, chunk_key, pack_rows, rows_key, unpack_rows

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)


@given(st.dictionaries(TEXT, VALUES, max_size=6), st.randoms(use_true_random=False))
def test_a_record_is_known_again_in_any_spelling(record, shuffler):
    keys = list(record)
    shuffler.shuffle(keys)
    echoed = json.dumps({key: record[key] for key in keys}, ensure_ascii=True, indent=2).encode()

    assert canonical(echoed) == canonical(record)
    assert canonical_hash(echoed) == canonical_hash(record) < 2**64


@pytest.mark.parametrize(
    ("one", "other"),
    [(b'{"a":1.0}', b'{"a":1}'), (b'{"a":1e2}', b'{"a":100}'), (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode())],
)
def test_two_spellings_of_a_value_are_one(one, other):
    assert canonical_hash(one) == canonical_hash(other)


@pytest.mark.parametrize(
    ("one", "other"), [(b'{"a":1}', b'{"a":"1"}'), (b'{"a":null}', b"{}"), (b'{"a":1.5}', b'{"a":1.25}')]
)
def test_different_values_stay_different(one, other):
    assert canonical_hash(one) != canonical_hash(other)


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_rows_are_packed_in_sixteen_bytes_each(hashes):
    rows = list(enumerate(hashes, 1))

    packed = pack_rows(rows)

    assert len(packed) == 16 * len(rows)
    assert unpack_rows(packed) == rows


@given(st.lists(st.integers(0, 60)), st.integers(1, 7), st.integers(80, 200))
def test_chunks_hold_every_record_once_within_both_bounds(lengths, max_rows, max_bytes):
    records = [{"n": n, "text": "x" * length} for n, length in enumerate(lengths, 1)]
    cutter = ChunkCutter(max_rows, max_bytes)

    cuts = [cut for record in records if (cut := cutter.add(record["n"], record))]
    cuts += [cut for cut in [cutter.flush()] if cut]

    assert [record for cut in cuts for record in json.loads(cut.body)] == records
    assert all(cut.rows <= max_rows and len(cut.body) == cut.bytes <= max_bytes for cut in cuts)
    assert [row for cut in cuts for row in unpack_rows(cut.rows_object)] == [
        (record["n"], canonical_hash(record)) for record in records
    ]


def test_a_chunk_tells_its_rows_and_its_checksum():
    cutter = ChunkCutter(2, 1000)
    cutter.add(7, {"a": 1})

    cut = cutter.add(9, {"a": 2})

    assert cut is not None
    assert (cut.first_row, cut.last_row, cut.rows) == (7, 9, 2)
    assert cut.sha256 == hashlib.sha256(b'[{"a":1},{"a":2}]').hexdigest()


def test_a_chunk_full_by_bytes_ends_before_the_record_that_did_not_fit():
    cutter = ChunkCutter(100, 30)
    cutter.add(1, {"a": "x" * 10})

    cut = cutter.add(2, {"a": "y" * 10})

    assert cut is not None
    assert cut.last_row == 1


@pytest.mark.parametrize(("record", "code"), [({"a": "x" * 100}, "record_too_large"), ({"a": "\ud800"}, "bad_record")])
def test_a_record_that_no_request_can_carry_is_the_users_bad_row(record, code):
    cutter = ChunkCutter(100, 50)
    cutter.add(1, {"a": 1})

    with pytest.raises(Invalid) as caught:
        cutter.add(2, record)

    left = cutter.flush()
    assert caught.value.code == code
    assert left is not None
    assert left.body == b'[{"a":1}]'


def test_nothing_is_cut_from_nothing():
    assert ChunkCutter(10, 100).flush() is None


def test_a_fenced_writers_chunk_has_another_name():
    assert len({chunk_key(1, 2, 3), chunk_key(1, 2, 4), rows_key(1, 2, 3), rows_key(1, 2, 4)}) == 4


def test_a_shuffled_object_is_hashed_alike_at_every_depth():
    inner = {f"k{n}": n for n in range(20)}
    shuffled = dict(random.Random(1).sample(list(inner.items()), 20))

    assert canonical_hash({"a": [inner]}) == canonical_hash({"a": [shuffled]})
