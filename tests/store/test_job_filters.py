"""Jobs found by a filter, on both databases, and just those that the filter means."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from orchestrator import ceql
from orchestrator.ceql.tree import Comparison, Filter, In, IsNull, Like, Not, Sign, all_of, any_of
from orchestrator.clock import to_micros
from orchestrator.job.criteria import Operation, UploadCriteria
from orchestrator.job.status import Direction
from orchestrator.store.engine import Database
from orchestrator.store.store import Store
from orchestrator.store.tables import jobs
from tests.store.given import a_connection, a_job, a_tenant

UPLOAD = UploadCriteria(object_name="lead_100%", operation=Operation.INSERT)
DAY = 86_400_000_000  # µs
WORDS = ["", "person", "LEAD_100%", "%", "_", "\\", "lead\\_1%", "5", "x' OR 1=1 --", "COMPLETED", "2026-11-21"]
NUMBERS = st.one_of(st.integers(-5, 8), st.sampled_from([2.5, 10**30, -(10**25), 1_000_000]))


@pytest.fixture
def store(database: Database) -> Store:
    """Eight jobs of one tenant and one of another."""
    tenant = a_tenant(database)
    connection = a_connection(database, tenant)
    for n in range(8):
        changes: dict[str, Any] = {"object_name": "Person"}
        if n % 2:
            changes = {"object_name": "lead_100%", "direction": Direction.UPLOAD, "criteria": UPLOAD}
        _set(database, a_job(database, connection, **changes), n)
    a_job(database, a_connection(database, a_tenant(database, "other")))
    return Store(database)


def _set(database: Database, job_id: int, n: int) -> None:
    values = {
        "rows_stored": n, "rows_accepted": n, "rows_refused": 1, "native": n % 3 == 0, "error_count": 10 * n,
        "outcome": None if n < 3 else "SUCCEEDED", "completed_at": None if n < 3 else n * DAY,
        "created_at": n * DAY + 5,
    }  # fmt: skip
    with database.write() as connection:
        connection.execute(update(jobs).where(jobs.c.id == job_id).values(**values))


def found(store: Store, where: str | Filter) -> list[int]:
    """Return which of the tenant's jobs, counted from 1, a filter finds."""
    term, tenant = ceql.parse(where) if isinstance(where, str) else where, a_tenant(store.database)
    place = {job.id: n for n, job in enumerate(store.jobs.list(tenant), start=1)}
    return [place[job.id] for job in store.jobs.list(tenant, where=term)]


@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("job_direction='UPLOAD'", [2, 4, 6, 8]),
        ("jobDirection = 'download' AND record_count >= 4", [5, 7]),
        ("recordCount = 4", [4, 5]),
        ("object_name LIKE 'LEAD\\_1%\\%'", [2, 4, 6, 8]),
        ("objectName NOT LIKE '%e%s%'", [2, 4, 6, 8]),
        ("outcome IS NULL", [1, 2, 3]),
        ("outcome != 'succeeded'", [1, 2, 3]),
        ("NOT outcome = 'SUCCEEDED' OR errorCount = '70'", [1, 2, 3, 8]),
        ("native = true", [1, 4, 7]),
        ("status IN ('created', 'RUNNING') AND errorCount IN (10, 99)", [2]),
        ("createdDate = 1970-01-03", [3]),
        ("createdDate <= '1970-01-02' AND jobState = 'CREATED'", [1, 2]),
        ("completionTime > 1970-01-05T00:00:00Z", [6, 7, 8]),
        ("completionTime = 259200000", [4]),
        ("id = 'one'", []),
        ("id < 1e30", [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_a_filter_finds_its_jobs(store: Store, where: str, ids: list[int]) -> None:
    assert found(store, where) == ids


@pytest.mark.parametrize(("where", "words"), [("job_statuss = 'x'", "jobStatus"), ("outcome < 'x'", "no order")])
def test_what_jobs_do_not_have_is_refused(store: Store, where: str, words: str) -> None:
    with pytest.raises(ceql.BadFilter, match=words):
        found(store, where)


def test_pages_of_a_filtered_list_lose_and_double_nothing(store: Store) -> None:
    term, tenant = ceql.parse("errorCount != 30"), a_tenant(store.database)

    seen: list[int] = []
    while page := store.jobs.list(tenant, after=seen[-1] if seen else 0, size=2, where=term):
        seen += [job.id for job in page]

    assert seen == [job.id for job in store.jobs.list(tenant) if job.error_count != 30]
    assert len(seen) == 7


TEXT_FIELDS = st.sampled_from(["objectName", "jobDirection", "outcome"])
NUMBER_FIELDS = st.sampled_from(["id", "recordCount", "errorCount"])
LEAVES: st.SearchStrategy[Filter] = st.one_of(
    st.builds(lambda field, sign, value: Comparison(field=field, sign=sign, value=value), TEXT_FIELDS,
              st.sampled_from([Sign.EQ, Sign.NE]), st.sampled_from(WORDS)),
    st.builds(lambda field, sign, value: Comparison(field=field, sign=sign, value=value), NUMBER_FIELDS,
              st.sampled_from(Sign), NUMBERS),
    st.builds(lambda field, pattern: Like(field=field, pattern=pattern), TEXT_FIELDS, st.sampled_from(WORDS)),
    st.builds(lambda field, values: In(field=field, values=tuple(values)), NUMBER_FIELDS,
              st.lists(NUMBERS, min_size=1, max_size=3)),
    st.builds(lambda field: IsNull(field=field), st.one_of(TEXT_FIELDS, st.just("completionTime"))),
)  # fmt: skip
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda term: Not(term=term)),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(FILTERS)
def test_the_database_finds_what_the_filter_means(store: Store, term: Filter) -> None:
    everything = store.jobs.list(a_tenant(store.database))
    fits = ceql.predicate(term)

    meant = [
        place
        for place, job in enumerate(everything, start=1)
        if fits(
            {
                "id": job.id,
                "objectName": job.object_name,
                "jobDirection": str(job.direction),
                "outcome": job.outcome and str(job.outcome),
                "recordCount": job.counts.stored
                if job.direction is Direction.DOWNLOAD
                else job.counts.accepted + job.counts.refused,
                "errorCount": job.error_count,
                "completionTime": job.completed_at and to_micros(job.completed_at) // 1000,
            }
        )
    ]

    assert found(store, term) == meant
