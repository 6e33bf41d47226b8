"""Which format a client wants: the Accept header (RFC 9110, 12.5.1) against what we can give."""

from collections.abc import Iterator, Sequence

from orchestrator.api.criteria import RESULT_FORMATS
from orchestrator.api.problems import Refused
from orchestrator.job.criteria import FileFormat

ANYTHING = "*/*"
LONGEST = 2000  # characters of a header that we read


def wanted_format(accept: str | None, default: FileFormat) -> FileFormat:
    """Return the format that the header prefers; none or `*/*` is the default. Raises Refused (406)."""
    for media_type in _by_preference(accept or ANYTHING):
        if media_type == ANYTHING or media_type in _wildcards(default):
            return default
        if media_type in RESULT_FORMATS and "/" in media_type:
            return RESULT_FORMATS[media_type]
        for other in FileFormat:
            if media_type in _wildcards(other):
                return other
    raise Refused("not_acceptable", "Accept names nothing that the result can be given as", field="Accept")


def accepts(accept: str | None, media_type: str) -> bool:
    """Whether the header asks for this media type by its name."""
    return media_type in list(_by_preference(accept or ""))


def _wildcards(file_format: FileFormat) -> Sequence[str]:
    return (f"{file_format.partition('/')[0]}/*",)


def _by_preference(accept: str) -> Iterator[str]:
    weighed = [_weighed(each) for each in accept[:LONGEST].lower().split(",") if each.strip()]
    ranked = sorted((each for each in weighed if each[0] > 0), key=lambda each: -each[0])
    return (media_type for _, media_type in ranked)


def _weighed(one: str) -> tuple[float, str]:
    media_type, *parameters = (each.strip() for each in one.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return _quality(value), media_type
    return 1.0, media_type


def _quality(value: str) -> float:
    try:
        return min(1.0, max(0.0, float(value)))
    except ValueError:
        return 0.0
