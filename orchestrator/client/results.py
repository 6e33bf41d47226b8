"""Results: records and errors by page, and whole files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.client.calls import Calls, Page, error, told

MEDIA_TYPES: Mapping[str, str] = {"jsonl": "application/jsonl", "json": "application/json", "csv": "text/csv"}


class ResultCalls(Calls):
    """What concerns the rows of a job."""

    def data(self, job_id: int, *, after: int | str = 0, size: int = 200, status: str | None = None) -> Page:
        """Return records with row numbers above `after`, also while the job runs."""
        return self._page(f"/bulk/{job_id}/data", {"id[gt]": after, "pageSize": size, "status": status})

    def errors(self, job_id: int, *, after: int | str = 0, size: int = 200) -> Page:
        """Return why rows, or the job itself, did not go through."""
        return self._page(f"/bulk/{job_id}/errors", {"id[gt]": after, "pageSize": size})

    @contextmanager
    def result(self, job_id: int, *, format: str | None = None, partial: bool = False) -> Iterator[Iterator[bytes]]:
        """Open the result as blocks of bytes; `format` is jsonl, json, csv, or a media type."""
        headers = {"Accept": MEDIA_TYPES.get(format, format) if format else "*/*"}
        params = {"partial": "true"} if partial else {}
        with told(), self._http.stream("GET", f"/bulk/{job_id}", headers=headers, params=params) as answer:
            if not answer.is_success:
                answer.read()
                raise error(answer)
            yield answer.iter_bytes()

    def save_result(self, job_id: int, file: Path, *, format: str | None = None, partial: bool = False) -> int:
        """Write the result to `file` and return its bytes; the file appears whole or not at all."""
        unfinished = file.with_name(file.name + ".part")
        size = 0
        try:
            with self.result(job_id, format=format, partial=partial) as blocks, unfinished.open("wb") as out:
                for block in blocks:
                    size += out.write(block)
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)
        return size
