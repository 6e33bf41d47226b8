"""The API is what its OpenAPI says, whatever is sent."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from orchestrator.api.app import make_app
from tests.api.kit import Served, runtime_of
from tests.api.test_jobs import upload

CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]
KNOWN: list[dict[str, str]] = [
    {"job_id": "1", "chunk": "1", "name": "rest", "code": "invalid"},
    {"job_id": "2", "chunk": "1", "name": "salesloft", "code": "conflict"},
    {},
]
NOT_READY = "/health/ready"  # says 503 where no worker consumes, as here; it has tests of its own
BRIEF = settings(max_examples=10, deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def schema(steady: Served) -> Any:
    """What the API says of itself."""
    steady.connected("rest")
    for job_id in (steady.client.download({"connection": "rest", "objectName": "items"}).id, upload(steady)):
        steady.run(job_id)
    return schemathesis.openapi.from_dict(make_app(runtime_of(steady.workshop)).openapi())


def test_every_operation_answers_as_it_says(schema: Any, steady: Served) -> None:
    broken: list[str] = []

    for found in schema.get_all_operations():
        if found.ok().path != NOT_READY:
            broken += mistakes(found.ok(), steady)

    assert not broken, "\n".join(broken)


def mistakes(operation: Any, api: Served) -> list[str]:
    """Call one operation with anything that its schema allows, and things that it does not; return what is wrong."""

    @BRIEF
    @given(case=operation.as_strategy(), known=some.sampled_from(KNOWN))
    def call(case: Case, known: dict[str, str]) -> None:
        for name in case.path_parameters.keys() & known.keys():
            case.path_parameters[name] = known[name]
        headers = {"Authorization": f"Bearer {api.key}"}
        answer = case.call(base_url=api.url, headers=headers, timeout=30)
        case.validate_response(answer, checks=CHECKS)

    try:
        call()
    except BaseExceptionGroup as wrong:
        return [f"{operation.method.upper()} {operation.path}: {wrong} {wrong.exceptions}"]
    return []
