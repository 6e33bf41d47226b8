"""The one thing that can be wrong with a filter: its text."""

from orchestrator.job.errors import Invalid

CODE = "invalid_filter"


class BadFilter(Invalid):
    """A `where` that cannot be read. `position` counts characters from 1, None: the whole; `advice` says what to do."""

    def __init__(self, problem: str, position: int | None = None, advice: str = "") -> None:
        place = "" if position is None else f" at character {position}"
        super().__init__("where", problem + place, advice, code=CODE)
        self.position = position
