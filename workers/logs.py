"""A worker's log: one line an event, its facts behind it as `name=value`."""

import logging

TOLD_BY_FLOWER = ("celery.app.trace", "celery.worker.strategy", "kombu")  # each task: received, succeeded
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class EventFormatter(logging.Formatter):
    """Writes what `extra` holds; an event's name alone says little."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        """Return the line with its facts."""
        facts = (f"{name}={value}" for name, value in vars(record).items() if name not in STANDARD)
        return " ".join((super().formatMessage(record), *facts))


def write_log(level: int) -> None:
    """Write everything of this level and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(EventFormatter())
    logging.basicConfig(level=level, handlers=[handler])
    for name in TOLD_BY_FLOWER:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
