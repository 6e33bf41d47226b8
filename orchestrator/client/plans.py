"""Plans: what a job would cost; nothing is started."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.client.calls import Calls, Json


class PlanCalls(Calls):
    """What a job would cost, and when it would be done."""

    def plan_download(self, criteria: Mapping[str, Any]) -> Json:
        """Plan a download; costs a cheap vendor call or two."""
        return self._json("POST", "/bulk/plan", json=dict(criteria))

    def plan_upload(self, meta_data: Mapping[str, Any], file: Path) -> Json:
        """Plan an upload of a file, with its first rows as they would be sent; makes no vendor call."""
        with file.open("rb") as body:
            parts = {
                "metaData": (None, msgspec.json.encode(meta_data), "application/json"),
                "file": (file.name, body, "application/octet-stream"),
            }
            return self._json("POST", "/bulk/plan", files=parts)

    def plan_rows(self, meta_data: Mapping[str, Any], rows: int) -> Json:
        """Plan an upload of so many rows; makes no vendor call."""
        return self._json("POST", "/bulk/plan", json={"metaData": dict(meta_data), "rows": rows})
