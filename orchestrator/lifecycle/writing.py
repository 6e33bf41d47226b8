"""A part on its way into the object store, beside the turn: pages go on coming while the disk is busy."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from orchestrator.job.commit import Commit
from orchestrator.results.objects import ObjectStore


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A commit, and the body of its part: what was kept up to one moment."""

    commit: Commit
    body: bytes = field(repr=False)


class Writing:
    """The body is being written in a thread of its own; the commit waits until it is safe."""

    def __init__(self, objects: ObjectStore, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._helper = ThreadPoolExecutor(1, thread_name_prefix="part")
        part = snapshot.commit.part
        self._future = self._helper.submit(objects.put_new, part.object_key, snapshot.body) if part else None

    @property
    def is_written(self) -> bool:
        """Whether the commit need not wait any more."""
        return self._future is None or self._future.done()

    def wait(self) -> None:
        """Return once the body is safe. Raises what the object store raised."""
        self._helper.shutdown(wait=False)
        if self._future is not None:
            self._future.result()

    def give_up(self) -> None:
        """Wait for nothing; an object without a manifest row is swept."""
        self._helper.shutdown(wait=False, cancel_futures=True)
