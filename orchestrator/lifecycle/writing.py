"""A part on its way into the object store, beside the turn: pages go on coming while the disk is busy."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from orchestrator.job.commit import Commit
from orchestrator.results.objects import ObjectStore
from orchestrator.results.parts import Unwritten


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A commit of what was kept up to one moment, and the part that must be written before it."""

    commit: Commit
    part: Unwritten | None

    def written(self, objects: ObjectStore) -> Commit:
        """Write the part and return the commit that names it. Raises ObjectStoreDown."""
        return self.commit if self.part is None else replace(self.commit, part=self.part.write(objects))


class Writing:
    """A snapshot that is being written by the turn's helper thread."""

    def __init__(self, helper: ThreadPoolExecutor, objects: ObjectStore, snapshot: Snapshot) -> None:
        self._future = helper.submit(snapshot.written, objects)

    @property
    def is_written(self) -> bool:
        """Whether the commit need not wait any more."""
        return self._future.done()

    def written(self) -> Commit:
        """Return the commit once its part is safe. Raises what the object store raised."""
        return self._future.result()
