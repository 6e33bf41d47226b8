"""Filters and records of every shape, for properties that must hold of all."""

from datetime import UTC, date, datetime

from hypothesis import strategies as st

from orchestrator.ceql.tree import Comparison, Filter, In, IsNull, Like, Not, Sign, all_of, any_of

FIELDS = st.sampled_from(["a", "b", "a.b", "and", "odd name", "back`tick", "x.y.z", "größe", "@type"])
TEXTS = st.one_of(st.text(max_size=8), st.sampled_from(["", "O'Neil", "5", "true", "2025-01-31", "%", "_", "\\"]))
NUMBERS = st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False))
MOMENTS = st.one_of(
    st.dates(min_value=date(1900, 1, 1)),
    st.datetimes(min_value=datetime(1900, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - the zone comes beside
)
VALUES = st.one_of(TEXTS, NUMBERS, MOMENTS)
ANY_VALUE = st.one_of(VALUES, st.booleans())
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS, MOMENTS.map(lambda moment: moment.isoformat())),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(FIELDS, inner, max_size=3)),
    max_leaves=6,
)
RECORDS = st.dictionaries(FIELDS, JSON, max_size=5)

TESTS: st.SearchStrategy[Filter] = st.one_of(
    st.builds(lambda field, sign, value: Comparison(field=field, sign=sign, value=value), FIELDS,
              st.sampled_from(Sign), VALUES),
    st.builds(lambda field, sign, value: Comparison(field=field, sign=sign, value=value), FIELDS,
              st.sampled_from([Sign.EQ, Sign.NE]), st.booleans()),
    st.builds(lambda field, pattern: Like(field=field, pattern=pattern), FIELDS, TEXTS),
    st.builds(lambda field, values: In(field=field, values=tuple(values)), FIELDS,
              st.lists(ANY_VALUE, min_size=1, max_size=3)),
    st.builds(lambda field: IsNull(field=field), FIELDS),
)  # fmt: skip
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        inner.map(lambda term: Not(term=term)),
        st.lists(inner, min_size=2, max_size=3).map(all_of),
        st.lists(inner, min_size=2, max_size=3).map(any_of),
    ),
    max_leaves=8,
)
