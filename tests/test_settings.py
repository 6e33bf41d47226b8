"""Settings come from the environment, say what is wrong with them, and keep secrets to themselves."""

from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.job.errors import Invalid
from orchestrator.settings import Settings, reference, reference_page, unknown_variables

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"
SECRET = "canary-51f0"


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for each in reference():
        monkeypatch.delenv(each.variable, raising=False)


def test_everything_lives_in_the_home_folder_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv("BULKHEAD_HOME", str(tmp_path))

    settings = Settings.load()

    assert settings.database_url == f"sqlite:///{tmp_path}/bulkhead.db"
    assert settings.store_url == f"file://{tmp_path}/store"
    assert settings.keys_path == tmp_path / "keys"
    assert settings.is_local


def test_the_home_folder_is_the_users_own_by_default():
    settings = Settings.load()

    assert settings.home == Path.home() / ".bulkhead"


def test_the_limits_use_the_brokers_redis_where_it_is_one(monkeypatch):
    monkeypatch.setenv("BULKHEAD_BROKER_URL", "redis://broker:6379/3")
    with_redis = Settings.load()
    monkeypatch.setenv("BULKHEAD_BROKER_URL", "amqp://rabbit")

    with_rabbit = Settings.load()

    assert with_redis.redis_url == "redis://broker:6379/3"
    assert with_rabbit.redis_url == "redis://127.0.0.1:6379/0"


def test_an_empty_variable_counts_as_absent(monkeypatch):
    monkeypatch.setenv("BULKHEAD_KEYS", "")
    monkeypatch.setenv("BULKHEAD_API_PORT", "")

    settings = Settings.load()

    assert settings.keys is None
    assert settings.api_port == 8080


@pytest.mark.parametrize(("text", "shift"), [("3600", 3600), ("-90", -90), ("0.5", 0.5), ("PT1H", 3600)])
def test_durations_are_seconds_or_iso_8601(monkeypatch, text, shift):
    monkeypatch.setenv("BULKHEAD_CLOCK_SHIFT", text)

    settings = Settings.load()

    assert settings.clock_shift == timedelta(seconds=shift)


def test_networks_are_a_list_with_commas(monkeypatch):
    monkeypatch.setenv("BULKHEAD_ALLOW_NETWORKS", "127.0.0.0/8, ::1/128")

    settings = Settings.load()

    assert settings.allow_networks == ("127.0.0.0/8", "::1/128")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("BULKHEAD_ALLOW_NETWORKS", f"10.0.0.0/8,{SECRET}"),
        ("BULKHEAD_API_PORT", SECRET),
        ("BULKHEAD_BOOTSTRAP_KEY", SECRET),
        ("BULKHEAD_LOG_LEVEL", SECRET),
    ],
)
def test_a_wrong_value_is_refused_by_name(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)

    with pytest.raises(Invalid) as caught:
        Settings.load()

    assert caught.value.field == variable


def test_a_wrong_secret_is_not_shown(monkeypatch):
    monkeypatch.setenv("BULKHEAD_BOOTSTRAP_KEY", SECRET)

    with pytest.raises(Invalid) as caught:
        Settings.load()

    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None


def test_settings_show_no_secret(monkeypatch):
    for name in ("KEYS", "API_KEY", "BOOTSTRAP_KEY"):
        monkeypatch.setenv(f"BULKHEAD_{name}", f"{SECRET}-{name}-0123456789")
    for name in ("DATABASE_URL", "BROKER_URL", "REDIS_URL", "STORE_URL", "PROXY"):
        monkeypatch.setenv(f"BULKHEAD_{name}", f"redis://user:{SECRET}@host/0")

    settings = Settings.load()

    assert SECRET not in repr(settings)
    assert SECRET not in str(settings)
    assert settings.keys is not None


def test_a_misspelt_variable_is_found(monkeypatch):
    monkeypatch.setenv("BULKHEAD_DATABSE_URL", "x")
    monkeypatch.setenv("BULKHEAD_HOME", "x")

    unknown = unknown_variables()

    assert "BULKHEAD_DATABSE_URL" in unknown
    assert "BULKHEAD_HOME" not in unknown


def test_every_setting_says_what_it_is_for():
    lines = reference()

    assert all(len(each.description) > 30 for each in lines)
    assert len({each.variable for each in lines}) == len(lines)


def test_the_reference_page_is_what_the_code_says():
    page = PAGE.read_text()

    assert page == reference_page(), "write the text of orchestrator.settings.reference_page() to the page"
