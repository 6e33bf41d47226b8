"""Bodies that refuse what they do not know: by name, with the nearest known one suggested."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, ClassVar, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, ModelWrapValidatorHandler, PrivateAttr, model_validator
from pydantic.alias_generators import to_camel

from orchestrator.job.errors import Invalid

DEEPEST = 32  # levels; a criteria body has three
UNUSABLE = re.compile("[\x00\ud800-\udfff]")


class Strict(BaseModel):
    """A body in camelCase. Raises Invalid for unknown fields, for fields of later versions, and for unusable text."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, hide_input_in_errors=True)
    LATER: ClassVar[frozenset[str]] = frozenset()  # fields of the contract that are not built yet
    _sent: Mapping[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def sent(self) -> Mapping[str, Any]:
        """The body exactly as it came."""
        return self._sent

    @model_validator(mode="wrap")
    @classmethod
    def _checked(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping):
            return handler(data)
        refuse_unknown(data, known=cls.known(), later=cls.LATER)
        refuse_unusable_text("", data)
        model = handler(data)
        model._sent = data
        return model

    @classmethod
    def known(cls) -> frozenset[str]:
        """The names that a body may use."""
        names: set[str] = set()
        for name, info in cls.model_fields.items():
            match info.validation_alias:
                case AliasChoices(choices=choices):
                    names.update(str(each) for each in choices)
                case str() as alias:
                    names.add(alias)
                case _:
                    names.add(name)
        return frozenset(names)


def refuse_unknown(names: Iterable[str], *, known: frozenset[str], later: frozenset[str] = frozenset()) -> None:
    """Raise Invalid for the first name that is not known, or not built yet."""
    for name in names:
        if name in later:
            raise Invalid(name, "is part of the contract, but not built yet", code="not_available_yet")
        if name not in known:
            raise Invalid(name, "is not a known field", suggestion(name, known | later), code="unknown_field")


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return advice that names the nearest known word, or all of them."""
    by_lower = {each.lower(): each for each in sorted(known)}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {by_lower[near[0]]}?"
    return f"Known here: {', '.join(by_lower.values())}."


def refuse_unusable_text(path: str, value: Any, depth: int = 0) -> None:
    """Raise Invalid for text that no database stores (NUL, half a surrogate pair), and for bodies nested too deep."""
    field = path or "body"
    if depth > DEEPEST:
        raise Invalid(field.split(".")[0], f"is nested deeper than {DEEPEST} levels")
    match value:
        case str():
            _refuse_text(field, value)
        case Mapping():
            for key, inner in value.items():
                _refuse_text(field, str(key))
                refuse_unusable_text(f"{path}.{key}" if path else str(key), inner, depth + 1)
        case list():
            for index, inner in enumerate(value):
                refuse_unusable_text(f"{field}.{index}", inner, depth + 1)
        case _:
            return


def _refuse_text(field: str, text: str) -> None:
    if UNUSABLE.search(text):
        raise Invalid(field, "holds a NUL character or half a surrogate pair", "Send plain Unicode text.")
