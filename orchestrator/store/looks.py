"""Calls that belong to no turn: a check, a look at the vendor's jobs. They count like all others."""

from collections.abc import Mapping
from dataclasses import replace

from orchestrator.job.commit import Fixes
from orchestrator.store.engine import Database
from orchestrator.store.fixes import fix_after_look
from orchestrator.store.usage import write_usage


class Looks:
    """The books of such calls."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def book(self, budget_id: int, used: Mapping[str, int], fixes: Fixes) -> None:
        """Count the units used of each quota, and note what the vendor said of its limits."""
        told = replace(fixes, worked=None, latency=None)  # a look says nothing on how many turns are well at once
        with self._database.write() as connection:
            write_usage(connection, self._database, budget_id, used)
            fix_after_look(connection, self._database, budget_id, told)
