"""PK chunking: one query becomes many, each between two ids."""

from dataclasses import dataclass

from orchestrator.sandbox.salesforce import ids
from orchestrator.sandbox.salesforce.bulk1.speech import No
from orchestrator.sandbox.salesforce.records import Table
from orchestrator.sandbox.salesforce.soql import Condition, Group, Select

DEFAULT, MOST = 100_000, 250_000
NAMES = ("chunksize", "parent", "startrow")


@dataclass(frozen=True, kw_only=True)
class Chunking:
    """How a query is split."""

    size: int = DEFAULT
    start: str = ""  # fifteen characters; the first piece begins there

    def suits(self, select: Select) -> bool:
        """Whether a query is split; others run whole, silently."""
        return not select.order and select.limit is None and not _names_id(select.where)


def asked(header: str | None) -> Chunking | None:
    """Return what `Sforce-Enable-PKChunking` says: TRUE, FALSE, or `chunkSize=50000; parent=Account; startRow=001…`."""
    text = (header or "").strip().rstrip(";")
    if text.lower() in ("", "false"):
        return None
    if text.lower() == "true":
        return Chunking()
    pairs = dict(_pair(piece) for piece in text.split(";"))
    size = pairs.get("chunksize", str(DEFAULT))
    start = pairs.get("startrow")
    if not size.isdigit() or not 1 <= int(size) <= MOST:
        raise No("InvalidJob", f"PK chunking size must be between 1 and {MOST}: {size}")
    if start is not None and ids.key_of(start) is None:
        raise No("InvalidJob", f"PK chunking start row is no id: {start}")
    return Chunking(size=int(size), start=(start or "")[: ids.SHORT])


def _pair(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    if name.strip().lower() not in NAMES or not value.strip():
        raise No("InvalidJob", f"PK chunking header could not be read: {piece}")
    return name.strip().lower(), value.strip()


def bounds(table: Table, chunking: Chunking) -> list[str]:
    """Return where the pieces begin, and behind the last of them; deleted records count as others do."""
    keys = sorted(key for key in (*table.rows, *table.bin) if key >= chunking.start)
    last = ids.short(table.thing.prefix, len(table.rows) + len(table.bin) + 1)
    first = chunking.start or (keys[0] if keys else last)
    return [first, *keys[chunking.size :: chunking.size], max(last, first)]


def _names_id(condition: Condition | None) -> bool:
    match condition:
        case None:
            return False
        case Group(parts=parts):
            return any(_names_id(part) for part in parts)
        case _:
            return condition.path.lower().rpartition(".")[2] == "id"
