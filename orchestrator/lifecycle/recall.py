"""What earlier jobs of a chain delivered, read from their results; kept for the turns of one job after another."""

import logging

from orchestrator.job.chunk import Stream
from orchestrator.job.criteria import DownloadCriteria
from orchestrator.job.record import Job
from orchestrator.results.delivered import RowReader, Versions
from orchestrator.results.errors import Damaged, ObjectMissing
from orchestrator.results.manifest import read_part
from orchestrator.results.objects import ObjectStore
from orchestrator.results.tables import divided, is_table
from orchestrator.store.store import Store

log = logging.getLogger(__name__)


class Recall:
    """Remembers the deliveries that the last job had to know; for many threads."""

    def __init__(self, store: Store, objects: ObjectStore) -> None:
        self._store = store
        self._objects = objects
        self._last: tuple[int, Versions] | None = None

    def of(self, job: Job) -> Versions:
        """Return how the records that the job's criteria let it know were delivered last. Raises ObjectStoreDown."""
        held = self._last
        if held is None or held[0] != job.id:
            self._last = held = (job.id, self._read(job))
        return held[1]

    def _read(self, job: Job) -> Versions:
        criteria = job.criteria
        assert isinstance(criteria, DownloadCriteria)
        assert criteria.id_field is not None
        reader, versions = RowReader(criteria.id_field), dict[str, bytes]()
        for earlier in reversed(criteria.known):
            try:
                self._add(versions, reader, earlier)
            except (Damaged, ObjectMissing) as error:  # its records come once more: better twice than never
                log.warning("overlap.unreadable", extra={"job": job.id, "cause": str(error)})
        return versions

    def _add(self, versions: dict[str, bytes], reader: RowReader, job_id: int) -> None:
        for part in self._store.parts.of_job(job_id, Stream.RECORDS):
            body = read_part(self._objects, part)
            header, rows = divided(body) if is_table(part) else (None, body)
            versions.update(reader.versions(bytes(rows), header))
