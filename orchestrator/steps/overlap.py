"""Where a job of a chain overlaps with earlier ones: what they delivered, and has not changed since, is left out."""

from dataclasses import replace
from typing import Self

from orchestrator.job.criteria import DownloadCriteria
from orchestrator.providers.provider import Page
from orchestrator.results.delivered import RowReader, Versions, fingerprint
from orchestrator.steps.step import Turn


class Overlap:
    """The records that earlier jobs have delivered."""

    def __init__(self, reader: RowReader, versions: Versions) -> None:
        self._reader = reader
        self._versions = versions

    @classmethod
    def of(cls, turn: Turn) -> Self | None:
        """Return what the turn's job has to leave out; None: nothing, it does not overlap."""
        criteria = turn.job.criteria
        if not isinstance(criteria, DownloadCriteria) or criteria.id_field is None or not criteria.known:
            return None
        return cls(RowReader(criteria.id_field), turn.delivered())

    def without_delivered(self, page: Page) -> Page:
        """Return the page without the records that are as they were delivered last; those count as filtered."""
        if not self._versions or not page.rows:
            return page
        rows = self._reader.rows(bytes(page.body), page.header)
        new = [row for id_, row in rows if id_ is None or self._versions.get(id_) != fingerprint(row)]
        return replace(page, body=b"".join(new), rows=len(new), filtered=page.filtered + page.rows - len(new))
