"""Sealed secrets open for their own row and for nobody else, and are shown nowhere."""

import stat
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.secrets import Keyring, Unopenable, generate, hash_api_key, new_api_key

CANARY = b"canary-7f3a-refresh-token"
ROW = b"1|42|3"


@pytest.fixture
def keyring() -> Keyring:
    return Keyring.from_text(generate())


def test_what_was_sealed_opens_under_the_same_context(keyring):
    sealed = keyring.seal(CANARY, ROW)

    assert keyring.open(sealed, ROW) == CANARY


@pytest.mark.parametrize("other", [b"2|42|3", b"1|43|3", b"1|42|4", b""])
def test_a_sealed_text_moved_to_another_row_does_not_open(keyring, other):
    sealed = keyring.seal(CANARY, ROW)

    with pytest.raises(Unopenable):
        keyring.open(sealed, other)


def test_a_sealed_text_shows_nothing_and_is_never_the_same_twice(keyring):
    first, second = keyring.seal(CANARY, ROW), keyring.seal(CANARY, ROW)

    assert first != second
    assert "canary" not in first


def test_old_keys_still_open_and_the_first_one_seals():
    old, new = generate(), generate()
    sealed = Keyring.from_text(old).seal(CANARY, ROW)

    both = Keyring.from_text(f"{new},{old}")

    assert both.open(sealed, ROW) == CANARY
    assert not both.is_current(sealed)
    assert both.is_current(both.seal(CANARY, ROW))


def test_a_missing_key_is_named_and_not_shown(keyring):
    other = generate()
    sealed = Keyring.from_text(other).seal(CANARY, ROW)

    with pytest.raises(Unopenable) as caught:
        keyring.open(sealed, ROW)

    assert "there is no key" in str(caught.value)
    assert other not in str(caught.value)


@pytest.mark.parametrize("damaged", ["", "v1.x", "v2.abcdefab.AAAA", "v1.abcdefab.!", "plain token"])
def test_a_text_that_was_never_sealed_does_not_open(keyring, damaged):
    with pytest.raises(Unopenable):
        keyring.open(damaged, ROW)


def test_a_damaged_text_does_not_open_and_the_error_shows_no_secret(keyring):
    sealed = keyring.seal(CANARY, ROW)
    damaged = sealed[:-6] + ("AAAA==" if sealed[-6:] != "AAAA==" else "BBBB==")

    with pytest.raises(Unopenable) as caught:
        keyring.open(damaged, ROW)

    assert "canary" not in str(caught.value)


def test_keys_made_by_other_tools_are_understood():
    standard = b64encode(bytes(range(224, 256))).decode()

    keyring = Keyring.from_text(f" {standard} ")

    assert keyring.open(keyring.seal(CANARY, ROW), ROW) == CANARY


@pytest.mark.parametrize("text", ["", "short", "canary-secret!", pytest.param(f"{generate()},c2hvcnQ=", id="second")])
def test_keys_that_are_none_are_refused_without_being_shown(text):
    with pytest.raises(Invalid) as caught:
        Keyring.from_text(text)

    assert "canary" not in str(caught.value)
    assert text[:20] not in str(caught.value) or not text


def test_the_key_file_is_made_once_and_is_its_owners_alone(tmp_path):
    path = tmp_path / "home" / "keys"

    with ThreadPoolExecutor(8) as pool:
        rings = list(pool.map(lambda _: Keyring.from_file(path), range(8)))

    assert len({ring.current for ring in rings}) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["keys"]


def test_neither_keyrings_nor_api_keys_show_themselves():
    text = generate()
    key = new_api_key()

    shown = repr(Keyring.from_text(text)) + repr(key)

    assert text not in shown
    assert key.text not in shown


def test_api_keys_are_long_random_and_known_by_their_hash():
    one, other = new_api_key(), new_api_key()

    assert one.text.startswith("bh_")
    assert len(one.text) >= 3 + 43
    assert one.text != other.text
    assert one.hash == hash_api_key(one.text)
