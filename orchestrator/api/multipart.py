"""multipart/form-data (RFC 7578) as a stream: parts one after another, each read as it arrives."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from orchestrator.api.problems import Refused

LONGEST_HEADER = 8_192  # bytes of one part's headers


@dataclass(kw_only=True)
class Begin:
    """A part begins."""

    name: str
    file_name: str | None
    content_type: str | None


@dataclass(frozen=True, kw_only=True)
class Data:
    """The next bytes of the part."""

    block: bytes


class End:
    """The part ends."""


Sign = Begin | Data | End


class Form:
    """The parts of one body. Raises Refused (422 `malformed_body`) where it is not what its type says."""

    def __init__(self, content_type: str, blocks: Iterable[bytes]) -> None:
        self._signs = _signs(boundary_of(content_type), iter(blocks))

    def next_part(self) -> Begin | None:
        """Go to the next part, past what is left of this one; None: the body is over."""
        for sign in self._signs:
            if isinstance(sign, Begin):
                return sign
        return None

    def body(self) -> Iterator[bytes]:
        """Yield the bytes of the part that `next_part` returned."""
        for sign in self._signs:
            match sign:
                case Data():
                    yield sign.block
                case End():
                    return
                case Begin():
                    raise _malformed("a part has no end")

    def finish(self) -> None:
        """Read to the end of the body. Raises Refused if another part comes, or if the body is cut off."""
        more = self.next_part()
        if more is not None:
            raise Refused("unknown_field", f"the part {more.name[:40]} is not known", field=more.name[:40] or None)

    def small_body(self, largest: int) -> bytes:
        """Return the whole part. Raises Refused (413) if it has more than `largest` bytes."""
        held = bytearray()
        for block in self.body():
            held += block
            if len(held) > largest:
                raise Refused("too_large", f"a part has more than {largest} bytes")
        return bytes(held)


def boundary_of(content_type: str) -> bytes:
    """Return the boundary that the header names. Raises Refused."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 256:
        raise Refused("malformed_body", "Content-Type is not multipart/form-data with a boundary", field="Content-Type")
    return boundary


@dataclass(kw_only=True)
class _Collector:
    """Turns the parser's calls into signs."""

    signs: deque[Sign] = field(default_factory=deque)
    name: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    headers: dict[bytes, bytes] = field(default_factory=dict)
    ended: bool = False

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._grow(self.name, data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._grow(self.value, data[start:end])

    def header_end(self) -> None:
        self.headers[bytes(self.name).lower()] = bytes(self.value)
        self.name.clear()
        self.value.clear()

    def headers_finished(self) -> None:
        self.signs.append(_begin(self.headers))
        self.headers = {}

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self.signs.append(Data(block=bytes(data[start:end])))

    def part_end(self) -> None:
        self.signs.append(End())

    def end(self) -> None:
        self.ended = True

    def _grow(self, held: bytearray, more: bytes) -> None:
        held += more
        if len(held) > LONGEST_HEADER:
            raise _malformed("a part's header is too long")


def _signs(boundary: bytes, blocks: Iterator[bytes]) -> Iterator[Sign]:
    collector = _Collector()
    parser = MultipartParser(
        boundary,
        {
            "on_header_field": collector.header_name,
            "on_header_value": collector.header_value,
            "on_header_end": collector.header_end,
            "on_headers_finished": collector.headers_finished,
            "on_part_data": collector.part_data,
            "on_part_end": collector.part_end,
            "on_end": collector.end,
        },
    )
    for block in blocks:
        try:
            parser.write(block)
        except MultipartParseError as error:
            raise _malformed(str(error)) from None
        while collector.signs:
            yield collector.signs.popleft()
    if not collector.ended:
        raise _malformed("the body ends before its last boundary")


def _begin(headers: dict[bytes, bytes]) -> Begin:
    _, options = parse_options_header(headers.get(b"content-disposition", b""))
    content_type = headers.get(b"content-type")
    return Begin(
        name=_text(options.get(b"name")) or "",
        file_name=_text(options.get(b"filename")),
        content_type=_text(content_type),
    )


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "replace")


def _malformed(what: str) -> Refused:
    return Refused("malformed_body", f"the multipart body cannot be read: {what}", field="body")
