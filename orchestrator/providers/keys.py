"""Keys of records, by which a list is walked: each must lie above the one before it, or rows are lost or doubled."""

from collections.abc import Callable, Sequence
from operator import lt
from typing import Any

import msgspec

from orchestrator.job.errors import Misbehaved
from orchestrator.providers.shape import Raws

Key = int | str

SMALL_PAGE = 500  # records; up to this the trip costs far more than reading every key
CHECKED = 10  # large pages of a turn that are read in full
ONE_IN = 10  # … and afterwards


class Keys:
    """Reads and checks one field as the key of records; whole numbers rise, texts only differ.

    Texts are not compared by size: the vendor's order of letters need not be ours.
    """

    def __init__(self, provider: str, name: str) -> None:
        self._provider = provider
        self._name = name
        self._pages = 0
        self._number = _reader(int, name)
        self._any = _reader(int | str, name)

    def of(self, record: msgspec.Raw) -> Key:
        """Return the key of one record; raises Misbehaved where there is none."""
        try:
            key: Key = self._any(record).key
        except msgspec.MsgspecError as error:
            raise Misbehaved(self._provider, f"a record without a usable {self._name}: {error}") from None
        return int(key) if isinstance(key, str) and key.isascii() and key.isdigit() else key

    def advance(self, last: Key, after: Key | None) -> Key:
        """Return `last`; raises Misbehaved where it does not lie beyond `after`, the last key of the page before."""
        if after is not None and not _is_beyond(last, after):
            raise Misbehaved(self._provider, f"a page whose last {self._name} {last} is not beyond {after}")
        return last

    def check(self, records: Raws, after: Key | None) -> None:
        """Raise Misbehaved unless the keys rise strictly from `after` on.

        Parses every record's key; of large pages only the first ones in full and then one in ten, because that costs as
        much as everything else together, and a list is ordered or it is not. Ends are compared on every page.
        """
        self._pages += 1
        if len(records) > SMALL_PAGE and self._pages > CHECKED and self._pages % ONE_IN:
            records = (records[0], records[-1])
        keys = self._numbers(records) or [self.of(record) for record in records]
        if not _rise(keys if after is None else [after, *keys]):
            raise Misbehaved(self._provider, f"a page whose records do not rise by {self._name} from {after}")

    def _numbers(self, records: Raws) -> list[Key] | None:
        read = self._number
        try:
            return [read(record).key for record in records]
        except msgspec.MsgspecError:
            return None


def _reader(kind: Any, name: str) -> Callable[[msgspec.Raw], Any]:
    """Return what reads one field of a record and skips the rest."""
    keyed = msgspec.defstruct("Keyed", [("key", kind)], rename={"key": name}, gc=False)
    decode: Callable[[msgspec.Raw], Any] = msgspec.json.Decoder(keyed).decode
    return decode


def _is_beyond(key: Key, other: Key) -> bool:
    if isinstance(key, int) and isinstance(other, int):
        return key > other
    return key != other


def _rise(keys: Sequence[Key]) -> bool:
    if set(map(type, keys)) == {int}:
        return all(map(lt, keys, keys[1:]))
    return len(set(keys)) == len(keys)
