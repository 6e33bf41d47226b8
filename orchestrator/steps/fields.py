"""Fields: which names of the user's file the vendor knows, asked once for each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.job.errors import Invalid
from orchestrator.providers.provider import Upload

MOST_REFUSED = 1_000  # names held; a file may have a new one in each row
READ_ONLY = "read_only_field"  # code: a column may be there as long as it is empty


class Fields:
    """What is known of the fields of an upload's rows; `known` is to be kept from turn to turn."""

    def __init__(self, sink: Upload, known: Mapping[str, str]) -> None:
        """`known`: the vendor's spelling of names that were asked for in earlier turns."""
        self.known = dict(known)
        self._sink = sink
        self._fine = {name for name, spelling in known.items() if name == spelling}  # as they are
        self._refused: dict[str, Invalid] = {}
        self._is_indifferent = False  # the vendor looks into no name

    def check_header(self, header: Mapping[str, Any]) -> None:
        """Raise Invalid where no row of a file with these columns could be taken; may cost one call."""
        names = self._sink.check_header(header)
        self._study(names)
        wrong = [self._refused[name] for name in names if name in self._refused]
        unknown = [error for error in wrong if error.code != READ_ONLY]
        if unknown:
            raise _all_of(unknown)

    def spelled(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the record with the vendor's own names; raises Invalid. A name that was never seen costs one call."""
        if self._is_indifferent or record.keys() <= self._fine:
            return record
        self._study([name for name in record if name not in self.known])
        for name in record:
            if name in self._refused:
                raise self._refused[name]
        return {self.known.get(name, name): value for name, value in record.items()}

    def _study(self, names: Iterable[str]) -> None:
        if len(self._refused) > MOST_REFUSED:
            self._refused.clear()
        new = [name for name in names if name not in self.known and name not in self._refused]
        answers = self._sink.study(new) if new else {}
        self._is_indifferent = bool(new) and not answers
        for name, answer in answers.items():
            if isinstance(answer, Invalid):
                self._refused[name] = answer
            else:
                self.known[name] = answer
                if answer == name:
                    self._fine.add(name)


def _all_of(errors: Sequence[Invalid]) -> Invalid:
    first, *others = errors
    if not others:
        return first
    advice = " ".join((first.advice, *(str(each) for each in others))).strip()
    return Invalid(first.field, first.problem, advice, code=first.code)
