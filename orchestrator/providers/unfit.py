"""A query that the vendor does not run as a job."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Unfit:
    """Nothing was created; the query is read as a list instead, by `Provider.source`."""

    why: str  # not_in_bulk | bulk_quota_used
