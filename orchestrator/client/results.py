"""Results: records and errors by page, and whole files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.client.calls import Calls, Page

MEDIA_TYPES: Mapping[str, str] = {"jsonl": "application/jsonl", "json": "application/json", "csv": "text/csv"}


class ResultCalls(Calls):
    """What concerns the rows of a job."""

    def data(self, job_id: int, *, after: int | str = 0, size: int = 200, status: str | None = None) -> Page:
        """Return records with row numbers above `after`, also while the job runs."""
        return self._page(f"/bulk/{job_id}/data", {"id[gt]": after, "pageSize": size, "status": status})

    def errors(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return why rows did not go through, by row number, then why the job itself did not."""
        return self._page(f"/bulk/{job_id}/errors", {"id[gt]": after, "pageSize": size})

    @contextmanager
    def errors_csv(self, job_id: int) -> Iterator[Iterator[bytes]]:
        """Open all rows that did not go through as a CSV of the user's own columns, to be mended and uploaded again."""
        with self._blocks(f"/bulk/{job_id}/errors", accept=MEDIA_TYPES["csv"]) as blocks:
            yield blocks

    def save_errors(self, job_id: int, file: Path) -> int:
        """Write that CSV to `file` and return its bytes; the file appears whole or not at all."""
        with self.errors_csv(job_id) as blocks:
            return _save(blocks, file)

    @contextmanager
    def result(self, job_id: int, *, format: str | None = None, partial: bool = False) -> Iterator[Iterator[bytes]]:
        """Open the result as blocks of bytes; `format` is jsonl, json, csv, or a media type."""
        accept = MEDIA_TYPES.get(format, format) if format else "*/*"
        params = {"partial": "true"} if partial else {}
        with self._blocks(f"/bulk/{job_id}", accept=accept, params=params) as blocks:
            yield blocks

    def save_result(self, job_id: int, file: Path, *, format: str | None = None, partial: bool = False) -> int:
        """Write the result to `file` and return its bytes; the file appears whole or not at all."""
        with self.result(job_id, format=format, partial=partial) as blocks:
            return _save(blocks, file)


def _save(blocks: Iterator[bytes], file: Path) -> int:
    unfinished = file.with_name(file.name + ".part")
    try:
        with unfinished.open("wb") as out:
            size = sum(out.write(block) for block in blocks)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return size
