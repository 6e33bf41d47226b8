"""The words of schedules: what happens when a start meets one that still runs, and when starts were missed."""

from enum import StrEnum


class Overlap(StrEnum):
    """What a start does while a job of the schedule has not ended."""

    SKIP = "skip"
    QUEUE = "queue"  # it starts when that one has ended
    CANCEL = "cancel"  # it takes that one's place


class CatchUp(StrEnum):
    """What becomes of the times that nobody saw, because nothing ran then."""

    SKIP = "skip"  # they are missed
    ONE = "one"  # one job stands for all of them
    ALL = "all"  # each has its job, one after the other


class FireState(StrEnum):
    """What came of a time of a schedule."""

    STARTED = "started"
    QUEUED = "queued"  # waits for the end of the job before
    SKIPPED = "skipped"  # the job before had not ended
    MISSED = "missed"  # nothing ran at that time
    REFUSED = "refused"  # its job could not be submitted
