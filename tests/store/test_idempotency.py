"""The same request twice is done once, and answered twice."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from orchestrator.job.errors import Conflict, Invalid
from orchestrator.store.idempotency import Answered, IdempotencyKeys
from tests.store.given import a_tenant

REQUEST = {"route": "POST /bulk/download", "fingerprint": "f" * 64}


@pytest.fixture
def keys(database) -> IdempotencyKeys:
    return IdempotencyKeys(database)


@pytest.fixture
def tenant(database) -> int:
    return a_tenant(database)


def test_the_first_request_is_ours_to_do(keys, tenant):
    assert keys.claim(tenant, "k", **REQUEST) is None


def test_a_repeated_request_gets_the_answer_of_the_first(keys, tenant):
    keys.claim(tenant, "k", **REQUEST)
    keys.answer(tenant, "k", 202, b'{"id": "1"}')

    again = keys.claim(tenant, "k", **REQUEST)

    assert again == Answered(status=202, answer=b'{"id": "1"}')


def test_a_request_that_is_still_running_is_not_started_again(keys, tenant):
    keys.claim(tenant, "k", **REQUEST)

    with pytest.raises(Conflict) as caught:
        keys.claim(tenant, "k", **REQUEST)

    assert caught.value.code == "still_running"


@pytest.mark.parametrize("change", [{"route": "POST /bulk/upload"}, {"fingerprint": "e" * 64}])
def test_a_key_is_good_for_one_request_only(keys, tenant, change):
    keys.claim(tenant, "k", **REQUEST)
    keys.answer(tenant, "k", 202, b"")

    with pytest.raises(Invalid) as caught:
        keys.claim(tenant, "k", **{**REQUEST, **change})

    assert caught.value.field == "Idempotency-Key"


def test_a_claim_whose_process_died_is_free_when_its_lock_runs_out(keys, tenant, time_told):
    keys.claim(tenant, "k", **REQUEST)

    time_told.passes(timedelta(seconds=61))

    assert keys.claim(tenant, "k", **REQUEST) is None


def test_a_request_that_did_nothing_may_come_again(keys, tenant):
    keys.claim(tenant, "k", **REQUEST)

    keys.release(tenant, "k")

    assert keys.claim(tenant, "k", **REQUEST) is None


def test_an_answer_is_not_released(keys, tenant):
    keys.claim(tenant, "k", **REQUEST)
    keys.answer(tenant, "k", 202, b"")

    keys.release(tenant, "k")

    assert keys.claim(tenant, "k", **REQUEST) == Answered(status=202, answer=b"")


def test_of_eight_at_once_one_does_the_work(keys, tenant):
    def claim(_: int) -> bool:
        try:
            return keys.claim(tenant, "k", **REQUEST) is None
        except Conflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(claim, range(8)))

    assert sum(claimed) == 1


def test_tenants_do_not_see_each_others_keys(database, keys, tenant):
    keys.claim(tenant, "k", **REQUEST)

    assert keys.claim(a_tenant(database, "other"), "k", **REQUEST) is None


def test_old_keys_are_forgotten(keys, tenant, time_told):
    keys.claim(tenant, "old", **REQUEST)
    time_told.passes(timedelta(hours=25))
    keys.claim(tenant, "new", **REQUEST)

    swept = keys.sweep()

    assert swept == 1
