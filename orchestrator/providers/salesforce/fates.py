"""What became of each row, read from the result files of an ingest job.

https://developer.salesforce.com/docs/atlas.en-us.api_asynch.meta/api_asynch/get_job_successful_results.htm
"""

from collections.abc import Mapping

import msgspec

from orchestrator.job.step import Cursor
from orchestrator.providers.provider import Fate, FatePage
from orchestrator.providers.salesforce.table import Table, echoed

# Refused because of others at work on the same records, not because of the row itself.
# https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_concepts_core_data_objects.htm
TRANSIENT = ("UNABLE_TO_LOCK_ROW",)

_encode = msgspec.json.Encoder().encode


def fate_page(body: bytes, following: Cursor | None) -> FatePage:
    """Return the fates of a file's rows; a file without a body has none. Raises Misbehaved."""
    table = Table(body)
    ours = {name: at for at, name in enumerate(table.header) if name.startswith("sf__")}
    fates = []
    for number, row in enumerate(table.rows(), 1):
        told = {name: row[at] for name, at in ours.items()}
        fates.append(_fate(number, told, _encode(echoed(table.header, row))))
    return FatePage(fates=fates, next=following)


def _fate(number: int, told: Mapping[str, str], record: bytes) -> Fate:
    error = told.get("sf__Error")
    resource = {"id": told.get("sf__Id") or None}
    if error is None:
        return Fate(
            key=number,
            status="success",
            record=record,
            error=None,
            resource=_encode({**resource, "created": told.get("sf__Created") == "true"}),
        )
    return Fate(
        key=number,
        status="error",
        record=record,
        error=error,
        resource=_encode(resource),
        retryable=error.startswith(TRANSIENT),
    )
