"""What a vendor can tell of an upload's columns before a vendor job is spent on it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from orchestrator.job.errors import Invalid


class Columns(Protocol):
    """The columns of an upload, as far as the vendor says what may be in them."""

    def check_header(self, header: Mapping[str, Any]) -> Sequence[str]:
        """Return the fields that rows with these columns (mapped; values do not count) send, for `study`. No call.

        Raises Invalid where no such row could be taken.
        """
        ...

    def study(self, names: Sequence[str]) -> Mapping[str, str | Invalid]:
        """Return for each field of shaped records the vendor's spelling, or why no row may have it; few calls or none.

        Names that are left out are not looked into. Raises Invalid where no row could be taken at all.
        """
        ...
