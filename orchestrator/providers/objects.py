"""Finding the object that a user means: by name, label or plural, whatever the case."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from orchestrator.job.errors import Invalid
from orchestrator.providers.schema import ObjectType

NEAREST = 3  # names offered where none fits; more is a list nobody reads


def resolve(objects: Sequence[ObjectType], wanted: str) -> ObjectType:
    """Return the object called `wanted`; an exact name wins over a label, a label over a plural.

    Case, spaces, hyphens and underscores do not count. Raises Invalid (`objectName`, code `unknown_object`) with the
    nearest names.
    """
    sought = _plain(wanted)
    for spelling in ("name", "label", "plural"):
        for each in objects:
            if _plain(getattr(each, spelling)) == sought:
                return each
    raise Invalid("objectName", f"there is no object {wanted!r}", _advice(objects, sought), code="unknown_object")


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _advice(objects: Sequence[ObjectType], sought: str) -> str:
    spellings = {spelling: each.name for each in objects for spelling in _spellings(each)}
    nearest = get_close_matches(sought, spellings, n=NEAREST * 3, cutoff=0.5)
    names = list(_unique(spellings[spelling] for spelling in nearest))[:NEAREST]
    if names:
        return f"The nearest are {', '.join(names)}"
    return f"Known are {', '.join(sorted(each.name for each in objects)[:20])}" if objects else ""


def _spellings(each: ObjectType) -> Iterator[str]:
    yield from (_plain(each.name), _plain(each.label), _plain(each.plural))


def _unique(names: Iterable[str]) -> Iterator[str]:
    yield from dict.fromkeys(names)
