"""What can go wrong with objects: an outage is tried again, a missing or damaged object is told to a person."""

from orchestrator.job.errors import OrchestratorError, Retry


class ObjectStoreDown(OrchestratorError):
    """The object store gave no usable answer: unreachable, full, or it refuses our credentials."""

    retry = Retry.SOON
    code = "object_store_down"

    def __init__(self, key: str, cause: str) -> None:
        super().__init__(f"the object store did not serve {key}: {cause}")
        self.key = key
        self.cause = cause


class ObjectExists(OrchestratorError):
    """The key is taken by other bytes; nothing was written (I3)."""

    code = "object_exists"

    def __init__(self, key: str) -> None:
        super().__init__(f"object {key} exists already")
        self.key = key


class ObjectMissing(OrchestratorError):
    """There is no object under the key."""

    code = "object_missing"

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no object {key}")
        self.key = key


class Damaged(OrchestratorError):
    """A stored object is not what the manifest says."""

    code = "object_damaged"

    def __init__(self, key: str, what: str) -> None:
        super().__init__(f"object {key} is damaged: {what}")
        self.key = key
        self.what = what
