"""The folder of one installation."""

import stat
from datetime import timedelta

import pytest

from orchestrator.embedded.home import Home, HomeInUse

AT_ONCE = timedelta(0)


def test_a_home_is_held_by_one_runtime_at_a_time(tmp_path):
    home = Home.at(tmp_path)

    with home.locked(), pytest.raises(HomeInUse, match="another `bulkhead up`"), home.locked(AT_ONCE):
        pass

    with home.locked(AT_ONCE) as free_again:
        assert free_again > 0


def test_notes_can_be_read_by_their_owner_alone(tmp_path):
    home = Home.at(tmp_path)

    path = home.note("api-key", "secret")

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert home.noted("api-key") == "secret"
    assert home.noted("nothing") is None


def test_a_secret_is_made_once(tmp_path):
    home = Home.at(tmp_path)

    first, second = home.secret("flower-password"), Home.at(tmp_path).secret("flower-password")

    assert first == second
    assert len(first) >= 32
