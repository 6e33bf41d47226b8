"""Packed files, unpacked while they arrive."""

import gzip

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.job.errors import Invalid
from orchestrator.results.inputs.arrival import decompressing

PACKERS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("packer", PACKERS)
@given(st.binary(), st.integers(1, 50))
def test_a_file_comes_out_as_it_was_packed(packer, body, size):
    packed = PACKERS[packer](b"a," + body)
    blocks = [packed[at : at + size] for at in range(0, len(packed), size)]

    assert b"".join(decompressing(blocks)) == b"a," + body


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_packed_files_put_one_after_the_other_are_one_file(packer):
    pack = PACKERS[packer]

    assert b"".join(decompressing([pack(b"one") + pack(b"two"), pack(b"three")])) == b"onetwothree"


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
@pytest.mark.parametrize("cut", [5, 40, -1])
def test_a_packed_file_that_was_cut_off_is_refused(packer, cut):
    packed = PACKERS[packer](bytes(range(256)) * 4)

    with pytest.raises(Invalid) as caught:
        list(decompressing([packed[:cut]]))

    assert caught.value.code == "broken_compression"


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_damage_is_refused(packer):
    packed = bytearray(PACKERS[packer](bytes(range(256)) * 4))
    packed[8:20] = b"\xff" * 12

    with pytest.raises(Invalid) as caught:
        list(decompressing([bytes(packed)]))

    assert caught.value.code == "broken_compression"


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
def test_a_bomb_is_unpacked_without_filling_the_memory(at_most, packer):
    packed = PACKERS[packer](b"\0" * (200 << 20))

    with at_most(70):
        size = sum(map(len, decompressing([packed])))

    assert size == 200 << 20


@pytest.mark.parametrize("packer", PACKERS)
def test_a_file_larger_than_allowed_is_refused(packer):
    packed = PACKERS[packer](b"x" * 1001)

    with pytest.raises(Invalid) as caught:
        list(decompressing([packed], largest=1000))

    assert caught.value.code == "too_large"
